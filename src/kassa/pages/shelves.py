"""What pages of the storefront show of the catalogue beside what was asked for, kept a minute."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from kassa.pages.catalogue_models import Facets, Product, Products
from kassa.pages.client import ApiProblem, ShopClient
from kassa.pages.narrowing import nearest, tree
from kassa.pages.selling_models import OneSelling, Selling

T = TypeVar("T")

MOST_RELATED = 4
_MOST_TILES = 8
_MOST_KEPT = 500


class Tile(NamedTuple):
    """A category at the top, and a product of it whose picture stands for it."""

    name: str
    product: Product


class Shelves:
    """Answers of the API that are the same for everybody. They are a convenience: what cannot be had is left out."""

    _KEPT_FOR = 60.0

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], tuple[float, Any]] = {}

    async def facets(self, api: ShopClient, narrowed: Mapping[str, Any]) -> Facets:
        """What a list can be narrowed by."""
        return await self._get(api, "/products/facets", Facets, narrowed) or Facets()

    async def tiles(self, api: ShopClient) -> list[Tile]:
        """The categories at the top, if there is a choice."""
        branches = nearest(tree((await self.facets(api, {})).categories), "")[:_MOST_TILES]
        if len(branches) < 2:
            return []
        asked = [{"within": each.name, "collapse": "family", "limit": 1} for each in branches]
        first = await asyncio.gather(*(self._get(api, "/products", Products, each) for each in asked))
        found = zip(branches, first, strict=True)
        return [Tile(branch.name, each.products[0]) for branch, each in found if each is not None and each.products]

    async def related(self, api: ShopClient, product: Product) -> list[Product]:
        """The newest others of the product's category."""
        if not product.category:
            return []
        asked = {"category": product.category, "collapse": "family", "limit": MOST_RELATED + 1}
        found = await self._get(api, "/products", Products, asked)
        family = product.family.id if product.family else None
        others = [
            each
            for each in (found.products if found else ())
            if each.id != product.id and (family is None or each.family is None or each.family.id != family)
        ]
        return others[:MOST_RELATED]

    async def selling(self, api: ShopClient) -> Selling | None:
        """How the shop sells."""
        found = await self._get(api, "/selling", OneSelling, {})
        return found.selling if found else None

    async def _get(self, api: ShopClient, path: str, kind: type[T], asked: Mapping[str, Any]) -> T | None:
        key = (path, *((name, str(value)) for name, value in asked.items() if value))
        now = asyncio.get_running_loop().time()
        until, answer = self._kept.get(key, (0.0, None))
        if now >= until:
            try:
                answer = await api.get(path, kind, dict(asked))
            except ApiProblem:
                return None
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = (now + self._KEPT_FOR, answer)
        return answer  # type: ignore[no-any-return]


KnownShelves: TypeAlias = NamedDependency[SkipValidation[Shelves]]
