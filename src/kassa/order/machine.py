"""What news is to an order, and what becomes of the order. Pure: no I/O, no clock, no chance."""

from typing import Any

import msgspec
from msgspec import UNSET

from kassa.contracts.inventory import summed
from kassa.contracts.order import OrderItem, Sale
from kassa.contracts.parts import TaxPart
from kassa.contracts.withdrawals import DEFAULT_DAYS
from kassa.kit import inputs
from kassa.kit.audit import Cause
from kassa.kit.clock import MINUTE, Millis
from kassa.kit.effects import Effect, has_seen, planned, without
from kassa.kit.ids import GUEST
from kassa.kit.machine import Machine
from kassa.kit.problem import Unavailable
from kassa.order.domain import OPEN, STATUS, TRANSITIONS, Input, Kind, Order, Reason, Stage, Todo, total_minor
from kassa.order.owing import owed
from kassa.order.parcels import broken
from kassa.order.returning import first, left_to_shelve, with_aside, with_come_back, without_aside
from kassa.order.work import with_work

_BY_HAND = (Reason.CANCELLED_BY_BUYER, Reason.CANCELLED_BY_OPERATOR)
_OF_REFUNDS = (Kind.FULLY_REFUNDED, Kind.PARTLY_REFUNDED, Kind.RETURNED)
_PAID = (Stage.CONFIRMED, Stage.REFUNDED)
MAILS = (
    Todo.MAIL_RECEIVED,
    Todo.MAIL_CONFIRMED,
    Todo.MAIL_CANCELLED,
    Todo.MAIL_REFUNDED,
    Todo.MAIL_SHIPPED,
    Todo.MAIL_WITHDRAWN,
)
UNPAID_FOR: Millis = 2 * MINUTE
"""After this time a buyer is written to who has not paid yet; who pays at once gets one mail, not two."""


def placed(
    order_id: str,
    user_id: str,
    items: tuple[OrderItem, ...],
    currency: str,
    ttl: Millis,
    cause: Cause,
    now: Millis,
    sale: Sale | None = None,
    locale: str = "",
    withdrawal_days: int = DEFAULT_DAYS,
    number: int | None = None,
) -> Order:
    """A new order, which holds its stock for `ttl`, with its deadline as a timer; or, where nothing is to be paid, one
    that is confirmed."""
    total = total_minor(items, sale.parts if sale is not None else None)
    kind, stage = (Kind.PLACED, Stage.PENDING) if total else (Kind.GIVEN, Stage.CONFIRMED)
    order = Order(
        id=order_id,
        number=number,
        user_id=user_id,
        items=items,
        total_minor=total,
        currency=currency,
        stage=stage,
        status=stage,
        reason=Reason.NONE if total else Reason.FULLY_DISCOUNTED,
        expires_at=now + ttl,
        created_at=now,
        updated_at=now,
        sale=sale,
        contact=inputs.contact_of(sale.email, order_id) if sale is not None and sale.email else None,
        locale=locale,
        withdrawal_days=UNSET if withdrawal_days == DEFAULT_DAYS else withdrawal_days,
    )
    return MACHINE.begin(order, Input(kind, cause), now)


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
    if news.kind is Kind.CLAIMED and not is_guest(order.user_id):
        return None
    if news.kind is Kind.PAID:
        # A payment is taken note of once: after it was refunded, its money is not there any more.
        if news.payment_id is not None and news.payment_id == order.payment_id:
            return None
        is_unwanted = order.stage is Stage.CANCELLED and order.reason in _BY_HAND
        return msgspec.structs.replace(news, kind=Kind.UNWANTED) if is_unwanted else news
    if news.kind is Kind.CALLED_OFF:
        return _called_off(order, news)
    if news.kind in _OF_REFUNDS:
        if order.stage is Stage.REVIVING:
            raise Unavailable("it is not decided yet what becomes of the order's money")
        if news.kind is not Kind.RETURNED and news.payment_version < order.payment_version:
            return None  # Newer news of the payment's refunds is known.
    return news if news.refund_id == "" or news.parcels is not None else _of_goods(order, news)


