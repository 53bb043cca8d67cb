"""What was sold on some days, in figures: what is left of the money after refunds, how many orders, which goods."""

from collections import Counter

import msgspec

from kassa.kit.clock import DAY, Millis
from kassa.kit.documents import Between, Collection, In, Where, pages
from kassa.kit.figures import Figures
from kassa.order.domain import Order, Stage
from kassa.order.finding import of_days
from kassa.order.work import refunded_minor

PAID = In((Stage.CONFIRMED.value, Stage.REFUNDED.value))
MOST_READ = 1_000
"""Orders whose goods are counted, or that are added up for a customer: the newest. More would hardly tell more."""
AT_ONCE = 100
BEST = 5


class Goods(msgspec.Struct, frozen=True):
    """So many pieces of a product, for so much without discounts, in minor units."""

    product_id: str
    name: str
    pieces: int
    amount_minor: int


class Sold(msgspec.Struct, frozen=True):
    """The orders that were made on some days and paid: by day how many and for how much, in minor units; what of that
    was refunded; the goods that brought the most, of `read` orders."""

    days: dict[Millis, tuple[int, int]]
    refunded_minor: int
    best: list[Goods]
    read: int

    @property
    def orders(self) -> int:
        """How many orders."""
        return sum(count for count, _ in self.days.values())

    @property
    def net_minor(self) -> int:
        """What is left of the money."""
        return sum(amount for _, amount in self.days.values()) - self.refunded_minor


async def sold(orders: Collection[Order], figures: Figures, since: Millis, until: Millis) -> Sold:
    """What was sold from the first day to the last, given by their first moments."""
    return await figures.get(("sold", since, until), lambda: _sold(orders, since, until))


async def _sold(orders: Collection[Order], since: Millis, until: Millis) -> Sold:
    paid: Where = {"status": PAID, "created_at": Between(since, until + DAY)}
    totals = await orders.totals(paid, "created_at", sum_of="total_minor", per=DAY)
    days = {int(each.key or 0) * DAY: (each.count, each.sum) for each in totals}
    back = 0
    async for page in pages(orders, {"is_refunded": True, **of_days(since, until)}, size=AT_ONCE):
        back += sum(refunded_minor(each) for each in page)
    read = await newest(orders, {"status": Stage.CONFIRMED.value, **of_days(since, until)}) if days else []
    return Sold(days, back, _best(read), len(read))


async def newest(orders: Collection[Order], where: Where) -> list[Order]:
    """The newest of these orders, MOST_READ of them at most."""
    found: list[Order] = []
    while len(found) < MOST_READ:
        page = await orders.find(where, limit=AT_ONCE, after=found[-1].id if found else None)
        found += page
        if len(page) < AT_ONCE:
            break
    return found


def _best(orders: list[Order]) -> list[Goods]:
    names: dict[str, str] = {}
    pieces: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    for order in orders:
        for item in order.items:
            names.setdefault(item.product_id, item.name)
            pieces[item.product_id] += item.quantity
            amounts[item.product_id] += item.quantity * item.price_minor
    return [Goods(each, names[each], pieces[each], amount) for each, amount in amounts.most_common(BEST)]
