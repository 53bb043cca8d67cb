"""The one storage port: typed collections of versioned documents, saved by compare-and-set.

Adapters (`kassa.storage`) satisfy `Database` and `Collection`; a service's `store.py` declares a `CollectionSpec`
for each kind of document and nothing else.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import msgspec

from kassa.kit.clock import Clock, Millis


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored. `id` is unique in its collection; `version` is 0 until stored, then counts the saves.

    `due_at` is the earliest time at which something is to be done about the document; None: nothing is.
    """

    id: str
    version: int = 0
    due_at: Millis | None = None


D = TypeVar("D", bound=Document)


class Index(msgspec.Struct, frozen=True):
    """A declared index over top-level fields. A unique one is a promise: a second insert raises Duplicate(name).

    Documents in which one of the fields is None are not in a unique index. `each`: of a unique index over one field
    that holds several texts; no text is in two documents, and `In` finds those that have one of its values. `sparse`:
    of a plain index over a field that is None in most documents; those are not in it, and cost it nothing.
    """

    name: str
    fields: tuple[str, ...]
    unique: bool = False
    each: bool = False
    sparse: bool = False


class CollectionSpec(msgspec.Struct, Generic[D], frozen=True):
    """A collection: its name, the type of its documents, its indexes.

    `sort` is the field by which lists are ordered; it must be unique and grow with time. `id` and `due_at`
    are always indexed and need no declaration. `searched` is a text field whose words `Words`
    finds by an index. `is_read_often`: the same documents, again and again, so that it pays
    to remember what they say.
    """

    name: str
    type: type[D]
    indexes: tuple[Index, ...] = ()
    sort: str = "id"
    searched: str | None = None
    is_read_often: bool = False


class In(msgspec.Struct, frozen=True):
    """The field has one of these values."""

    values: tuple[str | int, ...]


class Between(msgspec.Struct, frozen=True):
    """The field is >= `at_least` and < `below` (None: no limit on that side)."""

    at_least: int | str | None = None
    below: int | str | None = None

    def holds(self, value: Any) -> bool:
        """Whether a value of the field's type is within the limits."""
        return (self.at_least is None or value >= self.at_least) and (self.below is None or value < self.below)


class Contains(msgspec.Struct, frozen=True):
    """The text field contains `text`, letter for letter (store a lower-case copy to search without case)."""

    text: str


ANY_END = "*"


class Words(msgspec.Struct, frozen=True):
    """The collection's searched text, which is words of letters and digits in lower case between blanks, has one word
    of each group, where `…*` stands for all that begin so; and does not pass `but`."""

    groups: tuple[tuple[str, ...], ...]
    but: "Words | None" = None

    def passes(self, text: str) -> bool:
        """Whether the text does: what every store must find by its index."""
        words = set(text.split(" "))
        return all(any(_has(words, word) for word in group) for group in self.groups) and not (
            self.but is not None and self.but.passes(text)
        )


def _has(words: set[str], word: str) -> bool:
    return any(each.startswith(word[:-1]) for each in words) if word.endswith(ANY_END) else word in words


Test: TypeAlias = str | int | bool | In | Between | Contains | Words | None
Where: TypeAlias = Mapping[str, Test]
"""Field name to the test that it must pass; all must."""

Order: TypeAlias = Literal["newest", "oldest"]


class By(msgspec.Struct, frozen=True):
    """Sort by this field before `spec.sort`, both in one direction; `after` is what it is in the document behind which
    to go on."""

    field: str
    after: str | int | None = None


class Total(msgspec.Struct, frozen=True):
    """One group of `Collection.totals`: its key (None: documents without the field), how many, and the sum."""

    key: str | int | None
    count: int
    sum: int


class Duplicate(Exception):
    """An insert met a document that is there already. `index` is the violated index's name, `id` for the id."""

    def __init__(self, collection: str, index: str) -> None:
        self.collection = collection
        self.index = index
        super().__init__(f"{collection}: duplicate {index}")


class Conflict(Exception):
    """A save lost against another one: the stored version is not the one that was read."""


