"""What is withdrawn of an order, and until when that can be done: what becomes of its parcels. Pure.

Directive 2011/83/EU: the period (Art. 9), the refund (Art. 13), what is excluded (Art. 16). How days are counted:
Regulation 1182/71, Art. 3.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from kassa.contracts.inventory import summed
from kassa.contracts.order import OrderItem
from kassa.contracts.parcels import TooManyParcels
from kassa.contracts.withdrawals import (
    NotWithdrawable,
    TooManyToWithdraw,
    WithdrawalExcluded,
    WithdrawalPeriodOver,
    excludes,
)
from kassa.kit import inputs
from kassa.kit.clock import DAY, HOUR, MINUTE, SECOND, Millis, rfc3339, start_of_day
from kassa.kit.problem import Invalid, NotFound, Unavailable
from kassa.kit.text import counted
from kassa.order.domain import Order, Stage
from kassa.order.owing import not_back, owed, settled, settled_by, shipping_left, value
from kassa.order.parcels import (
    Parcels,
    Pieces,
    Return,
    ReturnState,
    Withdrawal,
    larger,
    left_to_return,
    left_to_send,
    less,
    lines,
    ordered,
)
from kassa.order.sending import MOST_RETURNS, to_send

MOST_WITHDRAWALS = 20
REFUND_WITHIN: Millis = 14 * DAY
"""Art. 13 (1): from when the shop was told."""
SAME_FOR: Millis = 15 * MINUTE
"""Who says the same again so soon has clicked twice, or has not seen the answer."""
EASTERNMOST, WESTERNMOST = 3 * HOUR, 1 * HOUR
"""How far the Union's clocks are before and behind UTC: no buyer's last day is over sooner than by their own clock."""
_SATURDAY = 5


def period_end(order: Order) -> Millis | None:
    """When the buyer can withdraw no more; None while that is not known, for something has still to come."""
    began = _began(order)
    if began is None:
        return None
    day = start_of_day(began + EASTERNMOST) + order.days_to_withdraw * DAY
    while datetime.fromtimestamp(day // SECOND, UTC).weekday() >= _SATURDAY:
        day += DAY
    return day + DAY + WESTERNMOST


def _began(order: Order) -> Millis | None:
    """When the last of the goods was there; of what is not sent, when the contract was made."""
    live = [each for each in order.sending.shipments if each.cancelled_at is None]
    if any(to_send(order).values()) or any(each.delivered_at is None for each in live):
        return None
    made = next((each.at for each in order.audit if each.to_state == Stage.CONFIRMED), order.created_at)
    return max((each.delivered_at or 0 for each in live), default=made)


def excluded(items: Sequence[OrderItem], wanted: Pieces | None = None) -> list[OrderItem]:
    """Those of the items that cannot be withdrawn from; of those that are wanted."""
    return [item for item in items if excludes(item.withdrawal_excluded) and (not wanted or item.product_id in wanted)]


def withdrawable(order: Order) -> Pieces:
    """How many pieces of each product can be withdrawn from yet: all that were ordered, are not excluded, and are
    neither withdrawn nor refunded. It does not matter where they are: a return that was asked for is none of it."""
    if order.stage is not Stage.CONFIRMED:
        return {}
    out = {item.product_id for item in excluded(order.items)}
    # What was refunded as withdrawn went once; what refunds keep from being sent is none of that.
    kept = summed(line for each in order.sending.aside for line in each.withheld)
    gone = larger(less(order.sending.given_up, settled(order)), kept)
    left = less(less(ordered(order.items), order.sending.withdrawn), gone)
    return {product_id: max(0, quantity) for product_id, quantity in left.items() if product_id not in out}


def known(order: Order, asked: Withdrawal, now: Millis) -> Withdrawal | None:
    """The withdrawal that this statement has made already, if it has."""
    out = {item.product_id for item in excluded(order.items)}
    wanted = {product_id: quantity for product_id, quantity in summed(asked.lines).items() if product_id not in out}
    is_all_gone = not any(withdrawable(order).values())
    said = (asked.name, asked.email, asked.remark, asked.is_by_staff)
    for each in order.sending.withdrawals:
        if each.id == asked.id:
            return each
    for each in reversed(order.sending.withdrawals):
        is_same = (each.name, each.email, each.remark, each.is_by_staff) == said and now - each.received_at < SAME_FOR
        if is_same and (summed(each.lines) == wanted if asked.lines else is_all_gone):
            return each
    return None


def with_withdrawal(order: Order, asked: Withdrawal, now: Millis) -> Parcels:
    """With the statement received: of its lines, or of all that can be withdrawn from if it has none. What of that was
    not sent will not be; what was sent comes back as a return that is approved. Staff notes it also after the
    period."""
    if known(order, asked, now) is not None:
        return order.sending
    _check(order, now, is_by_staff=asked.is_by_staff)
    wanted = _wanted(order, asked)
    parcels = order.sending
    unsent = left_to_send(order.items, parcels)
    withheld = {each: min(quantity, max(0, unsent.get(each, 0))) for each, quantity in wanted.items()}
    shipping, due = shipping_left(order) if _is_all_then(order, wanted) else 0, owed(order)
    amount = min(value(order, wanted, due.pieces) + shipping, not_back(order) - due.amount_minor)
    made = msgspec.structs.replace(
        asked,
        number=len(parcels.withdrawals) + 1,
        lines=lines(wanted),
        withheld=lines(withheld),
        amount_minor=amount,
        shipping_minor=min(shipping, amount),
        refunded_before=lines(parcels.refunded),
        by_amount_before=parcels.by_amount_minor,
        received_at=now,
        refund_by=now + REFUND_WITHIN,
    )
    returns = _with_returned(order, made, less(wanted, withheld), now)
    return msgspec.structs.replace(parcels, withdrawals=(*parcels.withdrawals, made), returns=returns)


def _check(order: Order, now: Millis, *, is_by_staff: bool) -> None:
    if order.stage is Stage.REVIVING:
        raise Unavailable("it is not decided yet whether the order can be fulfilled")
    if order.stage in (Stage.PENDING, Stage.CLOSING):
        raise NotWithdrawable("the order is not paid, so nothing is owed: cancel it, or leave it to end by itself")
    if order.stage is Stage.REFUNDED:
        raise NotWithdrawable("all of the order's money went back already")
    if order.stage is not Stage.CONFIRMED:
        raise NotWithdrawable(f"the order is {order.status}: there is no contract any more")
    if not order.days_to_withdraw:
        raise NotWithdrawable("the order was placed where the shop offered no withdrawing")
    ended = period_end(order)
    if ended is not None and ended <= now and not is_by_staff:
        raise WithdrawalPeriodOver(rfc3339(ended))
    if len(order.sending.withdrawals) >= MOST_WITHDRAWALS:
        raise TooManyParcels(f"it has {counted(MOST_WITHDRAWALS, 'withdrawal')}: withdraw from the rest by writing")


def _wanted(order: Order, asked: Withdrawal) -> Pieces:
    left, wanted = withdrawable(order), summed(asked.lines)
    ours = {item.product_id for item in order.items}
    for product_id in wanted:
        if product_id not in ours:
            raise Invalid.field("items", f"product {product_id[:64]} is not in this order")
    found = {each: quantity for each, quantity in (wanted or left).items() if each in left}
    for product_id, quantity in found.items():
        if quantity > left[product_id]:
            raise TooManyToWithdraw(product_id, quantity, left[product_id])
    if any(found.values()):
        return {each: quantity for each, quantity in found.items() if quantity}
    if out := excluded(order.items, wanted) if not order.sending.withdrawals or wanted else []:
        named = [{"productId": it.product_id, "name": it.name, "reason": it.withdrawal_excluded} for it in out]
        raise WithdrawalExcluded(named)
    raise NotWithdrawable("all that could be withdrawn from was withdrawn from, or refunded, already")


def _is_all_then(order: Order, wanted: Pieces) -> bool:
    """Whether nothing of the order is left to the buyer: then what sending it cost goes back, too (Art. 13 (1))."""
    refunded = less(order.sending.refunded, settled(order))
    gone = summed((*lines(order.sending.withdrawn), *lines(refunded), *lines(wanted)))
    return all(quantity <= gone.get(product_id, 0) for product_id, quantity in ordered(order.items).items())


def _with_returned(order: Order, made: Withdrawal, had: Pieces, now: Millis) -> tuple[Return, ...]:
    """The order's returns with one for what the buyer has and is in none; those that were asked for are approved."""
    returns = order.sending.returns
    digital = {item.product_id for item in order.items if item.is_digital}
    left = left_to_return(order.items, order.sending)
    back = {each: min(quantity, max(0, left.get(each, 0))) for each, quantity in had.items() if each not in digital}
    asked = {each for each, quantity in had.items() if quantity > back.get(each, 0)}
    returns = tuple(
        msgspec.structs.replace(each, state=ReturnState.APPROVED, updated_at=now)
        if each.state is ReturnState.REQUESTED and asked & {line.product_id for line in each.lines}
        else each
        for each in returns
    )
    if not any(back.values()):
        return returns
    if len(returns) >= MOST_RETURNS:
        raise TooManyParcels(f"it has {counted(MOST_RETURNS, 'return')}: no order has more")
    coming = Return(
        id=inputs.return_of(made.id),
        number=len(returns) + 1,
        lines=lines(back),
        state=ReturnState.APPROVED,
        reason=f"withdrawal {made.number}",
        is_by_staff=made.is_by_staff,
        asked_at=now,
        updated_at=now,
    )
    return (*returns, coming)


def withdrawal_of(order: Order, number: int) -> Withdrawal:
    """The order's withdrawal of this number; NotFound."""
    found = next((each for each in order.sending.withdrawals if each.number == number), None)
    if found is None:
        raise NotFound(f"the order has no withdrawal {number}")
    return found


def with_closed(order: Order, number: int, why: str, at: Millis) -> Parcels:
    """With the withdrawal closed by staff: nothing more is owed for it."""
    found = withdrawal_of(order, number)
    if found.closed_at is not None:
        return order.sending
    pieces, money = settled_by(order, found)
    closed = msgspec.structs.replace(found, closed_at=at, closed_why=why, settled=lines(pieces), settled_minor=money)
    kept = tuple(closed if each.number == number else each for each in order.sending.withdrawals)
    return msgspec.structs.replace(order.sending, withdrawals=kept)
