"""Idempotency keys: a client's name for one request, so that repeating the request does nothing twice.

The record holds the id of what is to be made before anything is done; so after a crash the same key goes on
where the first try stopped. After 24 hours a record is removed.
"""

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar

import msgspec

from kassa.kit.clock import DAY, SECOND, Clock, Millis
from kassa.kit.documents import (
    Collection,
    CollectionSpec,
    Conflict,
    Contains,
    Document,
    Duplicate,
    remove_due,
    with_version,
)
from kassa.kit.problem import Invalid, Problem, Unavailable
from kassa.kit.wire import encode

KEPT: Millis = DAY
LEASE: Millis = 30 * SECOND
LONGEST_KEY = 255

goes_on: ContextVar[bool] = ContextVar("goes_on", default=False)
"""Whether another try may have worked with the id before, so that this one goes on where that stopped."""


class KeyReused(Problem):
    """The key stands for a request with another body."""

    code, title, status = "idempotency_key_reused", "This Idempotency-Key was used for another request", 422


class KeyInUse(Problem):
    """The first request with this key is still running."""

    code, title, status = "idempotency_key_in_use", "A request with this Idempotency-Key is still running", 409


class Abandoned(Unavailable):
    """What the key's id stands for can not be made any more; the next try is given a new id."""

    code = "abandoned"


class Answer(msgspec.Struct, frozen=True):
    """An answer as it goes over the wire."""

    status: int
    body: bytes
    is_replay: bool = False


class Record(Document, frozen=True, kw_only=True):
    """One key. `status` is None while its request is running; `owner` is the process that runs it; none, if
    nobody has worked with the id yet."""

    request_hash: str
    resource_id: str
    owner: str
    lease_until: Millis
    status: int | None = None
    body: str = ""


RECORDS = CollectionSpec("idempotency", Record)


class Idempotency:
    """Runs requests at most once a key.

    `owner` names this process. `is_alone`: no other process serves this store, so that a record of another owner
    was left by a crash and may be taken over at once; otherwise when its lease of 30 s is over.
    """

    def __init__(self, records: Collection[Record], clock: Clock, owner: str, *, is_alone: bool) -> None:
        self._records = records
        self._clock = clock
        self._owner = owner
        self._is_alone = is_alone
        self._running: Counter[str] = Counter()

    async def run(
        self,
        scope: tuple[str, str, str],
        request: bytes,
        new_id: Callable[[], str],
        work: Callable[[str], Awaitable[Answer]],
    ) -> Answer:
        """Do `work(resource_id)` for the (user, endpoint, key) of `scope`, or replay the answer that it gave.

        A Problem below 500 is an answer too; anything else leaves the key free for a new try with the same id.
        """
        if not 1 <= len(scope[2]) <= LONGEST_KEY:
            raise Invalid.field("Idempotency-Key", f"must have 1 to {LONGEST_KEY} characters")
        record_id = hashlib.sha256("\n".join(scope).encode()).hexdigest()
        self._running[record_id] += 1
        try:
            record = await self._claim(record_id, hashlib.sha256(request).hexdigest(), new_id)
            if record.status is not None:
                return Answer(record.status, record.body.encode(), is_replay=True)
            return await self._work(record, new_id, work)
        finally:
            self._running[record_id] -= 1
            if not self._running[record_id]:
                del self._running[record_id]

    async def _work(
        self, record: Record, new_id: Callable[[], str], work: Callable[[str], Awaitable[Answer]]
    ) -> Answer:
        try:
            answer = await work(record.resource_id)
        except Problem as problem:
            if problem.status >= 500:
                if isinstance(problem, Abandoned):
                    record = msgspec.structs.replace(record, resource_id=new_id(), owner="")
                await self._free(record)
                raise
            answer = Answer(problem.status, encode(problem.document(request_id="")))
            await self._finish(record, answer)
            raise
        except BaseException:
            await self._free(record)
            raise
        await self._finish(record, answer)
        return answer

    async def remove_expired(self) -> int:
        """Remove records older than 24 hours; return how many."""
        return await remove_due(self._records, self._clock)

    async def forget(self, text: str) -> None:
        """Remove the records whose answer has this text in it."""
        while found := await self._records.find({"body": Contains(text)}, limit=100):
            for record in found:
                await self._records.delete(record.id)

    async def _claim(self, record_id: str, request_hash: str, new_id: Callable[[], str]) -> Record:
        now = self._clock.now()
        goes_on.set(False)
        claimed = Record(
            id=record_id,
            due_at=now + KEPT,
            request_hash=request_hash,
            resource_id=new_id(),
            owner=self._owner,
            lease_until=now + LEASE,
        )
        try:
            return await self._records.insert(claimed)
        except Duplicate:
            known = await self._records.get(record_id)
        if known is None:
            return await self._claim(record_id, request_hash, new_id)
        if (known.due_at or 0) <= now:
            return await self._replace(known, claimed)
        if known.request_hash != request_hash:
            raise KeyReused("use a new Idempotency-Key for another request")
        return known if known.status is not None else await self._take_over(known, now)

    async def _take_over(self, known: Record, now: Millis) -> Record:
        # One of ours that nobody works on: the store failed when it was to be freed. Another's: left by a crash.
        is_left = self._running[known.id] == 1 if known.owner == self._owner else self._is_alone
        if known.lease_until > now and not is_left:
            raise KeyInUse("wait for the first request's answer, then ask again")
        goes_on.set(known.owner != "")
        return await self._replace(known, msgspec.structs.replace(known, owner=self._owner, lease_until=now + LEASE))

    async def _replace(self, known: Record, claimed: Record) -> Record:
        try:
            return await self._records.save(with_version(claimed, known.version))
        except Conflict as conflict:
            raise KeyInUse("wait for the first request's answer, then ask again") from conflict

    async def _finish(self, record: Record, answer: Answer) -> None:
        await self._write(msgspec.structs.replace(record, status=answer.status, body=answer.body.decode()))

    async def _free(self, record: Record) -> None:
        await self._write(msgspec.structs.replace(record, lease_until=0))

    async def _write(self, record: Record) -> None:
        # A conflict: the lease ran out and a repeated request took over, under the same id. The record is its now.
        with suppress(Conflict):
            await self._records.save(record)
