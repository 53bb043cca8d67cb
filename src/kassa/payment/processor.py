"""The port to Stripe: what Kassa asks of it, and how its answers are told apart.

Only a definite refusal raises Refused. Everything that leaves open whether something was done raises
kassa.contracts.payment.StripeUnreachable (or StripeKeyRefused) and is tried again.
"""

from typing import Any, Protocol

import msgspec

from kassa.contracts.payment import StripeRefused
from kassa.kit.clock import Millis
from kassa.payment.events import EventObject

PATHS = {
    "checkout.session": "/v1/checkout/sessions",
    "payment_intent": "/v1/payment_intents",
    "charge": "/v1/charges",
    "refund": "/v1/refunds",
    "dispute": "/v1/disputes",
}
"""Where the objects are that events are about, by what they are."""
COUPONS = "/v1/coupons"


class SessionState(msgspec.Struct, frozen=True):
    """A Checkout Session as Stripe has it now. Amounts are Stripe's integers.

    `status` is open, complete or expired; `payment_status` paid, unpaid or no_payment_required; `intent_status`
    the PaymentIntent's, None before the buyer has submitted; `mode` payment, subscription or setup. Times are in
    seconds, as Stripe's.
    """

    id: str
    status: str
    payment_status: str
    amount_total: int
    currency: str
    url: str | None
    intent_id: str | None
    intent_status: str | None
    expires_at: int
    metadata: dict[str, str]
    mode: str = "payment"
    created: int = 0
    subtotal: int = 0
    discount: int = 0
    shipping: int = 0
    tax: int = 0

    @property
    def before_tax(self) -> int:
        """What it would cost if no tax came on top."""
        return self.subtotal - self.discount + self.shipping

    @property
    def added_tax(self) -> int:
        """What of the tax came on top."""
        return self.amount_total - self.before_tax


class RefundState(msgspec.Struct, frozen=True):
    """A refund as Stripe has it now; `status` pending, requires_action, succeeded, failed or canceled."""

    id: str
    status: str
    amount: int
    currency: str
    intent_id: str | None
    metadata: dict[str, str]
    failure_reason: str | None


class DisputeState(msgspec.Struct, frozen=True):
    """A dispute as Stripe has it now; times in seconds. `submissions`: how often it was answered; `has_evidence`:
    something is given, be it sent or begun."""

    id: str
    status: str
    amount: int
    reason: str
    intent_id: str | None
    answer_by: int | None
    created: int
    submissions: int = 0
    has_evidence: bool = False
    metadata: dict[str, str] = {}


class FeeState(msgspec.Struct, frozen=True):
    """What Stripe has kept of a payment and what it has put on the balance, in Stripe's integers and the currency of
    that balance."""

    fee: int
    net: int
    currency: str


class Refused(Exception):
    """Stripe says no to this very request (400, 402), or does not know the object (404)."""

    def __init__(self, status: int, code: str | None, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        super().__init__(f"Stripe answered {status}{f' {code}' if code else ''}: {message}")

    @property
    def is_gone(self) -> bool:
        """Whether Stripe does not know the object: there is none, or it is another account's (docs: error-codes)."""
        return self.status == 404 and self.code == "resource_missing"


def unknown_session(session_id: str | None, refused: Refused) -> StripeRefused:
    """A session that we have made is not at Stripe: nobody knows then whether it could be paid."""
    return StripeRefused(f"Stripe does not know session {session_id}, and an operator must look at it: {refused}")


class SavedFailure(Exception):
    """Stripe replays a 500 that it has saved for this key: whether something was made has to be looked up
    (docs: idempotent_requests)."""


class CallUnderWay(Exception):
    """Stripe carries out the same call, by the same key, for somebody else (409 idempotency_key_in_use)."""


class BadSignature(Exception):
    """A webhook that Stripe did not sign with one of our secrets in the last 300 s; the text says what is wrong."""


class Processor(Protocol):
    """What Kassa asks of Stripe."""

    @property
    def is_live(self) -> bool:
        """Whether the key is a live one."""

    async def account_id(self) -> str | None:
        """The key's account; None if the key may not ask."""

    async def make_coupon(self, params: dict[str, Any], key: str) -> None:
        """Create a coupon by the id that it is given, unless it is there; CallUnderWay."""

    async def open_session(self, params: dict[str, Any], key: str) -> SessionState:
        """Create a Checkout Session, once for the idempotency key; CallUnderWay."""

    async def session(self, session_id: str) -> SessionState:
        """The session as it is now."""

    async def expire_session(self, session_id: str) -> SessionState:
        """Expire an open session; Refused if it is not open."""

    async def find_session(self, payment_id: str, since: Millis) -> SessionState | None:
        """The session made for this payment at or after `since`, found by its metadata."""

    async def sessions_since(self, since: Millis, after: str | None) -> tuple[list[SessionState], str | None]:
        """One page of all completed sessions made since then, the newest first, without what their PaymentIntents say;
        and the cursor of the next page, if any."""

    async def retrieve(self, kind: str, object_id: str) -> EventObject:
        """What is read of an object that an event is about, as it is now. `kind` is a key of PATHS."""

    async def refund(self, params: dict[str, Any], key: str) -> RefundState:
        """Create a refund, once for the idempotency key; CallUnderWay."""

    async def refunds(self, intent_id: str) -> list[RefundState]:
        """All refunds of a PaymentIntent."""

    async def refunds_since(self, since: Millis, after: str | None) -> tuple[list[RefundState], str | None]:
        """One page of all refunds made since then, the newest first; and the cursor of the next page, if any."""

    async def refund_state(self, refund_id: str) -> RefundState:
        """The refund as it is now."""

    async def fee(self, intent_id: str) -> FeeState | None:
        """What Stripe has kept of a payment; None until it has reckoned that, some time after the buyer has paid."""

    async def dispute_state(self, dispute_id: str) -> DisputeState:
        """The dispute as it is now."""

    async def answer_dispute(self, dispute_id: str, params: dict[str, Any], key: str) -> DisputeState:
        """Give evidence for a dispute, once for the idempotency key; CallUnderWay, SavedFailure."""

    async def disputes_since(self, since: Millis, after: str | None) -> tuple[list[DisputeState], str | None]:
        """One page of all disputes opened since then, the newest first; and the cursor of the next page, if any."""

    async def events(self, types: list[str], since: Millis, after: str | None) -> tuple[list[bytes], str | None]:
        """One page of events since then, the newest first, each as JSON; and the cursor of the next page, if any."""

    def verify(self, body: bytes, signature: str) -> None:
        """Return if Stripe signed the webhook; BadSignature else."""

    async def close(self) -> None:
        """Close the connections."""
