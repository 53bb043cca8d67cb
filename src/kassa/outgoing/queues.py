"""The queues of endpoints: how far each was told, and who has it on a lease."""

from collections.abc import Sequence
from functools import partial

import msgspec

from kassa.kit.clock import MINUTE, Clock, Millis
from kassa.kit.documents import Collection, Conflict, change
from kassa.outgoing.endpoints import newest
from kassa.outgoing.store import Attempt, Queue

LEASE: Millis = MINUTE


class LeaseLost(Exception):
    """Another process tells the endpoint now, or it was removed."""


class Queues:
    """Those in the store, as one process takes them. `owner` names it; `is_alone`: there is no other one, so that a
    lease of another owner was left by one that is gone."""

    def __init__(self, queues: Collection[Queue], clock: Clock, owner: str, *, is_alone: bool) -> None:
        self._queues = queues
        self._clock = clock
        self._owner = owner
        self._is_alone = is_alone

    async def get(self, endpoint_id: str) -> Queue | None:
        """A queue, whoever has it."""
        return await self._queues.get(endpoint_id)

    async def lease(self, queue: Queue) -> Queue | None:
        """The queue, if it is ours for a while now."""
        now = self._clock.now()
        is_free = self._is_alone or queue.owner in ("", self._owner) or not now < queue.leased_until <= now + LEASE
        if not is_free:
            return None
        try:
            return await self._queues.save(msgspec.structs.replace(queue, owner=self._owner, leased_until=now + LEASE))
        except Conflict:
            return None

    async def keep(self, endpoint_id: str) -> None:
        """Before anything is sent: the queue is still ours, for longer than sending takes. LeaseLost."""
        queue, now = await self._queues.get(endpoint_id), self._clock.now()
        if queue is None or queue.owner != self._owner:
            raise LeaseLost
        if now + LEASE // 2 >= queue.leased_until:
            await self._change(endpoint_id, partial(_leased_until, until=now + LEASE))

    async def move(self, endpoint_id: str, position: int, attempts: Sequence[Attempt]) -> None:
        """Note how far the endpoint was told, and what was sent. LeaseLost."""
        await self._change(endpoint_id, partial(_moved, position=position, attempts=attempts))

    async def _change(self, endpoint_id: str, step: partial[Queue]) -> None:
        def ours(queue: Queue) -> Queue:
            if queue.owner != self._owner:
                raise LeaseLost
            return step(queue)

        if await change(self._queues, endpoint_id, ours) is None:
            raise LeaseLost


def _leased_until(queue: Queue, until: Millis) -> Queue:
    return msgspec.structs.replace(queue, leased_until=until)


def _moved(queue: Queue, position: int, attempts: Sequence[Attempt]) -> Queue:
    return msgspec.structs.replace(queue, position=position, attempts=newest(queue.attempts, attempts))
