"""Under more load than it can carry, a process refuses early; what it lets in it answers in time."""

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any

import pytest

from kassa.gateway.arrival import Receive, Scope, Send
from kassa.gateway.shedding import MOST_AT_ONCE, Overloaded, Part, Shedding
from tests.gateway.asgi import Answer, Echo, ask


class Clock:
    """Seconds, set by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds


class OneCore:
    """A part of a shop that answers one request after another, each in `seconds`; by whole milliseconds of `clock`."""

    def __init__(self, seconds: float) -> None:
        self.clock = Clock()
        self.part = Part("orders", self.clock.now)
        self._seconds = seconds
        self._waiting: list[float] = []
        self._busy_until = 0.0
        self.took: list[float] = []
        self.refused = 0

    def loaded(self, times: float, seconds: float) -> None:
        """So many times what it can carry comes in, evenly."""
        every = self._seconds / times
        end, coming = self.clock.seconds + seconds, self.clock.seconds
        while self.clock.seconds < end:
            while coming <= self.clock.seconds:
                coming += every
                self._come()
            self._answer()
            self.clock.seconds += 0.001

    def _come(self) -> None:
        try:
            self._waiting.append(self.part.enter())
        except Overloaded:
            self.refused += 1

    def _answer(self) -> None:
        if self._waiting and self.clock.seconds >= self._busy_until:
            entered = self._waiting.pop(0)
            self.part.leave(entered)
            self.took.append(self.clock.seconds - entered)
            self._busy_until = self.clock.seconds + self._seconds

    def taken(self) -> tuple[list[float], int]:
        """What was answered and refused since last asked."""
        took, refused = self.took, self.refused
        self.took, self.refused = [], 0
        return took, refused


@pytest.mark.parametrize("seconds", [0.002, 0.01, 0.05])
def test_what_is_let_in_at_three_times_the_load_is_answered_in_time_and_the_core_is_never_idle(seconds: float) -> None:
    core = OneCore(seconds)
    core.loaded(0.5, 10)
    _, refused = core.taken()
    assert refused == 0
    core.loaded(3, 3)
    core.taken()
    core.loaded(3, 20)
    took, refused = core.taken()
    assert max(took) <= 17 * seconds + 0.1, "no more wait than are let in at once"
    assert len(took) >= 0.9 * 20 / (seconds + 0.001)
    assert refused >= 20 / seconds
    core.loaded(0.5, 10)
    core.taken()
    core.loaded(0.5, 10)
    assert core.taken()[1] == 0, "nobody is refused once the load has gone"


def test_a_burst_that_is_soon_answered_is_no_overload() -> None:
    core = OneCore(0.002)
    core.loaded(0.5, 10)
    for _ in range(40):
        core._come()
    core.loaded(0.5, 10)
    assert core.taken()[1] == 0


def test_what_takes_long_and_keeps_nobody_busy_is_let_in_as_before() -> None:
    clock = Clock()
    part = Part("payments", clock.now)
    for _ in range(2_000):  # 60 at once wait for half a second each
        entered = [part.enter() for _ in range(60)]
        clock.seconds += 0.5
        for each in entered:
            part.leave(each)
    assert part.limit >= 64


def test_in_the_first_moment_three_times_as_many_are_let_in_and_no_more() -> None:
    part = Part("orders", Clock().now)
    for _ in range(3 * part.limit):
        part.enter()
    with pytest.raises(Overloaded) as refusal:
        part.enter()
    assert refusal.value.members == {"retryAfter": 1}


def test_a_crowd_that_leaves_at_once_is_no_calm_moment() -> None:
    clock = Clock()
    part = Part("orders", clock.now)
    for _ in range(100):  # 16 at once, each answered in half a millisecond; and all when the last of them is.
        entered = [part.enter() for _ in range(16)]
        clock.seconds += 0.008
        for each in entered:
            part.leave(each)
    assert part.limit == 16


async def test_what_comes_with_one_turn_of_the_loop_is_refused_before_it_is_begun() -> None:
    clock = Clock()
    shedding = Shedding(Echo(), clock.now)
    clock.seconds += 1
    assert [shedding.refuses("POST", "/orders") for _ in range(100)] == [False] * 48 + [True] * 52
    assert not shedding.refuses("POST", "/payments/webhook")
    assert not shedding.refuses("GET", "/products")
    await asyncio.sleep(0)
    assert [shedding.refuses("POST", "/orders") for _ in range(100)] == [False] * 16 + [True] * 84, (
        "none that knocked has come in; but there has just been an overload"
    )


class Slow:
    """Answers when it may."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        await self.may_end.wait()
        await Echo()(scope, receive, send)


