"""The state machine: a table says what becomes of a document, and one function applies it. Pure, but for the place by
which all of its documents are written.

First news is interpreted: what it is to the document as it stands, if anything. Then the table is asked. So whatever
can happen, and whatever follows from it, stands in a row. What must hold whatever happens is looked at in each write.
"""

from collections.abc import Callable, Container, Mapping
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec
import structlog

from kassa.kit.audit import Cause, entry
from kassa.kit.clock import Millis
from kassa.kit.documents import Collection
from kassa.kit.effects import Aggregate, Effect, has_seen, with_todos, without

log = structlog.get_logger()


class Stateful(Aggregate, frozen=True, kw_only=True):
    """A document that moves from stage to stage. `status` is the stage as the wire shows it."""

    stage: StrEnum
    status: str
    updated_at: Millis


class News(Protocol):
    """Something that happened, with its cause."""

    @property
    def kind(self) -> StrEnum:
        """What happened."""

    @property
    def cause(self) -> Cause:
        """By whom, why; its id names the news: the same changes nothing twice."""


D = TypeVar("D", bound=Stateful)
N = TypeVar("N", bound=News)
S = TypeVar("S", bound=StrEnum)
K = TypeVar("K", bound=StrEnum)
T = TypeVar("T", bound=StrEnum)


class Move(msgspec.Struct, Generic[S, T], frozen=True):
    """One row: the next stage and what must be done because of it. One that is not `told` has no audit entry: nothing
    has happened."""

    to: S
    effects: tuple[T, ...] = ()
    is_told: bool = True


Table = dict[tuple[S | None, K], Move[S, T]]
"""What becomes of a document, by its stage and what happened; None is the stage of one that is not there yet. Every
pair that is not in the table changes nothing: the news comes late, twice, or for another stage."""


class InvariantBroken(AssertionError):
    """What must always hold would not hold afterwards, so that nothing is changed. A mistake in the code; or Stripe has
    told one thing before another, and the other is to come."""


class Machine(msgspec.Struct, Generic[D, N], frozen=True, kw_only=True):
    """One kind of document and what becomes of it.

    `interpret` tells what news is to a document; None if it is none. `noted` are the members that it changes, besides
    the stage. `planned` makes an effect of the row. A timer is waited for in its stages, and dropped in all others;
    `tidied` is a document without what it has no reason any more to wait for.
    `shown` are the stages that the wire shows as something else. `invariants` hold in each document that is stored.
    """

    table: Mapping[tuple[Any, Any], Move[Any, Any]]
    shown: Mapping[Any, str]
    timers: Mapping[Any, Container[Any]]
    interpret: Callable[[D, N], N | None]
    noted: Callable[[D, N, Any, Millis], dict[str, Any]]
    planned: Callable[[D, Any, N, Millis], Effect | None]
    invariants: Mapping[str, Callable[[D], bool]]
    tidied: Callable[[D, Millis], D] = lambda document, _: document

    def begin(self, document: D, news: N, now: Millis) -> D:
        """A document that is made by this news: with its stage, its audit and what follows."""
        return self._moved(document, news, self.table[None, news.kind], "", {}, now)

    def after(self, document: D, news: N, now: Millis) -> D:
        """The document after the news, whatever that is to it; the very same object if nothing."""
        meant = self.interpret(document, news)
        return document if meant is None else self.apply(document, meant, now)

    def apply(self, document: D, news: N, now: Millis) -> D:
        """The document after news that is interpreted; the very same object if the table has no row for it, or if it
        was seen before."""
        move = self.table.get((document.stage, news.kind))
        if move is None or has_seen(document, news.cause.id):
            return document
        return self._moved(document, news, move, document.stage, self.noted(document, news, move.to, now), now)

    def _moved(self, document: D, news: N, move: Move[Any, Any], before: str, noted: dict[str, Any], now: Millis) -> D:
        moved = document
        if move.is_told:
            moved = msgspec.structs.replace(
                document,
                **noted,
                stage=move.to,
                status=self.shown.get(move.to, str(move.to)),
                updated_at=now,
                audit=(*document.audit, entry(news.cause, news.kind, before, move.to, now)),
            )
            dropped = frozenset(timer for timer, stages in self.timers.items() if move.to not in stages)
            moved = without(moved, lambda effect: effect.kind in dropped, now) if dropped else moved
            moved = self.tidied(moved, now)
        return with_todos(moved, move.effects, lambda current, todo: self.planned(current, todo, news, now))

    def broken(self, document: D) -> set[str]:
        """The invariants that do not hold in the document."""
        return {invariant for invariant, holds in self.invariants.items() if not holds(document)}


class Unbroken(Generic[D]):
    """A collection into which nothing gets that breaks an invariant: InvariantBroken, and nothing is stored. What is
    broken already, by an earlier version, is no reason to leave a document alone."""

    def __init__(self, inner: Collection[D], machine: Machine[D, Any]) -> None:
        self.inner = inner
        self._machine = machine

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def insert(self, document: D) -> D:
        """See kit.documents.Collection."""
        _check(document, self._machine.broken(document))
        return await self.inner.insert(document)

    async def save(self, document: D) -> D:
        """See kit.documents.Collection."""
        if broken := self._machine.broken(document):
            known = await self.inner.get(document.id)
            _check(document, broken - (self._machine.broken(known) if known else set()))
        return await self.inner.save(document)


def _check(document: Stateful, broken: set[str]) -> None:
    if broken:
        what = document.audit[-1].what if document.audit else "it was made"
        log.error("an invariant would be broken", document=document.id, invariants=sorted(broken), after=what)
        words = ", and that ".join(sorted(broken))
        raise InvariantBroken(f"{document.id} is left as it was: after “{what}” it would not hold that {words}")


def unbroken(collection: Collection[D], machine: Machine[D, Any]) -> Collection[D]:
    """The collection, by the one place where it is looked at what must hold."""
    return cast("Collection[D]", Unbroken(collection, machine))
