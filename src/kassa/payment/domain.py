"""The payment's states, as data, and what a payment is. Pure: no I/O, no clock, no chance."""

from enum import StrEnum
from typing import Any

import msgspec

from kassa.contracts.inventory import Line
from kassa.kit.audit import Cause
from kassa.kit.clock import Millis
from kassa.kit.machine import Move, Stateful, Table
from kassa.payment.processor import SessionState


class Stage(StrEnum):
    """Where a payment stands. Append only."""

    CREATED = "CREATED"  # stored, not yet known to be at Stripe
    INITIATED = "INITIATED"
    PROCESSING = "PROCESSING"  # the buyer has paid by a delayed method
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CLOSED = "CLOSED"  # ended before it was at Stripe


STATUS = {Stage.CREATED: "INITIATED", Stage.PROCESSING: "INITIATED", Stage.CLOSED: "FAILED"}
"""How stages show on the wire; the others show as they are."""

UNSETTLED = (Stage.CREATED, Stage.INITIATED, Stage.PROCESSING)


class Kind(StrEnum):
    """What can happen to a payment. Append only."""

    OPENED = "opened"
    PAID = "paid"
    MISMATCH = "paid another amount"
    PROCESSING = "processing"
    EXPIRED = "expired"
    FAILED = "failed"
    DECLINED = "declined"  # and the shop ends the order for it
    DECLINED_ONCE = "declined, may try again"
    NEVER_OPENED = "never opened"
    PAID_AGAIN = "paid a second time"  # by another session, which should not be there
    CREATED = "create"
    NEVER_ASKED = "closed before anybody asked to pay"
    FETCHED = "session fetched"  # what that says is told by `interpret`
    UNCHANGED = "looked up, and nothing new"
    CLAIMED = "claim"  # the order of a guest becomes an account's


class Todo(StrEnum):
    """The effects of a payment. Append only."""

    LOOK_UP = "look_up"
    CONFIRM_ORDER = "confirm_order"
    CANCEL_ORDER = "cancel_order"
    CLOSE_ORDER = "close_order"
    REFUND_ALL = "refund_all"
    REFUND = "refund"
    NOTE_REFUND = "note_refund"
    REFUND_SECOND = "refund_second"
    SET_FREE = "set_free"
    ANSWER_DISPUTE = "answer_dispute"


TRANSITIONS: Table[Stage, Kind, Todo] = {
    (None, Kind.CREATED): Move(Stage.CREATED),
    (None, Kind.NEVER_ASKED): Move(Stage.CLOSED),
    (Stage.CREATED, Kind.OPENED): Move(Stage.INITIATED, (Todo.LOOK_UP,)),
    (Stage.CREATED, Kind.NEVER_OPENED): Move(Stage.CLOSED),
    (Stage.CREATED, Kind.PROCESSING): Move(Stage.PROCESSING, (Todo.LOOK_UP,)),
    (Stage.INITIATED, Kind.PROCESSING): Move(Stage.PROCESSING, (Todo.LOOK_UP,)),
    (Stage.CREATED, Kind.DECLINED): Move(Stage.CREATED, (Todo.CLOSE_ORDER,)),
    (Stage.INITIATED, Kind.DECLINED): Move(Stage.INITIATED, (Todo.CLOSE_ORDER,)),
    (Stage.CREATED, Kind.DECLINED_ONCE): Move(Stage.CREATED),
    (Stage.INITIATED, Kind.DECLINED_ONCE): Move(Stage.INITIATED),
    **{(stage, Kind.EXPIRED): Move(Stage.FAILED, (Todo.CANCEL_ORDER,)) for stage in UNSETTLED},
    **{(stage, Kind.FAILED): Move(Stage.FAILED, (Todo.CANCEL_ORDER,)) for stage in UNSETTLED},
    # Money that Stripe has taken counts in every state, late or not.
    **{
        (stage, Kind.PAID): Move(Stage.SUCCESS, (Todo.CONFIRM_ORDER,))
        for stage in (*UNSETTLED, Stage.FAILED, Stage.CLOSED)
    },
    **{
        (stage, Kind.MISMATCH): Move(Stage.FAILED, (Todo.REFUND_ALL, Todo.CANCEL_ORDER))
        for stage in (*UNSETTLED, Stage.FAILED, Stage.CLOSED)
    },
    **{(stage, Kind.PAID_AGAIN): Move(stage, (Todo.REFUND_SECOND,)) for stage in (Stage.SUCCESS, Stage.FAILED)},
    **{(stage, Kind.CLAIMED): Move(stage) for stage in Stage},
    **{
        (stage, Kind.UNCHANGED): Move(stage, (Todo.LOOK_UP,), is_told=False)
        for stage in (Stage.INITIATED, Stage.PROCESSING)
    },
}


class MoneyBack(StrEnum):
    """What can happen to money that goes back: the stage of the payment does not change for it. Append only."""

    REQUESTED = "a refund is requested"
    SHRUNK = "less is left than a refund is of"
    RESUMED = "the dispute that delayed a refund has ended"
    REFUSED = "a refund is refused, and owed"
    TOLD = "a refund has another state at Stripe"
    OWED = "money is owed, and no refund of it is under way"
    RETURNED = "a refund that is owed has come to nothing"
    SECOND_REFUSED = "the refund of a second payment is refused"
    SECOND_RETURNED = "the refund of a second payment has come to nothing"
    SECOND_MOVED = "it is not sure any more how much of a second payment went back"
    GOODS_FREED = "a refund of goods has come to nothing"


