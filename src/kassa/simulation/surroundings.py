"""What surrounds everything in a simulated world: time, chance, trouble, and what was seen."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from random import Random
from typing import Any, NamedTuple, Protocol

from kassa.kit.audit import AuditEntry
from kassa.kit.clock import SECOND, Millis
from kassa.kit.effects import Aggregate
from kassa.simulation.faults import Faults, body_of

_BEGINS = 1_800_000_000.0


class Happening(NamedTuple):
    """Something that happened: when, in seconds; to which order, by the body of its id; what."""

    at: float
    about: str
    text: str


class TrueClock:
    """The true time, as a clock; satisfies kassa.kit.clock.Clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def now(self) -> Millis:
        return int(self._now() * SECOND)

    async def sleep(self, duration: Millis) -> None:
        await asyncio.sleep(duration / SECOND)


class Surroundings:
    """`reached` are the changes of state that were made, and what had hit the order before; `history` what happened."""

    def __init__(self, seed: str, kinds: frozenset[str], often: frozenset[str]) -> None:
        self.seed = seed
        self.faults = Faults(seed, kinds, often, self.note)
        self.reached: set[tuple[str, str, str, str, str]] = set()
        self.violations: list[str] = []
        self._audits: dict[str, tuple[AuditEntry, ...]] = {}
        self.seen: set[tuple[str, int]] = set()
        self.history: list[Happening] = []
        self._loop = asyncio.get_running_loop()
        self.background: list[asyncio.Task[Any]] = []
        self.clock = TrueClock(self.now)

    def now(self) -> float:
        """The true time, in seconds."""
        return _BEGINS + self._loop.time()

    def chance(self, name: str) -> Random:
        """Chances of its own for somebody, the same in every run of this seed."""
        return Random(f"{self.seed}:{name}")  # noqa: S311 - repeatable is what it must be

    def note(self, text: str, about: str = "") -> None:
        """Remember what happened, for whoever reads the history of a violation."""
        self.history.append(Happening(self._loop.time(), body_of(about), text))

    def compare_audits(self, document: Aggregate) -> None:
        """Entries are never changed or removed (I8)."""
        # Which of two writes is heard of first is not said.
        shorter, longer = sorted((document.audit, self._audits.get(document.id, ())), key=len)
        if longer[: len(shorter)] != shorter:
            self.violations.append(f"I8: the audit of {document.id} was changed")
        self._audits[document.id] = longer

    def begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Something that belongs to no process, so that it outlives them."""
        task = self._loop.create_task(work, context=Context())
        self.background.append(task)
        return task


class Host(Protocol):
    """A process, as what it stands on sees it."""

    world: Surroundings
    name: str

    async def pause(self, about: str = "") -> None:
        """The time that something on the network takes; the process may die meanwhile."""
