"""The worker: carries out what is due, again and again, and does the regular jobs. It survives whatever they raise."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import structlog

from kassa.kit.clock import SECOND, Millis
from kassa.kit.ids import REQUEST, Ids
from kassa.kit.outbox import Outbox
from kassa.kit.problem import Unavailable
from kassa.kit.wire import request_id

IDLE_SECONDS = 0.5
# Turns of one relay that may run at a time: a slow Stripe must not hold up what else is due.
TURNS = 8
BATCH = 100
STOP_SECONDS = 10.0

log = structlog.get_logger()


class Job(NamedTuple):
    """Something to be done regularly."""

    name: str
    every: Millis
    do: Callable[[], Awaitable[Any]]


class Worker:
    """Runs the relays of the outboxes, and the jobs, until it is stopped."""

    def __init__(self, outboxes: Sequence[Outbox[Any]], jobs: Sequence[Job], ids: Ids) -> None:
        self._outboxes = outboxes
        self._jobs = jobs
        self._ids = ids
        self._stopping = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._turns: set[asyncio.Task[int]] = set()

    def start(self) -> None:
        """Begin; the first turns are at once, for a crash may have left something."""
        self._loops = [asyncio.create_task(self._relay(outbox)) for outbox in self._outboxes]
        self._loops += [asyncio.create_task(self._repeat(job)) for job in self._jobs]

    async def stop(self) -> None:
        """Begin nothing new and let what runs come to its end; what takes too long is left to the next start."""
        self._stopping.set()
        running = {*self._loops, *self._turns}
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=STOP_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _relay(self, outbox: Outbox[Any]) -> None:
        running: set[asyncio.Task[int]] = set()
        while not self._stopping.is_set():
            if len(running) < TURNS:
                turn = asyncio.create_task(self._turn(outbox))
                for tasks in (running, self._turns):
                    tasks.add(turn)
                    turn.add_done_callback(tasks.discard)
                # A turn that took a full batch has left something: the next one follows at once.
                done, _ = await asyncio.wait({turn}, timeout=IDLE_SECONDS)
                if done and turn.result() >= BATCH:
                    continue
            await self._pause(IDLE_SECONDS)

    async def _turn(self, outbox: Outbox[Any]) -> int:
        request_id.set(self._ids.new(REQUEST))
        try:
            return await outbox.run_due(BATCH)
        except Unavailable as error:
            log.warning("relay could not reach the store", error=error.detail)
        except Exception:
            log.exception("relay failed")
        return 0

    async def _repeat(self, job: Job) -> None:
        while not self._stopping.is_set():
            request_id.set(self._ids.new(REQUEST))
            try:
                await job.do()
            except Unavailable as error:
                log.warning("job could not be done for now", job=job.name, error=error.detail)
            except Exception:
                log.exception("job failed", job=job.name)
            await self._pause(job.every / SECOND)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
