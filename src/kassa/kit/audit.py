"""The audit entry: what changed, who changed it and why. Entries are never changed; those of orders and payments are
never removed. And what a comparison of two books has found."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from kassa.kit.clock import Millis


class Cause(msgspec.Struct, frozen=True):
    """Where an input comes from. `id` names the input (request, event, effect, timer): the same id changes nothing.

    `who` is a user id or the name of a service; `why` is for people; `request_id` ties the log lines together.
    """

    id: str
    who: str
    why: str = ""
    request_id: str = ""


class AuditEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One accepted input: when, who, from which state to which, why, by which request and input."""

    at: Millis
    who: str
    what: str
    from_state: str
    to_state: str
    why: str
    request_id: str
    input_id: str


def entry(cause: Cause, what: str, from_state: str, to_state: str, at: Millis) -> AuditEntry:
    """The entry for one accepted input."""
    return AuditEntry(at, cause.who, what, from_state, to_state, cause.why, cause.request_id, cause.id)


MOST_KEPT = 500


def newest(entries: tuple[AuditEntry, ...], last: AuditEntry) -> tuple[AuditEntry, ...]:
    """The entries with one more, of what people change for as long as the shop lasts: the first, and the newest."""
    kept = entries if len(entries) < MOST_KEPT else (entries[0], *entries[-(MOST_KEPT - 2) :])
    return (*kept, last)


class TimelineEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One thing that happened to an order, in words for an operator; `data` is for looking further."""

    at: Millis
    service: str
    kind: str
    text: str
    data: dict[str, str]


class Finding(msgspec.Struct, frozen=True, rename="camel"):
    """Something that does not go together: what it is about, how, and whether it was mended just now."""

    subject: str
    text: str
    is_mended: bool


class Comparison(msgspec.Struct, frozen=True, rename="camel"):
    """Two books that were compared: which, how many entries, and what does not go together. `note` says what else is
    to be known of them."""

    name: str
    looked_at: int
    findings: list[Finding]
    note: str = ""


Told: TypeAlias = Callable[[str, int, int | None], None]
"""Told what is being compared, how much of it was, and how much it is altogether, if that is known."""


def nobody_told(what: str, done: int, total: int | None) -> None:
    """For when nobody watches."""
