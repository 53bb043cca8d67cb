"""What news is to an order, and what becomes of the order. Pure: no I/O, no clock, no chance."""

from typing import Any

import msgspec

from kassa.contracts.order import OrderItem
from kassa.kit.audit import Cause
from kassa.kit.clock import Millis
from kassa.kit.effects import Effect, planned
from kassa.kit.machine import Machine
from kassa.kit.problem import Unavailable
from kassa.order.domain import OPEN, STATUS, TRANSITIONS, Input, Kind, Order, Reason, Stage, Todo, total_minor

_BY_HAND = (Reason.CANCELLED_BY_BUYER, Reason.CANCELLED_BY_OPERATOR)
_OF_REFUNDS = (Kind.FULLY_REFUNDED, Kind.PARTLY_REFUNDED, Kind.RETURNED)
_PAID = (Stage.CONFIRMED, Stage.REFUNDED)


def placed(
    order_id: str,
    user_id: str,
    items: tuple[OrderItem, ...],
    currency: str,
    ttl: Millis,
    cause: Cause,
    now: Millis,
) -> Order:
    """A new order, which holds its stock for `ttl`, with its deadline as a timer."""
    order = Order(
        id=order_id,
        user_id=user_id,
        items=items,
        total_minor=total_minor(items),
        currency=currency,
        stage=Stage.PENDING,
        status=Stage.PENDING,
        expires_at=now + ttl,
        created_at=now,
        updated_at=now,
    )
    return MACHINE.begin(order, Input(Kind.PLACED, cause), now)


def never_placed(
    order_id: str, items: tuple[OrderItem, ...], currency: str, held_at: Millis, cause: Cause, now: Millis
) -> Order:
    """The order that takes the place of one whose making was interrupted; its stock, held at `held_at`, is released."""
    order = Order(
        id=order_id,
        user_id="",
        items=items,
        total_minor=total_minor(items),
        currency=currency,
        stage=Stage.FAILED,
        status=Stage.FAILED,
        reason=Reason.NEVER_PLACED,
        expires_at=held_at,
        created_at=held_at,
        updated_at=now,
    )
    return MACHINE.begin(order, Input(Kind.NEVER_PLACED, cause), now)


def interpret(order: Order, news: Input) -> Input | None:
    """What the news is to this order; None if it is none. Unavailable: that is not decided yet, it must come again."""
    if news.kind is Kind.PAID:
        # A payment is taken note of once: after it was refunded, its money is not there any more.
        if news.payment_id is not None and news.payment_id == order.payment_id:
            return None
        is_unwanted = order.stage is Stage.CANCELLED and order.reason in _BY_HAND
        return msgspec.structs.replace(news, kind=Kind.UNWANTED) if is_unwanted else news
    if news.kind in _OF_REFUNDS:
        if order.stage is Stage.REVIVING:
            raise Unavailable("it is not decided yet what becomes of the order's money")
        if news.kind is not Kind.RETURNED and news.payment_version < order.payment_version:
            return None  # Newer news of the payment's refunds is known.
    return news


def _noted(order: Order, news: Input, to: Stage, _: Millis) -> dict[str, Any]:
    return {
        "reason": _reason(order, news, to),
        "generation": order.generation + 1 if to is Stage.REVIVING else order.generation,
        "payment_id": news.payment_id or order.payment_id,
        "address": order.address if to in OPEN else None,
        "payment_version": max(news.payment_version, order.payment_version),
    }


def _reason(order: Order, news: Input, to: Stage) -> Reason:
    if to is Stage.CONFIRMED:
        return Reason.PAID_LATE if order.stage is Stage.REVIVING else Reason.NONE
    # A session that is expired because the order is closing tells nothing new: the reason is why it was closed.
    if order.stage is Stage.CLOSING and news.reason in (Reason.EXPIRED, Reason.NONE):
        return order.reason
    return news.reason or order.reason


def _planned(order: Order, todo: Todo, news: Input, now: Millis) -> Effect:
    if todo is Todo.EXPIRE:
        return planned(order, todo, now, at=order.expires_at)
    if todo is Todo.RESTOCK and news.items:
        pieces = " ".join(f"{line.product_id}:{line.quantity}" for line in news.items)
        return planned(order, todo, now, refund=news.refund_id, pieces=pieces)
    return planned(order, todo, now, reservation=order.reservation_id)


MACHINE = Machine(
    table=TRANSITIONS,
    shown=STATUS,
    timers={Todo.EXPIRE: (Stage.PENDING,)},
    interpret=interpret,
    noted=_noted,
    planned=_planned,
    invariants={
        "an order that is paid names its payment": lambda order: order.stage not in _PAID or bool(order.payment_id),
        "an order whose stock is held again is in a later generation": (
            lambda order: order.stage is not Stage.REVIVING or order.generation > 1
        ),
    },
)
