"""What follows from changes of products: each effect is carried out until it is done, and twice without harm."""

from contextlib import suppress

from kassa.contracts.inventory import Inventory, StockExists
from kassa.kit.documents import Collection, Duplicate
from kassa.kit.effects import Effect
from kassa.product.domain import Product
from kassa.product.prices import PriceChange, entry_of


class ProductEffects:
    """Carries out what products want of the stock and of the price history."""

    def __init__(self, inventory: Inventory, prices: Collection[PriceChange]) -> None:
        self._inventory = inventory
        self._prices = prices

    async def open_stock(self, product: Product, effect: Effect) -> None:
        """Give a new product its first stock."""
        try:
            await self._inventory.open_stock(effect.id, product.id, int(effect.args["quantity"]))
        except StockExists:
            return  # Somebody initialised it by hand meanwhile: that one counts.

    async def enter_price(self, product: Product, effect: Effect) -> None:
        """Enter a price of the product into its history."""
        with suppress(Duplicate):  # It is there already.
            await self._prices.insert(entry_of(product.id, effect))
