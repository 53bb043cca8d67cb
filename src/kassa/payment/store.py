"""What the payment service keeps."""

import msgspec

from kassa.kit.clock import Millis
from kassa.kit.documents import Collection, CollectionSpec, Database, Document, Index, Where
from kassa.kit.machine import unbroken
from kassa.payment.allowance import ALLOWANCES, Refunded
from kassa.payment.check_reports import CHECK_REPORTS, CheckReport
from kassa.payment.domain import Payment
from kassa.payment.machine import MACHINE


class StripeEvent(Document, frozen=True, kw_only=True):
    """An event from Stripe, stored under its own id before it is acted on; `payment_id` is known afterwards.

    `sequence` orders events by arrival. `status`: received, done, ignored (not ours), parked (tried again later).
    `asked_at`: when it was taken in because Stripe was asked; None once its webhook has come. `is_key_refused`: it is
    parked because Stripe does not accept our key, or not for this.
    """

    sequence: str
    type: str
    object_id: str
    payment_id: str = ""
    status: str
    body: str
    attempts: int = 0
    note: str = ""
    created_at: Millis
    received_at: Millis
    asked_at: Millis | None = None
    is_key_refused: bool = False


class Refusals(Document, frozen=True, kw_only=True):
    """What was refused, webhooks by us or a call by Stripe, since the same last worked; and why the last one was."""

    count: int
    since: Millis
    last_at: Millis
    reason: str


class UnclaimedMoney(Document, frozen=True, kw_only=True):
    """A paid session that no payment is known of. `amount` is Stripe's integer; `order_id` is what the session says, if
    it was made by a Kassa. `status`: open, refunded, dismissed; `ended_by` who made it so."""

    sequence: str
    intent_id: str | None
    amount: int
    currency: str
    order_id: str
    status: str
    ended_by: str = ""
    paid_at: Millis
    changed_at: Millis


class Cursor(Document, frozen=True, kw_only=True):
    """How far something was gone through: missed events, by Stripe's clock; payments, by their ids."""

    fetched_until: Millis = 0
    after: str = ""
    is_done: bool = False


PAYMENTS = CollectionSpec(
    "payments",
    Payment,
    (
        Index("by_session", ("session_id",)),
        Index("by_intent", ("intent_id",)),
        Index("by_stage", ("stage", "id")),
        Index("by_status", ("status", "id")),
        Index("by_day", ("created_at",)),
        Index("by_value", ("status", "paid_at", "amount_minor")),
        Index("by_attention", ("needs_attention", "id")),
        Index("by_disputed", ("is_disputed", "id")),
        Index("by_untold", ("untold_from",), sparse=True),
        Index("by_evidence", ("wants_evidence", "id")),
    ),
)
EVENTS = CollectionSpec(
    "stripe_events",
    StripeEvent,
    (
        Index("by_status", ("status", "sequence")),
        Index("by_payment", ("payment_id", "sequence")),
        Index("by_asked", ("asked_at",)),
    ),
    sort="sequence",
)
WAIT_FOR_THE_KEY: Where = {"status": "parked", "is_key_refused": True}
"""Events that wait because Stripe does not accept our key, or not for this."""
CURSORS = CollectionSpec("cursors", Cursor)
REFUSALS = CollectionSpec("refused_webhooks", Refusals)
KEY_REFUSALS = CollectionSpec("refused_by_stripe", Refusals)
UNCLAIMED = CollectionSpec(
    "unclaimed_money",
    UnclaimedMoney,
    (Index("by_status", ("status", "sequence")), Index("by_intent", ("intent_id",))),
    sort="sequence",
)


class PaymentStore(msgspec.Struct, frozen=True):
    """The open collections."""

    payments: Collection[Payment]
    events: Collection[StripeEvent]
    cursors: Collection[Cursor]
    refusals: Collection[Refusals]
    key_refusals: Collection[Refusals]
    unclaimed: Collection[UnclaimedMoney]
    allowances: Collection[Refunded]
    check_reports: Collection[CheckReport]

    @classmethod
    async def open(cls, database: Database) -> "PaymentStore":
        """Open the collections; make them if they are not there."""
        return cls(
            unbroken(await database.collection(PAYMENTS), MACHINE),
            await database.collection(EVENTS),
            await database.collection(CURSORS),
            await database.collection(REFUSALS),
            await database.collection(KEY_REFUSALS),
            await database.collection(UNCLAIMED),
            await database.collection(ALLOWANCES),
            await database.collection(CHECK_REPORTS),
        )
