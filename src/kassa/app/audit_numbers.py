"""The part of the audit that is about the numbers of orders: that no two have the same, and none is given again."""

from collections.abc import Iterator

from kassa.app.difference import Difference
from kassa.kit.documents import Collection
from kassa.order.domain import Order
from kassa.order.numbers import ONLY, Series

_INVARIANT = "I20: numbers of orders"
_BITS = 1024


class Numbered:
    """The numbers of all orders that were counted; a million of them take less than a megabyte."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._twice: list[tuple[str, int]] = []
        self._last = ("", 0)

    def count(self, order: Order) -> None:
        """Count an order, if it has a number."""
        if order.number is None:
            return
        block, bit = divmod(order.number, _BITS)
        seen = self._seen.get(block, 0)
        if seen >> bit & 1:
            self._twice.append((order.id, order.number))
        self._seen[block] = seen | 1 << bit
        if order.number > self._last[1]:
            self._last = order.id, order.number

    async def differences(self, series: Collection[Series]) -> list[Difference]:
        """What is wrong with them."""
        return list(self._found(await series.get(ONLY)))

    def _found(self, series: Series | None) -> Iterator[Difference]:
        for order_id, number in self._twice:
            yield Difference(_INVARIANT, order_id, f"another order has its number {number}")
        order_id, number = self._last
        if order_id and (series is None or number >= series.next):
            yield Difference(_INVARIANT, order_id, f"its number {number} will be given to another order, too")
