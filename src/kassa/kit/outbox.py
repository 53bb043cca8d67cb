"""Effects: what must happen elsewhere because of a change of state, stored in the same write as the change.

A stored effect is carried out at once by the process that wrote it, which has 30 seconds for it; whatever fails or is
interrupted is found by a relay, again and again until it is done. Any number of processes may share a collection: an
effect belongs to the one whose write planned or leased it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
import structlog

from kassa.kit.audit import AuditEntry
from kassa.kit.clock import HOUR, SECOND, Clock, Millis, rfc3339
from kassa.kit.documents import Collection, Conflict, Document, change
from kassa.kit.problem import Problem
from kassa.kit.wire import deadline

LEASE: Millis = 30 * SECOND
NEEDS_ATTENTION_AFTER = 8

log = structlog.get_logger()


class Effect(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something still to be done, or done (`done_at`).

    `at` is when it is wanted (a timer is an effect with a later `at`); `due_at` is when the relay may take it:
    `at` plus the writer's lease, later after a failure. `args` tell the carrier what exactly.
    """

    id: str
    kind: str
    at: Millis
    due_at: Millis
    args: dict[str, str] = {}
    attempts: int = 0
    error: str = ""
    done_at: Millis | None = None


class Aggregate(Document, frozen=True, kw_only=True):
    """A document with a state of its own: every accepted input is in `audit`, what follows from it in `effects`.

    `needs_attention`: one of the effects fails and fails, and somebody should look.
    """

    audit: tuple[AuditEntry, ...] = ()
    effects: tuple[Effect, ...] = ()
    needs_attention: bool = False


class Waiting(msgspec.Struct, frozen=True, rename="camel"):
    """An effect that failed many times and is tried again at `next_at`, as administrators are shown it. `id` is the
    document that wants it."""

    id: str
    order_id: str
    effect: str
    kind: str
    attempts: int
    next_at: str
    error: str


A = TypeVar("A", bound=Aggregate)
Step: TypeAlias = Callable[[A], A]
Carrier: TypeAlias = Callable[[A, Effect], Awaitable["Step[A] | None"]]
"""Carries one effect out; may return a step to be applied to the document in the write that marks it done."""


def has_seen(document: Aggregate, input_id: str) -> bool:
    """Whether an input with this id was accepted before."""
    return any(entry.input_id == input_id for entry in document.audit)


def planned(document: Aggregate, kind: str, now: Millis, *, at: Millis | None = None, **args: str) -> Effect:
    """The document's next effect: wanted now, or as a timer at `at`. Its id is unique and the same on a replay."""
    effect_id = f"{document.id}:{len(document.effects)}:{kind}"
    if at is None:
        return Effect(effect_id, kind, now, now + LEASE, args)
    return Effect(effect_id, kind, at, at, args)


def with_effects(document: A, effects: tuple[Effect, ...]) -> A:
    """The document with these effects; its `due_at` and whether it needs attention are told from them."""
    due = min((effect.due_at for effect in effects if effect.done_at is None), default=None)
    needs_attention = any(_is_failing(effect) for effect in effects)
    return msgspec.structs.replace(document, effects=effects, due_at=due, needs_attention=needs_attention)


def waiting_of(document: Aggregate, order_id: str) -> list[Waiting]:
    """The document's effects that need attention."""
    return [
        Waiting(document.id, order_id, each.id, each.kind, each.attempts, rfc3339(each.due_at), each.error)
        for each in document.effects
        if _is_failing(each)
    ]


def without_timers(document: A, kinds: frozenset[str], now: Millis) -> A:
    """The document with its open effects of these kinds marked done: nobody waits for them any more."""
    dropped = tuple(
        msgspec.structs.replace(effect, done_at=now) if effect.done_at is None and effect.kind in kinds else effect
        for effect in document.effects
    )
    return with_effects(document, dropped)


