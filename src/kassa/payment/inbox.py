"""The inbox of Stripe's events: verified, stored once under the event's id, answered, and only then acted on.

An event is a hint: what it speaks of is fetched and its absolute state applied, so that duplicates, order and delay
do not matter.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from kassa.contracts.payment import StripeUnreachable
from kassa.kit.clock import HOUR, SECOND, Clock, Millis
from kassa.kit.documents import Conflict, Duplicate, change
from kassa.kit.ids import Ids
from kassa.kit.problem import NotFound, Problem
from kassa.kit.wire import deadline
from kassa.payment.domain import Decline, Payment
from kassa.payment.processor import BadSignature, EventObject, EventState, Processor, Refused
from kassa.payment.service import PaymentService
from kassa.payment.store import PaymentStore, StripeEvent

SESSION_EVENTS = (
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
)
DECLINE_EVENTS = ("payment_intent.payment_failed",)
REFUND_EVENTS = ("refund.created", "refund.updated", "refund.failed", "charge.refunded")
DISPUTE_EVENTS = (
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
)
HANDLED = (*SESSION_EVENTS, *DECLINE_EVENTS, *REFUND_EVENTS, *DISPUTE_EVENTS)

LEASE: Millis = 30 * SECOND
AT_ONCE = 32
BATCH = 500
MOST_WAITING = 5_000
LONGEST_WAIT = HOUR

log = structlog.get_logger()


class InvalidSignature(Problem):
    """Not signed by Stripe with one of our secrets, or longer than 300 s ago. Nothing was stored."""

    code, title, status = "invalid_signature", "The webhook's signature is not valid", 400


class Inbox:
    """Takes events in and sees each through to its end."""

    def __init__(
        self, store: PaymentStore, service: PaymentService, processor: Processor, ids: Ids, clock: Clock
    ) -> None:
        self.events = store.events
        self._service = service
        self._processor = processor
        self._ids = ids
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._decoder = msgspec.json.Decoder(EventState)

    async def receive(self, body: bytes, signature: str) -> None:
        """Verify a webhook and store it; it is acted on afterwards. InvalidSignature: nothing is stored."""
        try:
            self._processor.verify(body, signature)
            event = self._decoder.decode(body)
        except (BadSignature, msgspec.MsgspecError) as error:
            raise InvalidSignature("is the webhook secret right, and the clock?") from error
        stored = await self.store(event, body)
        if stored is not None and stored.status == "received":
            self._start(stored)

    async def store(self, event: EventState, body: bytes) -> StripeEvent | None:
        """Store an event; None if it is there already."""
        note = self._not_ours(event)
        now = self._clock.now()
        document = StripeEvent(
            id=event.id,
            due_at=None if note else now + LEASE,
            sequence=self._ids.new("in"),
            type=event.type,
            object_id=event.data.object.id,
            status="ignored" if note else "received",
            body=body.decode(),
            note=note,
            created_at=event.created * SECOND,
            received_at=now,
        )
        try:
            return await self.events.insert(document)
        except Duplicate:
            return None

    async def replay(self, event_id: str) -> StripeEvent:
        """Act on a stored event once more; NotFound if there is none. Returns it as it is afterwards."""
        event = await self.events.get(event_id)
        if event is None:
            raise NotFound(f"there is no stored event {event_id[:64]}")
        await self._act(event)
        return await self.events.get(event_id) or event

    async def run_due(self, limit: int = BATCH) -> int:
        """The relay's turn: act on events that were interrupted or parked; return how many were due."""
        due = await self.events.due(self._clock.now(), limit)
        await asyncio.gather(*(self._lease_and_act(event) for event in due))
        return len(due)

    async def settle(self) -> None:
        """Wait for what was started at once."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def jobs(self) -> list[tuple[str, Millis, Callable[[], Awaitable[Any]]]]:
        """What is to be done regularly: name, every so often (ms), how."""
        return [("act on waiting events", SECOND, self._run_all_due)]

    async def _run_all_due(self) -> None:
        while await self.run_due() >= BATCH:
            continue  # a full batch has left something

    def _not_ours(self, event: EventState) -> str:
        if event.type not in HANDLED:
            return "this type is not acted on"
        if event.livemode != self._processor.is_live:
            return "of the other mode (live or test)"
        return ""

    def _start(self, event: StripeEvent) -> None:
        if len(self._tasks) >= MOST_WAITING:
            return  # memory must not grow with a burst; the relay takes it when its lease runs out
        task = asyncio.get_running_loop().create_task(self._act_bounded(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _act_bounded(self, event: StripeEvent) -> None:
        deadline.set(None)  # Stripe has had its answer
        async with self._places:
            try:
                await self._act(event)
            except Exception:  # the store itself fails: the stored lease runs out and the relay comes again
                log.exception("event interrupted", stripe_event=event.id)

    async def _lease_and_act(self, event: StripeEvent) -> None:
        leased = msgspec.structs.replace(event, due_at=self._clock.now() + LEASE)
        try:
            await self._act_bounded(await self.events.save(leased))
        except Conflict:
            return  # somebody else was faster

    async def _act(self, event: StripeEvent) -> None:
        state = self._decoder.decode(event.body)
        try:
            payment_id = await self._apply(state)
        except Exception as error:  # whatever went wrong: the event stays and is tried again
            await self._park(event, error)
            return
        status, note = ("done", "") if payment_id else ("ignored", "not of this shop")

        def acted_on(current: StripeEvent) -> StripeEvent:
            return msgspec.structs.replace(current, status=status, note=note, due_at=None, payment_id=payment_id)

        await change(self.events, event.id, acted_on)

    async def _park(self, event: StripeEvent, error: Exception) -> None:
        text = error.detail if isinstance(error, Problem) else f"{type(error).__name__}: {error}"
        log.warning("event parked", stripe_event=event.id, attempts=event.attempts + 1, error=text)

        def parked(current: StripeEvent) -> StripeEvent:
            attempts = current.attempts + 1
            wait = min(LONGEST_WAIT, SECOND * 2**attempts)
            due_at = self._clock.now() + wait
            return msgspec.structs.replace(current, status="parked", note=text, attempts=attempts, due_at=due_at)

        await change(self.events, event.id, parked)

    async def _apply(self, event: EventState) -> str:
        """Act on one event; returns whose payment it was, or nothing if it is none of this shop's."""
        subject = event.data.object
        payment = await self._payment(subject)
        if payment is None:
            # Ours by its metadata, but its payment is not there: parked, never dropped.
            if (subject.metadata or {}).get("paymentId"):
                raise NotFound("its payment is not known yet")
            return ""
        if event.type in SESSION_EVENTS:
            session = await self._processor.session(subject.id)
            await self._service.settle(payment.id, session, event.id)
        elif event.type in DECLINE_EVENTS:
            await self._note_decline(payment, subject, event)
        elif event.type in DISPUTE_EVENTS:
            if payment.taken_minor == 0:
                raise StripeUnreachable("that its money had come is not known yet")
            state = await self._processor.dispute_state(subject.id)
            await self._service.observe_dispute(payment.id, state, f"{event.id}:{state.id}:{state.status}")
        else:
            await self._observe_refunds(payment, subject, event)
        return payment.id

    async def _note_decline(self, payment: Payment, subject: EventObject, event: EventState) -> None:
        if payment.session_id is None:
            raise StripeUnreachable("its session is not known yet")
        error = subject.last_payment_error or {}
        code = str(error.get("decline_code") or error.get("code") or "declined")
        decline = Decline(event.created * SECOND, code, str(error.get("message") or "The card was declined."))
        await self._service.note_decline(payment.id, payment.session_id, decline, event.id)

    async def _observe_refunds(self, payment: Payment, subject: EventObject, event: EventState) -> None:
        if payment.taken_minor == 0:
            raise StripeUnreachable("that its money had come is not known yet")
        if subject.object == "refund":
            state = await self._processor.refund_state(subject.id)
            await self._service.refunding.observe(payment.id, state, f"{event.id}:{state.id}:{state.status}")
            return
        for state in await self._processor.refunds(str(payment.intent_id)):
            await self._service.refunding.observe(payment.id, state, f"{event.id}:{state.id}:{state.status}")

    async def _payment(self, subject: EventObject) -> Payment | None:
        """The payment that an object belongs to: by our metadata, by its session, or by its PaymentIntent."""
        payments = self._service.payments
        if payment_id := (subject.metadata or {}).get("paymentId"):
            return await payments.get(payment_id)
        if subject.object == "checkout.session":
            return await payments.first({"session_id": subject.id})
        if not (intent_id := subject.intent_id):
            return None
        return await payments.first({"intent_id": intent_id}) or await self._payment_not_told_of(intent_id)

    async def _payment_not_told_of(self, intent_id: str) -> Payment | None:
        """A dispute and a refund of Stripe's dashboard carry no metadata, and may be told of before the money is: only
        the PaymentIntent says then whose it is."""
        try:
            payment_id = await self._processor.payment_id_of(intent_id)
        except Refused:
            return None
        if payment_id is None:
            return None
        payment = await self._service.payments.get(payment_id)
        if payment is None:
            raise NotFound("its payment is not known yet")
        return payment
