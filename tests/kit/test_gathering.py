"""What is done together waits for what is about to come, and for nothing else."""

import asyncio

import pytest

from kassa.kit.gathering import when_gathered


async def turns_until_begun(coming: list[int]) -> tuple[int, int]:
    """How many turns of the loop go by until the group begins, and how many are in it, when so many come in each turn;
    in the first turn they ask for the group."""
    loop, waiting, begun = asyncio.get_running_loop(), list[int](), list[int]()

    def begin() -> None:
        begun.append(len(waiting))

    for turn, more in enumerate([*coming, *[0] * 50]):
        waiting += [turn] * more
        if turn == 0:
            when_gathered(loop, waiting.__len__, begin)
        await asyncio.sleep(0)
        if begun:
            return turn + 1, begun[0]
    raise AssertionError("it never begins")


@pytest.mark.parametrize(
    ("coming", "turns", "size"),
    [
        pytest.param([1], 1, 1, id="alone: it waits for nobody"),
        pytest.param([1, 1], 1, 1, id="alone, and the next comes a turn later"),
        pytest.param([2], 2, 2, id="two: one look more"),
        pytest.param([2, 3, 1], 4, 6, id="as long as each turn brings more"),
        pytest.param([2, 0, 5], 2, 2, id="not beyond a turn that brings nothing"),
        pytest.param([2, *[1] * 40], 13, 14, id="and never for long"),
    ],
)
async def test_a_group_begins_when_nothing_more_comes(coming: list[int], turns: int, size: int) -> None:
    assert await turns_until_begun(coming) == (turns, size)
