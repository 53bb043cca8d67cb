"""The order's states, as data, and the one function that applies them. Pure: no I/O, no clock, no chance."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from kassa.contracts.inventory import Line
from kassa.contracts.order import OrderItem
from kassa.contracts.product import UnknownProduct
from kassa.kit.audit import Cause, entry
from kassa.kit.clock import Millis
from kassa.kit.effects import Aggregate, has_seen, planned, with_effects, without_timers
from kassa.kit.ids import PRODUCT, is_id
from kassa.kit.problem import Invalid

MAX_LINES = 100
MAX_QUANTITY = 1_000_000


class Stage(StrEnum):
    """Where an order stands. Append only."""

    PENDING = "PENDING"
    CLOSING = "CLOSING"  # no session can be made any more; Stripe decides whether money came
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"
    REVIVING = "REVIVING"  # money came after the end; its stock is being held once more
    REFUNDED = "REFUNDED"
    FAILED = "FAILED"  # never made: a crash left a reservation without an order


STATUS = {Stage.CLOSING: "PENDING", Stage.REVIVING: "CANCELLED"}
"""How internal stages show on the wire; the others show as they are."""


class Kind(StrEnum):
    """What can happen to an order. Append only."""

    CLOSE = "close"  # the buyer cancels, the deadline passes, a card is declined
    PAID = "paid"
    UNWANTED = "unwanted money"  # paid, though the buyer had cancelled
    ENDED = "ended"  # no money comes any more
    HELD = "held again"
    SOLD_OUT = "sold out"
    FULLY_REFUNDED = "fully refunded"
    PARTLY_REFUNDED = "partly refunded"  # also: a refund failed, so that not all is refunded any more


class Todo(StrEnum):
    """The effects of an order. Append only."""

    EXPIRE = "expire"
    CLOSE_PAYMENT = "close_payment"
    COMMIT = "commit_stock"
    RELEASE = "release_stock"
    RESERVE_AGAIN = "reserve_again"
    REFUND_LATE = "refund_late"
    RESTOCK = "restock"


class Reason(StrEnum):
    """Why an order is what it is, for programs; the pages say it in words. Append only."""

    NONE = ""
    CANCELLED_BY_BUYER = "cancelled_by_buyer"
    CANCELLED_BY_OPERATOR = "cancelled_by_operator"
    EXPIRED = "expired"
    DECLINED = "payment_declined"
    PAYMENT_FAILED = "payment_failed"
    AMOUNT_MISMATCH = "amount_mismatch"
    PAID_LATE = "paid_late"
    SOLD_OUT = "sold_out"
    NEVER_PLACED = "never_placed"


class Move(msgspec.Struct, frozen=True):
    """One transition: the next stage and what must be done because of it."""

    to: Stage
    effects: tuple[Todo, ...] = ()


TRANSITIONS: dict[tuple[Stage, Kind], Move] = {
    (Stage.PENDING, Kind.CLOSE): Move(Stage.CLOSING, (Todo.CLOSE_PAYMENT,)),
    (Stage.PENDING, Kind.PAID): Move(Stage.CONFIRMED, (Todo.COMMIT,)),
    (Stage.PENDING, Kind.ENDED): Move(Stage.CANCELLED, (Todo.RELEASE,)),
    (Stage.CLOSING, Kind.PAID): Move(Stage.CONFIRMED, (Todo.COMMIT,)),
    (Stage.CLOSING, Kind.ENDED): Move(Stage.CANCELLED, (Todo.RELEASE,)),
    (Stage.CANCELLED, Kind.PAID): Move(Stage.REVIVING, (Todo.RESERVE_AGAIN,)),
    (Stage.CANCELLED, Kind.UNWANTED): Move(Stage.CANCELLED, (Todo.REFUND_LATE,)),
    (Stage.REVIVING, Kind.HELD): Move(Stage.CONFIRMED, (Todo.COMMIT,)),
    (Stage.REVIVING, Kind.SOLD_OUT): Move(Stage.CANCELLED, (Todo.REFUND_LATE,)),
    (Stage.FAILED, Kind.PAID): Move(Stage.FAILED, (Todo.REFUND_LATE,)),
    (Stage.CONFIRMED, Kind.FULLY_REFUNDED): Move(Stage.REFUNDED),
    (Stage.CONFIRMED, Kind.PARTLY_REFUNDED): Move(Stage.CONFIRMED),
    (Stage.REFUNDED, Kind.PARTLY_REFUNDED): Move(Stage.CONFIRMED),
    (Stage.REFUNDED, Kind.FULLY_REFUNDED): Move(Stage.REFUNDED),
}
"""Every pair that is not here changes nothing: the news comes late, twice, or for another state."""


class Order(Aggregate, frozen=True, kw_only=True):
    """What a buyer asked for. `status` is the stage as the wire shows it; `generation` counts the reservations;
    `payment_version` is the version of the payment whose refunds are known."""

    user_id: str
    items: tuple[OrderItem, ...]
    total_minor: int
    currency: str
    stage: Stage
    status: str
    reason: Reason = Reason.NONE
    generation: int = 1
    payment_id: str | None = None
    payment_version: int = 0
    expires_at: Millis
    created_at: Millis
    updated_at: Millis

    @property
    def reservation_id(self) -> str:
        """The reservation that this order holds now."""
        return f"{self.id}.{self.generation}"


def restock_id(order: Order) -> str:
    """The operation by which the goods of an order come back on the shelf: once, however often it is asked for."""
    return f"{order.id}.restock"


class Input(msgspec.Struct, frozen=True):
    """Something that happened to an order, with its cause."""

    kind: Kind
    cause: Cause
    reason: Reason = Reason.NONE
    payment_id: str | None = None
    restock: bool = False
    payment_version: int = 0


def merged(lines: Sequence[Line]) -> list[Line]:
    """The lines with each product once; Invalid or UnknownProduct if they cannot be an order's."""
    quantities: dict[str, int] = {}
    for number, line in enumerate(lines):
        if not 1 <= line.quantity <= MAX_QUANTITY:
            raise Invalid.field(f"items[{number}].quantity", f"must be from 1 to {MAX_QUANTITY}")
        quantities[line.product_id] = quantities.get(line.product_id, 0) + line.quantity
    if not 1 <= len(lines) <= MAX_LINES:
        raise Invalid.field("items", f"must have 1 to {MAX_LINES} lines")
    for product_id, quantity in quantities.items():
        if not is_id(PRODUCT, product_id):
            raise UnknownProduct(product_id[:64])
        if quantity > MAX_QUANTITY:
            raise Invalid.field("items", f"must have at most {MAX_QUANTITY} pieces of one product")
    return [Line(product_id, quantity) for product_id, quantity in quantities.items()]


