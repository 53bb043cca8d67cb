"""Who waits for one of a few places, and who goes first."""

import asyncio

import pytest

from kassa.auth.queue import Queue, Rank
from kassa.kit.problem import Unavailable


class Places:
    """A queue for one, and who had the place."""

    def __init__(self, waiting: int = 10) -> None:
        self.queue = Queue(1, waiting)
        self.served: list[str] = []
        self.let_go = asyncio.Event()

    async def take(self, name: str, rank: Rank) -> None:
        """Wait for the place and note it."""
        async with self.queue.place(rank):
            self.served.append(name)
            await self.let_go.wait()

    async def all(self, *wanted: tuple[str, Rank]) -> list[asyncio.Task[None]]:
        """They come one after the other, while somebody else has the place."""
        tasks = [asyncio.create_task(self.take("first", Rank.OTHER))]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(self.take(*each)) for each in wanted]
        await asyncio.sleep(0)
        return tasks


async def test_whoever_is_known_goes_first_and_equals_in_the_order_of_their_coming() -> None:
    places = Places()
    tasks = await places.all(
        ("c", Rank.OTHER), ("b1", Rank.FRESH), ("a1", Rank.KNOWN), ("b2", Rank.FRESH), ("a2", Rank.KNOWN)
    )
    places.let_go.set()
    await asyncio.gather(*tasks)
    assert places.served == ["first", "a1", "a2", "b1", "b2", "c"]


async def test_in_a_full_queue_the_last_of_the_lowest_rank_gives_way() -> None:
    places = Places(waiting=2)
    tasks = await places.all(("c1", Rank.OTHER), ("c2", Rank.OTHER), ("a", Rank.KNOWN), ("c3", Rank.OTHER))
    with pytest.raises(Unavailable):
        await tasks[2]
    with pytest.raises(Unavailable):
        await tasks[4]
    places.let_go.set()
    await asyncio.gather(*(tasks[n] for n in (0, 1, 3)))
    assert places.served == ["first", "a", "c1"]


async def test_whoever_goes_away_leaves_the_place_to_the_next() -> None:
    places = Places()
    tasks = await places.all(("a", Rank.KNOWN), ("b", Rank.FRESH), ("c", Rank.OTHER))
    tasks[2].cancel()  # while it waits
    await asyncio.sleep(0)
    places.let_go.set()
    await tasks[0]
    tasks[1].cancel()  # just as it has got the place
    await asyncio.gather(*tasks, return_exceptions=True)
    assert places.served[-1] == "c"
    places.let_go.clear()
    await places.all()
    assert places.queue._free == 0
