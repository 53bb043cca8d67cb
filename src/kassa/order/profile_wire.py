"""The shop's profile over the wire: what is sent and what is answered."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.languages import LANGUAGES
from kassa.kit.lists import documented
from kassa.kit.text import LINES, LONGEST_SHOP_NAME, ONE_LINE, SHOP_NAME
from kassa.order.profile import ORDER_BUTTONS, Link, Profile, Texts

LONGEST_LABEL = 40
LONGEST_ADDRESS = 500
LONGEST_FOOTER = 500
LONGEST_LEGAL, LONGEST_PARAGRAPH = 40_000, 5_000
"""What a paragraph costs may grow with the square of its length: all of it is searched for what belongs together."""
MOST_LINKS = 8
COLOUR = "^#[0-9A-Fa-f]{6}$"
ADDRESS = r"^(?:https://[^\s/\\\x00-\x1f]|/(?:$|[^\s/\\\x00-\x1f]))[^\s\x00-\x1f\x7f]*$"
"""A page or a picture of this site, or one over https."""

_Address = Annotated[
    str,
    documented(
        "Begins with `https://`, or with `/`: on this site",
        maxLength=LONGEST_ADDRESS,
        pattern=ADDRESS,
        examples=["https://shop.example/logo.svg"],
    ),
]
_Colour = Annotated[str, documented("Red, green and blue", pattern=COLOUR, maxLength=7, examples=["#0b5d52"])]
_Language = Annotated[str, documented("One that all texts of pages and mails are there in", enum=list(LANGUAGES))]
_Legal = Annotated[
    str,
    documented(
        "Lines; of Markdown (CommonMark) headings, lists, quotes, emphasis and links mean something, HTML nothing. "
        f"Paragraphs have at most {LONGEST_PARAGRAPH} characters. Empty: no such page",
        maxLength=LONGEST_LEGAL,
        pattern=LINES,
    ),
]


class LinkIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A link at the foot of all pages."""

    label: Annotated[str, documented("What it says", minLength=1, maxLength=LONGEST_LABEL, pattern=ONE_LINE)]
    address: _Address


class TextsIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the shop says in one language. What is missing is shown in the shop's first language that has it."""

    language: _Language
    footer: Annotated[
        str, documented("At the foot of all pages and mails", maxLength=LONGEST_FOOTER, pattern=LINES)
    ] = ""
    links: Annotated[list[LinkIn], documented("At the foot of all pages", maxItems=MOST_LINKS)] = []
    imprint: _Legal = ""
    terms: _Legal = ""
    privacy: _Legal = ""
    returns: _Legal = ""


class ShopProfileIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What the shop is known by, all of it: what is left out is not there any more. Of the accent colours one is
    enough: the other one is chosen so that it can be read. `orderButton` is what the button that orders says:
    `order_and_pay` also what it comes to, `obligation` the words of the law, `buy_now` that it buys."""

    name: (
        Annotated[
            str, documented("null: the setting SHOP_NAME", minLength=1, maxLength=LONGEST_SHOP_NAME, pattern=SHOP_NAME)
        ]
        | None
    ) = None
    logo: _Address | None = None
    logo_dark: Annotated[_Address | None, Meta(description="For dark backgrounds; null: the same one")] = None
    accent_light: Annotated[_Colour | None, Meta(description="Of links and buttons on light pages")] = None
    accent_dark: Annotated[_Colour | None, Meta(description="Of links and buttons on dark pages")] = None
    order_button: Annotated[str, documented("What the button that orders says", enum=list(ORDER_BUTTONS))] = (
        ORDER_BUTTONS[0]
    )
    languages: Annotated[
        list[_Language],
        documented(
            "Those that the shop is shown in, the first one to whoever speaks none of them",
            minItems=1,
            maxItems=len(LANGUAGES),
            uniqueItems=True,
        ),
    ] = msgspec.field(default_factory=lambda: list(LANGUAGES))
    texts: Annotated[list[TextsIn], documented("One for each language", maxItems=len(LANGUAGES))] = []
    expected_updated_at: (
        Annotated[datetime, Meta(tz=True, description="The `updatedAt` that was read: refused if it was changed since")]
        | None
    ) = None


class TextsOut(msgspec.Struct, frozen=True):
    """See TextsIn."""

    language: str
    footer: str
    links: tuple[Link, ...]
    imprint: str
    terms: str
    privacy: str
    returns: str


class ShopProfileOut(msgspec.Struct, frozen=True, rename="camel"):
    """What the shop is known by. `updatedAt` is null where nothing was set yet."""

    name: str
    logo: str | None
    logo_dark: str | None
    accent_light: str | None
    accent_dark: str | None
    order_button: str
    languages: tuple[str, ...]
    texts: list[TextsOut]
    updated_at: Timestamp | None


class ShopProfileAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What the shop is known by."""

    shop_profile: ShopProfileOut


def profile_shown(profile: Profile, set_name: str) -> ShopProfileOut:
    """The profile, as the wire shows it; `set_name` is the setting."""
    return ShopProfileOut(
        name=profile.name or set_name,
        logo=profile.logo or None,
        logo_dark=profile.logo_dark or None,
        accent_light=profile.accent_light or None,
        accent_dark=profile.accent_dark or None,
        order_button=profile.order_button,
        languages=profile.languages,
        texts=[_texts(each) for each in profile.texts],
        updated_at=rfc3339(profile.updated_at) if profile.updated_at else None,
    )


def _texts(texts: Texts) -> TextsOut:
    return TextsOut(texts.language, texts.footer, texts.links, texts.imprint, texts.terms, texts.privacy, texts.returns)
