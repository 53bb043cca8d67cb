"""What of some products can be bought now."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from kassa.contracts.inventory import Inventory
from kassa.contracts.product import Product

AT_ONCE = 100


class Goods(NamedTuple):
    """A product on sale, and how many pieces of it there are."""

    name: str
    pieces: int


class Shelf:
    """Asks the catalogue and the stock."""

    def __init__(self, product: Product, inventory: Inventory) -> None:
        self._product = product
        self._inventory = inventory

    async def look(self, ids: Sequence[str]) -> dict[str, Goods]:
        """Those of the products that are on sale. Unavailable if that cannot be told now."""
        found: dict[str, Goods] = {}
        for first in range(0, len(ids), AT_ONCE):
            some = list(ids[first : first + AT_ONCE])
            on_sale, levels = await asyncio.gather(self._product.snapshot(some), self._inventory.levels(some))
            pieces = {level.product_id: level.available for level in levels}
            found.update((each.id, Goods(each.name, pieces.get(each.id, 0))) for each in on_sale)
        return found
