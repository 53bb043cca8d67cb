"""Withdrawals over the wire: what is sent and what is answered, and what the acknowledgement says."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from kassa.contracts.withdrawals import Exclusion
from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.email import LONGEST_EMAIL
from kassa.kit.lists import Pagination, documented
from kassa.kit.money import major
from kassa.kit.text import LINES, ONE_LINE
from kassa.order.domain import MAX_LINES, Order
from kassa.order.lines_wire import NewLine, PiecesOut, pieces_shown
from kassa.order.owing import owed
from kassa.order.parcels import Withdrawal, lines
from kassa.order.withdrawing import excluded, period_end, withdrawable

LONGEST_REMARK = 500
LONGEST_NAME = 200
WITHDRAWAL_STATES = ("received", "settled", "closed")
Reason = Annotated[str, documented("Why not: Directive 2011/83/EU, Art. 16", enum=[str(each) for each in Exclusion])]
_Lines = Annotated[
    list[NewLine], documented("Each product once, or merged; none: all that can be withdrawn", maxItems=MAX_LINES)
]


class NewWithdrawal(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A buyer's statement. Whoever sends no token that is good for the order gives the `email` address that it was made
    with. Without `confirm` nothing is stored: the answer says what would be withdrawn."""

    order_id: Annotated[str, documented("The order's number, or its id", maxLength=64)]
    name: Annotated[str, documented("Who withdraws; needed to confirm", maxLength=LONGEST_NAME, pattern=LINES)] = ""
    email: Annotated[str, documented("The order's", format="email", maxLength=LONGEST_EMAIL)] | None = None
    items: _Lines = []
    remark: Annotated[str, documented("Nobody has to say why", maxLength=LONGEST_REMARK, pattern=LINES)] = ""
    confirm: Annotated[bool, documented("Withdraw now")] = False


