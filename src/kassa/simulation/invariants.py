"""The checkers, named after the invariants of docs/correctness.md. Each tells what is wrong, in a line."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kassa.app.audit import Difference, audit
from kassa.app.audit_outgoing import Outgoing
from kassa.app.audit_parts import OrderBooks
from kassa.app.shop import Shop, present
from kassa.inventory.stock import Kind
from kassa.kit.documents import In
from kassa.kit.ids import PRODUCT, is_id
from kassa.kit.inputs import restock_id
from kassa.kit.problem import Unavailable
from kassa.order.domain import Stage
from kassa.sandbox.tables import decode
from kassa.simulation.answers import answered
from kassa.simulation.books import ENDED, PAID, SESSIONS, Books, everything
from kassa.simulation.letters import letters
from kassa.simulation.receiver import unsent
from kassa.simulation.second_thoughts import waits_for_a_refund
from kassa.simulation.told import told as told_once
from kassa.simulation.told import untold
from kassa.simulation.totals import totals

if TYPE_CHECKING:
    from kassa.simulation.stripe import Stripe
    from kassa.simulation.workload import Workload

_ALL = 1_000_000


async def stock(shop: Shop, products: list[str]) -> list[str]:
    """What must hold at every moment, but for those when a stock server that lost its last writes is not mended."""
    assert shop.stock is not None
    try:
        await shop.stock.ping()
        levels = (await shop.stock.levels(products)).values()
        differences = await shop.stock.differences()
        await shop.stock.ping()
    except Unavailable:
        return []
    found = [f"I1: {level.product_id} has {level.available}" for level in levels if level.available < 0]
    return found + [f"I1, I7: {each.product_id}: {each.what}" for each in differences]


async def money(shop: Shop, stripe: "Stripe") -> list[str]:
    """What must hold at every moment."""
    assert shop.order is not None
    opened = [decode(row[0])["client_reference_id"] for row in stripe.tx.rows(SESSIONS, "open")]
    complete = [decode(row[0]) for row in stripe.tx.rows(SESSIONS, "complete")]
    payable = Counter(opened + [each["client_reference_id"] for each in complete if each["payment_status"] == "paid"])
    found = [f"I6: {order_id} can be paid {count} times" for order_id, count in payable.items() if count > 1]
    ended = [each for each in await shop.order.orders.many(opened) if each.stage in ENDED and each.due_at is None]
    return found + [f"I4: order {order.id} is {order.stage}, and can still be paid" for order in ended]


async def at_rest(shop: Shop, stripe: "Stripe") -> list[str]:
    """What is still to be done: nothing, when all has come to its end (liveness)."""
    assert shop.order is not None
    assert shop.payment is not None
    assert shop.inbox is not None
    assert shop.stock is not None
    waiting = [f"liveness: order {each.id} is {each.stage}" async for each in everything(shop.order.orders)
               if each.stage not in ENDED or (each.due_at is not None and not waits_for_a_refund(each))]  # fmt: skip
    assert shop.offering is not None
    waiting += [f"liveness: discount {each.id}" async for each in everything(shop.offering.store.discounts)
                if each.due_at is not None]  # fmt: skip
    returned = (await Books.of(shop, stripe)).returned()
    waiting += [f"liveness: payment {each.id} is {each.stage}" async for each in everything(shop.payment.payments)
                if each.due_at is not None and not (each.id in returned and each.needs_attention)]  # fmt: skip
    try:
        await shop.stock.ping()
    except Unavailable as error:
        waiting.append(f"liveness: {error.detail}")
    waiting += await untold(shop) + await unsent(shop)
    events = await shop.inbox.events.count({"status": In(("received", "parked"))})
    waiting += [f"liveness: {events} events wait"] if events else []
    return waiting or [f"liveness: {each}" for each in _news(await Books.of(shop, stripe))]


async def afterwards(shop: Shop, stripe: "Stripe", workload: "Workload") -> list[str]:
    """What must hold in the end."""
    assert shop.order is not None
    assert shop.payment is not None
    assert shop.unclaimed is not None
    assert shop.stock is not None
    assert shop.stock_reconciler is not None
    books = await Books.of(shop, stripe)
    assert shop.offering is not None
    order_books = OrderBooks.of(shop.offering.store, present(shop.invoice_store, "order"))
    books_of = (order_books, shop.payment.payments, shop.unclaimed.money)
    told = await audit(*books_of, shop.stock, shop.clock, outgoing=Outgoing.of(shop))
    problems = list(_audited(told.differences, books.with_an_operator()))
    problems += await stock(shop, workload.counted) + await money(shop, stripe)
    for comparison in await shop.stock_reconciler.compare(fix=False):
        problems += [f"I4: {each.subject}: {each.text}" for each in comparison.findings]
    for check in (_money, _confirmed, _ended, _refunds, _news, _listed):
        problems += check(books)
    problems += [
        f"I6: order {each} was acknowledged and is not there"
        for each in sorted(workload.acknowledged - books.orders.keys())
    ]
    problems += await _returned(shop, books)
    problems += await totals(shop, books, workload)
    problems += letters(books, workload.letterbox)
    problems += answered(books, workload.answerers)
    problems += await told_once(shop, books, workload.receiver)
    unasked = sorted(books.orders.keys() - set(workload.asked))
    return problems + [f"I6: nobody asked for order {each}" for each in unasked]


def _audited(told: list[Difference], with_an_operator: set[str]) -> Iterator[str]:
    """What the audit tells, but for the money that an operator must see to: of that it must tell."""
    expected = {("I2: money has an order", payment_id) for payment_id in with_an_operator}
    for each in told:
        if (each.invariant, each.subject) not in expected:
            yield f"{each.invariant}: {each.subject}: {each.text}"
    for _, payment_id in sorted(expected - {(each.invariant, each.subject) for each in told}):
        yield f"I2: {payment_id} has money that has no order, and the audit does not tell"


def _money(books: Books) -> Iterator[str]:
    """I2: money that Stripe has taken ends as a confirmed order, or goes back in full, as far as its bank takes it."""
    for session in books.paid:
        order = books.orders.get(session["client_reference_id"])
        back, taken = books.given_back(session), session["amount_total"]
        if back > taken:
            yield f"I2: {session['id']}: {back} of {taken} was given back"
        elif order is None:
            yield f"I2: {session['id']} is paid, and there is no order {session['client_reference_id']}"
        elif order.stage is Stage.CONFIRMED and back == taken:
            yield f"I2: order {order.id} is {order.stage}, and all of {taken} went back"
        elif order.stage is not Stage.CONFIRMED and books.left(session) > books.may_be_left(session, order):
            yield f"I2: order {order.id} is {order.stage}, and {back} of {taken} went back"


def _confirmed(books: Books) -> Iterator[str]:
    """I3: a confirmed order has exactly one payment, for exactly its total; none, if it costs nothing."""
    paid = Counter(session["client_reference_id"] for session in books.paid)
    amounts = {session["client_reference_id"]: session["amount_total"] for session in books.paid}
    for order in books.orders.values():
        if order.stage in PAID:
            if paid[order.id] != (1 if order.total_minor else 0):
                yield f"I3: order {order.id} is {order.stage} and was paid {paid[order.id]} times"
            elif amounts.get(order.id, 0) != order.total_minor:
                yield f"I3: order {order.id} costs {order.total_minor}, {amounts[order.id]} was paid"


def _ended(books: Books) -> Iterator[str]:
    """I4: what has ended cannot be paid any more. (Its stock is the audit's business.)"""
    for session in books.open:
        order = books.orders.get(session["client_reference_id"])
        if order is None or order.stage in ENDED:
            yield f"I4: {session['id']} of order {session['client_reference_id']} can still be paid"


def _refunds(books: Books) -> Iterator[str]:
    """I6: one refund for each that was asked for."""
    made = Counter(str(refund["metadata"].get("refundId", refund["id"])) for refund in books.refunds)
    yield from (f"I6: refund {refund_id} was made {count} times" for refund_id, count in made.items() if count > 1)


async def _returned(shop: Shop, books: Books) -> list[str]:
    """I9: goods come back by the refunds and returns that bring them only, and with free orders that are called off.
    (How many is the audit's business.)"""
    assert shop.stock is not None
    brought = {restock_id(payment.order_id, refund.id)
               for payment in books.payments.values() for refund in payment.refunds if refund.items}  # fmt: skip
    brought |= {restock_id(order.id, "") for order in books.orders.values() if order.stage is Stage.REVOKED}
    brought |= {restock_id(order.id, each.id)
                for order in books.orders.values() for each in order.sending.returns if each.shelved}  # fmt: skip
    moved = [each for each in await shop.stock.recent(_ALL) if each.kind is Kind.RESTOCK]
    return [f"I9: {each.quantity} of {each.product_id} came back by {each.input_id}, which is no refund or return"
            for each in moved if each.input_id not in brought and is_id(PRODUCT, each.product_id)]  # fmt: skip


def _listed(books: Books) -> Iterator[str]:
    """I2: what is owed is on a list."""
    for payment in books.payments.values():
        if payment.id in books.with_an_operator() and not payment.needs_attention:
            yield f"I2: {payment.id} has money that has no order, and nobody is told"


def _news(books: Books) -> Iterator[str]:
    """I5: what happened to refunds and disputes at Stripe has come, once."""
    known: Counter[tuple[str, str]] = Counter()
    for payment in books.payments.values():
        known.update((str(each.stripe_id), each.status) for each in payment.refunds if each.stripe_id is not None)
        known.update((each.id, each.status) for each in payment.disputes)
    at_stripe = Counter((str(each["id"]), str(each["status"])) for each in (*books.refunds, *books.disputes))
    yield from (f"I5: {id} is {status} at Stripe, which is not known" for id, status in (at_stripe - known))
    yield from (f"I5: {id} is taken for {status}, which it is not at Stripe" for id, status in (known - at_stripe))
