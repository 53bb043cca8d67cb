"""Where the shop sends to, as the checkout and the pages of orders know it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeAlias
from unicodedata import normalize

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec.structs import replace

from kassa.pages.client import ApiProblem, ShopClient
from kassa.pages.language import spoken
from kassa.pages.selling_models import Country, Destinations, OneSelling, Selling


class KnownDestinations:
    """Where the shop sends to, kept as long as how it sells is not changed."""

    def __init__(self) -> None:
        self._known: tuple[Country, ...] = ()
        self._as_of: datetime | None = None
        self._named: dict[str, tuple[Country, ...]] = {}

    async def read(self, api: ShopClient) -> tuple[Selling, tuple[Country, ...]]:
        """How the shop sells, and the countries by name."""
        selling = (await api.get("/selling", OneSelling)).selling
        if not self._known or selling.updated_at != self._as_of:
            found = (await api.get("/selling/destinations", Destinations)).countries
            self._known, self._as_of, self._named = tuple(found), selling.updated_at, {}
        return selling, self._in_their_language()

    async def names(self, api: ShopClient) -> Callable[[str], str]:
        """What countries are called; those that are not known just now by their codes."""
        if not self._known:
            with suppress(ApiProblem):
                await self.read(api)
        return self._name

    def _name(self, code: str) -> str:
        return next((each.name for each in self._in_their_language() if each.code == code), code)

    def _in_their_language(self) -> tuple[Country, ...]:
        """The countries by the names that this visitor has for them, in the order of these."""
        language = spoken()
        if language.tag not in self._named:
            named = (replace(each, name=language.formats.country(each.code)) for each in self._known)
            self._named[language.tag] = tuple(sorted(named, key=lambda each: normalize("NFKD", each.name)))
        return self._named[language.tag]


KnowingDestinations: TypeAlias = NamedDependency[SkipValidation[KnownDestinations]]