class Outbox(Generic[A]):
    """Carries out the effects of one collection's documents.

    `carriers` maps each kind of effect to the method that carries it out. What `insert` and `change` store is this
    process's own to carry out: with `at_once` in the background, or with `carry_out`. `run_due` is the relay's turn.
    `jitter()` is a number from 0 to 1.
    """

    def __init__(
        self,
        collection: Collection[A],
        carriers: Mapping[str, Carrier[A]],
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._collection = collection
        self._carriers = carriers
        self._clock = clock
        self._jitter = jitter
        self._tasks: set[asyncio.Task[Any]] = set()
        self._own: set[str] = set()
        self._under_way: set[str] = set()

    async def insert(self, document: A) -> A:
        """Store a new document, as Collection.insert does."""
        stored = await self._collection.insert(document)
        self._take(stored)
        return stored

    async def change(self, id: str, step: "Step[A]") -> A | None:
        """Read, apply the step, save, as kit.documents.change does; None if there is no such document."""
        before: A | None = None

        def noted(current: A) -> A:
            nonlocal before
            before = current
            return step(current)

        changed = await change(self._collection, id, noted)
        if changed is not None and changed is not before:
            self._take(changed, before)
        return changed

    def at_once(self, document: A) -> None:
        """Start to carry out what the document wants now and this process wrote; a failure is left to the relay."""
        if self._wanted(document) is None:
            return
        task = asyncio.get_running_loop().create_task(self._try(document))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait for what was started at once."""
        while self._tasks:
            # Not gather: from Python 3.12 on it returns at once when all are done, and their callbacks never run.
            await asyncio.wait(self._tasks)

    async def carry_out(self, document: A) -> A:
        """Carry out all effects that are this process's own, those included that come of them; return the document as
        it is then."""
        while (effect := self._wanted(document)) is not None:
            self._under_way.add(effect.id)
            try:
                step = await self._carriers[effect.kind](document, effect)
                document = await self._finish(document, effect, step)
            except Exception as error:  # whatever went wrong: the effect stays and is tried again
                document = await self._postpone(document, effect, error)
            finally:
                self._under_way.discard(effect.id)
                self._own.discard(effect.id)
        return document

    async def run_due(self, limit: int = 100) -> int:
        """The relay's turn: lease and carry out effects that are due; return how many documents were taken."""
        documents = await self._collection.due(self._clock.now(), limit)
        taken = await asyncio.gather(*(self._lease(document) for document in documents))
        await asyncio.gather(*(self._try(document) for document in taken if document is not None))
        return len(documents)

    async def _try(self, document: A) -> None:
        deadline.set(None)  # whoever waits for an answer does not wait for this
        try:
            await self.carry_out(document)
        except Exception:  # the store itself fails: the stored lease runs out and the relay comes again
            log.exception("effects interrupted", document=document.id)

    def _take(self, stored: A, before: A | None = None) -> None:
        """What this write planned is ours: nobody else can have written it. Timers are for whichever relay comes."""
        planned_now = stored.effects[len(before.effects) if before else 0 :]
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
            stored = await self._collection.save(with_effects(document, leased))
        except Conflict:
            return None  # somebody else was faster
        self._own.update(new.id for new, old in zip(leased, document.effects, strict=True) if new is not old)
        return stored

    async def _finish(self, document: A, effect: Effect, step: "Step[A] | None") -> A:
        now = self._clock.now()

        def finished(current: A) -> A:
            if any(each.id == effect.id and each.done_at is not None for each in current.effects):
                return current  # somebody else has carried it out meanwhile
            changed = step(current) if step else current
            return with_effects(changed, _replaced(changed.effects, effect.id, done_at=now, error=""))

        return await self._save(document, finished)

    async def _postpone(self, document: A, effect: Effect, error: Exception) -> A:
        attempts = effect.attempts + 1
        backoff = min(HOUR, SECOND * 2**attempts)
        due_at = self._clock.now() + int(backoff * (0.5 + self._jitter()))
        text = error.detail if isinstance(error, Problem) else type(error).__name__
        report = log.warning if attempts < NEEDS_ATTENTION_AFTER else log.error
        report("effect postponed", effect=effect.id, attempts=attempts, error=text)

        def postponed(current: A) -> A:
            waiting = _replaced(current.effects, effect.id, attempts=attempts, due_at=due_at, at=due_at, error=text)
            return with_effects(current, waiting)

        return await self._save(document, postponed)

    async def _save(self, document: A, step: "Step[A]") -> A:
        while True:
            changed = step(document)
            if changed is document:
                return document
            try:
                stored = await self._collection.save(changed)
            except Conflict:
                current = await self._collection.get(document.id)
                if current is None:
                    return document
                document = current
                continue
            self._take(stored, document)
            return stored


def _is_failing(effect: Effect) -> bool:
    return effect.done_at is None and effect.attempts >= NEEDS_ATTENTION_AFTER


def _replaced(effects: tuple[Effect, ...], effect_id: str, **changes: Any) -> tuple[Effect, ...]:
    return tuple(
        msgspec.structs.replace(effect, **changes) if effect.id == effect_id and effect.done_at is None else effect
        for effect in effects
    )
