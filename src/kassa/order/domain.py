"""The order's states, as data, and what an order is. Pure: no I/O, no clock, no chance."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from msgspec import UNSET, UnsetType

from kassa.contracts.inventory import Line
from kassa.contracts.order import OrderItem, Sale, StripeTax
from kassa.contracts.parcels import Aside
from kassa.contracts.parts import Address, Parts
from kassa.contracts.product import UnknownProduct
from kassa.contracts.withdrawals import DEFAULT_DAYS
from kassa.kit.audit import Cause
from kassa.kit.clock import Millis
from kassa.kit.ids import PRODUCT, is_id
from kassa.kit.inputs import reservation_of
from kassa.kit.machine import Move, Stateful, Table
from kassa.kit.problem import Invalid
from kassa.order.parcels import NO_PARCELS, Parcels

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
    REVOKED = "REVOKED"  # by staff, where nothing was to be paid; its goods come back


OPEN = (Stage.PENDING, Stage.CLOSING)
"""Neither paid nor ended: its stock is held, and it takes a place (places.py)."""

STATUS = {Stage.CLOSING: "PENDING", Stage.REVIVING: "CANCELLED", Stage.REVOKED: "CANCELLED"}
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
    CLAIMED = "claim"  # a guest's order becomes an account's
    GIVEN = "place for nothing"  # discounts take all of it off: nothing is to be paid
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    SHIPMENT_CANCELLED = "shipment cancelled"  # it was noted by mistake: its pieces are still to be sent
    HELD_BACK = "held back"  # by staff: nothing is sent for now
    LET_GO = "let go"
    REDIRECTED = "redirected"
    SET_ASIDE = "set aside"  # for a refund: what was not sent will not be
    SET_FREE = "set free"  # the refund has come to nothing
    RETURN_REQUESTED = "return requested"
    RETURN_APPROVED = "return approved"
    RETURN_DECLINED = "return declined"
    RETURN_RECEIVED = "return received"
    RETURN_SHELVED = "return received, goods on the shelf"
    RETURN_CLOSED = "return closed"
    CALLED_OFF = "called off"  # by staff, where nothing was to be paid
    WITHDRAWN = "withdrawn"  # by the buyer, within the period that the law gives
    WITHDRAWAL_CLOSED = "withdrawal closed"  # by staff: nothing more is owed for it
    NOT_WRITTEN = "mail given up"  # the mail server refuses it, or could not be reached for days


class Todo(StrEnum):
    """The effects of an order. Append only."""

    EXPIRE = "expire"
    CLOSE_PAYMENT = "close_payment"
    COMMIT = "commit_stock"
    RELEASE = "release_stock"
    RESERVE_AGAIN = "reserve_again"
    REFUND_LATE = "refund_late"
    RESTOCK = "restock"
    HAND_OVER = "hand_over"
    MAIL_RECEIVED = "mail_received"
    MAIL_CONFIRMED = "mail_confirmed"
    MAIL_CANCELLED = "mail_cancelled"
    MAIL_REFUNDED = "mail_refunded"
    MAIL_SHIPPED = "mail_shipped"
    MAIL_WITHDRAWN = "mail_withdrawn"
    REFUND_DUE = "refund_due"
    INVOICE = "invoice"


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
    FULLY_DISCOUNTED = "fully_discounted"


TRANSITIONS: Table[Stage, Kind, Todo] = {
    (None, Kind.PLACED): Move(Stage.PENDING, (Todo.EXPIRE, Todo.MAIL_RECEIVED)),
    (None, Kind.NEVER_PLACED): Move(Stage.FAILED, (Todo.RELEASE,)),
    (None, Kind.GIVEN): Move(Stage.CONFIRMED, (Todo.COMMIT, Todo.MAIL_CONFIRMED)),
    (Stage.PENDING, Kind.CLOSE): Move(Stage.CLOSING, (Todo.CLOSE_PAYMENT,)),
    # The invoice first: it waits for others to be entered with, and is noted as done in one write with the stock.
    (Stage.PENDING, Kind.PAID): Move(Stage.CONFIRMED, (Todo.INVOICE, Todo.COMMIT, Todo.MAIL_CONFIRMED)),
    (Stage.PENDING, Kind.ENDED): Move(Stage.CANCELLED, (Todo.RELEASE, Todo.MAIL_CANCELLED)),
    (Stage.CLOSING, Kind.PAID): Move(Stage.CONFIRMED, (Todo.INVOICE, Todo.COMMIT, Todo.MAIL_CONFIRMED)),
    (Stage.CLOSING, Kind.ENDED): Move(Stage.CANCELLED, (Todo.RELEASE, Todo.MAIL_CANCELLED)),
    (Stage.CANCELLED, Kind.PAID): Move(Stage.REVIVING, (Todo.RESERVE_AGAIN,)),
    (Stage.CANCELLED, Kind.UNWANTED): Move(Stage.CANCELLED, (Todo.REFUND_LATE,)),
    (Stage.REVIVING, Kind.HELD): Move(Stage.CONFIRMED, (Todo.INVOICE, Todo.COMMIT, Todo.MAIL_CONFIRMED)),
    (Stage.REVIVING, Kind.SOLD_OUT): Move(Stage.CANCELLED, (Todo.REFUND_LATE, Todo.MAIL_CANCELLED)),
    (Stage.FAILED, Kind.PAID): Move(Stage.FAILED, (Todo.REFUND_LATE,)),
    (Stage.CONFIRMED, Kind.FULLY_REFUNDED): Move(Stage.REFUNDED, (Todo.INVOICE, Todo.MAIL_REFUNDED)),
    (Stage.CONFIRMED, Kind.PARTLY_REFUNDED): Move(Stage.CONFIRMED, (Todo.INVOICE, Todo.MAIL_REFUNDED, Todo.REFUND_DUE)),
    (Stage.REFUNDED, Kind.PARTLY_REFUNDED): Move(Stage.CONFIRMED, (Todo.INVOICE, Todo.REFUND_DUE)),
    (Stage.REFUNDED, Kind.FULLY_REFUNDED): Move(Stage.REFUNDED, (Todo.INVOICE, Todo.MAIL_REFUNDED)),
    (Stage.CONFIRMED, Kind.RETURNED): Move(Stage.CONFIRMED, (Todo.RESTOCK,)),
    (Stage.REFUNDED, Kind.RETURNED): Move(Stage.REFUNDED, (Todo.RESTOCK,)),
    **{(stage, Kind.CLAIMED): Move(stage, (Todo.HAND_OVER,)) for stage in Stage},
    (Stage.CONFIRMED, Kind.SHIPPED): Move(Stage.CONFIRMED, (Todo.MAIL_SHIPPED,)),
    (Stage.CONFIRMED, Kind.HELD_BACK): Move(Stage.CONFIRMED),
    (Stage.CONFIRMED, Kind.LET_GO): Move(Stage.CONFIRMED),
    (Stage.CONFIRMED, Kind.REDIRECTED): Move(Stage.CONFIRMED),
    (Stage.CONFIRMED, Kind.DELIVERED): Move(Stage.CONFIRMED),
    (Stage.REFUNDED, Kind.DELIVERED): Move(Stage.REFUNDED),
    (Stage.CONFIRMED, Kind.SHIPMENT_CANCELLED): Move(Stage.CONFIRMED),
    (Stage.REFUNDED, Kind.SHIPMENT_CANCELLED): Move(Stage.REFUNDED),
    (Stage.CONFIRMED, Kind.SET_ASIDE): Move(Stage.CONFIRMED, (Todo.REFUND_DUE,)),
    (Stage.REFUNDED, Kind.SET_ASIDE): Move(Stage.REFUNDED),
    (Stage.CONFIRMED, Kind.SET_FREE): Move(Stage.CONFIRMED, (Todo.REFUND_DUE,)),
    (Stage.REFUNDED, Kind.SET_FREE): Move(Stage.REFUNDED),
    (Stage.CONFIRMED, Kind.RETURN_REQUESTED): Move(Stage.CONFIRMED),
    (Stage.REFUNDED, Kind.RETURN_REQUESTED): Move(Stage.REFUNDED),
    (Stage.CONFIRMED, Kind.RETURN_APPROVED): Move(Stage.CONFIRMED),
    (Stage.REFUNDED, Kind.RETURN_APPROVED): Move(Stage.REFUNDED),
    (Stage.CONFIRMED, Kind.RETURN_DECLINED): Move(Stage.CONFIRMED),
    (Stage.REFUNDED, Kind.RETURN_DECLINED): Move(Stage.REFUNDED),
    (Stage.CONFIRMED, Kind.RETURN_RECEIVED): Move(Stage.CONFIRMED),
    (Stage.REFUNDED, Kind.RETURN_RECEIVED): Move(Stage.REFUNDED),
    (Stage.CONFIRMED, Kind.RETURN_SHELVED): Move(Stage.CONFIRMED, (Todo.RESTOCK,)),
    (Stage.REFUNDED, Kind.RETURN_SHELVED): Move(Stage.REFUNDED, (Todo.RESTOCK,)),
    (Stage.CONFIRMED, Kind.CALLED_OFF): Move(Stage.REVOKED, (Todo.RESTOCK, Todo.MAIL_CANCELLED)),
    (Stage.CONFIRMED, Kind.RETURN_CLOSED): Move(Stage.CONFIRMED),
    (Stage.REFUNDED, Kind.RETURN_CLOSED): Move(Stage.REFUNDED),
    (Stage.CONFIRMED, Kind.WITHDRAWN): Move(Stage.CONFIRMED, (Todo.MAIL_WITHDRAWN, Todo.REFUND_DUE)),
    (Stage.CONFIRMED, Kind.WITHDRAWAL_CLOSED): Move(Stage.CONFIRMED, (Todo.REFUND_DUE,)),
    (Stage.REFUNDED, Kind.WITHDRAWAL_CLOSED): Move(Stage.REFUNDED),
    **{(stage, Kind.NOT_WRITTEN): Move(stage) for stage in Stage},
}


class Order(Stateful, frozen=True, kw_only=True):
    """What a buyer asked for. `number` is what people call it by; orders of before there were numbers, and those
    that were never placed, have none. `generation` counts the reservations; `payment_version` is the version of the
    payment whose refunds are known. `place` and `address` are those of the buyer's and the address's places that it has
    while it is open. `contact` is the e-mail address and the order's id, so that the orders of one address are found by
    what it begins with. `parcels`, if there is anything of them: see `sending`. `locale` is the language in which its
    buyer is written to; empty: nobody is. `withdrawal_days` is how long the buyer may withdraw, where the shop offered
    another period than the law's. `refund_by`: the first refund of a withdrawal that is to come is due then.
    `work`, `is_returning` and `is_refunded`: see order.work; None where there is none."""

    number: int | None = None
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
    sale: Sale | None = None
    contact: str | None = None
    parcels: Parcels | UnsetType = UNSET
    locale: str = ""
    withdrawal_days: int | UnsetType = UNSET
    refund_by: Millis | None = None
    work: str | None = None
    is_returning: bool | None = None
    is_refunded: bool | None = None

    @property
    def days_to_withdraw(self) -> int:
        """How many days its buyer has for withdrawing; 0: none."""
        return DEFAULT_DAYS if self.withdrawal_days is UNSET else self.withdrawal_days

    @property
    def sending(self) -> Parcels:
        """What was sent, is not to be sent, and comes back."""
        return self.parcels or NO_PARCELS

    @property
    def held(self) -> list[Line]:
        """What is held for it: its goods, and a use of each discount that is limited."""
        goods = [Line(item.product_id, item.quantity) for item in self.items]
        return goods if self.sale is None else goods + uses_of(self.sale.parts)

    @property
    def reservation_id(self) -> str:
        """The reservation that this order holds now."""
        return reservation_of(self.id, self.generation)


class Input(msgspec.Struct, frozen=True):
    """Something that happened to an order, with its cause. `parcels` are the order's afterwards, if they change."""

    kind: Kind
    cause: Cause
    reason: Reason = Reason.NONE
    payment_id: str | None = None
    payment_version: int = 0
    refund_id: str = ""
    items: tuple[Line, ...] = ()
    tax: StripeTax | None = None
    user_id: str = ""
    aside: Aside | None = None
    parcels: Parcels | None = None
    destination: Address | None = None
    by_amount_minor: int = 0
    shipping_minor: int = 0
    back_minor: int = 0


