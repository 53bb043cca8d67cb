"""What pages make of the shop's profile: its looks, its foot, its legal pages, its languages."""

import asyncio
import hashlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from kassa.kit.colour import DARK, LIGHT, Scheme, mixed, tint
from kassa.pages.client import ApiProblem, ShopClient
from kassa.pages.language import later
from kassa.pages.profile_models import Link, OneProfile, Profile

LEGAL = {
    "imprint": later("Legal notice"),
    "terms": later("Terms and conditions"),
    "privacy": later("Privacy policy"),
    "returns": later("Returns and withdrawal"),
}
"""The legal pages by their addresses, with their titles."""
ORDER_BUTTONS = {
    "order_and_pay": later("Order and pay %(amount)s"),
    "obligation": later("Order with obligation to pay"),
    "buy_now": later("Buy now"),
}
_OWN_ACCENT = "#0b5d52"
_HOVER = 0.2
_COLOUR = re.compile("#[0-9A-Fa-f]{6}")


class File(NamedTuple):
    """A file that is made of the profile, and what names it as long as it does not change."""

    content: str
    digest: str


class Brand:
    """The profile as it was known some seconds ago; while it cannot be had, what was known before."""

    KEPT_FOR = 10.0
    _PATIENCE = 2.0

    def __init__(self) -> None:
        self._until = 0.0
        self._asking = asyncio.Lock()
        self.know(Profile())

    def know(self, profile: Profile) -> None:
        """Show this from now on."""
        self.profile = profile
        self.files = {"brand.css": _file(_style(profile)), "icon.svg": _file(_icon(profile))}

    async def refresh(self, client: Callable[[], ShopClient]) -> None:
        """Ask again, if that is some seconds ago. A page waits for it, but not for long."""
        if asyncio.get_running_loop().time() < self._until:
            return
        async with self._asking:
            if asyncio.get_running_loop().time() < self._until:
                return
            try:
                async with asyncio.timeout(self._PATIENCE):
                    self.know((await client().get("/shop-profile", OneProfile)).shop_profile)
            except (ApiProblem, TimeoutError):
                pass
            self._until = asyncio.get_running_loop().time() + self.KEPT_FOR

    def address(self, name: str) -> str:
        """That of a file that browsers may keep; empty if there is nothing in it."""
        file = self.files[name]
        return f"/shop/brand/{name}?v={file.digest}" if file.content else ""

    def text(self, name: str, language: str) -> tuple[str, str]:
        """A text of this name, and its language: this one, or the first of the shop's in which it is there."""
        known = {each.language: getattr(each, name) for each in self.profile.texts}
        found = next((each for each in (language, *self.profile.languages) if known.get(each)), language)
        return known.get(found, ""), found

    def links(self, language: str) -> tuple[Link, ...]:
        """Those at the foot."""
        known = {each.language: each.links for each in self.profile.texts}
        return next((known[each] for each in (language, *self.profile.languages) if known.get(each)), ())

    def legal(self, language: str) -> dict[str, str]:
        """The legal pages that there are, with their titles."""
        return {page: title for page, title in LEGAL.items() if self.text(page, language)[0]}

    @property
    def order_words(self) -> str:
        """What the button that orders says."""
        return ORDER_BUTTONS.get(self.profile.order_button, ORDER_BUTTONS["order_and_pay"])


class Preview(NamedTuple):
    """A colour on a page, and what is written on it."""

    page: str
    accent: str
    on_accent: str


def preview(accent: str, *, is_dark: bool = False) -> Preview | None:
    """How a colour looks; None, if it is none."""
    scheme = DARK if is_dark else LIGHT
    return Preview(scheme.backgrounds[0], accent, scheme.on_accent) if _COLOUR.fullmatch(accent) else None


def _file(content: str) -> File:
    return File(content, hashlib.sha256(content.encode()).hexdigest()[:12])


def _style(profile: Profile) -> str:
    if profile.accent_light is None or profile.accent_dark is None:
        return ""
    light, dark = _colours(profile.accent_light, LIGHT), _colours(profile.accent_dark, DARK)
    return f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def _colours(accent: str, scheme: Scheme) -> str:
    values: dict[str, Any] = {
        "accent": accent,
        "accent-deep": mixed(accent, scheme.furthest, _HOVER),
        "on-accent": scheme.on_accent,
        "tint": tint(accent, scheme),
    }
    return "".join(f"--{name}:{value};" for name, value in values.items())


def _icon(profile: Profile) -> str:
    """The shop's initial on its colour; nothing where the shop has said neither name nor colour."""
    if profile.updated_at is None:
        return ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        f'<rect width="64" height="64" rx="14" fill="{profile.accent_light or _OWN_ACCENT}"/>'
        '<text x="32" y="46" text-anchor="middle" font-family="system-ui,sans-serif" font-size="40" font-weight="700" '
        f'fill="#fff">{escape(profile.name[:1].upper())}</text></svg>\n'
    )
