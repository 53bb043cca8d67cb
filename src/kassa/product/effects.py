"""What follows from changes of products: each effect is carried out until it is done, and twice without harm."""

from kassa.contracts.inventory import Inventory, StockExists
from kassa.kit.effects import Effect
from kassa.product.domain import Product


class ProductEffects:
    """Carries out what products want of the stock."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    async def open_stock(self, product: Product, effect: Effect) -> None:
        """Give a new product its first stock."""
        try:
            await self._inventory.open_stock(effect.id, product.id, int(effect.args["quantity"]))
        except StockExists:
            return  # Somebody initialised it by hand meanwhile: that one counts.
