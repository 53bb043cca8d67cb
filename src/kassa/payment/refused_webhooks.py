"""Webhooks that were refused: counted until one is accepted again, and told once in a while, however many come."""

import msgspec
import structlog

from kassa.kit.clock import MINUTE, Clock, Millis, rfc3339
from kassa.kit.documents import Collection, Duplicate, change
from kassa.kit.problem import Unavailable
from kassa.payment.store import Refusals

WINDOW: Millis = MINUTE
"""So long apart a process writes down and logs what it refused, or looks whether others have refused any."""
_ID = "webhooks"

log = structlog.get_logger()


class RefusedWebhooks:
    """What all processes have refused is one document; what this one has refused lately is in memory as well."""

    def __init__(self, refusals: Collection[Refusals], clock: Clock) -> None:
        self._refusals = refusals
        self._clock = clock
        self._lately = 0
        self._has_refused = False
        self._reason = ""
        self._since: Millis = 0
        self._written_at: Millis = 0
        self._looked_at: Millis = 0

    async def add(self, reason: str) -> None:
        """One was refused. Never raises: a store that is down changes nothing about the refusal."""
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
            log.warning("webhooks refused", count=refused.count, since=since, last_reason=refused.reason)

    async def forget(self) -> None:
        """One was accepted: it is over."""
        now = self._clock.now()
        if not self._has_refused and now - self._looked_at < WINDOW:
            return
        self._lately, self._has_refused, self._looked_at = 0, False, now
        if await self._refusals.get(_ID) is not None:
            await self._refusals.delete(_ID)

    async def so_far(self) -> Refusals | None:
        """What was refused since the last one that was accepted; None if nothing was."""
        return await self._write() if self._lately else await self._refusals.get(_ID)

    async def _write(self) -> Refusals:
        lately, self._lately = self._lately, 0
        news = Refusals(id=_ID, count=lately, since=self._since, last_at=self._clock.now(), reason=self._reason)

        def with_news(known: Refusals) -> Refusals:
            return msgspec.structs.replace(news, version=known.version, count=known.count + lately, since=known.since)

        try:
            while (known := await change(self._refusals, _ID, with_news)) is None:
                try:
                    return await self._refusals.insert(news)
                except Duplicate:
                    continue  # another process was faster
        except Unavailable:
            self._lately += lately
            raise
        return known
