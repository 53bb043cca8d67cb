"""The store as one process sees it over the network: it takes time, may not answer, and does not hear the dead."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from kassa.kit.clock import Millis
from kassa.kit.documents import (
    By,
    Collection,
    CollectionSpec,
    Conflict,
    Database,
    Document,
    Duplicate,
    Order,
    Total,
    Where,
)
from kassa.kit.effects import Aggregate
from kassa.kit.problem import Unavailable
from kassa.simulation.faults import NONE, body_of
from kassa.simulation.surroundings import Host

_ID = re.compile(r" [a-z]+_\w+")

A = TypeVar("A")
D = TypeVar("D", bound=Document)


class RemoteDatabase:
    """A database that a process reaches over the network."""

    def __init__(self, inner: Database, process: Host) -> None:
        self._inner = inner
        self._process = process

    async def collection(self, spec: CollectionSpec[D]) -> "RemoteCollection[D]":
        return RemoteCollection(await self._inner.collection(spec), self._process)

    async def probe(self) -> None:
        await self._inner.probe()

    async def scrub(self) -> None:
        await self._inner.scrub()

    async def rewrite(self, largest: int | None = None) -> bool:
        return await self._inner.rewrite(largest)

    async def close(self) -> None:
        await self._inner.close()


class RemoteCollection(Generic[D]):
    """One of its collections; see `kit.documents.Collection`."""

    def __init__(self, inner: Collection[D], process: Host) -> None:
        self._inner = inner
        self._process = process
        self.spec = inner.spec

    async def insert(self, document: D) -> D:
        return self._noted(await self._ask(document.id, lambda: self._inner.insert(document)))

    async def save(self, document: D) -> D:
        return self._noted(await self._ask(document.id, lambda: self._inner.save(document)))

    async def get(self, id: str) -> D | None:
        return await self._read(id, lambda: self._inner.get(id))

    async def many(self, ids: Sequence[str]) -> list[D]:
        return await self._read("", lambda: self._inner.many(ids))

    async def first(self, where: Where) -> D | None:
        return await self._read("", lambda: self._inner.first(where))

    async def find(
        self,
        where: Where,
        *,
        limit: int,
        skip: int = 0,
        after: str | None = None,
        order: Order = "newest",
        by: By | None = None,
    ) -> list[D]:
        return await self._read(
            "", lambda: self._inner.find(where, limit=limit, skip=skip, after=after, order=order, by=by)
        )

    async def count(self, where: Where) -> int:
        return await self._read("", lambda: self._inner.count(where))

    async def due(self, now: Millis, limit: int) -> list[D]:
        return await self._read("", lambda: self._inner.due(now, limit))

    async def totals(self, where: Where, by: str, *, sum_of: str | None = None, per: int = 1) -> list[Total]:
        return await self._read("", lambda: self._inner.totals(where, by, sum_of=sum_of, per=per))

    async def delete(self, id: str, where: Where | None = None) -> None:
        await self._ask(id, lambda: self._inner.delete(id, where))

    async def _ask(self, about: str, operation: Callable[[], Awaitable[A]]) -> A:
        faults = self._process.world.faults
        if faults.strikes("store write came late", about):
            self._process.world.begin(_nobody_hears(operation, faults.lateness("store write came late")))
            raise Unavailable("the store was not waited for")
        # Whoever asks may die; what was asked is done all the same.
        return await self._read(about, lambda: asyncio.shield(asyncio.ensure_future(operation())))

    async def _read(self, about: str, operation: Callable[[], Awaitable[A]]) -> A:
        process = self._process
        await process.pause()
        if process.world.faults.strikes("store did not answer", about):
            raise Unavailable("the store does not answer")
        answer = await operation()
        await process.pause(about)
        if process.world.faults.strikes("store answer lost", about):
            raise Unavailable("the store's answer was lost")
        return answer

    def _noted(self, document: D) -> D:
        """Note which change of state was reached, and after what trouble."""
        if isinstance(document, Aggregate) and document.audit:
            self._process.world.compare_audits(document)
            last: Any = document.audit[-1]
            trouble = self._process.world.faults.hit.get(body_of(document.id), NONE)
            reached = (self.spec.name, last.from_state, _ID.sub("", last.what), last.to_state, trouble)
            self._process.world.reached.add(reached)
            if (document.id, len(document.audit)) not in self._process.world.seen:
                self._process.world.seen.add((document.id, len(document.audit)))
                text = f"{document.id}: {last.from_state or 'new'} -> {last.to_state} ({last.what}, {last.why})"
                self._process.world.note(f"{self._process.name}: {text}", document.id)
        return document


async def _nobody_hears(operation: Callable[[], Awaitable[Any]], after: float) -> None:
    await asyncio.sleep(after)
    with contextlib.suppress(Conflict, Duplicate):
        await operation()
