"""The outbox: carries out what `kassa.kit.effects` has stored.

A stored effect is carried out at once by the process that wrote it, which has 30 seconds for it; whatever fails or is
interrupted is found by a relay, again and again until it is done. Any number of processes may share a collection: an
effect belongs to the one whose write planned or leased it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
import structlog

from kassa.kit.clock import HOUR, SECOND, Clock, Millis
from kassa.kit.documents import Collection, Conflict, save_all
from kassa.kit.effects import (
    LEASE,
    NEEDS_ATTENTION_AFTER,
    Aggregate,
    Effect,
    has_failed,
    is_failing,
    untold,
    with_effects,
    without_leases,
)
from kassa.kit.machine import InvariantBroken
from kassa.kit.patience import deadline
from kassa.kit.problem import Problem, Unavailable
from kassa.kit.recent import Recent

log = structlog.get_logger()


MOST_VOIDED = 10_000

A = TypeVar("A", bound=Aggregate)
Step: TypeAlias = Callable[[A], A]
Carrier: TypeAlias = Callable[[A, Effect], Awaitable["Step[A] | None"]]
"""Carries one effect out; may return a step to be applied to the document in the write that marks it done."""


class Outbox(Generic[A]):
    """Carries out the effects of one collection's documents.

    `carriers` maps each kind of effect to the method that carries it out. What `insert` and `change` store is this
    process's own to carry out: with `at_once` in the background, or with `carry_out`; `advance` and `see_through` are
    a change with the one and with the other. `run_due` is the relay's turn.
    `jitter()` is a number from 0 to 1. `heard_since()` tells since when somebody wants to be told of changes: what is
    to be told is marked in the write of the change itself.
    """

    def __init__(
        self,
        collection: Collection[A],
        carriers: Mapping[str, Carrier[A]],
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.collection = collection
        self.recent = Recent(collection)
        self.carriers = carriers
        self.heard_since: Callable[[], Millis | None] = _by_nobody
        self._clock = clock
        self._jitter = jitter
        self._tasks: set[asyncio.Task[Any]] = set()
        self._own: set[str] = set()
        self._under_way: set[str] = set()

    def now(self) -> Millis:
        """The time, by the clock that effects go by."""
        return self._clock.now()

    async def insert(self, document: A) -> A:
        """Store a new document, as Collection.insert does."""
        stored = await self.recent.insert(self._noted(document, None))
        self._take(stored)
        return stored if self.heard_since() is None else await self._marked(stored, None)

    async def change(self, id: str, step: "Step[A]") -> A | None:
        """Apply the step and save, as Recent.change does; None if there is no such document."""
        before: A | None = None

        def noted(current: A) -> A:
            nonlocal before
            before = current
            return self._noted(step(current), before)

        changed = await self.recent.change(id, noted)
        if changed is None or changed is before:
            return changed
        self._take(changed, before)
        return changed if self.heard_since() is None else await self._marked(changed, before)

    async def advance(self, id: str, step: "Step[A]") -> A | None:
        """Change the document, and start to carry out what it then wants; None if there is no such document."""
        changed = await self.change(id, step)
        if changed is not None:
            self.at_once(changed)
        return changed

    async def see_through(self, id: str, step: "Step[A]") -> A | None:
        """Change the document, and carry out what it then wants; None if there is no such document."""
        changed = await self.change(id, step)
        return None if changed is None else await self.carry_out(changed)

    def at_once(self, document: A) -> None:
        """Start to carry out what the document wants now and this process wrote; a failure is left to the relay."""
        if self._wanted(document) is not None:
            self.beside(self._try(document))

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Start something that ends in changes of documents, and for which nobody waits. What it raises is a bug, and
        logged."""
        task = asyncio.get_running_loop().create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait for what was started at once, and until it is noted what is done."""
        while self._tasks:
            # Not gather: from Python 3.12 on it returns at once when all are done, and their callbacks never run.
            await asyncio.wait(self._tasks)
        await self.recent.settle()

    async def carry_out(self, document: A) -> A:
        """Carry out all effects that are this process's own, those included that come of them; return the document as
        it is then."""
        while (effect := self._wanted(document)) is not None:
            self._under_way.add(effect.id)
            try:
                step = await self.carriers[effect.kind](document, effect)
                document = await self._finish(document, effect, step)
            except Exception as error:  # whatever went wrong: the effect stays and is tried again
                document = await self._postpone(document, effect, error)
            finally:
                self._under_way.discard(effect.id)
                self._own.discard(effect.id)
        return document

    async def ask_again(self, document: A, effect_id: str = "") -> A:
        """Carry out now what needs attention, or the one effect of this id that has failed, whenever it was to be tried
        again; return the document as it is then."""
        now = self._clock.now()
        wanted = (each for each in document.effects if (has_failed(each) if effect_id else is_failing(each)))
        again = {effect.id for effect in wanted if effect_id in ("", effect.id)}
        if not again:
            return document
        hurried = tuple(
            msgspec.structs.replace(effect, due_at=now) if effect.id in again else effect for effect in document.effects
        )
        leased = await self._lease(with_effects(document, hurried))
        return document if leased is None else await self.carry_out(leased)

    async def run_due(self, limit: int = 100) -> int:
        """The relay's turn: lease and carry out effects that are due; return how many documents were taken."""
        await self.recent.settle()
        documents = await self.collection.due(self._clock.now(), limit)
        taken = await asyncio.gather(*(self._lease(document) for document in documents))
        await asyncio.gather(*(self._try(document) for document in taken if document is not None))
        await self.recent.settle()
        return len(documents)

    async def void_leases(self) -> None:
        """Make due at once what others have leased, the first 10,000: for a process that knows that they are gone."""
        await self.recent.settle()
        leased = await self.collection.due(self._clock.now() + LEASE, MOST_VOIDED)
        freed = [(document, without_leases(document)) for document in leased]
        await save_all(self.collection, [after for before, after in freed if after is not before])

    async def _try(self, document: A) -> None:
        deadline.set(None)  # whoever waits for an answer does not wait for this
        try:
            await self.carry_out(document)
        except Exception:  # the store itself fails: the stored lease runs out and the relay comes again
            log.exception("effects interrupted", document=document.id)

    def _noted(self, document: A, before: A | None) -> A:
        since = self.heard_since()
        return document if since is None else untold(document, before, since)

    async def _marked(self, stored: A, before: A | None) -> A:
        """What was written just as somebody began to listen is marked a moment later."""
        marked = self._noted(stored, before)
        if marked is stored:
            return stored
        first = marked.untold_from

        def late(current: A) -> A:
            return current if current.untold_from is not None else msgspec.structs.replace(current, untold_from=first)

        return await self.recent.change(stored.id, late) or stored

    def _take(self, stored: A, before: A | None = None) -> None:
        """What this write planned is ours: nobody else can have written it. Timers are for whichever relay comes."""
        known = {effect.id for effect in before.effects} if before else ()
        planned_now = (effect for effect in stored.effects if effect.id not in known)
        self._own.update(effect.id for effect in planned_now if effect.done_at is None and effect.at < effect.due_at)

    def _wanted(self, document: A) -> Effect | None:
        now = self._clock.now()
        for effect in document.effects:
            is_mine = effect.id in self._own and effect.id not in self._under_way
            if is_mine and effect.done_at is None and effect.at <= now < effect.due_at:
                return effect
        return None

    async def _lease(self, document: A) -> A | None:
        now = self._clock.now()
        leased = tuple(
            msgspec.structs.replace(effect, at=min(effect.at, now), due_at=now + LEASE)
            if effect.done_at is None and effect.due_at <= now
            else effect
            for effect in document.effects
        )
        try:
            stored = await self.recent.save(with_effects(document, leased))
        except Conflict:
            return None  # somebody else was faster
        self._own.update(new.id for new, old in zip(leased, document.effects, strict=True) if new is not old)
        return stored

    async def _finish(self, document: A, effect: Effect, step: "Step[A] | None") -> A:
        now = self._clock.now()

        def finished(current: A) -> A:
            if not any(each.id == effect.id and each.done_at is None for each in current.effects):
                return current  # somebody else has carried it out meanwhile
            changed = step(current) if step else current
            return with_effects(changed, _replaced(changed.effects, effect.id, done_at=now, error=""))

        if step is not None:
            return await self.change(document.id, finished) or document
        self.recent.note(document.id, effect.id, finished)
        return finished(document)

    async def _postpone(self, document: A, effect: Effect, error: Exception) -> A:
        attempts = effect.attempts + 1
        backoff = min(HOUR, SECOND * 2**attempts)
        due_at = self._clock.now() + int(backoff * (0.5 + self._jitter()))
        text = str(error) if isinstance(error, Problem | InvariantBroken) else type(error).__name__
        # Every other problem is a definite no, which no time mends.
        is_refused = effect.is_refused or (isinstance(error, Problem) and not isinstance(error, Unavailable))
        report = log.warning if attempts < NEEDS_ATTENTION_AFTER else log.error
        report("effect postponed", effect=effect.id, attempts=attempts, error=text)

        def postponed(current: A) -> A:
            changes = {"attempts": attempts, "due_at": due_at, "at": due_at, "error": text, "is_refused": is_refused}
            return with_effects(current, _replaced(current.effects, effect.id, **changes))

        return await self.change(document.id, postponed) or document


def _by_nobody() -> Millis | None:
    return None


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    deadline.set(None)  # whoever waits for an answer does not wait for this
    try:
        await work
    except Unavailable as error:
        log.warning("not done now", error=str(error))
    except Exception:
        log.exception("interrupted")


def _replaced(effects: tuple[Effect, ...], effect_id: str, **changes: Any) -> tuple[Effect, ...]:
    return tuple(
        msgspec.structs.replace(effect, **changes) if effect.id == effect_id and effect.done_at is None else effect
        for effect in effects
    )
