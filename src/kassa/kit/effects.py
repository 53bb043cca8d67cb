"""Effects: what must happen elsewhere because of a change of state, stored in the same write as the change. Pure;
`kassa.kit.outbox` carries them out.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

import msgspec

from kassa.kit import inputs
from kassa.kit.audit import AuditEntry
from kassa.kit.clock import SECOND, Millis, Timestamp, rfc3339
from kassa.kit.documents import Document

LEASE: Millis = 30 * SECOND
NEEDS_ATTENTION_AFTER = 8
MOST_DONE = 100
"""How many effects that are done a document keeps, the newest ones: it must not grow with its age."""


class Effect(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something still to be done, or done (`done_at`).

    `at` is when it is wanted (a timer is an effect with a later `at`); `due_at` is when the relay may take it:
    `at` plus the writer's lease, later after a failure. `args` tell the carrier what exactly. `is_refused`: somebody
    has said no to it, and is asked again. `is_dropped`: it was not wanted any more, and is done without having been
    carried out.
    """

    id: str
    kind: str
    at: Millis
    due_at: Millis
    args: dict[str, str] = {}
    attempts: int = 0
    error: str = ""
    done_at: Millis | None = None
    is_refused: bool = False
    is_dropped: bool = False


class Aggregate(Document, frozen=True, kw_only=True):
    """A document with a state of its own: every accepted input is in `audit`, what follows from it in `effects`.

    `needs_attention`: one of the effects fails and fails, or is refused, and somebody should look. `untold_from`: the
    number of the first entry that those who listen were not told yet; None if there is none, or nobody listens.
    `told_to`: the number of entries that were told when that was noted last.
    """

    audit: tuple[AuditEntry, ...] = ()
    effects: tuple[Effect, ...] = ()
    needs_attention: bool = False
    untold_from: int | None = None
    told_to: int = 0


class Waiting(msgspec.Struct, frozen=True, rename="camel"):
    """An effect that failed many times or was refused, and is tried again at `next_at`, as administrators are shown
    it. `id` is the document that wants it."""

    id: str
    order_id: str
    effect: str
    kind: str
    attempts: int
    next_at: Timestamp
    error: str


A = TypeVar("A", bound=Aggregate)
T = TypeVar("T", bound=StrEnum)


def has_seen(document: Aggregate, input_id: str) -> bool:
    """Whether an input with this id was accepted before."""
    return any(entry.input_id == input_id for entry in document.audit)


def untold(document: A, before: Aggregate | None, since: Millis) -> A:
    """The document with a mark that somebody, who listens `since`, is to be told what it has more in its audit than
    `before`; the very same if that is nothing, or it is marked already. What another process has noted without knowing
    that somebody listens is told with it, so that the order is kept."""
    known = before.audit if before is not None else ()
    has_more = document.audit is not known and document.audit[-1:] != known[-1:]
    if document.untold_from is not None or not has_more:
        return document
    # Of what people change for as long as the shop lasts the oldest entries are let go.
    latest = min(len(known), len(document.audit) - 1)
    first = min(latest, max(document.told_to, first_since(document, since)))
    return msgspec.structs.replace(document, untold_from=first)


def first_since(document: Aggregate, since: Millis) -> int:
    """The number of the first entry that is not older; that of the next one, if there is none."""
    numbers = (number for number, entry in enumerate(document.audit) if entry.at >= since)
    return next(numbers, len(document.audit))


def planned(document: Aggregate, kind: str, now: Millis, *, at: Millis | None = None, **args: str) -> Effect:
    """The document's next effect: wanted now, or as a timer at `at`. Its id is unique and the same on a replay."""
    # The last one is always kept, so that its number tells the next.
    number = inputs.number_of(document.effects[-1].id) + 1 if document.effects else 0
    effect_id = inputs.effect_id(document.id, number, kind)
    if at is None:
        return Effect(effect_id, kind, now, now + LEASE, args)
    return Effect(effect_id, kind, at, at, args)