def _of_goods(order: Order, news: Input) -> Input | None:
    """What the news of a refund is to the order's goods, which it changes with it."""
    parcels = order.sending
    if news.aside is not None:
        # What is free again stays so: a call that comes late finds that its refund has come to nothing.
        if has_seen(order, inputs.free(news.refund_id)) or parcels.aside_of(news.refund_id) is not None:
            return None
        parcels = with_aside(order, news.refund_id, news.aside)
    elif news.kind is Kind.SET_FREE:
        parcels = without_aside(order, news.refund_id, news.items)
    elif news.kind is Kind.RETURNED:
        parcels = with_come_back(order, news.refund_id, news.items)
    return news if parcels is order.sending else msgspec.structs.replace(news, parcels=parcels)


def _called_off(order: Order, news: Input) -> Input | None:
    """Only where nothing was paid and nothing was sent; and what is not sold yet cannot come back yet."""
    if order.total_minor or any(order.sending.sent.values()):
        return None
    if any(effect.kind == Todo.COMMIT and effect.done_at is None for effect in order.effects):
        raise Unavailable("the order is just being placed; try again")
    return news


def is_guest(user_id: str) -> bool:
    """Whether this is no account's id."""
    return user_id.startswith(f"{GUEST}_")


def _noted(order: Order, news: Input, to: Stage, _: Millis) -> dict[str, Any]:
    return {
        **_with_tax(order, news),
        **_with_parcels(order, news),
        "user_id": news.user_id or order.user_id,
        "reason": _reason(order, news, to),
        "generation": order.generation + 1 if to is Stage.REVIVING else order.generation,
        "payment_id": news.payment_id or order.payment_id,
        "address": order.address if to in OPEN else None,
        "payment_version": max(news.payment_version, order.payment_version),
    }


def _with_parcels(order: Order, news: Input) -> dict[str, Any]:
    changed: dict[str, Any] = {} if news.parcels is None else {"parcels": news.parcels}
    if news.kind in (Kind.PARTLY_REFUNDED, Kind.FULLY_REFUNDED):
        back = {
            "by_amount_minor": news.by_amount_minor,
            "shipping_back_minor": news.shipping_minor,
            "back_minor": news.back_minor,
        }
        if (told := msgspec.structs.replace(order.sending, **back)) != order.sending:
            changed["parcels"] = told
    if news.destination is not None and order.sale is not None:
        changed["sale"] = msgspec.structs.replace(order.sale, destination=news.destination)
    return changed


def _with_tax(order: Order, news: Input) -> dict[str, Any]:
    """What becomes of the total when Stripe tells the tax that it was to reckon: once."""
    sale = order.sale
    if sale is None or news.tax is None or not sale.parts.is_tax_open:
        return {}
    added = news.tax.added_minor
    told = (TaxPart("Tax", added), TaxPart("Tax", news.tax.amount_minor - added, is_included=True))
    taxes = tuple(each for each in told if each.amount_minor)
    parts = msgspec.structs.replace(sale.parts, taxes=taxes, is_tax_open=False)
    return {
        "sale": msgspec.structs.replace(sale, parts=parts),
        "total_minor": order.total_minor + added,
    }


def _reason(order: Order, news: Input, to: Stage) -> Reason:
    if news.kind is Kind.CLAIMED:
        return order.reason
    if to is Stage.CONFIRMED:
        return Reason.PAID_LATE if order.stage is Stage.REVIVING else Reason.NONE
    # A session that is expired because the order is closing tells nothing new: the reason is why it was closed.
    if order.stage is Stage.CLOSING and news.reason in (Reason.EXPIRED, Reason.NONE):
        return order.reason
    return news.reason or order.reason


