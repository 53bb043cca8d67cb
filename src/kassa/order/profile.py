"""The shop's profile: what it calls itself, what it looks like, in which languages, and what the law has it say. Pure.

All of it is one document, so that it is changed as a whole.
"""

import msgspec

from kassa.kit.audit import AuditEntry
from kassa.kit.clock import Millis
from kassa.kit.documents import Document
from kassa.kit.languages import LANGUAGES

ID = "profile"
LEGAL = ("imprint", "terms", "privacy", "returns")
"""The pages that the law wants of a shop, or lets it have."""
ORDER_BUTTONS = ("order_and_pay", "obligation", "buy_now")
"""What the button that orders says. No words of the shop's own: a buyer whose button does not say that paying follows
is not bound by the order (Directive 2011/83/EU, Art. 8(2); § 312j (3) and (4) BGB)."""


class Link(msgspec.Struct, frozen=True):
    """A link at the foot of all pages."""

    label: str
    address: str


class Texts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the shop says in one language. `footer` is at the foot of all pages and mails; the others are pages."""

    language: str
    footer: str = ""
    links: tuple[Link, ...] = ()
    imprint: str = ""
    terms: str = ""
    privacy: str = ""
    returns: str = ""


class Profile(Document, frozen=True, kw_only=True):
    """What a shop is known by. What is empty is Kassa's own, or not there. `languages`: those that the shop is shown
    in, the first one to whoever speaks none of them."""

    name: str = ""
    logo: str = ""
    logo_dark: str = ""
    accent_light: str = ""
    accent_dark: str = ""
    order_button: str = ORDER_BUTTONS[0]
    languages: tuple[str, ...] = LANGUAGES
    texts: tuple[Texts, ...] = ()
    updated_at: Millis = 0
    audit: tuple[AuditEntry, ...] = ()


NOTHING_SET = Profile(id=ID)


def footer_of(profile: Profile, language: str) -> str:
    """What stands at the foot in this language; if there is nothing, in the shop's first one that there is something
    in."""
    wanted = (language, *profile.languages)
    known = {each.language: each.footer for each in profile.texts}
    return next((known[each] for each in wanted if known.get(each)), "")
