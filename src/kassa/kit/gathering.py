"""When to begin what is cheaper done together: a commit, a command to a server.

What is answered in one turn of the event loop goes on in the next, and much of it soon wants the same again. To look
once more, as long as each look finds more, costs some microseconds a turn and saves hundreds for every group that
need not be.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable

_MOST_TURNS = 12
"""Bounds how long the first of a group waits for the others."""


def when_gathered(loop: AbstractEventLoop, count: Callable[[], int], begin: Callable[[], object]) -> None:
    """Call `begin` at the end of the first turn of the loop that adds nothing to those who wait, of whom there are
    `count()`; who is alone at the end of this turn waits for nobody."""
    loop.call_soon(_look, loop, count, begin, 1, _MOST_TURNS)


def _look(
    loop: AbstractEventLoop, count: Callable[[], int], begin: Callable[[], object], known: int, turns: int
) -> None:
    here = count()
    if here > known and turns:
        loop.call_soon(_look, loop, count, begin, here, turns - 1)
    else:
        begin()
