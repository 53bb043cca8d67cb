"""The inbox of Stripe's events: verified, stored once under the event's id, answered, and only then acted on.

What is done about each is in kassa.payment.event_handlers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from kassa.contracts.payment import StripeKeyRefused
from kassa.kit import security
from kassa.kit.clock import HOUR, SECOND, Clock, Millis, from_unix
from kassa.kit.documents import Conflict, Duplicate, save_all
from kassa.kit.ids import Ids
from kassa.kit.outbox import MOST_VOIDED
from kassa.kit.patience import deadline
from kassa.kit.problem import NotFound, Problem
from kassa.kit.recent import Recent
from kassa.payment.event_handlers import EVENT_HANDLERS, EventHandlers, Looked, NotOurs
from kassa.payment.events import EventState, read_event, to_store
from kassa.payment.processor import BadSignature, Processor
from kassa.payment.refusal_count import RefusalCount
from kassa.payment.store import PaymentStore, StripeEvent

LEASE: Millis = 30 * SECOND
AT_ONCE = 32
BATCH = 500
MOST_WAITING = 5_000
LONGEST_WAIT = HOUR
LONGEST_NOTE = 500

log = structlog.get_logger()


class InvalidSignature(Problem):
    """Not signed by Stripe with one of our secrets, or longer than 300 s ago. Nothing was stored."""

    code, title, status = "invalid_signature", "The webhook's signature is not valid", 400


class UnreadableEvent(Problem):
    """Signed by Stripe, but not an event as Stripe documents them. Nothing was stored."""

    code, title, status = "unreadable_event", "The event is rightly signed, but cannot be read", 400


class Inbox:
    """Takes events in and sees each through to its end."""

    def __init__(
        self, store: PaymentStore, handlers: EventHandlers, processor: Processor, ids: Ids, clock: Clock
    ) -> None:
        self.events = store.events
        self.recent = Recent(store.events)
        self.refused = RefusalCount(store.refusals, "webhooks", clock, "webhooks refused")
        self._handlers = handlers
        self._processor = processor
        self._ids = ids
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def receive(self, body: bytes, signature: str) -> None:
        """Verify a webhook and store it; it is acted on afterwards. InvalidSignature, UnreadableEvent: nothing is
        stored."""
        try:
            self._processor.verify(body, signature)
            event = read_event(body.decode())
        except BadSignature as error:
            security.event(security.WEBHOOK_REFUSED, why=str(error))
            await self.refused.add(str(error))
            raise InvalidSignature(str(error)) from error
        except ValueError as error:
            await self.refused.add(f"rightly signed, but no event: {error}")
            raise UnreadableEvent(str(error)) from error
        stored = await self.store(event)
        if stored is None:
            await self.recent.change(event.id, _came_after_all)
        elif stored.status == "received":
            self._start(stored)
        await self.refused.forget()

    async def store(self, event: EventState, asked_at: Millis | None = None) -> StripeEvent | None:
        """Store an event, one that Stripe was asked for (ms) or that came; None if it is there already."""
        note = self._not_ours(event)
        now = self._clock.now()
        document = StripeEvent(
            id=event.id,
            due_at=None if note else now + LEASE,
            sequence=self._ids.new("in"),
            type=event.type,
            object_id=event.object.id,
            status="ignored" if note else "received",
            body=to_store(event),
            note=note,
            created_at=from_unix(event.created),
            received_at=now,
            asked_at=asked_at,
        )
        try:
            return await self.recent.insert(document)
        except Duplicate:
            return None

    async def replay(self, event_id: str, looked: Looked | None = None) -> StripeEvent:
        """Act on a stored event once more, by itself or in one go with others; NotFound if there is none. Returns it
        as it is afterwards."""
        event = await self.events.get(event_id)
        if event is None:
            raise NotFound(f"there is no stored event {event_id[:64]}")
        await self._act(event, looked)
        await self.recent.settle()
        return await self.events.get(event_id) or event

    async def run_due(self, limit: int = BATCH) -> int:
        """The relay's turn: act on events that were interrupted or parked; return how many were due."""
        await self.recent.settle()
        due = await self.events.due(self._clock.now(), limit)
        await asyncio.gather(*(self._lease_and_act(event) for event in due))
        await self.recent.settle()
        return len(due)

    async def void_leases(self) -> None:
        """Make due at once what others are acting on, the first 10,000: for a process that knows that they are gone."""
        await self.recent.settle()
        now = self._clock.now()
        leased = await self.events.due(now + LEASE, MOST_VOIDED)
        await save_all(self.events, [msgspec.structs.replace(event, due_at=now) for event in leased])

    async def settle(self) -> None:
        """Wait for what was started at once, and until it is noted what is done."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self.recent.settle()

    def jobs(self) -> list[tuple[str, Millis, Callable[[], Awaitable[Any]]]]:
        """What is to be done regularly: name, every so often (ms), how."""
        return [("act on waiting events", SECOND, self._run_all_due)]

    async def _run_all_due(self) -> None:
        while await self.run_due() >= BATCH:
            continue  # a full batch has left something

    def _not_ours(self, event: EventState) -> str:
        if event.kind not in EVENT_HANDLERS:
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
            await self._act_bounded(await self.recent.save(leased))
        except Conflict:
            return  # somebody else was faster

    async def _act(self, event: StripeEvent, looked: Looked | None = None) -> None:
        status, note, payment_id = "done", "", ""
        try:
            payment_id = await self._handlers.act_on(read_event(event.body), event.attempts, looked)
        except NotOurs as reason:
            status, note = "ignored", str(reason)
        except Exception as error:  # whatever went wrong: the event stays and is tried again
            await self._park(event, error)
            return

        def acted_on(current: StripeEvent) -> StripeEvent:
            ended = msgspec.structs.replace(current, status=status, note=note, due_at=None, payment_id=payment_id)
            return msgspec.structs.replace(ended, is_key_refused=False)

        self.recent.note(event.id, "acted on", acted_on)

    async def _park(self, event: StripeEvent, error: Exception) -> None:
        text = (error.detail if isinstance(error, Problem) else f"{type(error).__name__}: {error}")[:LONGEST_NOTE]
        log.warning("event parked", stripe_event=event.id, attempts=event.attempts + 1, error=text)

        def parked(current: StripeEvent) -> StripeEvent:
            attempts = current.attempts + 1
            wait = min(LONGEST_WAIT, SECOND * 2**attempts)
            due_at = self._clock.now() + wait
            waiting = msgspec.structs.replace(current, status="parked", note=text, attempts=attempts, due_at=due_at)
            return msgspec.structs.replace(waiting, is_key_refused=isinstance(error, StripeKeyRefused))

        await self.recent.change(event.id, parked)


def _came_after_all(event: StripeEvent) -> StripeEvent:
    return event if event.asked_at is None else msgspec.structs.replace(event, asked_at=None)