async def _full(shedding: Shedding, clock: Clock, path: str, method: str = "GET") -> list["asyncio.Task[Answer]"]:
    """As many wait as are let in at most."""
    inside: list[asyncio.Task[Answer]] = []
    for _ in range(MOST_AT_ONCE):
        inside.append(_started(ask(shedding, path, method)))
        await asyncio.sleep(0)
        clock.seconds += 0.1
    return inside


def _started(asking: Coroutine[Any, Any, Answer]) -> "asyncio.Task[Answer]":
    return asyncio.get_running_loop().create_task(asking, context=contextvars.Context())


async def _ended(slow: Slow, tasks: list["asyncio.Task[Answer]"]) -> None:
    slow.may_end.set()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_parts_are_counted_apart_and_some_are_always_let_in() -> None:
    slow, clock = Slow(), Clock()
    shedding = Shedding(slow, clock.now)
    inside = await _full(shedding, clock, "/orders")
    assert slow.inside < 100
    with pytest.raises(Overloaded):
        await ask(shedding, "/orders/ord_1")
    before = slow.inside
    others = (
        "/products",
        "/payments/webhook",
        "/payments/methods",
        "/health",
        "/ready",
        "/auth/login",
        "/cart",
        "/webhook",
    )
    more = [_started(ask(shedding, path)) for path in others]
    await asyncio.sleep(0)
    assert slow.inside == before + len(others)
    await _ended(slow, [*inside, *more])
    assert (await ask(shedding, "/orders")).status == 200


async def test_what_a_page_asks_on_its_way_belongs_to_the_page() -> None:
    slow, clock = Slow(), Clock()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/orders"):
            await slow(scope, receive, send)
        else:
            slow.may_end.set()
            assert (await ask(shedding, "/orders")).status == 200
            await Echo()(scope, receive, send)

    shedding = Shedding(app, clock.now)
    inside = await _full(shedding, clock, "/orders")
    assert (await ask(shedding, "/account")).status == 200
    await _ended(slow, inside)


async def test_who_sends_or_reads_slowly_takes_nobody_s_place() -> None:
    clock, may_go_on = Clock(), asyncio.Event()
    shedding = Shedding(Echo(), clock.now)

    async def drips() -> dict[str, Any]:
        await may_go_on.wait()
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def dull(message: Any) -> None:
        await may_go_on.wait()

    scope = {"type": "http", "path": "/orders", "query_string": b"", "headers": [], "client": ("192.0.2.1", 1)}
    ready = {"type": "http.request", "body": b"", "more_body": False}

    async def at_once() -> dict[str, Any]:
        return ready

    slow = [shedding({**scope, "method": "POST"}, drips, dull) for _ in range(MOST_AT_ONCE)]
    slow += [shedding({**scope, "method": "GET"}, at_once, dull) for _ in range(MOST_AT_ONCE)]
    tasks = [asyncio.get_running_loop().create_task(each, context=contextvars.Context()) for each in slow]
    await asyncio.sleep(0)
    clock.seconds += 10
    assert (await ask(shedding, "/orders")).status == 200
    may_go_on.set()
    await asyncio.gather(*tasks)


async def test_a_request_that_fails_gives_its_place_back() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("of the test")

    clock = Clock()
    shedding = Shedding(broken, clock.now)
    for _ in range(2 * MOST_AT_ONCE):
        clock.seconds += 1
        with pytest.raises(ValueError, match="of the test"):
            await ask(shedding, "/orders")
