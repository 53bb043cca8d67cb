"""The log of events: to its end is added by compare-and-set, so that any number of processes may do so.

Whoever reads behind a position never passes over an event that is stored later. For that the end of the log is one
document, which has the events that were added last; they are in the log, each at its position, as soon as that is
saved. Before others are added, and before anybody reads, they are stored one by one: by whoever comes, since a process
may be killed between the two.

What is not kept any more is removed with all before it, and the log says so before it is done: so there is never a
gap that a reader would take for nothing.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec

from kassa.contracts.events import MOST_AT_ONCE, EventsGone, NewEvent
from kassa.kit.clock import DAY, Clock
from kassa.kit.documents import MOST_STEPS, PAUSE, STEP, Between, Conflict, Duplicate, In, Where, change
from kassa.kit.problem import Invalid, NotFound
from kassa.outgoing.store import ONLY, EventStore, Head, Told


class Page(msgspec.Struct, frozen=True):
    """Some events, in order. `after` is what the next page is asked with; `is_last`: there are no more by now."""

    events: list[Told]
    after: int
    is_last: bool


class EventLog:
    """The log in the store. An event is kept for so many days."""

    def __init__(self, store: EventStore, clock: Clock, kept_days: int) -> None:
        self._store = store
        self._clock = clock
        self._kept = kept_days * DAY
        self._adding = asyncio.Lock()
        self._stored_up_to = 0

    async def add(self, events: Sequence[NewEvent]) -> None:
        """Add those of the events that are not there yet, in this order, behind all others."""
        if len(events) > MOST_AT_ONCE:
            raise Invalid.field("events", f"must be at most {MOST_AT_ONCE}")
        wanted = {event.id: event for event in events}
        async with self._adding:
            while wanted:
                head = await self._end()
                known = {each.id for each in await self._store.events.many(list(wanted))}
                new = [event for id, event in wanted.items() if id not in known]
                if not new or await self._add_behind(head, new):
                    return

    async def end(self) -> int:
        """The position of the last event."""
        return (await self._end()).position

    async def read(self, after: int, limit: int, types: Sequence[str] = ()) -> Page:
        """Events behind a position, of these types or of all. EventsGone; Invalid if there was no such position yet."""
        head = await self._end()
        if after > head.position:
            raise Invalid.field("after", f"must be at most {head.position}, the position of the newest event")
        while True:
            # Whoever has fetched none yet begins with the oldest.
            first = head.first if after == 0 else after + 1
            where: Where = {"position": Between(first, head.position + 1)}
            found = await self._store.events.find(
                {**where, "type": In(tuple(types))} if types else where, limit=limit, order="oldest"
            )
            # Some may have been removed while it was looked for them.
            gone = await self._gone_before()
            if gone <= first:
                break
            if after:
                raise EventsGone(gone)
            head = msgspec.structs.replace(head, first=gone)
        is_last = len(found) < limit
        return Page(found, head.position if is_last else found[-1].position, is_last)

    async def of(self, about: str, after: int, until: int, limit: int) -> list[Told]:
        """Events about one thing behind a position, up to another."""
        where: Where = {"about": about, "position": Between(after + 1, until + 1)}
        return await self._store.events.find(where, limit=limit, order="oldest")

    async def one(self, event_id: str) -> Told:
        """An event; NotFound."""
        event = await self._store.events.get(event_id)
        if event is None:
            raise NotFound(f"there is no event {event_id[:64]}, or not any more")
        return event

    async def remove_old(self) -> int:
        """Remove what is not kept any more, in small steps beside the traffic, and all before it; return how many."""
        removed = await self._remove_before(await self._gone_before())
        for _ in range(MOST_STEPS):
            due = await self._store.events.due(self._clock.now(), STEP)
            if not due:
                break
            last = max(each.position for each in due)
            some = await self._store.events.find({"position": Between(below=last + 1)}, limit=STEP, order="oldest")
            await change(self._store.heads, ONLY, partial(_without, some=some))
            removed += await self._remove_before(some[-1].position + 1)
            await self._clock.sleep(PAUSE)
        return removed

    async def _remove_before(self, position: int) -> int:
        removed = 0
        while old := await self._store.events.find({"position": Between(below=position)}, limit=STEP, order="oldest"):
            await asyncio.gather(*(self._store.events.delete(each.id) for each in old))
            removed += len(old)
        return removed

    async def _gone_before(self) -> int:
        head = await self._store.heads.get(ONLY)
        return 1 if head is None else head.first

    async def _add_behind(self, head: Head, new: Sequence[NewEvent]) -> bool:
        """Whether they are added; not, if somebody else was faster."""
        removed_at = self._clock.now() + self._kept
        added = tuple(
            Told(**msgspec.structs.asdict(event), position=head.position + number, due_at=removed_at)
            for number, event in enumerate(new, 1)
        )
        try:
            saved = await self._store.heads.save(
                msgspec.structs.replace(head, position=added[-1].position, added=added)
            )
        except Conflict:
            return False
        await self._store_added(saved)
        return True

    async def _end(self) -> Head:
        """The end of the log, all of whose events are stored."""
        head = await self._store.heads.get(ONLY)
        if head is None:
            try:
                return await self._store.heads.insert(Head(id=ONLY))
            except Duplicate:
                return await self._end()
        await self._store_added(head)
        return head

    async def _store_added(self, head: Head) -> None:
        if head.position > self._stored_up_to:
            await asyncio.gather(*(self._store_one(each) for each in head.added if each.position >= head.first))
            self._stored_up_to = max(head.position, self._stored_up_to)

    async def _store_one(self, event: Told) -> None:
        try:
            await self._store.events.insert(event)
        except Duplicate:
            return  # by another process


def _without(head: Head, some: Sequence[Told]) -> Head:
    first, happened_at = some[-1].position + 1, max(each.occurred_at for each in some)
    if first <= head.first:
        return head
    return msgspec.structs.replace(head, first=first, gone_to=max(head.gone_to, happened_at))
