"""The overview's numbers, which are the same for all who have a role: worked out once in a few seconds, however many
look and however often they reload."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

from litestar.di import NamedDependency
from litestar.params import SkipValidation

T = TypeVar("T")
KEPT_SECONDS = 5.0
_MOST_KEPT = 200


class Numbers:
    """What was answered a moment ago. What could not be had is asked for again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, ...], tuple[float, Any]] = {}

    async def get(self, key: tuple[str, ...], ask: Callable[[], Awaitable[T | None]]) -> T | None:
        """The answer by this key, which has the role in it; None if it cannot be had."""
        known = self._kept.get(key)
        if known is not None and self._clock() - known[0] < KEPT_SECONDS:
            kept: T = known[1]
            return kept
        answer = await ask()
        if answer is not None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = self._clock(), answer
        return answer


KnowingNumbers: TypeAlias = NamedDependency[SkipValidation[Numbers]]
