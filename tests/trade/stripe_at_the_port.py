"""Stripe at the processor port, for what the real one and the sandbox cannot be told to do: arbitrary races, answers
that are lost after the effect, a saved 500. It keeps sessions and refunds as Stripe does."""

import hashlib
import hmac
import json
import time
from typing import Any, TypeVar

import msgspec

from kassa.contracts.payment import StripeKeyRefused, StripeUnreachable
from kassa.kit.clock import SECOND, Clock, Millis
from kassa.payment.events import EventObject
from kassa.payment.processor import (
    BadSignature,
    CallUnderWay,
    DisputeState,
    FeeState,
    RefundState,
    Refused,
    SavedFailure,
    SessionState,
)
from kassa.payment.rights import Right, WebhookEndpoint

SECRET = "whsec_test"
NO_FUNDS = "Insufficient funds in your Stripe balance to refund this amount."

T = TypeVar("T")


class StripeAtThePort:
    """Satisfies kassa.payment.processor.Processor and kassa.payment.rights.StripeAccount. `lacks` maps a right, as
    "read Disputes", to what Stripe says of it.

    `faults` maps a method's name to what its next calls do: `before` fails without effect, `after` has its effect and
    loses the answer, `saved` is a saved 500, `under way` a call that somebody else makes at the same time.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.sessions: dict[str, SessionState] = {}
        self.made: dict[str, str] = {}
        self.refused: dict[str, Refused | StripeKeyRefused] = {}
        self.has_funds = True
        self.account: str | None = "acct_ours"
        self.params: dict[str, dict[str, Any]] = {}
        self.refunds_made: dict[str, RefundState] = {}
        self.disputes_made: dict[str, DisputeState] = {}
        self.fees: dict[str, FeeState] = {}
        self.declined: dict[str, dict[str, Any]] = {}
        self.feed: list[dict[str, Any]] = []
        self.faults: dict[str, list[str]] = {}
        self.calls: list[str] = []
        self.refund_status = "succeeded"
        self.lacks: dict[str, str] = {}
        self.coupons: dict[str, dict[str, Any]] = {}
        self.saved_for: set[str] = set()
        self.answers: list[tuple[str, dict[str, str]]] = []

    @property
    def is_live(self) -> bool:
        return False

    async def account_id(self) -> str | None:
        self._lose(self._fault("account_id"))
        return self.account

    async def check(self) -> None:
        """Takes any key."""

    async def use(self, right: Right) -> None:
        if words := self.lacks.get(f"{right.access} {right.resource}"):
            raise StripeKeyRefused(f"Stripe: {words}")

    async def webhook_endpoints(self) -> list[WebhookEndpoint]:
        return []

    async def make_coupon(self, params: dict[str, Any], key: str) -> None:
        if key in self.saved_for:
            raise SavedFailure
        try:
            fault = self._fault("make_coupon")
        except SavedFailure:
            self.saved_for.add(key)
            raise
        self._lose(fault)
        self.coupons[params["id"]] = params

    async def open_session(self, params: dict[str, Any], key: str) -> SessionState:
        fault = self._fault("open_session")
        if key in self.made:
            if self.params[key] != params:
                raise SavedFailure
            return self.sessions[self.made[key]]
        if params["expires_at"] * SECOND < self.clock.now() + 30 * 60 * SECOND:
            raise Refused(400, None, "expires_at is too early")
        session_id = f"cs_{len(self.sessions) + 1}"
        subtotal = sum(line["quantity"] * line["price_data"]["unit_amount"] for line in params["line_items"])
        discount = sum(self.coupons[each["coupon"]]["amount_off"] for each in params.get("discounts", ()))
        options = [each["shipping_rate_data"]["fixed_amount"] for each in params.get("shipping_options", ())]
        shipping = sum(each["amount"] for each in options)
        self.sessions[session_id] = SessionState(
            id=session_id,
            status="open",
            payment_status="unpaid",
            amount_total=subtotal - discount + shipping,
            subtotal=subtotal,
            discount=discount,
            shipping=shipping,
            currency=params["line_items"][0]["price_data"]["currency"],
            url=f"https://pay.example/{session_id}",
            intent_id=None,
            intent_status=None,
            expires_at=params["expires_at"],
            metadata=params["metadata"],
            created=self.clock.now() // SECOND,
        )
        self.made[key], self.params[key] = session_id, params
        self._lose(fault)
        return self.sessions[session_id]

    async def session(self, session_id: str) -> SessionState:
        self._lose(self._fault("session"))
        if session_id not in self.sessions:
            raise Refused(404, "resource_missing", "No such checkout.session")
        return self.sessions[session_id]

    async def expire_session(self, session_id: str) -> SessionState:
        fault = self._fault("expire_session")
        if session_id not in self.sessions:
            raise Refused(404, "resource_missing", "No such checkout.session")
        if self.sessions[session_id].status != "open":
            raise Refused(400, None, "Only Checkout Sessions with a status in [open] can be expired")
        self.put(session_id, status="expired", url=None)
        self._lose(fault)
        return self.sessions[session_id]

    async def find_session(self, payment_id: str, since: Millis) -> SessionState | None:
        self._lose(self._fault("find_session"))
        found = (each for each in self.sessions.values() if each.metadata.get("paymentId") == payment_id)
        return next(found, None)

    async def sessions_since(self, since: Millis, after: str | None) -> tuple[list[SessionState], str | None]:
        self._lose(self._fault("sessions_since"))
        made = {id: each for id, each in self.sessions.items() if each.created * SECOND >= since}
        return _page_of({id: each for id, each in made.items() if each.status == "complete"}, after)

    async def retrieve(self, kind: str, object_id: str) -> EventObject:
        self._lose(self._fault("retrieve"))
        if object_id in self.refused:
            raise self.refused[object_id]
        if object_id not in (subjects := self._subjects(kind)):
            raise Refused(404, "resource_missing", f"No such {kind}")
        return msgspec.convert(subjects[object_id], EventObject)

    async def refund(self, params: dict[str, Any], key: str) -> RefundState:
        fault = self._fault("refund")
        if key in self.made:
            return self.refunds_made[self.made[key]]
        session = next(each for each in self.sessions.values() if each.intent_id == params["payment_intent"])
        taken = sum(
            each.amount
            for each in self.refunds_made.values()
            if each.intent_id == session.intent_id and each.status not in ("failed", "canceled")
        )
        if self._is_disputed(str(session.intent_id)):
            self.refused.setdefault(key, Refused(400, "charge_disputed", "This charge has been charged back"))
        elif not self.has_funds:
            self.refused.setdefault(key, Refused(400, None, NO_FUNDS))
        if key in self.refused:
            raise self.refused[key]
        if taken == session.amount_total:
            raise Refused(400, "charge_already_refunded", "Charge ch_1 has already been refunded.")
        if taken + params["amount"] > session.amount_total:
            raise Refused(400, None, "Refund amount is greater than unrefunded amount on charge")
        refund_id = self.refund_at_stripe(str(session.intent_id), params["amount"], params["metadata"]).id
        self.made[key] = refund_id
        self._lose(fault)
        return self.refunds_made[refund_id]

    def _is_disputed(self, intent_id: str) -> bool:
        own = (each for each in self.disputes_made.values() if each.intent_id == intent_id)
        return any(each.status in ("needs_response", "under_review", "lost") for each in own)

    async def refunds(self, intent_id: str) -> list[RefundState]:
        self._lose(self._fault("refunds"))
        return [each for each in reversed(self.refunds_made.values()) if each.intent_id == intent_id]

    async def refund_state(self, refund_id: str) -> RefundState:
        self._lose(self._fault("refund_state"))
        return self.refunds_made[refund_id]

    async def fee(self, intent_id: str) -> FeeState | None:
        self._lose(self._fault("fee"))
        return self.fees.get(intent_id)

    async def dispute_state(self, dispute_id: str) -> DisputeState:
        self._lose(self._fault("dispute_state"))
        return self.disputes_made[dispute_id]

    async def answer_dispute(self, dispute_id: str, params: dict[str, Any], key: str) -> DisputeState:
        if key in self.saved_for:
            raise SavedFailure
        try:
            fault = self._fault("answer_dispute")
        except SavedFailure:
            self.saved_for.add(key)
            raise
        if dispute_id in self.refused:
            raise self.refused[dispute_id]
        if key not in self.made:
            # It takes a second answer as well, and counts it: that none is given is the shop's business.
            known, self.made[key] = self.disputes_made[dispute_id], dispute_id
            status = known.status.replace("needs_response", "under_review")
            self.answers.append((dispute_id, params["evidence"]))
            self.disputes_made[dispute_id] = msgspec.structs.replace(
                known,
                status=status,
                submissions=known.submissions + 1,
                has_evidence=True,
                metadata=known.metadata | params["metadata"],
            )
        self._lose(fault)
        return self.disputes_made[dispute_id]

    async def refunds_since(self, since: Millis, after: str | None) -> tuple[list[RefundState], str | None]:
        self._lose(self._fault("refunds_since"))
        return _page_of(self.refunds_made, after)

    async def disputes_since(self, since: Millis, after: str | None) -> tuple[list[DisputeState], str | None]:
        self._lose(self._fault("disputes_since"))
        return _page_of(self.disputes_made, after)

    async def events(self, types: list[str], since: Millis, after: str | None) -> tuple[list[bytes], str | None]:
        self._lose(self._fault("events"))
        newest_first = [each for each in reversed(self.feed) if each["type"] in types]
        start = next((at + 1 for at, each in enumerate(newest_first) if each["id"] == after), 0)
        page = newest_first[start : start + 2]
        more = start + 2 < len(newest_first)
        return [json.dumps(each).encode() for each in page], page[-1]["id"] if more else None

    def verify(self, body: bytes, signature: str) -> None:
        if signature != sign(body):
            raise BadSignature("signed with none of the secrets in STRIPE_WEBHOOK_SECRET")

    async def close(self) -> None:
        return

    # What happens at Stripe without us

    def put(self, session_id: str, **changes: Any) -> None:
        self.sessions[session_id] = msgspec.structs.replace(self.sessions[session_id], **changes)

    def pay(self, session_id: str, **changes: Any) -> None:
        """A buyer pays, even a session that has expired: for races that Stripe decides late."""
        intent_id = f"pi_{session_id}"
        paid: dict[str, Any] = {"status": "complete", "payment_status": "paid", "url": None, "intent_id": intent_id}
        self.put(session_id, **(paid | changes))

    def refund_at_stripe(self, intent_id: str, amount: int, metadata: dict[str, str] | None = None) -> RefundState:
        """Somebody makes a refund: we, or an operator in Stripe's dashboard."""
        refund_id = f"re_{len(self.refunds_made) + 1}"
        state = RefundState(refund_id, self.refund_status, amount, "usd", intent_id, metadata or {}, None)
        self.refunds_made[refund_id] = state
        return state

    def send_back(self, refund_id: str) -> bytes:
        """The buyer's bank sends a refund back; the event that tells."""
        known = self.refunds_made[refund_id]
        failed = msgspec.structs.replace(known, status="failed", failure_reason="expired_or_canceled_card")
        self.refunds_made[refund_id] = failed
        return self.refund_event("failed", refund_id)

    def event(self, kind: str, subject: dict[str, Any], event_id: str | None = None) -> bytes:
        """An event about something; it is in the feed too."""
        event = {
            "id": event_id or f"evt_{len(self.feed) + 1}",
            "object": "event",
            "type": kind,
            "created": self.clock.now() // SECOND,
            "livemode": False,
            "data": {"object": subject},
        }
        self.feed.append(event)
        return json.dumps(event).encode()

    def thin_event(self, kind: str, event_id: str | None = None) -> bytes:
        """The thin twin of an event about the newest snapshot's object (docs: event-destinations)."""
        subject = self.feed[-1]["data"]["object"]
        thin = {
            "id": event_id or f"evt_thin_{len(self.feed)}",
            "object": "v2.core.event",
            "type": f"v1.{kind}",
            "created": "2026-11-28T10:00:00.000Z",
            "livemode": False,
            "context": None,
            "reason": None,
            "related_object": {"id": subject["id"], "type": subject["object"], "url": f"/v1/{subject['id']}"},
        }
        return json.dumps(thin).encode()

    def _subjects(self, kind: str) -> dict[str, dict[str, Any]]:
        """All objects of a kind, as the events' snapshots have them."""
        sessions = self.sessions.values()
        paid = [each for each in sessions if each.intent_id is not None] + [
            each for each in sessions if f"pi_{each.id}" in self.declined
        ]
        made: dict[str, Any] = {
            "checkout.session": {each.id: {"metadata": each.metadata} for each in sessions},
            "payment_intent": {
                f"pi_{each.id}": {"metadata": each.metadata, "last_payment_error": self.declined.get(f"pi_{each.id}")}
                for each in paid
            },
            "charge": {f"ch_{each.intent_id}": {"payment_intent": each.intent_id} for each in paid},
            "refund": {
                each.id: {"metadata": each.metadata, "payment_intent": each.intent_id}
                for each in self.refunds_made.values()
            },
            "dispute": {each.id: {"payment_intent": each.intent_id} for each in self.disputes_made.values()},
        }
        return {id: {"id": id, "object": kind, **fields} for id, fields in made[kind].items()}

    def session_event(self, kind: str, session_id: str, event_id: str | None = None) -> bytes:
        """An event about a session."""
        metadata = self.sessions[session_id].metadata
        subject = {"id": session_id, "object": "checkout.session", "metadata": metadata}
        return self.event(f"checkout.session.{kind}", subject, event_id)

    def decline_event(self, session_id: str, code: str = "insufficient_funds") -> bytes:
        """An event about a declined card."""
        error = {"decline_code": code, "message": "Your card was declined.", "charge": f"ch_{len(self.feed)}"}
        self.declined[f"pi_{session_id}"] = error
        subject = self._subjects("payment_intent")[f"pi_{session_id}"]
        return self.event("payment_intent.payment_failed", subject)

    def dispute(
        self, session_id: str, status: str, dispute_id: str = "du_1", reason: str = "fraudulent"
    ) -> DisputeState:
        """A buyer's bank disputes a payment, or decides."""
        session, now = self.sessions[session_id], self.clock.now() // SECOND
        before = self.disputes_made.get(dispute_id)
        created = before.created if before else now
        state = DisputeState(
            dispute_id, status, session.amount_total, reason, session.intent_id, created + 9 * 86_400, created
        )
        if before is not None:
            given = (before.submissions, before.has_evidence, before.metadata)
            state = msgspec.structs.replace(
                state, submissions=given[0], has_evidence=given[1], metadata=given[2], reason=before.reason
            )
        self.disputes_made[dispute_id] = state
        return state

    def dispute_event(self, kind: str, dispute_id: str = "du_1") -> bytes:
        """An event about a dispute."""
        state = self.disputes_made[dispute_id]
        subject: dict[str, Any] = {
            "id": dispute_id,
            "object": "dispute",
            "metadata": {},
            "payment_intent": state.intent_id,
        }
        return self.event(f"charge.dispute.{kind}", subject)

    def refund_event(self, kind: str, refund_id: str) -> bytes:
        """An event about a refund."""
        state = self.refunds_made[refund_id]
        subject = {
            "id": refund_id,
            "object": "refund",
            "metadata": state.metadata,
            "payment_intent": state.intent_id,
        }
        return self.event(f"refund.{kind}", subject)

    def _fault(self, name: str) -> str:
        self.calls.append(name)
        waiting = self.faults.get(name)
        fault = waiting.pop(0) if waiting else ""
        if fault == "before":
            raise StripeUnreachable("no answer")
        if fault == "saved":
            raise SavedFailure
        if fault == "under way":
            raise CallUnderWay("the same call is under way")
        return fault

    def _lose(self, fault: str) -> None:
        if fault == "after":
            raise StripeUnreachable("the answer was lost")


def sign(body: bytes) -> str:
    """A signature that this Stripe accepts."""
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def real_signature(body: bytes, secret: str, at: float | None = None) -> str:
    """A Stripe-Signature header as Stripe makes it (docs: webhooks)."""
    moment = int(at if at is not None else time.time())
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def _page_of(made: dict[str, T], after: str | None) -> tuple[list[T], str | None]:
    newest_first = list(reversed(made))
    start = newest_first.index(after) + 1 if after else 0
    page = newest_first[start : start + 2]
    return [made[each] for each in page], page[-1] if start + 2 < len(newest_first) else None
