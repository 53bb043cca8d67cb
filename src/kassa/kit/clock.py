"""Time. Inside Kassa an instant is an integer: milliseconds since the Unix epoch, UTC."""

import asyncio
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Protocol, TypeAlias

from msgspec import Meta

Millis: TypeAlias = int

Timestamp: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""An instant on the wire: RFC 3339, UTC."""
Date: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "date"})]
"""A UTC day on the wire."""

SECOND: Millis = 1_000
MINUTE: Millis = 60 * SECOND
HOUR: Millis = 60 * MINUTE
DAY: Millis = 24 * HOUR

LAST: Millis = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z: there is no later date in RFC 3339."""
_LONGEST_TIME = 64

MOST_SKEW: Millis = 120 * SECOND
"""How far this machine's clock may be from Stripe's. Whatever compares the two allows for as much: sessions, which
Stripe wants to last for 30 minutes by its own clock; signatures, which are good for 300 s by ours. `kassa doctor`
complains as soon as it is more."""


class Clock(Protocol):
    """Where time comes from; the simulation puts its own in this place."""

    def now(self) -> Millis: ...

    async def sleep(self, duration: Millis) -> None: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> Millis:
        return time.time_ns() // 1_000_000

    async def sleep(self, duration: Millis) -> None:
        await asyncio.sleep(duration / SECOND)


def from_unix(seconds: int) -> Millis:
    """The instant that somebody has told in seconds since the epoch, or the nearest one that has a date."""
    return _dated(seconds * SECOND)


def _dated(instant: Millis) -> Millis:
    return instant if 0 <= instant <= LAST else min(max(instant, 0), LAST)


def rfc3339(instant: Millis) -> str:
    """The instant as RFC 3339 text in UTC, with milliseconds: `2026-01-31T09:30:00.250Z`. What was stored and has no
    date there is the nearest that has one: it must not keep everything beside it from being shown."""
    instant = _dated(instant)
    return f"{_second(instant // SECOND)}.{instant % SECOND:03d}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def from_rfc3339(text: str) -> Millis:
    """The instant that RFC 3339 text names; ValueError if it names none, or its place on Earth is not told."""
    if len(text) > _LONGEST_TIME:
        raise ValueError(f"{text[:_LONGEST_TIME]}… is no time")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return _dated(round(moment.timestamp() * SECOND))


def day_of(instant: Millis) -> str:
    """The UTC calendar day of the instant: `2026-01-31`."""
    return f"{datetime.fromtimestamp(_dated(instant) // SECOND, UTC):%Y-%m-%d}"


def start_of_day(instant: Millis) -> Millis:
    """The first instant of the UTC day that holds the instant."""
    return instant - instant % DAY
