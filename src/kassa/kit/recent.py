"""What this process wrote last, so that it need not be read again to be changed; and notes that may wait.

A change is saved only as it was read. So it may begin from what is remembered: if somebody else has changed the
document since, the save conflicts, and it is read and changed again. What a remembered document says counts for nothing
else.

A note is a change that nothing rests on and that will be made again if it is lost: that an effect is done, that an
event is. It goes with the next change of its document, or with all others that wait, after a moment.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeAlias, TypeVar

import structlog

from kassa.kit.clock import SECOND, Millis
from kassa.kit.documents import Collection, Conflict, Document, change
from kassa.kit.machine import InvariantBroken

log = structlog.get_logger()

MOST = 500
"""So many documents are remembered of a collection: memory does not grow with what is stored."""

WAIT: Millis = 100
"""A note waits no longer than this; a lease, after which others would do again what it tells, is 300 times as long."""

D = TypeVar("D", bound=Document)
Step: TypeAlias = Callable[[D], D]


class Recent(Generic[D]):
    """One collection, as one process changes it."""

    def __init__(self, collection: Collection[D]) -> None:
        self._collection = collection
        self._known: dict[str, D] = {}
        self._notes: dict[str, dict[str, Step[D]]] = {}
        self._writing = asyncio.Lock()
        self._later: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Of how many documents notes wait."""
        return len(self._notes)

    def recall(self, id: str) -> D | None:
        """The document as this process wrote it last, if that is remembered; others may have changed it since."""
        return self._known.get(id)

    async def lately(self, id: str) -> D | None:
        """The document as it is remembered, or else as it is; None if there is none."""
        return self.recall(id) or await self._collection.get(id)

    async def insert(self, document: D) -> D:
        """Store a new document, as Collection.insert does."""
        return self._remember(await self._collection.insert(document))

    async def save(self, document: D) -> D:
        """Replace the stored document, as Collection.save does."""
        # Not known while it is unknown whether this is stored.
        self._known.pop(document.id, None)
        return self._remember(await self._collection.save(document))

    async def change(self, id: str, step: Step[D]) -> D | None:
        """Apply `step` and save, as kit.documents.change does, with the notes that wait; but from what is remembered,
        if that is still what is stored. What `step` leaves as it is, or refuses, it has seen as it is stored."""
        notes = self._notes.pop(id, {})
        try:
            return await self._changed(id, lambda current: step(_noted(current, notes)))
        except Exception:
            self._wait(id, {**notes, **self._notes.get(id, {})})
            raise

    def note(self, id: str, key: str, step: Step[D]) -> None:
        """Apply `step`, some time soon; or never, if the process dies before. Notes with the same key are one."""
        self._wait(id, {**self._notes.get(id, {}), key: step})

    async def settle(self) -> None:
        """Write the notes that wait, and return when they are written; one that cannot be is dropped."""
        async with self._writing:
            waiting, self._notes = self._notes, {}
            await asyncio.gather(*(self._write(id, notes) for id, notes in waiting.items()))
        self._settled.set()

    async def _changed(self, id: str, step: Step[D]) -> D | None:
        known = self._known.get(id)
        if known is not None and (stored := await self._changed_from(known, step)) is not None:
            return stored
        changed = await change(self._collection, id, step)
        return None if changed is None else self._remember(changed)

    async def _changed_from(self, known: D, step: Step[D]) -> D | None:
        """What is stored then; None if what is remembered may be old, or does not tell that it is not."""
        try:
            changed = step(known)
        except Exception:  # whatever it is refused for: it is asked again of what is stored
            return None
        if changed is known:
            return None
        try:
            return await self.save(changed)
        except (Conflict, InvariantBroken):
            return None

    def _remember(self, stored: D) -> D:
        known = self._known.pop(stored.id, stored)
        self._known[stored.id] = known if known.version > stored.version else stored
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        return stored

    def _wait(self, id: str, notes: dict[str, Step[D]]) -> None:
        if not notes:
            return
        self._notes[id] = notes
        if self._later is None or self._later.done():
            self._later = asyncio.get_running_loop().create_task(self._write_later())

    async def _write_later(self) -> None:
        while self._notes:
            self._settled.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(WAIT / SECOND):
                    await self._settled.wait()
            await self.settle()

    async def _write(self, id: str, notes: dict[str, Step[D]]) -> None:
        try:
            await self._changed(id, lambda current: _noted(current, notes))
        except Exception:  # what it tells is done once more, when its lease is over
            log.warning("a note is lost", document=id, notes=sorted(notes), exc_info=True)


def _noted(document: D, notes: dict[str, Step[D]]) -> D:
    for step in notes.values():
        document = step(document)
    return document
