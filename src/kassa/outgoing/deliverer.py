"""The deliverer: sends each endpoint the events of the log, in order for each thing that they are about, until they
have arrived.

An endpoint has one queue: how far it was told. When an event does not arrive, what it is about is held: its events wait
and are tried again, while others go on. So memory and store are bounded, and one order in trouble keeps no other one
waiting. Whoever tells an endpoint has its queue on a lease; a process that is killed leaves it to the others.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import msgspec
import structlog

from kassa.contracts.events import EventsGone
from kassa.kit import inputs
from kassa.kit.clock import DAY, HOUR, SECOND, Clock, Millis
from kassa.kit.documents import Conflict, Duplicate
from kassa.kit.problem import NotFound
from kassa.kit.wire import encode
from kassa.outgoing.endpoints import Endpoints
from kassa.outgoing.queues import LeaseLost, Queues
from kassa.outgoing.sending import Sending, Sent
from kassa.outgoing.service import EventsService
from kassa.outgoing.signing import signed
from kassa.outgoing.store import Attempt, Endpoint, Held, Queue, Told
from kassa.outgoing.wire import shown

PAGE = 32
ABREAST = 8
"""So many are sent to one endpoint at the same time, each about something else."""
MOST_HELD = 100
"""So many things may wait at an endpoint; then everything waits."""
GIVES_UP_AFTER: Millis = 3 * DAY
FIRST_PAUSE: Millis = 5 * SECOND
LONGEST_PAUSE: Millis = HOUR
GONE = 410
_TURN_SECONDS = 0.4

log = structlog.get_logger()


class Deliverer:
    """Tells all endpoints. `is_on()`: whether anybody is to be told."""

    def __init__(
        self,
        service: EventsService,
        endpoints: Endpoints,
        sender: Callable[[], Sending],
        clock: Clock,
        queues: Queues,
        is_on: Callable[[], bool],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._service = service
        self._store = service.store
        self._endpoints = endpoints
        self._sender = sender
        self._clock = clock
        self._queues = queues
        self._is_on = is_on
        self._jitter = jitter
        self._running: dict[str, asyncio.Task[int]] = {}

    async def run_due(self, limit: int = 100) -> int:
        """A turn: begin to tell all endpoints that are not being told; return how much was done by those that are
        ready soon."""
        if not self._is_on():
            return 0
        begun: list[asyncio.Task[int]] = []
        for endpoint in await self._endpoints.all():
            if endpoint.is_enabled and endpoint.id not in self._running:
                task = asyncio.create_task(self._tell(endpoint))
                self._running[endpoint.id] = task
                task.add_done_callback(partial(self._ended, endpoint.id))
                begun.append(task)
        if not begun:
            return 0
        done, _ = await asyncio.wait(begun, timeout=_TURN_SECONDS)
        return sum(task.result() for task in done if not task.cancelled())

    async def settle(self) -> None:
        """Wait for what was begun."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    async def close(self) -> None:
        """Break off what is under way: it is begun again by whoever comes next."""
        for task in list(self._running.values()):
            task.cancel()
        await self.settle()

    async def send_again(self, endpoint_id: str, event_id: str) -> Attempt:
        """Send an event once more, whatever has come of it before. NotFound."""
        endpoint = await self._endpoints.one(endpoint_id)
        (event,) = await self._service.described([await self._service.log.one(event_id)])
        async with self._sender() as sender:
            attempt = await self._send(sender, endpoint, event)
        await self._endpoints.note(endpoint.id, [attempt])
        return attempt

    # One endpoint

    def _ended(self, endpoint_id: str, _: object) -> None:
        self._running.pop(endpoint_id, None)

    async def _tell(self, endpoint: Endpoint) -> int:
        try:
            queue = await self._leased(endpoint.id)
            if queue is None:
                return 0
            endpoint = await self._endpoints.one(endpoint.id)  # It may have been changed until it was leased.
            if not endpoint.is_enabled:
                return 0
            async with self._sender() as sender:
                tried = await self._try_held(endpoint, queue, sender)
                return tried + await self._go_on(endpoint, queue, sender)
        except (LeaseLost, NotFound):
            return 0
        except Exception:  # the store fails: what has arrived and was not noted is sent again
            log.exception("telling an endpoint was interrupted", endpoint=endpoint.id)
            return 0

    async def _leased(self, endpoint_id: str) -> Queue | None:
        """The queue, if there is anything to be told, and it is ours for a while."""
        queue = await self._queues.get(endpoint_id)
        if queue is None or not await self._has_work(queue, self._clock.now()):
            return None
        return await self._queues.lease(queue)

    async def _has_work(self, queue: Queue, now: Millis) -> bool:
        if await self._service.log.end() > queue.position:
            return await self._store.held.count({"endpoint_id": queue.id}) < MOST_HELD or await self._is_due(queue, now)
        return await self._is_due(queue, now)

    async def _is_due(self, queue: Queue, now: Millis) -> bool:
        return any((each.due_at or now) <= now for each in await self._held(queue.id))

    async def _held(self, endpoint_id: str) -> list[Held]:
        return await self._store.held.find({"endpoint_id": endpoint_id}, limit=2 * MOST_HELD, order="oldest")

    async def _go_on(self, endpoint: Endpoint, queue: Queue, sender: Sending) -> int:
        """Tell what comes next of all that is not held."""
        held = {each.about for each in await self._held(endpoint.id)}
        if len(held) >= MOST_HELD:
            return 0
        try:
            page = await self._service.read(queue.position, PAGE, endpoint.types)
        except EventsGone as gone:
            await self._queues.move(endpoint.id, int(gone.members["after"]), [])
            log.error("events were removed before an endpoint was told", endpoint=endpoint.id)
            return 1
        if page.after == queue.position:
            return 0
        about: dict[str, list[Told]] = {}
        for event in page.events:
            if event.about not in held:
                about.setdefault(event.about, []).append(event)
        lanes = asyncio.Semaphore(ABREAST)
        attempts = await asyncio.gather(
            *(self._tell_all(lanes, endpoint, sender, name, events) for name, events in about.items())
        )
        await self._queues.move(endpoint.id, page.after, [each for some in attempts for each in some])
        return max(1, len(page.events))

    async def _tell_all(
        self, lanes: asyncio.Semaphore, endpoint: Endpoint, sender: Sending, about: str, events: Sequence[Told]
    ) -> list[Attempt]:
        """Send events about one thing in order, up to the first that does not arrive: from that on it is held."""
        async with lanes:
            attempts, arrived = await self._send_in_order(sender, endpoint, events)
            if arrived < len(events):
                now = self._clock.now()
                await self._hold(
                    Held(
                        id=inputs.held_id(endpoint.id, about),
                        endpoint_id=endpoint.id,
                        about=about,
                        position=events[arrived].position - 1,
                        since=now,
                        attempts=1,
                        error=attempts[-1].error,
                        due_at=now + self._pause(1),
                    )
                )
                await self._look_at(endpoint, attempts[-1], now)
            return attempts

    async def _try_held(self, endpoint: Endpoint, queue: Queue, sender: Sending) -> int:
        """Tell what is held, and due, again."""
        now = self._clock.now()
        due = [each for each in await self._held(endpoint.id) if (each.due_at or now) <= now]
        lanes = asyncio.Semaphore(ABREAST)
        attempts = await asyncio.gather(
            *(self._try_one(lanes, endpoint, queue.position, sender, each) for each in due[:PAGE])
        )
        await self._endpoints.note(endpoint.id, [each for some in attempts for each in some])
        return len(due)

    async def _try_one(
        self, lanes: asyncio.Semaphore, endpoint: Endpoint, until: int, sender: Sending, held: Held
    ) -> list[Attempt]:
        async with lanes:
            found = await self._service.log.of(held.about, held.position, until, PAGE)
            wanted = [each for each in found if not endpoint.types or each.type in endpoint.types]
            events = await self._service.described(wanted)
            attempts, arrived = await self._send_in_order(sender, endpoint, events)
            if arrived == len(events) and len(found) < PAGE:
                await self._store.held.delete(held.id)
                return attempts
            now = self._clock.now()
            is_better = arrived > 0 or arrived == len(events)
            position = events[arrived].position - 1 if arrived < len(events) else found[-1].position
            times = 1 if is_better else held.attempts + 1
            changed = msgspec.structs.replace(
                held,
                position=position,
                attempts=times,
                since=now if is_better else held.since,
                error=attempts[-1].error if attempts else "",
                due_at=now if arrived == len(events) else now + self._pause(times),
            )
            with suppress(Conflict):  # somebody has enabled the endpoint meanwhile
                await self._store.held.save(changed)
            if arrived < len(events):
                await self._look_at(endpoint, attempts[-1], changed.since)
            return attempts

    async def _send_in_order(
        self, sender: Sending, endpoint: Endpoint, events: Sequence[Told]
    ) -> tuple[list[Attempt], int]:
        """The attempts, and how many events have arrived: all, or those before the first that has not."""
        attempts: list[Attempt] = []
        for number, event in enumerate(events):
            await self._queues.keep(endpoint.id)
            attempts.append(await self._send(sender, endpoint, event))
            if not attempts[-1].is_good:
                return attempts, number
        return attempts, len(events)

    async def _send(self, sender: Sending, endpoint: Endpoint, event: Told) -> Attempt:
        began, body = self._clock.now(), encode(shown(event))
        sent: Sent = await sender.send(endpoint.url, signed(event.id, body, endpoint.secrets, began), body)
        error = sent.error or ("" if 200 <= sent.status < 300 else f"it answered {sent.status}")
        took = max(0, self._clock.now() - began)
        return Attempt(began, event.id, event.type, sent.status, error, took)

    # What is noted

    async def _hold(self, held: Held) -> None:
        with suppress(Duplicate):  # what waits already has the earlier events
            await self._store.held.insert(held)

    async def _look_at(self, endpoint: Endpoint, attempt: Attempt, since: Millis) -> None:
        """Stop sending to an endpoint that says that it is gone, or that has failed for too long."""
        why = ""
        if attempt.status == GONE:
            why = "it answered 410: it does not want to be told any more"
        elif self._clock.now() - since >= GIVES_UP_AFTER:
            days = GIVES_UP_AFTER // DAY
            why = f"event {attempt.event_id} could not be sent for {days} days: {attempt.error}"
        if why:
            log.error("an endpoint is disabled", endpoint=endpoint.id, why=why)
            await self._endpoints.disable(endpoint.id, why)

    def _pause(self, times: int) -> Millis:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 4 ** min(times - 1, 10))
        return int(pause * (0.5 + self._jitter()))
