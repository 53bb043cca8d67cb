"""Where the shop sends to, as the checkout and the pages of orders know it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from kassa.pages.client import ApiProblem, ShopClient
from kassa.pages.selling_models import Country, Destinations, OneSelling, Selling


class KnownDestinations:
    """Where the shop sends to, kept as long as how it sells is not changed."""

    def __init__(self) -> None:
        self._known: tuple[Country, ...] = ()
        self._as_of: datetime | None = None

    async def read(self, api: ShopClient) -> tuple[Selling, tuple[Country, ...]]:
        """How the shop sells, and the countries by name."""
        selling = (await api.get("/selling", OneSelling)).selling
        if not self._known or selling.updated_at != self._as_of:
            found = (await api.get("/selling/destinations", Destinations)).countries
            self._known, self._as_of = tuple(sorted(found, key=lambda each: each.name)), selling.updated_at
        return selling, self._known

    async def names(self, api: ShopClient) -> Callable[[str], str]:
        """What countries are called; those that are not known just now by their codes."""
        if not self._known:
            with suppress(ApiProblem):
                await self.read(api)
        return self._name

    def _name(self, code: str) -> str:
        return next((each.name for each in self._known if each.code == code), code)


KnowingDestinations: TypeAlias = NamedDependency[SkipValidation[KnownDestinations]]
