"""The checkers of totals, of what discounts allow, and of guests: as the audit has them, and by what Stripe knows."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kassa.app.shop import Shop, present
from kassa.order.domain import Order, Reason, Stage
from kassa.sandbox.errors import Json
from kassa.simulation.books import PAID, Books

if TYPE_CHECKING:
    from kassa.simulation.workload import Workload

TAKEN = (*PAID, Stage.REVOKED)
"""Where an order keeps its uses of discounts: a free one that is called off does not give them back."""


async def totals(shop: Shop, books: Books, workload: "Workload") -> list[str]:
    """What must hold in the end."""
    found = list(_at_stripe(books)) + list(_free(books)) + list(_of_buyers(books, workload)) + list(_guests(books))
    return found + await _limits(shop, books, workload)


def _at_stripe(books: Books) -> Iterator[str]:
    """I10: Stripe has taken every part as the order has it, and never another amount: it works as it should here."""
    for order in books.orders.values():
        if order.reason is Reason.AMOUNT_MISMATCH:
            yield f"I10: order {order.id} ended, for another amount was paid than it costs"
    for session in books.paid:
        order_of = books.orders.get(session["client_reference_id"])
        if order_of is not None and order_of.stage in PAID:
            yield from _compared(session, order_of)


def _compared(session: Json, order: Order) -> Iterator[str]:
    details, parts = session["total_details"], order.sale.parts if order.sale is not None else None
    off = sum(each.amount_minor for each in parts.discounts) if parts is not None else 0
    shipping = parts.shipping if parts is not None else None
    sent = shipping.amount_minor - shipping.discount_minor if shipping is not None else 0
    pairs = [("discount", details["amount_discount"], off), ("shipping", details["amount_shipping"], sent)]
    if session["automatic_tax"]["enabled"] and parts is not None:
        pairs.append(("tax", details["amount_tax"], sum(each.amount_minor for each in parts.taxes)))
    for name, taken, told in pairs:
        if taken != told:
            yield f"I10: order {order.id} has {told} of {name}, and {session['id']} {taken}"


def _free(books: Books) -> Iterator[str]:
    """I3: what costs nothing is confirmed, or called off, and nobody is asked to pay for it."""
    asked = {session["client_reference_id"] for session in (*books.open, *books.complete)}
    for order in books.orders.values():
        if not order.total_minor and order.stage is not Stage.FAILED:
            if order.stage not in TAKEN:
                yield f"I3: order {order.id} costs nothing and is {order.stage}"
            if order.id in asked:
                yield f"I3: order {order.id} costs nothing, and there is a session for it"


def _of_buyers(books: Books, workload: "Workload") -> Iterator[str]:
    """I11: nobody has a discount more often than each buyer may, told by the addresses that buyers gave."""
    had: Counter[tuple[str, str]] = Counter()
    for order in books.orders.values():
        if order.sale is not None and order.stage in TAKEN:
            had.update((order.sale.email, each.discount_id) for each in order.sale.parts.discounts)
    per_buyer = {workload.offers.discounts.get(code): most for code, most in workload.offers.per_buyer.items()}
    for (email, discount_id), count in sorted(had.items()):
        if count > per_buyer.get(discount_id, count):
            yield f"I11: {email} has {discount_id} {count} times, each buyer may have it {per_buyer[discount_id]} times"


async def _limits(shop: Shop, books: Books, workload: "Workload") -> list[str]:
    """I11: all uses are left but those of orders that are paid, and no order has one that there is not."""
    limits = {workload.offers.discounts[code]: limit for code, limit in workload.offers.limits.items()
              if code in workload.offers.discounts}  # fmt: skip
    levels = await present(shop.stock, "inventory").levels(list(limits))
    paid = Counter(each.discount_id for order in books.orders.values() if order.sale is not None
                   and order.stage in TAKEN for each in order.sale.parts.discounts)  # fmt: skip
    found = []
    for discount_id, limit in limits.items():
        left = levels[discount_id].available if discount_id in levels else -1
        if paid[discount_id] > limit:
            found.append(f"I11: {paid[discount_id]} orders have {discount_id}, {limit} may")
        if left != limit - paid[discount_id]:
            found.append(f"I11: {left} of {discount_id} are left, it is had {paid[discount_id]} times of {limit}")
    return found


def _guests(books: Books) -> Iterator[str]:
    """I12: a payment is its order's buyer's, whoever that has become."""
    for payment in books.payments.values():
        order = books.orders.get(payment.order_id)
        if order is not None and payment.user_id != order.user_id:
            yield f"I12: order {order.id} is {order.user_id}'s, and its payment {payment.user_id}'s"