class Collection(Protocol[D]):
    """One collection. What returns has been committed durably. A store that cannot be reached, is locked or full
    raises kit.problem.Unavailable: the write is unknown then, and repeating it with the same id is harmless."""

    @property
    def spec(self) -> CollectionSpec[D]: ...

    async def insert(self, document: D) -> D:
        """Store a new document as version 1 and return it so; Duplicate if its id or a unique field is taken."""

    async def save(self, document: D) -> D:
        """Replace the stored document, if it still has this document's version; return it with the next version.

        Conflict if it has another version or is gone. Duplicate if a unique field is taken by another document.
        """

    async def get(self, id: str) -> D | None:
        """The document, or None."""

    async def many(self, ids: Sequence[str]) -> list[D]:
        """Those of the documents that exist, in no particular order."""

    async def first(self, where: Where) -> D | None:
        """The oldest document that matches, or None."""

    async def find(
        self,
        where: Where,
        *,
        limit: int,
        skip: int = 0,
        after: str | None = None,
        order: Order = "newest",
        by: By | None = None,
    ) -> list[D]:
        """Matching documents by `spec.sort`; `after` continues behind the document with that sort value."""

    async def count(self, where: Where) -> int:
        """How many match."""

    async def due(self, now: Millis, limit: int) -> list[D]:
        """Documents with `due_at <= now`, the earliest first."""

    async def totals(self, where: Where, by: str, *, sum_of: str | None = None, per: int = 1) -> list[Total]:
        """Count (and sum a field of) matching documents grouped by a field.

        `per` > 1 divides an integer field, rounding down, before grouping: `by="created_at", per=DAY` groups by day.
        """

    async def delete(self, id: str, where: Where | None = None) -> None:
        """Remove a document for good, if it matches; only for what may expire (idempotency records, refresh tokens)."""


class Database(Protocol):
    """Where collections live."""

    async def collection(self, spec: CollectionSpec[D]) -> Collection[D]:
        """Open a collection: make it and its indexes if they are not there."""

    async def probe(self) -> None:
        """Use each right that is needed, and change nothing; Unavailable if one is missing, or there is no answer."""

    async def scrub(self) -> None:
        """See to it that what was removed or replaced until now is gone from the files too, as far as that can be done
        while they are used; Unavailable if not even that can be done now."""

    async def rewrite(self, largest: int | None = None) -> bool:
        """Write the files anew, if something was removed for good since; whoever wants to write waits meanwhile. False:
        they have more than `largest` bytes, and are left as they are."""

    async def close(self) -> None:
        """Finish the writes under way and close."""


async def pages(collection: Collection[D], where: Where | None = None, size: int = 500) -> AsyncIterator[list[D]]:
    """All matching documents by `spec.sort`, the oldest first, a page at a time."""
    after: str | None = None
    while page := await collection.find(where or {}, limit=size, after=after, order="oldest"):
        yield page
        after = str(getattr(page[-1], collection.spec.sort))


async def save_all(collection: Collection[D], documents: Sequence[D]) -> None:
    """Save them, together as far as the store can; what somebody else has saved meanwhile is left as it is."""
    outcomes = await asyncio.gather(*(collection.save(each) for each in documents), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Conflict):
            raise outcome


STEP = 200
"""Documents that are removed at once."""
PAUSE: Millis = 50
"""Between two steps, so that others come in."""
MOST_STEPS = 500
"""Of one run: 100,000 documents, which is more than come in an hour."""


async def remove_due(collection: Collection[D], clock: Clock) -> int:
    """Remove the documents whose `due_at` is over, in small steps beside the traffic; return how many. One that was
    changed meanwhile stays: somebody needs it again."""
    removed = 0
    for _ in range(MOST_STEPS):
        due = await collection.due(clock.now(), STEP)
        await asyncio.gather(*(collection.delete(each.id, {"version": each.version}) for each in due))
        removed += len(due)
        if len(due) < STEP:
            break
        await clock.sleep(PAUSE)
    return removed


def with_version(document: D, version: int) -> D:
    """The same document with another version."""
    return msgspec.structs.replace(document, version=version)


async def change(collection: Collection[D], id: str, step: Callable[[D], D]) -> D | None:
    """Read, apply `step`, save; after a Conflict read and apply again. None if there is no such document.

    `step` is pure. When it returns the very document that it was given, nothing is written.
    """
    while (current := await collection.get(id)) is not None:
        changed = step(current)
        if changed is current:
            return current
        try:
            return await collection.save(changed)
        except Conflict:
            continue
    return None
