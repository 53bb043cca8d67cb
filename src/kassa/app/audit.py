"""The audit: proves the invariants of docs/correctness.md over all data, also while the shop runs.

What is under way at the moment of reading looks like a difference; only what two readings show is reported.
"""

from collections.abc import AsyncIterator, Iterator
from itertools import islice, pairwise

import msgspec

from kassa.app.audit_invoices import documents_of, invoices_differences, numbers_differences
from kassa.app.audit_outgoing import Left, Outgoing
from kassa.app.audit_parcels import parcels_differences
from kassa.app.audit_parts import OrderBooks, Tally, parts_differences, uses_differences
from kassa.app.audit_withdrawals import withdrawals_differences
from kassa.app.difference import Difference as Difference
from kassa.contracts.inventory import Line, summed
from kassa.inventory.stock import Kind as StockKind
from kassa.inventory.stock import Reservation, State, Stock
from kassa.kit.audit import Told, nobody_told
from kassa.kit.clock import SECOND, Clock, Millis
from kassa.kit.documents import Collection, pages
from kassa.kit.effects import Aggregate
from kassa.kit.inputs import order_of, payment_id_of, reservation_of, restock_id
from kassa.order.domain import Order
from kassa.order.domain import Stage as OrderStage
from kassa.payment.balance import held_minor, is_fully_refunded, requested_minor
from kassa.payment.debts import debts
from kassa.payment.disputes import withdrawn_minor
from kassa.payment.domain import UNSETTLED, Payment
from kassa.payment.domain import Stage as PaymentStage
from kassa.payment.pieces import Pieces, returned
from kassa.payment.store import UnclaimedMoney
from kassa.payment.unclaimed import MORE, MOST_TOLD, OPEN, in_words

PAGE = 500
PAUSE: Millis = SECOND
# The rescue of orphans waits 60 s and comes every 30 s.
ORPHANS_ARE_GONE_AFTER: Millis = 120 * SECOND


class LookedAt(msgspec.Struct, frozen=True, rename="camel"):
    """How much there was to go together: products and movements are those of the stock."""

    orders: int
    payments: int
    products: int
    movements: int


class Audit(msgspec.Struct, frozen=True, rename="camel"):
    """What an audit has looked at, and what does not go together."""

    looked_at: LookedAt
    differences: list[Difference]


async def audit(
    books: OrderBooks,
    payments: Collection[Payment],
    unclaimed: Collection[UnclaimedMoney],
    stock: Stock,
    clock: Clock,
    told: Told = nobody_told,
    outgoing: Outgoing | None = None,
) -> Audit:
    """The differences that two readings show; none, if all invariants hold. Without what is `outgoing` it is not looked
    at."""
    products = (await stock.summary(0)).products
    movements = sum(total.count for total in await stock.movement_totals(0))
    looked_at = LookedAt(await books.orders.count({}), await payments.count({}), products, movements)
    without_order = [each async for each in _without_order(unclaimed)]
    read = (books, payments, stock, clock, looked_at, told, outgoing)
    first = [each async for each in _differences(*read)]
    if not first:
        return Audit(looked_at, without_order)
    await clock.sleep(PAUSE)
    second = {each async for each in _differences(*read)}
    return Audit(looked_at, without_order + [difference for difference in first if difference in second])


async def _without_order(unclaimed: Collection[UnclaimedMoney]) -> AsyncIterator[Difference]:
    invariant, where = "I2: money has an order", {"status": OPEN}
    newest = await unclaimed.find(where, limit=MOST_TOLD)
    for money in newest:
        yield Difference(invariant, money.id, in_words(money))
    if more := await unclaimed.count(where) - len(newest):
        yield Difference(invariant, f"{more} more", MORE)


async def _differences(
    books: OrderBooks,
    payments: Collection[Payment],
    stock: Stock,
    clock: Clock,
    all_: LookedAt,
    told: Told,
    outgoing: Outgoing | None,
) -> AsyncIterator[Difference]:
    told("stock", 0, all_.products)
    for found in await stock.differences():
        text = f"{found.what}: expected {found.expected}, found {found.found}"
        yield Difference("I1, I7: stock", found.product_id, text)
    told("stock", all_.products, all_.products)
    async for difference in numbers_differences(books.invoices):
        yield difference
    left = await Left.now(outgoing, clock.now()) if outgoing is not None else None
    async for difference in _of_orders(books, payments, stock, clock, all_, told, left):
        yield difference
    async for difference in _of_payments(books.orders, payments, all_, told, left):
        yield difference
    for orphan in await stock.unmarked(clock.now() - ORPHANS_ARE_GONE_AFTER, PAGE):
        order_id = order_of(orphan.id)
        if await books.orders.get(order_id) is None:
            yield Difference("I4: orphans", orphan.id, "stock is held for an order that does not exist")
    if left is not None:
        async for difference in left.afterwards(books.orders, payments):
            yield difference


