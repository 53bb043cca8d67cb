"""The shop's profile, as the API answers it."""

from datetime import datetime

import msgspec

from kassa.kit.languages import LANGUAGES


class Link(msgspec.Struct, frozen=True):
    label: str
    address: str


class Texts(msgspec.Struct, frozen=True):
    """What the shop says in one language."""

    language: str
    footer: str = ""
    links: tuple[Link, ...] = ()
    imprint: str = ""
    terms: str = ""
    privacy: str = ""
    returns: str = ""


class Profile(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    logo: str | None = None
    logo_dark: str | None = None
    accent_light: str | None = None
    accent_dark: str | None = None
    order_button: str = "order_and_pay"
    languages: tuple[str, ...] = LANGUAGES
    texts: tuple[Texts, ...] = ()
    updated_at: datetime | None = None


class OneProfile(msgspec.Struct, frozen=True, rename="camel"):
    shop_profile: Profile