def placed(order: Order, cause: Cause) -> Order:
    """A new PENDING order with its deadline as a timer."""
    audited = msgspec.structs.replace(order, audit=(entry(cause, "place", "", order.stage, order.created_at),))
    timer = planned(audited, Todo.EXPIRE, order.created_at, at=order.expires_at)
    return with_effects(audited, (timer,))


def never_placed(order: Order, cause: Cause, now: Millis) -> Order:
    """The FAILED order that takes the place of one whose making was interrupted; its stock is released."""
    audited = msgspec.structs.replace(order, audit=(entry(cause, "fail", "", order.stage, now),))
    release = planned(audited, Todo.RELEASE, now, reservation=order.reservation_id)
    return with_effects(audited, (release,))


def apply(order: Order, news: Input, now: Millis) -> Order:
    """The order after the news; the very same object if the news changes nothing."""
    if has_seen(order, news.cause.id):
        return order
    kind = _seen_by(order, news)
    move = TRANSITIONS.get((order.stage, kind))
    if move is None or _is_second_payment(order, news):
        return order
    generation = order.generation + 1 if move.to is Stage.REVIVING else order.generation
    moved = msgspec.structs.replace(
        order,
        stage=move.to,
        status=STATUS.get(move.to, str(move.to)),
        reason=_reason(order, news, move.to),
        generation=generation,
        payment_id=news.payment_id or order.payment_id,
        payment_version=max(news.payment_version, order.payment_version),
        updated_at=now,
        audit=(*order.audit, entry(news.cause, kind, order.stage, move.to, now)),
    )
    if move.to is not Stage.PENDING:
        moved = without_timers(moved, frozenset({Todo.EXPIRE}), now)
    todos = (*move.effects, Todo.RESTOCK) if news.restock else move.effects
    for todo in todos:
        effect = planned(moved, todo, now, reservation=moved.reservation_id)
        moved = with_effects(moved, (*moved.effects, effect))
    return moved


def _seen_by(order: Order, news: Input) -> Kind:
    """Money for an order that its buyer had cancelled is not wanted any more; of refunds the newest is believed."""
    if news.kind in (Kind.FULLY_REFUNDED, Kind.PARTLY_REFUNDED) and news.payment_version < order.payment_version:
        return Kind.FULLY_REFUNDED if order.stage is Stage.REFUNDED else Kind.PARTLY_REFUNDED
    by_hand = order.reason in (Reason.CANCELLED_BY_BUYER, Reason.CANCELLED_BY_OPERATOR)
    return Kind.UNWANTED if news.kind is Kind.PAID and order.stage is Stage.CANCELLED and by_hand else news.kind


def _is_second_payment(order: Order, news: Input) -> bool:
    """A payment is taken note of once: after it was refunded, its money is not there any more."""
    return news.kind is Kind.PAID and news.payment_id is not None and news.payment_id == order.payment_id


def _reason(order: Order, news: Input, to: Stage) -> Reason:
    if to is Stage.CONFIRMED:
        return Reason.PAID_LATE if order.stage is Stage.REVIVING else Reason.NONE
    # A session that is expired because the order is closing tells nothing new: the reason is why it was closed.
    if order.stage is Stage.CLOSING and news.reason in (Reason.EXPIRED, Reason.NONE):
        return order.reason
    return news.reason or order.reason