async def _of_payments(
    orders: Collection[Order], payments: Collection[Payment], all_: LookedAt, told: Told, left: Left | None
) -> AsyncIterator[Difference]:
    done = 0
    async for page in pages(payments):
        told("payments", done := done + len(page), all_.payments)
        ordered = {each.id: each for each in await orders.many([payment.order_id for payment in page])}
        for payment in page:
            for difference in payment_differences(payment, ordered.get(payment.order_id)):
                yield difference
        if left is not None:
            async for difference in left.of_payments(page):
                yield difference


async def _of_orders(
    books: OrderBooks,
    payments: Collection[Payment],
    stock: Stock,
    clock: Clock,
    all_: LookedAt,
    told: Told,
    left: Left | None,
) -> AsyncIterator[Difference]:
    done, tally = 0, Tally()
    async for page in pages(books.orders):
        told("orders", done := done + len(page), all_.orders)
        paid = {each.id: each for each in await payments.many([payment_id_of(order.id) for order in page])}
        made_out = await documents_of(page, books.invoices)
        reserved = iter(await stock.reservations_of([id for order in page for id in _reservation_ids(order)]))
        for order in page:
            payment, reservations = paid.get(payment_id_of(order.id)), list(islice(reserved, order.generation))
            tally.count(order, reservations, is_under_way=_has_open_effects(order))
            is_at_rest = _is_at_rest(order, payment)
            for difference in (
                *order_differences(order, payment, reservations),
                *parts_differences(order, payment),
                *parcels_differences(order, payment, is_at_rest=is_at_rest),
                *withdrawals_differences(order, payment, clock.now(), is_at_rest=is_at_rest),
                *invoices_differences(order, payment, made_out[order.id], is_at_rest=is_at_rest),
                *(returned_differences(order, payment, await _restocked(order, payment, stock)) if payment else ()),
            ):
                yield difference
        async for difference in uses_differences(page, books.uses):
            yield difference
        if left is not None:
            async for difference in left.of_orders(page):
                yield difference
    async for difference in tally.differences(books, stock, clock.now()):
        yield difference


def order_differences(
    order: Order, payment: Payment | None, reservations: list[Reservation | None]
) -> Iterator[Difference]:
    """Where an order, its payment and its reservations (one each generation) do not go together."""
    yield from _audit_trail(order, str(order.stage))
    if order.stage in (OrderStage.CONFIRMED, OrderStage.REFUNDED):
        yield from _confirmed_without_money(order, payment)
    if _has_open_effects(order):
        return  # what is still to be done is known, and will be done
    expected = {
        OrderStage.PENDING: State.HELD,
        OrderStage.CLOSING: State.HELD,
        OrderStage.REVIVING: State.HELD,
        OrderStage.CONFIRMED: State.COMMITTED,
        OrderStage.REFUNDED: State.COMMITTED,
        OrderStage.REVOKED: State.COMMITTED,
        OrderStage.CANCELLED: State.RELEASED,
        OrderStage.FAILED: State.RELEASED,
    }[order.stage]
    yield from _reservation(order, reservations[-1], expected)
    for earlier in reservations[:-1]:
        yield from _reservation(order, earlier, State.RELEASED)
    if order.stage in (OrderStage.CANCELLED, OrderStage.FAILED) and payment is not None:
        is_over = payment.stage not in UNSETTLED
        if not is_over and not _has_open_effects(payment):
            yield Difference("I4: ended orders", order.id, f"{order.stage}, but its payment is {payment.stage}")


def payment_differences(payment: Payment, order: Order | None) -> Iterator[Difference]:
    """Where a payment and its order do not go together."""
    yield from _audit_trail(payment, str(payment.stage))
    if order is None:
        yield Difference("I2: money has an order", payment.id, f"its order {payment.order_id} does not exist")
        return
    held = held_minor(payment)
    # What is under way Stripe may yet refuse: somebody has refunded more in its dashboard meanwhile.
    certain = held - (requested_minor(payment) if _has_open_effects(payment) else 0)
    if certain > payment.taken_minor:
        yield Difference("I2: refunds", payment.id, f"{certain} is refunded of {payment.taken_minor} that was taken")
    for words in debts(payment):
        yield Difference("I2: money has an order", payment.id, f"it is owed back to the buyer of {order.id}: {words}")
    if _has_open_effects(payment) or _has_open_effects(order):
        return
    is_confirmed = order.stage in (OrderStage.CONFIRMED, OrderStage.REFUNDED)
    if is_confirmed and is_fully_refunded(payment) is not (order.stage is OrderStage.REFUNDED):
        yield Difference("I3: confirmed is paid", order.id, f"{order.stage}, but that is not what was refunded")
    if payment.taken_minor > held + withdrawn_minor(payment) and not is_confirmed and not debts(payment):
        text = f"{payment.taken_minor} was taken, {held} refunded, and its order is {order.stage}"
        yield Difference("I2: money has an order", payment.id, text)


