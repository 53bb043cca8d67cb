"""Who waits for one of a few places, and who goes first."""

import asyncio

import pytest

from kassa.auth.queue import KNOWN_IN_A_ROW, Queue, Turn
from kassa.kit.problem import Unavailable


def known(household: str, load: int = 0) -> Turn:
    return Turn(household, load, is_known=True)


class Places:
    """A queue for one, and who had the place."""

    def __init__(self, waiting: int = 10) -> None:
        self.queue = Queue(1, waiting)
        self.served: list[str] = []
        self.let_go = asyncio.Event()

    async def take(self, name: str, turn: Turn) -> None:
        """Wait for the place and note it."""
        async with self.queue.place(turn):
            self.served.append(name)
            await self.let_go.wait()

    async def all(self, *wanted: tuple[str, Turn]) -> list[asyncio.Task[None]]:
        """They come one after the other, while somebody else has the place."""
        tasks = [asyncio.create_task(self.take("first", Turn()))]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(self.take(*each)) for each in wanted]
        await asyncio.sleep(0)
        return tasks

    async def order(self, *wanted: tuple[str, Turn]) -> list[str]:
        """In which order these are served."""
        tasks = await self.all(*wanted)
        self.let_go.set()
        await asyncio.gather(*tasks)
        return self.served[1:]


async def test_whoever_is_known_goes_first_then_whoever_has_had_least_and_equals_in_the_order_of_their_coming() -> None:
    wanted = ("d", Turn("w", 2)), ("c1", Turn("x")), ("a", known("y", 1)), ("c2", Turn("z")), ("b", known("z", 2))
    assert await Places().order(*wanted) == ["a", "b", "c1", "c2", "d"]


@pytest.mark.parametrize("is_known", [False, True])
async def test_households_take_turns(is_known: bool) -> None:
    many = [(f"a{n}", Turn("one", 1, is_known)) for n in range(4)]
    assert await Places().order(*many, ("b", Turn("other", 2, is_known))) == ["a0", "a1", "b", "a2", "a3"]


async def test_known_devices_do_not_keep_all_others_out() -> None:
    served = await Places().order(*((f"a{n}", known(f"{n}")) for n in range(9)), ("b1", Turn("x")), ("b2", Turn("y")))
    assert [served.index(each) for each in ("b1", "b2")] == [KNOWN_IN_A_ROW, 2 * KNOWN_IN_A_ROW + 1]


async def test_in_a_full_queue_the_household_that_has_most_in_it_gives_way_and_no_newcomer() -> None:
    places = Places(waiting=3)
    tasks = await places.all(("a1", Turn("a")), ("a2", Turn("a")), ("b", Turn("b", 5)), ("c", Turn("c", 1)))
    with pytest.raises(Unavailable):
        await tasks[2]
    tasks += [asyncio.create_task(places.take("d", Turn("d")))]
    with pytest.raises(Unavailable):
        await tasks[3]
    places.let_go.set()
    await asyncio.gather(*(tasks[n] for n in (0, 1, 4, 5)))
    assert places.served == ["first", "a1", "d", "c"]


async def test_known_devices_and_all_others_take_no_room_from_each_other() -> None:
    places = Places(waiting=2)
    of_each = [(f"{n}", Turn(f"{n}", is_known=n % 2 == 0)) for n in range(4)]
    assert len(await places.order(*of_each)) == 4


async def test_whoever_goes_away_leaves_the_place_to_the_next() -> None:
    places = Places()
    tasks = await places.all(("a", known("a")), ("b", Turn("b")), ("c", Turn("c", 1)))
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