MONEY_BACK: dict[MoneyBack, tuple[Todo, ...]] = {
    MoneyBack.REQUESTED: (Todo.REFUND,),
    MoneyBack.SHRUNK: (Todo.REFUND,),
    MoneyBack.RESUMED: (Todo.REFUND,),
    MoneyBack.REFUSED: (Todo.REFUND,),
    MoneyBack.TOLD: (Todo.NOTE_REFUND,),
    MoneyBack.OWED: (Todo.REFUND_ALL,),
    MoneyBack.RETURNED: (Todo.REFUND_ALL,),
    MoneyBack.SECOND_REFUSED: (Todo.REFUND_SECOND,),
    MoneyBack.SECOND_RETURNED: (Todo.REFUND_SECOND,),
    MoneyBack.SECOND_MOVED: (Todo.REFUND_SECOND,),
    MoneyBack.GOODS_FREED: (Todo.SET_FREE,),
}
"""What follows from it."""


class Answering(StrEnum):
    """What can happen to the answer to a dispute: the stage of the payment does not change for it. Append only."""

    CONFIRMED = "the answer to a dispute is confirmed"


ANSWERING: dict[Answering, tuple[Todo, ...]] = {Answering.CONFIRMED: (Todo.ANSWER_DISPUTE,)}
"""What follows from it."""


class Decline(msgspec.Struct, frozen=True):
    """One refused attempt: when, and in the words of the card network."""

    at: Millis
    code: str
    message: str


class RefundedLine(msgspec.Struct, frozen=True):
    """So many pieces of a product whose money goes back, and what was paid for them, in minor units; `unsent` of them
    were not sent when the refund was asked for, and must not be."""

    product_id: str
    quantity: int
    amount_minor: int
    unsent: int = 0


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money going back. `status`: requested, then Stripe's. `origin` is kassa, or stripe for one made there.
    `is_of_all`: of all that was left when it was asked for. `is_owed`: of money that has no order; a refusal only
    delays it. `items` are the pieces that come back on the shelf with it, as soon as Stripe takes it on
    (`is_restocked`); `restock`: of all goods, as earlier versions asked for. `lines` are the pieces whose money it is,
    those of a return if it has one, and `shipping_minor` what of it is the shipping's. `failure`: why it failed, or was
    refused the last of `refusals` times."""

    id: str
    amount_minor: int
    reason: str
    restock: bool
    status: str
    origin: str
    key: str
    is_of_all: bool = False
    is_owed: bool = False
    stripe_id: str | None = None
    items: tuple[Line, ...] = ()
    is_restocked: bool = False
    lines: tuple[RefundedLine, ...] = ()
    shipping_minor: int = 0
    return_id: str = ""
    failure: str | None = None
    refusals: int = 0
    created_at: Millis
    updated_at: Millis


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute, or an inquiry before one, as Stripe last told of it. `status` is Stripe's; `answer_by` is until when
    evidence is taken; `intent_id` whose money it is about."""

    id: str
    intent_id: str | None = None
    amount_minor: int
    reason: str
    status: str
    answer_by: Millis | None
    created_at: Millis
    updated_at: Millis


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody of the staff has confirmed to be sent for a dispute: Stripe's fields and their texts. `status`:
    requested, sent or refused; `failure` why. `of_inquiry`: it answers an inquiry, after which a dispute can still
    come. `attempt` counts what was confirmed for the dispute. `is_forgotten`: its texts go when they are not needed."""

    id: str
    dispute_id: str
    of_inquiry: bool
    fields: dict[str, str]
    who: str
    key: str
    keyed_at: Millis
    status: str
    failure: str = ""
    attempt: int = 1
    is_forgotten: bool = False
    asked_at: Millis
    updated_at: Millis


class Payment(Stateful, frozen=True, kw_only=True):
    """One attempt to be paid for one order. `params` and `key` are what Stripe was asked with; `keyed_at` when the
    key was made; `coupon` what for the coupon of its session. `is_tax_open`: Stripe reckons the tax, which is then
    `tax_minor`, and what of it came on top of the amount `added_tax_minor`. `taken_minor` is what Stripe
    took, in minor units. `owes_all`: no order has that money, and all of it goes back. `wants_evidence`: a dispute
    waits for an answer; `evidence` are the answers that were confirmed, the last to each dispute."""

    order_id: str
    user_id: str
    amount_minor: int
    currency: str
    stage: Stage
    reason: str = ""
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    coupon: dict[str, Any] | None = None
    is_tax_open: bool = False
    tax_minor: int = 0
    added_tax_minor: int = 0
    key: str = ""
    keyed_at: Millis = 0
    session_id: str | None = None
    session_url: str | None = None
    session_expires_at: Millis = 0
    intent_id: str | None = None
    taken_minor: int = 0
    owes_all: bool = False
    declines: tuple[Decline, ...] = ()
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    is_disputed: bool = False
    wants_evidence: bool = False
    paid_at: Millis | None = None
    created_at: Millis


class Input(msgspec.Struct, frozen=True):
    """Something that happened to a payment, with its cause; `session` as fetched, `decline` if that is the news."""

    kind: Kind
    cause: Cause
    session: SessionState | None = None
    decline: Decline | None = None
    reason: str = ""
    user_id: str = ""
