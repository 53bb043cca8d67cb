"""An order's status as a stream of events: what is sent, when it ends, and that it holds nothing afterwards."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kassa.pages import watching
from kassa.pages.client import ApiProblem
from kassa.pages.watching import MOST_OF_ONE, Status, Streams

WAITS, PAID = (
    Status("PENDING", "<p>waits</p>\n<p>still</p>", is_final=False),
    Status("CONFIRMED", "<p>paid</p>", is_final=True),
)
HERE = "192.0.2.1"


def stream(streams: Streams, *seen: Status | ApiProblem) -> AsyncIterator[str]:
    """Of an order that is seen so, one after the other, and as the last for ever."""
    left = list(seen)

    async def look() -> Status:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, ApiProblem):
            raise found
        return found

    return streams.follow(HERE, WAITS, look)


async def test_each_change_is_an_event_and_the_last_one_ends_it() -> None:
    streams = Streams(pause=0)
    events = [each async for each in stream(streams, WAITS, ApiProblem(503, "unreachable", ""), WAITS, PAID)]
    assert events == [
        "data: <p>waits</p>\ndata: <p>still</p>\n\n",
        "event: last\ndata: <p>paid</p>\n\n",
    ]
    assert streams.open == 0


async def test_who_may_not_see_it_any_more_is_told_by_asking_again() -> None:
    events = [each async for each in stream(Streams(pause=0), ApiProblem(401, "unauthenticated", ""))]
    assert len(events) == 1


async def test_while_nothing_happens_it_says_that_it_lives() -> None:
    following = stream(Streams(pause=0, heartbeat=0), WAITS)
    assert [await anext(following) for _ in range(3)][1:] == [":\n\n"] * 2
    await following.aclose()  # type: ignore[attr-defined]


async def test_a_stream_that_nobody_reads_any_more_leaves_its_place() -> None:
    streams = Streams()
    some = [stream(streams, WAITS) for _ in range(MOST_OF_ONE)]
    for each in some:
        await anext(each)
    assert (streams.has_room(HERE), streams.has_room("192.0.2.2")) == (False, True)
    for each in some:
        await each.aclose()  # type: ignore[attr-defined]
    assert (streams.open, streams.has_room(HERE)) == (0, True)


async def test_a_process_has_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST", 1)
    streams = Streams()
    one = stream(streams, WAITS)
    await anext(one)
    assert not streams.has_room("192.0.2.2")
    await one.aclose()  # type: ignore[attr-defined]


async def test_it_does_not_live_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LIFE_SECONDS", 0.05)
    assert len([each async for each in stream(Streams(pause=0.01), WAITS)]) == 1


async def test_a_process_that_stops_is_not_kept_waiting() -> None:
    streams = Streams(pause=60)
    following = asyncio.create_task(_all(stream(streams, WAITS)))
    await asyncio.sleep(0)
    streams.end()
    assert len(await asyncio.wait_for(following, 5)) == 1
    assert not streams.has_room(HERE)


async def _all(events: AsyncIterator[str]) -> list[str]:
    return [each async for each in events]