def _planned(order: Order, todo: Todo, news: Input, now: Millis) -> Effect | None:
    if todo in MAILS:
        # Whoever withdraws is to be told that this has come, in any case (Directive 2011/83/EU, Art. 11a (4)).
        is_written = order.locale or todo is Todo.MAIL_WITHDRAWN
        return _planned_mail(order, todo, news, now) if is_written else None
    if todo is Todo.REFUND_DUE:
        return _planned_refund(order, now)
    if todo is Todo.EXPIRE:
        return planned(order, todo, now, at=order.expires_at)
    if todo is Todo.RESTOCK and news.items:
        items = news.items
        if news.kind is Kind.RETURNED and order.parcels:
            # What has gone back on the shelf with a return does not do so once more with its refund.
            items = first(summed(items), left_to_shelve(order))
        pieces = " ".join(f"{line.product_id}:{line.quantity}" for line in items)
        return planned(order, todo, now, refund=news.refund_id, pieces=pieces) if items else None
    return planned(order, todo, now, reservation=order.reservation_id)


def _planned_mail(order: Order, todo: Todo, news: Input, now: Millis) -> Effect | None:
    if todo is Todo.MAIL_RECEIVED:
        return planned(order, todo, now, at=now + UNPAID_FOR, since=str(now + UNPAID_FOR))
    # Who has left an order alone, or has seen that a card was declined, is not written to.
    if todo is Todo.MAIL_CANCELLED and order.reason in (Reason.EXPIRED, Reason.DECLINED):
        return None
    if todo is Todo.MAIL_REFUNDED and news.cause.why != "succeeded":
        return None
    if todo is Todo.MAIL_SHIPPED:
        return planned(order, todo, now, since=str(now), shipment=str(order.sending.shipments[-1].number))
    if todo is Todo.MAIL_WITHDRAWN:
        number = order.sending.withdrawals[-1].number if order.sending.withdrawals else 0
        return planned(order, todo, now, since=str(now), withdrawal=str(number))
    return planned(order, todo, now, since=str(now))


def _planned_refund(order: Order, now: Millis) -> Effect | None:
    """The deadline of what is owed for withdrawals, if there is no such timer."""
    if order.refund_by is None or any(each.kind == Todo.REFUND_DUE and each.done_at is None for each in order.effects):
        return None
    return planned(order, Todo.REFUND_DUE, now, at=order.refund_by, by=str(order.refund_by))


def _tidied(order: Order, now: Millis) -> Order:
    """With what is to be done about it, and the date by which withdrawals are to be refunded, as they are now; and
    without a timer for another."""
    order = with_work(order)
    if not order.parcels or not order.parcels.withdrawals:
        return order
    by = owed(order).refund_by
    order = msgspec.structs.replace(order, refund_by=by)
    return without(order, lambda it: it.kind == Todo.REFUND_DUE and it.args["by"] != str(by), now)


def has_deadline(order: Order) -> bool:
    """Whether somebody will be told, if what is owed for withdrawals is not refunded in time."""
    if not order.parcels or (by := owed(order).refund_by) is None:
        return True
    timers = [each for each in order.effects if each.kind == Todo.REFUND_DUE and each.done_at is None]
    return order.refund_by == by and [each.args["by"] for each in timers] == [str(by)]


MACHINE = Machine(
    table=TRANSITIONS,
    shown=STATUS,
    timers={Todo.EXPIRE: (Stage.PENDING,), Todo.MAIL_RECEIVED: (Stage.PENDING,)},
    interpret=interpret,
    noted=_noted,
    planned=_planned,
    tidied=_tidied,
    invariants={
        "an order that is paid names its payment": (
            lambda order: order.stage not in _PAID or bool(order.payment_id) or not order.total_minor
        ),
        "an order's total is the sum of its parts": lambda order: (
            order.sale is None or order.total_minor == total_minor(order.items, order.sale.parts)
        ),
        "an order whose stock is held again is in a later generation": (
            lambda order: order.stage is not Stage.REVIVING or order.generation > 1
        ),
        "what is sent, set aside and returned is no more than was ordered": (
            lambda order: not order.parcels or not broken(order.items, order.parcels)
        ),
        "what is owed for a withdrawal has a deadline": has_deadline,
        "what was sent was paid": lambda order: not order.parcels or not order.parcels.sent or order.stage in _PAID,
    },
)