class Closing(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Why nothing more is owed for a withdrawal; staff alone reads it."""

    why: Annotated[str, documented("For staff", minLength=1, maxLength=LONGEST_REMARK, pattern=ONE_LINE)]


class WithdrawnItem(msgspec.Struct, frozen=True, rename="camel"):
    """Pieces that are withdrawn from; `to_send_back` of them the buyer has, and `withheld` will not be sent."""

    product_id: str
    name: str
    quantity: int
    to_send_back: int
    withheld: int


class ExcludedItem(msgspec.Struct, frozen=True, rename="camel"):
    """What cannot be withdrawn from."""

    product_id: str
    name: str
    reason: Reason


class WithdrawalOut(msgspec.Struct, frozen=True, rename="camel"):
    """A withdrawal of an order: `amount` is what is owed for it until `refundBy`. `settled`: nothing of it is owed any
    more; `closed`: staff has said so."""

    id: str
    number: int
    name: str
    email: str
    remark: str
    items: list[WithdrawnItem]
    received_at: Timestamp
    refund_by: Timestamp
    amount: Decimal
    amount_minor: int
    shipping_minor: int
    currency: str
    status: Annotated[str, documented("Where it stands", enum=WITHDRAWAL_STATES)]
    closed_why: str | UnsetType = UNSET


class StatementOut(msgspec.Struct, frozen=True, rename="camel"):
    """What a statement would do, or has done (`isConfirmed`). `leftToWithdraw` is all that could be withdrawn before
    it, `excluded` what cannot be; the period ends at `until`, if that is known yet."""

    order_id: str
    order_number: int | None
    is_confirmed: bool
    withdrawal: WithdrawalOut
    left_to_withdraw: list[PiecesOut]
    excluded: list[ExcludedItem]
    until: Timestamp | None


class StatementAnswer(msgspec.Struct, frozen=True):
    """A statement."""

    statement: StatementOut


class OpenWithdrawal(msgspec.Struct, frozen=True, rename="camel"):
    """An order with withdrawals that are to be refunded yet: what is owed for all of them, and until when the first."""

    order_id: str
    order_number: int | None
    refund_by: Timestamp
    is_overdue: bool
    amount: Decimal
    amount_minor: int
    currency: str
    withdrawals: list[WithdrawalOut]


class OpenWithdrawals(msgspec.Struct, frozen=True):
    """A page of them."""

    open: list[OpenWithdrawal]
    pagination: Pagination


def withdrawal_shown(order: Order, made: Withdrawal, *, is_for_staff: bool = False) -> WithdrawalOut:
    """The withdrawal as the wire shows it."""
    due = owed(order).refund_by
    status = "settled" if due is None or made.refund_by < due else "received"
    return WithdrawalOut(
        id=made.id,
        number=made.number,
        name=made.name,
        email=made.email,
        remark=made.remark,
        items=_items(order, made),
        received_at=rfc3339(made.received_at),
        refund_by=rfc3339(made.refund_by),
        amount=major(made.amount_minor, order.currency),
        amount_minor=made.amount_minor,
        shipping_minor=made.shipping_minor,
        currency=order.currency,
        status="closed" if made.closed_at is not None else status,
        closed_why=made.closed_why if is_for_staff and made.closed_why else UNSET,
    )


def _items(order: Order, made: Withdrawal) -> list[WithdrawnItem]:
    goods = {item.product_id: item for item in order.items}
    withheld = {line.product_id: line.quantity for line in made.withheld}
    return [
        WithdrawnItem(
            line.product_id,
            goods[line.product_id].name,
            line.quantity,
            0 if goods[line.product_id].is_digital else line.quantity - withheld.get(line.product_id, 0),
            withheld.get(line.product_id, 0),
        )
        for line in made.lines
    ]


def withdrawals_shown(order: Order, *, is_for_staff: bool) -> dict[str, Any]:
    """The members that an order has more on the wire: nothing, if nothing was withdrawn and nothing has come."""
    shown: dict[str, Any] = {}
    made = order.sending.withdrawals
    if made:
        shown["withdrawals"] = [withdrawal_shown(order, each, is_for_staff=is_for_staff) for each in made]
        due = owed(order)
        if due.refund_by is not None:
            shown["to_refund_minor"], shown["refund_by"] = due.amount_minor, rfc3339(due.refund_by)
    if order.days_to_withdraw and order.sending.shipments and (end := period_end(order)) is not None:
        shown["withdraw_until"] = rfc3339(end)
    return shown


def statement_shown(order: Order, before: Order, made: Withdrawal, *, is_confirmed: bool) -> StatementOut:
    """What the statement makes, or would make, of the order as it was before."""
    end = period_end(before)
    return StatementOut(
        order_id=order.id,
        order_number=order.number,
        is_confirmed=is_confirmed,
        withdrawal=withdrawal_shown(order, made),
        left_to_withdraw=pieces_shown(lines(withdrawable(before))),
        excluded=[ExcludedItem(it.product_id, it.name, it.withdrawal_excluded) for it in excluded(order.items)],
        until=None if end is None else rfc3339(end),
    )


def open_shown(order: Order, now: int) -> OpenWithdrawal:
    """What of an order is to be refunded yet."""
    due = owed(order)
    by = due.refund_by or order.refund_by or now
    return OpenWithdrawal(
        order_id=order.id,
        order_number=order.number,
        refund_by=rfc3339(by),
        is_overdue=by <= now,
        amount=major(due.amount_minor, order.currency),
        amount_minor=due.amount_minor,
        currency=order.currency,
        withdrawals=[withdrawal_shown(order, each, is_for_staff=True) for each in order.sending.withdrawals],
    )


def said_of(order: Order, made: Withdrawal) -> dict[str, Any]:
    """What the acknowledgement says of it."""
    shown: dict[str, Any] = msgspec.to_builtins(withdrawal_shown(order, made))
    sends_back = any(each["toSendBack"] for each in shown["items"])
    return {**shown, "sendsBack": sends_back, "amount": str(shown["amount"])}
