"""Tokens that were ended before they expire: how whoever verifies tokens hears of them, a second later at most."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from kassa.kit.clock import MINUTE, SECOND, Clock, Millis
from kassa.kit.patience import deadline, seconds_left, waited_in_vain
from kassa.kit.problem import Unavailable

KEPT: Millis = 16 * MINUTE
"""A little longer than an access token is good for."""
FRESH_FOR: Millis = SECOND
OLDEST: Millis = 10 * SECOND
_PATIENCE_SECONDS = 10.0
_OVERLAP: Millis = 10 * SECOND
"""What is asked for again each time: it may be stored later, or by a slower clock, than it says."""


class Ended(msgspec.Struct, frozen=True):
    """The marks of what was ended up to `until` (milliseconds since the epoch), by auth's clock. Unless `latest`, more
    was ended since: go on from there."""

    marks: list[str]
    until: int
    latest: bool


def session_mark(session_id: str) -> str:
    """The mark of all tokens of one session. It tells nothing to whoever does not know the session."""
    return hashlib.sha256(f"session:{session_id}".encode()).hexdigest()[:32]


def user_mark(user_id: str, epoch: int | None) -> str:
    """The mark of all of a user's tokens of one epoch; None: of those that were issued without one."""
    return hashlib.sha256(f"user:{user_id}:{epoch}".encode()).hexdigest()[:32]


class EndedTokens:
    """What is known of ended tokens. `fetch` gives what was ended since an instant.

    Known at once is what this process has ended itself; of others it is asked for when a token is to be verified, at
    most once a second. While nobody answers, what is known counts for 10 s more.
    """

    def __init__(self, fetch: Callable[[Millis], Awaitable[Ended]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._marks: dict[str, Millis] = {}
        self._since: Millis = 0
        self._fresh_until: Millis = 0
        self._in_vain_until: Millis = 0
        self._known_at: Millis | None = None
        self._fetching: asyncio.Future[bool] | None = None

    def holds(self, marks: tuple[str, ...]) -> bool:
        """Whether a token with these marks was ended."""
        return not self._marks.keys().isdisjoint(marks)

    def add(self, marks: Iterable[str]) -> None:
        """These were ended just now."""
        now = self._clock.now()
        for mark in marks:
            self._marks.setdefault(mark, now)

    def expire(self) -> None:
        """Something may have been ended just now: ask before the next answer."""
        self._fresh_until = 0

    async def refresh(self) -> None:
        """Return when what is known is as fresh as it must be for who comes now; Unavailable if it is too old, and
        nobody answers, or nobody has just now: a request asks at the door and behind it, and waits once."""
        came = self._clock.now()
        while True:
            fetching = self._fetching
            # One that has ended must not be waited for: that would let nobody else come, again and again.
            if fetching is None or fetching.done():
                if came < self._fresh_until:
                    return
                if came < self._in_vain_until:
                    raise Unavailable("nobody tells which sessions were ended")
                fetching = self._fetching = asyncio.ensure_future(self._ask())
                fetching.add_done_callback(_asked)
            done, _ = await asyncio.wait({fetching}, timeout=seconds_left(_PATIENCE_SECONDS))
            if not done:
                raise Unavailable("nobody tells in time which sessions were ended")
            if not fetching.result():
                waited_in_vain()

    async def _ask(self) -> bool:
        """False: nobody has answered for a good while, and what is known still counts."""
        deadline.set(None)  # Others than who came first wait for this, too.
        asked_at = self._clock.now()
        # Before the answer: `expire` may come meanwhile, and then this answer is not fresh.
        self._fresh_until = asked_at + FRESH_FOR
        try:
            is_latest, since = False, self._since
            while not is_latest:
                answer = await self._fetch(since)
                self.add(answer.marks)
                is_latest, since = answer.latest, answer.until
        except Unavailable:
            now = self._clock.now()
            # Whoever came meanwhile, and who asks at the door and behind it, does not wait a second time.
            until = now + min(FRESH_FOR, now - asked_at)
            if self._known_at is None or now - self._known_at >= OLDEST:
                self._fresh_until, self._in_vain_until = 0, until
                raise
            self._fresh_until = max(self._fresh_until, until)
            return now - asked_at < FRESH_FOR
        self._known_at, self._since = asked_at, since - _OVERLAP
        self._forget(asked_at)
        return True

    def _forget(self, now: Millis) -> None:
        while self._marks and now - self._marks[oldest := next(iter(self._marks))] >= KEPT:
            del self._marks[oldest]  # They are in the order of their coming.


def _asked(fetching: "asyncio.Future[bool]") -> None:
    if not fetching.cancelled():
        fetching.exception()  # Whoever waited has got it; perhaps nobody waits any more.
