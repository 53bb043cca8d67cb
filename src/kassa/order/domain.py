"""The order's states, as data, and what an order is. Pure: no I/O, no clock, no chance."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from kassa.contracts.inventory import Line
from kassa.contracts.order import OrderItem
from kassa.contracts.product import UnknownProduct
from kassa.kit.audit import Cause
from kassa.kit.clock import Millis
from kassa.kit.ids import PRODUCT, is_id
from kassa.kit.inputs import reservation_of
from kassa.kit.machine import Move, Stateful, Table
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


OPEN = (Stage.PENDING, Stage.CLOSING)
"""Neither paid nor ended: its stock is held, and it takes a place (places.py)."""

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
    PLACED = "place"
    NEVER_PLACED = "fail"  # its making was interrupted
    RETURNED = "goods come back"


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


TRANSITIONS: Table[Stage, Kind, Todo] = {
    (None, Kind.PLACED): Move(Stage.PENDING, (Todo.EXPIRE,)),
    (None, Kind.NEVER_PLACED): Move(Stage.FAILED, (Todo.RELEASE,)),
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
    (Stage.CONFIRMED, Kind.RETURNED): Move(Stage.CONFIRMED, (Todo.RESTOCK,)),
    (Stage.REFUNDED, Kind.RETURNED): Move(Stage.REFUNDED, (Todo.RESTOCK,)),
}


class Order(Stateful, frozen=True, kw_only=True):
    """What a buyer asked for. `generation` counts the reservations; `payment_version` is the version of the payment
    whose refunds are known. `place` and `address` are those of the buyer's and
    the address's places that it has while it is open."""

    user_id: str
    items: tuple[OrderItem, ...]
    total_minor: int
    currency: str
    stage: Stage
    reason: Reason = Reason.NONE
    generation: int = 1
    payment_id: str | None = None
    payment_version: int = 0
    expires_at: Millis
    created_at: Millis
    place: str = ""
    address: str | None = None

    @property
    def reservation_id(self) -> str:
        """The reservation that this order holds now."""
        return reservation_of(self.id, self.generation)


class Input(msgspec.Struct, frozen=True):
    """Something that happened to an order, with its cause."""

    kind: Kind
    cause: Cause
    reason: Reason = Reason.NONE
    payment_id: str | None = None
    payment_version: int = 0
    refund_id: str = ""
    items: tuple[Line, ...] = ()


class Limits(msgspec.Struct, frozen=True):
    """What may be held without being paid: `pieces` of a product by one order; so many orders by one buyer, and by all
    buyers of one address; `in_all` pieces by either (None: any number)."""

    pieces: int = MAX_QUANTITY
    per_buyer: int | None = None
    per_address: int | None = None
    in_all: int | None = None


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


def pieces_of(lines: Sequence[Line] | Sequence[OrderItem]) -> int:
    """How many pieces the lines have together."""
    return sum(line.quantity for line in lines)


def total_minor(items: Sequence[OrderItem]) -> int:
    """What the items cost together, in minor units."""
    return sum(item.price_minor * item.quantity for item in items)
