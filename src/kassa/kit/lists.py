"""Lists, a page at a time: which page is asked for, and what is told of it. Knows nothing of the web framework, which
commands do without."""

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec

from kassa.kit.clock import MINUTE
from kassa.kit.documents import Between, Collection, Document, Where
from kassa.kit.effects import Aggregate, Effect, Waiting, waiting, waiting_of
from kassa.kit.figures import Figures
from kassa.kit.inputs import number_of
from kassa.kit.outbox import Outbox
from kassa.kit.problem import Invalid, NotFound

LONGEST_PAGE = 100
FURTHEST = 1_000_000_000
LONGEST_ID = 255
Id = Annotated[str, msgspec.Meta(max_length=LONGEST_ID)]
"""The id of something, as it is sent."""
LONGEST_CURSOR = 2 * LONGEST_ID
CURSOR = "^(?:[0-7][0-9a-f])*$"
A = TypeVar("A", bound=Aggregate)
D = TypeVar("D", bound=Document)


def documented(description: str, **limits: Any) -> msgspec.Meta:
    """What JSON Schema says of a field, for the API's description only: the domain checks it, with better words."""
    return msgspec.Meta(description=description, extra_json_schema=limits)


class Pagination(msgspec.Struct, frozen=True, rename="camel"):
    """Where in a list one is. `next_cursor` continues it; null at the end."""

    total: int
    limit: int
    skip: int
    next_cursor: str | None


class Paging(msgspec.Struct, frozen=True):
    """What part of a list is asked for; `after` is the sort value behind which to go on."""

    limit: int
    skip: int
    after: str | None

    def pagination(self, total: int, found: list[Any], sort_value: Callable[[Any], str]) -> Pagination:
        """The pagination of a page `found` with one document more than `limit` when there is more."""
        more = len(found) > self.limit
        next_cursor = encode_cursor(sort_value(found[self.limit - 1])) if more else None
        return Pagination(total, self.limit, self.skip, next_cursor)


def paging(limit: int = 20, skip: int = 0, cursor: str | None = None) -> Paging:
    """The paging of a request's `limit` (1 to 100), `skip` and `cursor`; Invalid if they are wrong."""
    if not 1 <= limit <= LONGEST_PAGE:
        raise Invalid.field("limit", f"must be from 1 to {LONGEST_PAGE}")
    if not 0 <= skip <= FURTHEST:
        raise Invalid.field("skip", f"must be from 0 to {FURTHEST}")
    return Paging(limit, skip, decode_cursor(cursor) if cursor else None)


class AttentionAnswer(msgspec.Struct, frozen=True):
    """Effects that failed many times and still are tried; `pagination` counts those whose effects they are. `overdue`
    counts those with effects that should have had their turn a minute ago: more than a few, and nobody does them."""

    waiting: list[Waiting]
    pagination: Pagination
    overdue: int


class Tried(msgspec.Struct, frozen=True):
    """What became of an effect that was tried once more: null if it is done, or else when it is tried again, and what
    was wrong."""

    waiting: Waiting | None


async def tried(outbox: Outbox[A], document: A | None, number: str, order_id: str) -> Tried:
    """Try the effect of this number now, if it has failed, and tell what became of it; NotFound if there is none."""
    effect = numbered(document, number, order_id)
    assert document is not None
    after = await outbox.ask_again(document, effect.id)
    open_ones = (each for each in after.effects if each.id == effect.id and each.done_at is None)
    return Tried(next((waiting(after, each, order_id) for each in open_ones), None))


def numbered(document: Aggregate | None, number: str, order_id: str) -> Effect:
    """The document's effect of this number; NotFound."""
    for each in document.effects if document is not None else ():
        if str(number_of(each.id)) == number:
            return each
    raise NotFound(f"nothing of number {number[:64]} follows from order {order_id[:64]}")


async def listed(
    collection: Collection[D], where: Where, asked: Paging, figures: Figures
) -> tuple[list[D], Pagination]:
    """A page of what matches, the newest first. Where it takes long to count them, the total is that of a while ago."""
    found = await collection.find(where, limit=asked.limit + 1, skip=asked.skip, after=asked.after)
    total = await figures.get((collection.spec.name, *where.items()), lambda: collection.count(where))
    pagination = asked.pagination(total, found, lambda each: str(getattr(each, collection.spec.sort)))
    return found[: asked.limit], pagination


async def attention(
    collection: Collection[A], asked: Paging, figures: Figures, order_id: Callable[[A], str]
) -> AttentionAnswer:
    """What of the collection needs attention, the newest document first; `order_id` tells a document's order."""
    page, pagination = await listed(collection, {"needs_attention": True}, asked, figures)
    late: Where = {"due_at": Between(below=figures.now() - MINUTE)}
    overdue = await figures.get((collection.spec.name, "overdue"), lambda: collection.count(late))
    waiting = [each for document in page for each in waiting_of(document, order_id(document))]
    return AttentionAnswer(waiting, pagination, overdue)


def encode_cursor(sort_value: str) -> str:
    """An opaque cursor. Sort values are ASCII; in hexadecimal digits the form tells what can be one."""
    return sort_value.encode("ascii").hex()


def decode_cursor(cursor: str) -> str:
    """The sort value in a cursor of ours; Invalid otherwise."""
    if len(cursor) > LONGEST_CURSOR or not re.fullmatch(CURSOR, cursor):
        raise Invalid.field("cursor", "is not a cursor of this list; take nextCursor of the previous page")
    return bytes.fromhex(cursor).decode("ascii")
