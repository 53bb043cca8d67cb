"""The part of the audit that is about totals and discounts: that the parts add up, and nobody has a use too many."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple

from kassa.app.audit_numbers import Numbered
from kassa.app.difference import Difference
from kassa.contracts.inventory import Line
from kassa.contracts.invoicing import Invoice
from kassa.contracts.parts import Parts
from kassa.inventory.stock import Reservation, Stock
from kassa.invoicing.store import InvoiceStore
from kassa.kit.documents import Collection, pages
from kassa.kit.ids import DISCOUNT, is_id
from kassa.kit.inputs import order_of
from kassa.kit.text import counted
from kassa.order.discounts import Discount, Use
from kassa.order.domain import Order, Stage, subtotal_minor, total_minor
from kassa.order.numbers import Series
from kassa.order.store import OrderStore
from kassa.payment.domain import Payment
from kassa.payment.domain import Stage as PaymentStage

_SUM = "I10: a total is its parts"
_USES = "I11: uses of discounts"
# What was sold once keeps its use, also when its goods have come back.
_LIVING = (Stage.PENDING, Stage.CLOSING, Stage.CONFIRMED, Stage.REFUNDED, Stage.REVOKED)
_SOME = 500


class OrderBooks(NamedTuple):
    """What the order service keeps that must go together."""

    orders: Collection[Order]
    discounts: Collection[Discount]
    uses: Collection[Use]
    invoices: Collection[Invoice]
    numbers: Collection[Series]

    @classmethod
    def of(cls, store: OrderStore, invoices: InvoiceStore) -> "OrderBooks":
        """Those of stores that are open."""
        return cls(store.orders, store.discounts, store.uses, invoices.invoices, store.numbers.series)


def parts_differences(order: Order, payment: Payment | None) -> Iterator[Difference]:
    """Where an order's total, its parts and what its payment took do not add up."""
    if (expected := total_minor(order.items, order.sale.parts if order.sale else None)) != order.total_minor:
        yield Difference(_SUM, order.id, f"its parts come to {expected}, its total is {order.total_minor}")
    if order.sale is not None:
        for text in _within(order, order.sale.parts):
            yield Difference(_SUM, order.id, text)
        is_paid = order.stage in (Stage.CONFIRMED, Stage.REFUNDED) and order.total_minor > 0
        if is_paid and order.sale.parts.is_tax_open:
            yield Difference(_SUM, order.id, f"{order.stage}, and its tax is not told yet")
    if payment is not None and payment.stage is PaymentStage.SUCCESS and payment.taken_minor != payment.amount_minor:
        text = f"its payment took {payment.taken_minor}, and was to take {payment.amount_minor}"
        yield Difference(_SUM, order.id, text)


def _within(order: Order, parts: Parts) -> Iterator[str]:
    """What the parts of one order say of each other."""
    if len(parts.lines) != len(order.items):
        yield f"it has {counted(len(order.items), 'line')}, its parts have {counted(len(parts.lines), 'line')}"
        return
    for item, line in zip(order.items, parts.lines, strict=True):
        costs = item.price_minor * item.quantity
        if not 0 <= line.discount_minor <= costs:
            yield f"{line.discount_minor} is taken off {item.product_id}, which costs {costs}"
    shipping = parts.shipping
    free = 0 if shipping is None else shipping.discount_minor
    if not 0 <= free <= parts.shipping_minor:
        yield f"{free} is taken off the shipping, which costs {parts.shipping_minor}"
    off, told = sum(each.discount_minor for each in parts.lines), sum(each.amount_minor for each in parts.discounts)
    if off != told:
        yield f"{off} is taken off its lines, its discounts come to {told}"
    if free != (told := sum(each.shipping_minor for each in parts.discounts)):
        yield f"{free} is taken off its shipping, its discounts come to {told}"
    # What Stripe has reckoned it tells of all lines together.
    of_lines = sum(each.tax_minor for each in parts.lines) + (0 if shipping is None else shipping.tax_minor)
    by_rate = sum(each.amount_minor for each in parts.taxes if each.millionths)
    if of_lines != by_rate:
        yield f"the tax of its lines is {of_lines}, by rates it is {by_rate}"
    if subtotal_minor(order.items) + parts.change_minor() < 0:
        yield "more is taken off than it costs"


async def uses_differences(orders: Sequence[Order], uses: Collection[Use]) -> AsyncIterator[Difference]:
    """Where orders have uses of discounts that each buyer may have so many of, and those are not theirs. As each use is
    one order's, nobody has more than there are."""
    taken = [(part.use, order.id) for order in orders if order.sale is not None and order.stage in _LIVING
             for part in order.sale.parts.discounts if part.use]  # fmt: skip
    known = {each.id: each.order_id for each in await uses.many(sorted({use for use, _ in taken}))} if taken else {}
    for use, order_id in taken:
        if known.get(use) != order_id:
            whose = f"order {known[use]}'s" if use in known else "nobody's"
            yield Difference(_USES, order_id, f"it has the use {use} of its buyer, which is {whose}")


class Tally:
    """Who has which discount, counted over all orders, and their numbers. What is under way may have a use or not."""

    def __init__(self) -> None:
        self._certain: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()
        self._numbered = Numbered()

    def count(self, order: Order, reservations: Sequence[Reservation | None], *, is_under_way: bool) -> None:
        """Count an order; what an order that was never placed has held is known by its reservations alone."""
        self._numbered.count(order)
        held = order.held
        if order.stage is Stage.FAILED:
            held = [line for each in reservations if each is not None for line in each.lines]
        uses = _uses_in(held)
        if order.stage in _LIVING:
            self._certain.update(uses)
        elif is_under_way or order.stage is Stage.REVIVING:
            self._under_way.update(uses)

    async def differences(self, books: OrderBooks, stock: Stock, now: int) -> AsyncIterator[Difference]:
        """Where the orders, the discounts, the stock and the uses of buyers do not go together."""
        for difference in await self._numbered.differences(books.numbers):
            yield difference
        await self._count_unmade(books.orders, stock, now)
        async for page in pages(books.discounts):
            limited = {each.id: each for each in page if each.limit is not None}
            levels = await stock.levels(list(limited))
            for id, discount in limited.items():
                is_at_rest = all(effect.done_at is not None for effect in discount.effects)
                level = levels.get(id)
                there = (0, 0) if level is None else (level.received, level.reserved + level.sold)
                for text in self._of_discount(discount, *there, is_at_rest=is_at_rest):
                    yield Difference(_USES, id, text)

    def _of_discount(self, discount: Discount, received: int, used: int, *, is_at_rest: bool) -> Iterator[str]:
        limit, certain = discount.limit or 0, self._certain[discount.id]
        if is_at_rest and received != limit:
            yield f"its limit is {limit}, the stock knows of {received}"
        if certain > limit:
            yield f"its limit is {limit}, and {counted(certain, 'order has', 'orders have')} it"
        if not certain <= used <= certain + self._under_way[discount.id]:
            yield f"{counted(certain, 'order has', 'orders have')} it, held or sold: {used}"

    async def _count_unmade(self, orders: Collection[Order], stock: Stock, now: int) -> None:
        """What is held for orders that are just being made."""
        held = [each for each in await stock.unmarked(now, _SOME) if _uses_in(each.lines)]
        made = {each.id for each in await orders.many([order_of(each.id) for each in held])}
        for reservation in held:
            if order_of(reservation.id) not in made:
                self._under_way.update(_uses_in(reservation.lines))


def _uses_in(lines: Sequence[Line]) -> list[str]:
    return [line.product_id for line in lines if is_id(DISCOUNT, line.product_id)]