def returned_differences(order: Order, payment: Payment, back: Pieces) -> Iterator[Difference]:
    """Where the pieces that are back on the shelf are not those that the order's refunds brought."""
    has_sold = order.stage in (OrderStage.CONFIRMED, OrderStage.REFUNDED)
    sold = summed(Line(item.product_id, item.quantity) for item in order.items) if has_sold else {}
    by_returns, by_refunds = order.sending.shelved, returned(payment, sold)
    both = {each: min(sold[each], by_returns.get(each, 0) + by_refunds[each]) for each in sold}
    expected = both if has_sold and _is_at_rest(order, payment) else back
    for product_id in sorted({*back, *sold}):
        count = back.get(product_id, 0)
        if count > sold.get(product_id, 0):
            text = f"{count} of {product_id} came back, {sold.get(product_id, 0)} were sold"
            yield Difference("I9: goods that come back", order.id, text)
        elif count != expected.get(product_id, 0):
            text = f"{count} of {product_id} came back, {expected.get(product_id, 0)} by its refunds and returns"
            yield Difference("I9: goods that come back", order.id, text)


async def _restocked(order: Order, payment: Payment, stock: Stock) -> Pieces:
    """What the ledger says came back with refunds and returns of the order."""
    bringing = [refund.id for refund in payment.refunds if refund.items]
    bringing += [each.id for each in order.sending.returns if each.shelved]
    if not bringing and not any(refund.restock for refund in payment.refunds):
        return {}
    ids = [restock_id(order.id), *(restock_id(order.id, each) for each in bringing)]
    moved = await stock.moved_by(ids, [item.product_id for item in order.items])
    return summed(Line(each.product_id, each.quantity) for each in moved if each.kind is StockKind.RESTOCK)


def _confirmed_without_money(order: Order, payment: Payment | None) -> Iterator[Difference]:
    if payment is None and not order.total_minor:
        return  # Discounts took off all that it cost.
    if payment is None or payment.stage is not PaymentStage.SUCCESS:
        stage = "missing" if payment is None else payment.stage
        yield Difference("I3: confirmed is paid", order.id, f"{order.stage}, but its payment is {stage}")
    elif (payment.amount_minor, payment.currency) != (order.total_minor, order.currency):
        text = f"its total is {order.total_minor} {order.currency}, paid was {payment.amount_minor} {payment.currency}"
        yield Difference("I3: confirmed is paid", order.id, text)


def _reservation(order: Order, reservation: Reservation | None, expected: State) -> Iterator[Difference]:
    if reservation is None:
        # A revival that was refused because its goods were sold has never held anything.
        if expected is not State.RELEASED:
            yield Difference("I4: stock of orders", order.id, f"{order.stage}, but it has no reservation")
        return
    if reservation.state is not expected:
        text = f"{order.stage}, but reservation {reservation.id} is {reservation.state}"
        yield Difference("I4: stock of orders", order.id, text)
    if order.stage is not OrderStage.FAILED and reservation.lines and set(reservation.lines) != set(order.held):
        yield Difference("I4: stock of orders", order.id, f"reservation {reservation.id} has other lines")


def _audit_trail(document: Order | Payment, stage: str) -> Iterator[Difference]:
    entries = document.audit
    if not entries or entries[-1].to_state != stage:
        yield Difference("I8: audit", document.id, f"it is {stage}, its last audit entry says otherwise")
    if any(after.from_state != before.to_state for before, after in pairwise(entries)):
        yield Difference("I8: audit", document.id, "an entry is missing between two others")
    if len({entry.input_id for entry in entries}) != len(entries):
        yield Difference("I8: audit", document.id, "one input took effect twice")


def _has_open_effects(document: Aggregate) -> bool:
    """Whether something is still to be done about it; timers count, once they are due, by their failing to be done."""
    timers = {"expire", "look_up", "refund_due"}
    return any(effect.done_at is None and effect.kind not in timers for effect in document.effects)


def _is_at_rest(order: Order, payment: Payment | None) -> bool:
    """Whether nothing is still to be done about either."""
    return not _has_open_effects(order) and (payment is None or not _has_open_effects(payment))


def _reservation_ids(order: Order) -> list[str]:
    """One for each generation."""
    return [reservation_of(order.id, each) for each in range(1, order.generation + 1)]
