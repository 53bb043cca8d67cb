"""Figures that take long to work out: for all who ask at once, and seldomer the longer it takes."""

import asyncio

import pytest

from kassa.kit.clock import SECOND, Millis
from kassa.kit.documents import Total
from kassa.kit.figures import LONGEST_KEPT, MANY, MOST_KEPT, QUICK, SHARE, Figures
from tests.support import FakeClock


class Work:
    """A figure that takes a time of its own, and is another one each time."""

    def __init__(self, clock: FakeClock, took: Millis = 0) -> None:
        self._clock = clock
        self.took = took
        self.times = 0

    async def __call__(self) -> int:
        self.times += 1
        number = self.times
        await asyncio.sleep(0)
        self._clock.advance(self.took)
        return number


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_what_is_quick_is_worked_out_anew_each_time(clock: FakeClock) -> None:
    figures, work = Figures(clock), Work(clock, QUICK)
    assert [await figures.get("a", work) for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("answer", [MANY + 1, [Total("a", MANY, 0), Total("b", 1, 0)]])
async def test_of_many_a_number_is_good_for_a_while_although_it_is_quick(clock: FakeClock, answer: object) -> None:
    figures, times = Figures(clock), 0

    async def work() -> object:
        nonlocal times
        times += 1
        clock.advance(QUICK)
        return answer

    for _ in range(2):
        assert await figures.get("a", work) == answer
    clock.advance(SHARE * QUICK - 1)
    await figures.get("a", work)
    assert times == 1
    clock.advance(1)
    await figures.get("a", work)
    assert times == 2


async def test_what_took_long_is_good_for_so_many_times_as_long(clock: FakeClock) -> None:
    figures, work = Figures(clock), Work(clock, 100)
    assert await figures.get("a", work) == 1
    clock.advance(SHARE * 100 - 1)
    assert await figures.get("a", work) == 1
    clock.advance(1)
    assert await figures.get("a", work) == 2
    assert await figures.get("b", work) == 3


async def test_however_long_it_took_it_is_not_good_for_ever_also_when_the_clock_is_set_back(clock: FakeClock) -> None:
    figures, work = Figures(clock), Work(clock, 10 * LONGEST_KEPT)
    await figures.get("a", work)
    clock.advance(LONGEST_KEPT)
    assert await figures.get("a", work) == 2
    clock.advance(-SECOND)
    assert await figures.get("a", work) == 3


async def test_it_is_worked_out_once_for_all_who_ask_meanwhile(clock: FakeClock) -> None:
    figures, work = Figures(clock), Work(clock)
    assert await asyncio.gather(*(figures.get("a", work) for _ in range(20))) == [1] * 20


async def test_who_goes_away_takes_it_from_nobody(clock: FakeClock) -> None:
    figures, work = Figures(clock), Work(clock)
    asked = [asyncio.create_task(figures.get("a", work)) for _ in range(2)]
    await asyncio.sleep(0)
    asked[0].cancel()
    assert await asked[1] == 1


async def test_what_failed_fails_for_those_who_waited_and_is_tried_anew(clock: FakeClock) -> None:
    figures = Figures(clock, least=SECOND)

    async def fail() -> int:
        raise LookupError

    outcomes = await asyncio.gather(*(figures.get("a", fail) for _ in range(2)), return_exceptions=True)
    assert [type(each) for each in outcomes] == [LookupError] * 2
    assert await figures.get("a", Work(clock)) == 1


async def test_after_a_change_here_all_is_worked_out_anew_also_what_was_under_way(clock: FakeClock) -> None:
    figures, work = Figures(clock, least=SECOND), Work(clock)
    assert [await figures.get("a", work) for _ in range(2)] == [1, 1]
    clock.advance(SECOND)
    before = asyncio.create_task(figures.get("a", work))
    await asyncio.sleep(0)
    figures.forget()
    assert (await figures.get("a", work), await before) == (3, 2)
    assert await figures.get("a", work) == 3


async def test_there_is_a_most_that_is_kept(clock: FakeClock) -> None:
    figures, work = Figures(clock, least=SECOND), Work(clock)
    for number in range(3 * MOST_KEPT):
        await figures.get(number, work)
    assert len(figures._known) <= MOST_KEPT