class Limits(msgspec.Struct, frozen=True):
    """What may be held without being paid: `pieces` of a product by one order; so many orders by one buyer, and by all
    buyers of one address; `in_all` pieces by either (None: any number)."""

    pieces: int = MAX_QUANTITY
    per_buyer: int | None = None
    per_address: int | None = None
    in_all: int | None = None


def merged(lines: Sequence[Line], field: str = "items") -> list[Line]:
    """The lines with each product once; Invalid, of the `field` that they were sent in, or UnknownProduct if they
    cannot be an order's."""
    quantities: dict[str, int] = {}
    for number, line in enumerate(lines):
        if not 1 <= line.quantity <= MAX_QUANTITY:
            raise Invalid.field(f"{field}[{number}].quantity", f"must be from 1 to {MAX_QUANTITY}")
        quantities[line.product_id] = quantities.get(line.product_id, 0) + line.quantity
    if not 1 <= len(lines) <= MAX_LINES:
        raise Invalid.field(field, f"must have 1 to {MAX_LINES} lines")
    for product_id, quantity in quantities.items():
        if not is_id(PRODUCT, product_id):
            raise UnknownProduct(product_id[:64])
        if quantity > MAX_QUANTITY:
            raise Invalid.field(field, f"must have at most {MAX_QUANTITY} pieces of one product")
    return [Line(product_id, quantity) for product_id, quantity in quantities.items()]


def pieces_of(lines: Sequence[Line] | Sequence[OrderItem]) -> int:
    """How many pieces the lines have together."""
    return sum(line.quantity for line in lines)


def uses_of(parts: Parts) -> list[Line]:
    """The uses of limited discounts that an order of these parts holds with its stock."""
    return [Line(each.discount_id, 1) for each in parts.discounts if each.is_limited]


def subtotal_minor(items: Sequence[OrderItem]) -> int:
    """What the items cost together, in minor units, before anything is taken off or added."""
    return sum(item.price_minor * item.quantity for item in items)


def total_minor(items: Sequence[OrderItem], parts: Parts | None = None) -> int:
    """What is to be paid for the items, in minor units, with all parts."""
    return subtotal_minor(items) + (parts.change_minor() if parts is not None else 0)
