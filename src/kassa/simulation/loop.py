"""An event loop whose time is simulated: where a real one would wait, this one jumps to the next moment."""

import asyncio
import selectors


class Stuck(Exception):
    """Everybody waits, and nothing will ever happen again."""


class _Selector(selectors.SelectSelector):
    """Files are never ready; waiting is what makes time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck
        self.now += max(0.0, timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Its `time()` starts at 0 seconds; two runs of the same program do the same things in the same order."""

    def __init__(self) -> None:
        self._simulated = _Selector()
        super().__init__(self._simulated)
        # What comes a nanosecond apart comes at the same time, as in the loop that this is.
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._simulated.now
