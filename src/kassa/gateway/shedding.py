"""Shedding: what a process could answer only late it refuses at once, so that what it takes in it answers in time.

By Little's law a request takes as long as there are requests inside, divided by how many are answered a second. So each
part of the shop lets in as many at once as make the wait a few times that of a calm moment, and not one more. Parts are
counted apart: where Stripe is slow the payments fill up, and the shop still shows and takes orders.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from math import inf

import structlog

from kassa.gateway.arrival import App, Message, Receive, Scope, Send, whole_body
from kassa.kit.access import API
from kassa.kit.problem import Problem

MOST_AT_ONCE = 500
"""Of a part, whatever is measured."""

_FEWEST = {"payments": 64, "forms": 64}  # They wait for Stripe, which keeps nobody else waiting.
_FEWEST_ELSE = 16
_TIMES_CALM = 3
_CALM = 4  # So few at once that nobody waits for another.
_WEIGHT = 0.05
_WINDOW_SECONDS = 0.25
_WINDOWS = 20
# A page brings its pictures, and two buyers may click at once: it is no overload before it has lasted.
_PATIENCE_SECONDS = 0.2
_TIMES_IN_A_BURST = 3
_WARY_SECONDS = 5.0
_PAGES, _FORMS = "pages", "forms"
# Log-ins wait in a fair queue of their own, probes are answered, and what Stripe tells is money.
_EXEMPT = frozenset(("auth", "health", "ready", "webhook", "metrics"))
_PARTS = API - _EXEMPT
_WEBHOOK = "/payments/webhook"

_is_inside: ContextVar[bool] = ContextVar("is_inside", default=False)
log = structlog.get_logger()


class Overloaded(Problem):
    """More was asked of a part of the shop than it can do; nothing was done."""

    code, title, status = "overloaded", "A part of the shop is overloaded; try again", 503


class Part:
    """How much goes on in one part of the shop, and how much may. `now` tells seconds."""

    def __init__(self, name: str, now: Callable[[], float]) -> None:
        self._name = name
        self._now = now
        self._fewest = _FEWEST.get(name, _FEWEST_ELSE)
        self._inside = 0
        self._calm_seconds = 0.0
        self._crowded_at = -inf
        self._rates: deque[float] = deque([0.0], _WINDOWS)
        self._done = 0
        self._window_began = now()
        self._over_since: float | None = None
        self._wary_until = 0.0
        self._refused = 0
        self._at_the_door = 0

    @property
    def limit(self) -> int:
        """As many at once as are answered within a few times what one takes in a calm moment."""
        return min(MOST_AT_ONCE, max(self._fewest, round(_TIMES_CALM * max(self._rates) * self._calm_seconds)))

    def knock(self, when_begun: Callable[[Callable[[], None]], object]) -> bool:
        """Whether one request more may come in. What comes with one turn of the event loop knocks before any of it is
        begun, so those that may count at the door until then; `when_begun` calls a function at that moment."""
        has_room = self._has_room(self._now(), self._inside + self._at_the_door)
        if has_room:
            if not self._at_the_door:
                when_begun(self._begin)
            self._at_the_door += 1
        return has_room

    def enter(self) -> float:
        """One request more; the moment. Overloaded if there are too many, and have been for a while."""
        now = self._now()
        if not self._has_room(now, self._inside):
            raise Overloaded(retryAfter=1)
        self._inside += 1
        if self._inside > _CALM:
            self._crowded_at = now
        return now

    def leave(self, entered: float) -> None:
        """The request that came in then is answered."""
        now = self._now()
        if self._inside > _CALM:
            self._crowded_at = now
        elif entered > self._crowded_at:  # The last of a crowd leave a room that is nearly empty.
            took = now - entered
            self._calm_seconds += (took - self._calm_seconds) * (_WEIGHT if self._calm_seconds else 1)
        self._inside -= 1
        self._done += 1
        if (since := now - self._window_began) >= _WINDOW_SECONDS:
            self._rates.append(self._done / since)
            self._done, self._window_began = 0, now

    def _begin(self) -> None:
        self._at_the_door = 0

    def _has_room(self, now: float, inside: int) -> bool:
        limit = self.limit
        if inside < limit:
            self._over_since = None
            self._tell_the_end(now)
            return True
        if self._over_since is None:
            self._over_since = now
        has_lasted = now - self._over_since >= _PATIENCE_SECONDS or now < self._wary_until
        if not has_lasted and inside < _TIMES_IN_A_BURST * limit:
            return True
        if not self._refused:
            log.warning("overloaded: requests are refused", part=self._name, at_once=inside)
        self._wary_until = now + _WARY_SECONDS
        self._refused += 1
        return False

    def _tell_the_end(self, now: float) -> None:
        if self._refused and now >= self._wary_until:
            log.warning("no longer overloaded", part=self._name, refused=self._refused)
            self._refused = 0


class Shedding:
    """Passes requests on to `app` as long as their part of the shop can answer them in time; Overloaded else.

    A request counts from when its body is there until its answer begins: who sends or reads slowly takes nobody's
    place. What a page asks of the API on the way belongs to the page.
    """

    def __init__(
        self, app: App, now: Callable[[], float] = time.monotonic, note: Callable[[str], None] | None = None
    ) -> None:
        """`note` is told the methods of what `refuses` refuses."""
        self._app = app
        self._note = note
        self._parts = {name: Part(name, now) for name in (*_PARTS, _PAGES, _FORMS)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        part = self._part(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if part is None or _is_inside.get():
            await self._app(scope, receive, send)
            return
        if scope["method"] != "GET":
            _, receive = await whole_body(receive)
        entered: float | None = part.enter()

        def leave() -> None:
            nonlocal entered
            if entered is not None:
                part.leave(entered)
                entered = None

        async def answer(message: Message) -> None:
            leave()
            await send(message)

        inside = _is_inside.set(True)
        try:
            await self._app(scope, receive, answer)
        finally:
            _is_inside.reset(inside)
            leave()

    def refuses(self, method: str, path: str) -> bool:
        """Whether a request whose header has just come is refused, before anything is done for it. Asked of thousands
        a second it must cost next to nothing, or saying no would be all that the process does."""
        part = self._part(method, path)
        if part is None or part.knock(asyncio.get_running_loop().call_soon):
            return False
        if self._note is not None:
            self._note(method)
        return True

    def _part(self, method: str, path: str) -> Part | None:
        first = path.lstrip("/").partition("/")[0]
        if first in _EXEMPT or path == _WEBHOOK:
            return None
        return self._parts[first if first in _PARTS else _PAGES if method == "GET" else _FORMS]