def refused(
    document: Aggregate, kind: str, words: str, now: Millis, *, at: Millis, attempts: int, **args: str
) -> Effect:
    """The document's next effect: what was refused in these words `attempts` times, to be asked for again at `at`."""
    again = planned(document, kind, now, at=at, **args)
    return msgspec.structs.replace(again, attempts=attempts, error=words, is_refused=True)


def with_todos(document: A, row: Iterable[T], plan: Callable[[A, T], Effect | None]) -> A:
    """The document with the effects that a row of a table says, each as `plan` makes it; None: it is not wanted of this
    document. There is no other way to get one: all that follows from something stands in a row."""
    for todo in row:
        effect = plan(document, todo)
        if effect is None:
            continue
        assert effect.kind == todo, f"{document.id}: {effect.kind} was planned for {todo}"
        document = with_effects(document, (*document.effects, effect))
    return document


def with_effects(document: A, effects: tuple[Effect, ...]) -> A:
    """The document with these effects, of those that are done the newest; its `due_at` and whether it needs attention
    are told from them."""
    if len(effects) > MOST_DONE:
        effects = _without_oldest(effects)
    due, needs_attention = None, False
    for effect in effects:  # Not by comprehensions, which cost thrice as much: this is done for each note.
        if effect.done_at is None:
            due = effect.due_at if due is None else min(due, effect.due_at)
            needs_attention = needs_attention or is_failing(effect)
    return msgspec.structs.replace(document, effects=effects, due_at=due, needs_attention=needs_attention)


def _without_oldest(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    surplus = sum(effect.done_at is not None for effect in effects) - MOST_DONE
    done = [effect.id for effect in effects[:-1] if effect.done_at is not None]
    dropped = set(done[: max(0, surplus)])
    return tuple(effect for effect in effects if effect.id not in dropped)


def without_leases(document: A) -> A:
    """The document with its effects due that somebody has leased; the very same if nobody has."""
    if not any(_is_leased(effect) for effect in document.effects):
        return document
    due = tuple(
        msgspec.structs.replace(effect, due_at=effect.at) if _is_leased(effect) else effect
        for effect in document.effects
    )
    return with_effects(document, due)


def under_way(document: Aggregate, now: Millis) -> list[Effect]:
    """The effects that are wanted by now and not done, leased or not; failing ones wait for their time."""
    return [effect for effect in document.effects if effect.done_at is None and effect.at <= now]


def waiting_of(document: Aggregate, order_id: str) -> list[Waiting]:
    """The document's effects that need attention."""
    return [waiting(document, each, order_id) for each in document.effects if is_failing(each)]


def waiting(document: Aggregate, effect: Effect, order_id: str) -> Waiting:
    """An effect of the document as administrators are shown it."""
    return Waiting(document.id, order_id, effect.id, effect.kind, effect.attempts, rfc3339(effect.due_at), effect.error)


def without(document: A, is_dropped: Callable[[Effect], bool], now: Millis) -> A:
    """The document with those of its open effects marked done that nobody waits for any more."""
    dropped = tuple(
        msgspec.structs.replace(effect, done_at=now, is_dropped=True)
        if effect.done_at is None and is_dropped(effect)
        else effect
        for effect in document.effects
    )
    return with_effects(document, dropped)


def has_failed(effect: Effect) -> bool:
    """Whether it was tried in vain and waits for its next try, and nobody is just at it."""
    return effect.done_at is None and effect.attempts > 0 and not _is_leased(effect)


def _is_leased(effect: Effect) -> bool:
    return effect.done_at is None and effect.at < effect.due_at


def is_failing(effect: Effect) -> bool:
    """Whether it needs attention."""
    return effect.done_at is None and (effect.attempts >= NEEDS_ATTENTION_AFTER or effect.is_refused)
