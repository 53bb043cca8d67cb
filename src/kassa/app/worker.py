"""The worker: carries out what is due, again and again, and does the regular jobs. It survives whatever they raise."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

import structlog

from kassa.app.stopping import SETTLE_SECONDS
from kassa.kit.clock import SECOND, Clock, Millis
from kassa.kit.documents import Collection, CollectionSpec, Conflict, Document, Duplicate, with_version
from kassa.kit.ids import REQUEST, Ids
from kassa.kit.problem import Unavailable
from kassa.kit.wire import request_id

IDLE_SECONDS = 0.5
# Turns of one relay that may run at a time: a slow Stripe must not hold up what else is due.
MOST_TURNS = 8
BATCH = 100

log = structlog.get_logger()


class Job(NamedTuple):
    """Something to be done regularly."""

    name: str
    every: Millis
    do: Callable[[], Awaitable[Any]]


class Relay(Protocol):
    """Does what is due, so much at a time."""

    async def run_due(self, limit: int) -> int:
        """A turn; how much there was to do."""


class Turn(Document, frozen=True, kw_only=True):
    """When a job is to be done next, by whoever comes first."""

    next_at: Millis


TURNS = CollectionSpec("turns", Turn)


class Turns:
    """Of several processes that have the same job, one does it each time."""

    def __init__(self, turns: Collection[Turn], clock: Clock) -> None:
        self._turns = turns
        self._clock = clock

    async def take(self, job: Job) -> Millis:
        """Take the job's turn: 0 if it is ours now, else how long until the next one."""
        now = self._clock.now()
        ours = Turn(id=job.name, next_at=now + job.every)
        known = await self._turns.get(job.name)
        # A turn further off than that was taken by a clock that went wrong.
        if known is not None and now < known.next_at <= now + job.every:
            return known.next_at - now
        try:
            await (self._turns.save(with_version(ours, known.version)) if known else self._turns.insert(ours))
        except (Conflict, Duplicate):
            return job.every
        return 0


class Worker:
    """Runs the relays and the jobs, until it is stopped; in turns with others, if there are any.
    A relay looks for what is due every `idle_seconds`."""

    def __init__(
        self,
        relays: Sequence[Relay],
        jobs: Sequence[Job],
        ids: Ids,
        turns: Turns | None = None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._shared_turns = turns
        self._idle_seconds = idle_seconds
        self._relays = relays
        self._jobs = jobs
        self._ids = ids
        self._stopping = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._turns: set[asyncio.Task[int]] = set()

    def start(self) -> None:
        """Begin; the first turns are at once, for a crash may have left something."""
        self._loops = [asyncio.create_task(self._relay(each)) for each in self._relays]
        self._loops += [asyncio.create_task(self._repeat(job)) for job in self._jobs]

    async def stop(self) -> None:
        """Begin nothing new and let what runs come to its end; what takes too long is left to the next start."""
        self._stopping.set()
        running = {*self._loops, *self._turns}
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=SETTLE_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _relay(self, relay: Relay) -> None:
        running: set[asyncio.Task[int]] = set()
        while not self._stopping.is_set():
            if len(running) < MOST_TURNS:
                turn = asyncio.create_task(self._turn(relay))
                for tasks in (running, self._turns):
                    tasks.add(turn)
                    turn.add_done_callback(tasks.discard)
                # A turn that took a full batch has left something: the next one follows at once.
                done, _ = await asyncio.wait({turn}, timeout=self._idle_seconds)
                if done and turn.result() >= BATCH:
                    continue
            await self._pause(self._idle_seconds)

    async def _turn(self, relay: Relay) -> int:
        request_id.set(self._ids.new(REQUEST))
        try:
            return await relay.run_due(BATCH)
        except Unavailable as error:
            log.warning("relay could not reach the store", error=error.detail)
        except Exception:
            log.exception("relay failed")
        return 0

    async def _repeat(self, job: Job) -> None:
        while not self._stopping.is_set():
            request_id.set(self._ids.new(REQUEST))
            wait = job.every
            try:
                if self._shared_turns is None or (wait := await self._shared_turns.take(job)) == 0:
                    wait = job.every
                    await job.do()
            except Unavailable as error:
                log.warning("job could not be done for now", job=job.name, error=error.detail)
            except Exception:
                log.exception("job failed", job=job.name)
            await self._pause(wait / SECOND)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
