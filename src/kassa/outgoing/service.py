"""The events service: keeps the log, and says whether anybody wants to be told."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from kassa.contracts.events import FeedInUse, Listening, NewEvent
from kassa.kit.clock import Clock, Millis
from kassa.kit.documents import Duplicate, change
from kassa.outgoing.log import EventLog, Page
from kassa.outgoing.store import ONLY, EventStore, Feed, Told

Describe = Callable[[Sequence[str]], Awaitable[Mapping[str, Any]]]
"""Those of these subjects that are described when they are told, by id: as they are now."""


class EventsService:
    """Satisfies contracts.events.Events. `describe` tells what else there is to be said of subjects; `heard` is told at
    once when somebody begins to listen, or nobody does any more."""

    def __init__(self, store: EventStore, log: EventLog, describe: Describe, clock: Clock) -> None:
        self.store = store
        self.log = log
        self._describe = describe
        self._clock = clock
        self.heard: Callable[[Millis | None], None] = _unheard

    async def listening(self) -> Listening:
        """See contracts.events.Events."""
        feed = await self.store.feeds.get(ONLY)
        return Listening(feed.since if feed is not None else None)

    async def publish(self, events: list[NewEvent]) -> None:
        """See contracts.events.Events."""
        await self.log.add(events)

    async def listen(self, *, is_on: bool) -> Listening:
        """Have what happens told from now on, or not any more. Asked for what is so already, it is a no-op.
        FeedInUse."""
        if not is_on and await self.store.endpoints.count({}):
            raise FeedInUse
        since = self._clock.now() if is_on else None

        def switched(feed: Feed) -> Feed:
            return feed if (feed.since is None) is not is_on else msgspec.structs.replace(feed, since=since)

        while (feed := await change(self.store.feeds, ONLY, switched)) is None:
            try:
                await self.store.feeds.insert(Feed(id=ONLY))
            except Duplicate:
                continue
        self.heard(feed.since)
        return Listening(feed.since)

    async def read(self, after: int, limit: int, types: Sequence[str] = ()) -> Page:
        """Events behind a position, as they are told."""
        page = await self.log.read(after, limit, types)
        return msgspec.structs.replace(page, events=await self.described(page.events))

    async def described(self, events: Sequence[Told]) -> list[Told]:
        """The events, with all that there is to be said of their subjects."""
        said = await self._describe(list(dict.fromkeys(each.subject for each in events)))
        return [
            msgspec.structs.replace(each, data={**each.data, **said[each.subject]}) if each.subject in said else each
            for each in events
        ]

    async def remove_old(self) -> int:
        """Remove what is not kept any more; return how many events."""
        return await self.log.remove_old()


def _unheard(_: Millis | None) -> None:
    return
