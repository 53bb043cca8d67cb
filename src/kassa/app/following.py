"""Those who tell what happens: as soon as somebody listens, each change is marked in its own write, and what is marked
is published and then not marked any more. So nothing is missed, whatever is killed when, and nobody's clock counts.

A process learns within seconds that somebody listens. What it has written until then is marked afterwards.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

import msgspec
import structlog

from kassa.contracts.events import MOST_AT_ONCE, Events, NewEvent
from kassa.kit.clock import DAY, MINUTE, SECOND, Clock, Millis
from kassa.kit.documents import Between, Collection, CollectionSpec, Document, Duplicate, Where, change, pages
from kassa.kit.effects import Aggregate, first_since
from kassa.kit.outbox import Outbox
from kassa.kit.problem import Unavailable

LEARN_EVERY: Millis = 5 * SECOND
CLOCKS_DIFFER: Millis = 5 * MINUTE
A = TypeVar("A", bound=Aggregate)
log = structlog.get_logger()


class Heard(Document, frozen=True, kw_only=True):
    """Since when somebody listens, as was last known where the documents of this name are; None: nobody. `number`: how
    far a ledger was told."""

    since: Millis | None = None
    number: int = 0


HEARD = CollectionSpec("heard", Heard)


class Ears:
    """Whether anybody listens, as far as this process knows."""

    def __init__(self, events: Events, clock: Clock) -> None:
        self.since: Millis | None = None
        self._events = events
        self._clock = clock
        self._learned_at: Millis | None = None

    @property
    def is_there(self) -> bool:
        """Whether somebody listens."""
        return self.since is not None

    @property
    def reaches_back(self) -> Millis | None:
        """From when on what happened is told, by anybody's clock; None: nobody listens."""
        return None if self.since is None else self.since - CLOCKS_DIFFER

    def note(self, since: Millis | None) -> None:
        """Somebody has begun to listen, or nobody does any more."""
        self.since = since

    async def learn(self) -> None:
        """Ask, if that was a while ago. Who cannot be asked has changed nothing."""
        now = self._clock.now()
        # A clock may have gone back.
        if self._learned_at is not None and 0 <= now - self._learned_at < LEARN_EVERY:
            return
        self._learned_at = now
        try:
            self.since = (await self._events.listening()).since
        except Unavailable as error:
            log.warning("it is not known whether anybody listens", error=error.detail)


class Follower(Generic[A]):
    """Tells what happens to the documents of one outbox. `told` makes events of a document, which tell all that is not
    told yet; `after` is the document after these have been told."""

    def __init__(
        self,
        outbox: Outbox[A],
        told: Callable[[A], list[NewEvent]],
        events: Events,
        ears: Ears,
        heard: Collection[Heard],
    ) -> None:
        self._outbox = outbox
        self._told = told
        self._events = events
        self._ears = ears
        self._heard = heard
        self._name = outbox.collection.spec.name
        self._swept_since: Millis | None = None
        self._following = asyncio.Lock()

    async def open(self) -> None:
        """Begin with what was last known."""
        known = await self._heard.get(self._name)
        if known is not None and known.since is not None:
            self._ears.note(known.since)
        self._outbox.heard_since = lambda: self._ears.reaches_back

    async def run_due(self, limit: int = 100) -> int:
        """A turn: tell what is marked; return how many documents were."""
        await self._ears.learn()
        if self._following.locked():
            return 0
        async with self._following:
            await self._begin_or_end()
            return await self._tell(limit) if self._ears.is_there else 0

    async def _tell(self, limit: int) -> int:
        where: Where = {"untold_from": Between(at_least=0)}
        marked = await self._outbox.collection.find(where, limit=limit, order="oldest")
        events = [event for document in marked for event in self._told(document)]
        for first in range(0, len(events), MOST_AT_ONCE):
            await self._events.publish(events[first : first + MOST_AT_ONCE])
        for document in marked:
            self._outbox.recent.note(document.id, "told", partial(_after, told=document))
        await self._outbox.recent.settle()
        return len(marked)

    async def _begin_or_end(self) -> None:
        since = self._ears.since
        if since == self._swept_since:
            return
        known = await self._heard.get(self._name)
        is_new = known is None or known.since != since
        if since is not None and (is_new or self._is_recent(since)):
            await self._mark_since(since - CLOCKS_DIFFER)
        if is_new:
            await self._keep(since)
        self._swept_since = since

    def _is_recent(self, since: Millis) -> bool:
        """Whether another process may have written something until it knew, and been killed before it was marked."""
        return self._outbox.now() - since < DAY

    async def _mark_since(self, start: Millis) -> None:
        async for page in pages(self._outbox.collection, {"updated_at": Between(at_least=start)}):
            for document in page:
                if _marked_since(document, start) is not document:
                    await self._outbox.recent.change(document.id, partial(_marked_since, start=start))

    async def _keep(self, since: Millis | None) -> None:
        def kept(known: Heard) -> Heard:
            return msgspec.structs.replace(known, since=since)

        while await change(self._heard, self._name, kept) is None:
            try:
                await self._heard.insert(Heard(id=self._name))
            except Duplicate:
                continue


def _marked_since(document: A, start: Millis) -> A:
    first = max(document.told_to, first_since(document, start))
    is_marked = document.untold_from is not None and document.untold_from <= first
    if is_marked or first >= len(document.audit):
        return document
    return msgspec.structs.replace(document, untold_from=first)


def _after(document: A, told: A) -> A:
    """The document after all was told that `told` has. What came since is still marked."""
    if document.untold_from is None or document.untold_from != told.untold_from:
        return document
    told_to = len(told.audit)
    if document.audit[-1:] == told.audit[-1:]:
        return msgspec.structs.replace(document, untold_from=None, told_to=told_to)
    return msgspec.structs.replace(document, untold_from=min(told_to, len(document.audit) - 1), told_to=told_to)
