"""Refusals of one kind: counted until the same works again, and told once in a while, however many there are."""

import msgspec
import structlog

from kassa.kit.clock import MINUTE, Clock, Millis, rfc3339
from kassa.kit.documents import Collection, Duplicate, change
from kassa.kit.problem import Unavailable
from kassa.payment.store import Refusals

WINDOW: Millis = MINUTE
"""So long apart a process writes down and logs what was refused, or looks whether others have met any."""

log = structlog.get_logger()


class RefusalCount:
    """What all processes have met is the document `id`; what this one has met lately is in memory as well. `said` is
    what the log says of it."""

    def __init__(self, refusals: Collection[Refusals], id: str, clock: Clock, said: str) -> None:
        self._refusals = refusals
        self._id = id
        self._said = said
        self._clock = clock
        self._lately = 0
        self._has_refused = False
        self._reason = ""
        self._since: Millis = 0
        self._written_at: Millis = 0
        self._looked_at: Millis = 0

    async def add(self, reason: str) -> None:
        """One more. Never raises: a store that is down changes nothing about the refusal."""
        now = self._clock.now()
        self._since = self._since if self._lately else now
        self._lately, self._reason, self._has_refused = self._lately + 1, reason, True
        if now - self._written_at >= WINDOW:
            self._written_at = now
            try:
                refused = await self._write()
            except Unavailable:
                return
            since = rfc3339(refused.since)
            log.warning(self._said, about=self._id, count=refused.count, since=since, last_reason=refused.reason)

    async def forget(self) -> None:
        """The same has worked: it is over."""
        now = self._clock.now()
        if self._has_refused or now - self._looked_at >= WINDOW:
            await self.end()

    async def end(self) -> None:
        """It is over, whether the same has worked or not."""
        now = self._clock.now()
        self._lately, self._has_refused, self._looked_at, self._written_at = 0, False, now, 0
        if await self._refusals.get(self._id) is not None:
            await self._refusals.delete(self._id)

    async def so_far(self) -> Refusals | None:
        """What was refused since the same last worked; None if nothing was."""
        return await self._write() if self._lately else await self._refusals.get(self._id)

    async def _write(self) -> Refusals:
        lately, self._lately = self._lately, 0
        news = Refusals(id=self._id, count=lately, since=self._since, last_at=self._clock.now(), reason=self._reason)

        def with_news(known: Refusals) -> Refusals:
            return msgspec.structs.replace(news, version=known.version, count=known.count + lately, since=known.since)

        try:
            while (known := await change(self._refusals, self._id, with_news)) is None:
                try:
                    return await self._refusals.insert(news)
                except Duplicate:
                    continue  # another process was faster
        except Unavailable:
            self._lately += lately
            raise
        return known
