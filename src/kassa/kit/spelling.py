"""What is found by its text is stored in one spelling (`kit/text.py`). What a former release stored in another one is
brought to it when its collection is opened, so that whoever looks for something needs to know one spelling only."""

import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from kassa.kit.documents import (
    Collection,
    CollectionSpec,
    Conflict,
    D,
    Database,
    Document,
    Duplicate,
    change,
    pages,
    with_version,
)

RULE = f"1, Unicode {unicodedata.unidata_version}"
"""How texts are spelled. Count on as soon as the spelling of an e-mail address, a name, a category or a SKU becomes
another one: then all that is stored is looked at once more."""

MOST_LEFT = 1_000


class Spelling(Document, frozen=True, kw_only=True):
    """By which rule the texts of a collection, whose name is the id, are spelled. `left` are documents that are still
    spelled as a former release stored them, for what they would be called is another one's: the first thousand."""

    rule: str
    left: tuple[str, ...] = ()


class Twins(NamedTuple):
    """Two documents of a former release whose texts look the same: the ids of the one that is found by it, and of the
    one that is found only by what is stored."""

    owner: str
    other: str
    stored: str


SPELLINGS = CollectionSpec("spellings", Spelling)


async def respell(database: Database, collection: Collection[D], *steps: Callable[[D], D]) -> Sequence[str]:
    """Bring all documents to the one spelling, once for each rule; return the ids of those that are left.

    A step is pure, and returns the very document that it was given if that is spelled as it must be. Of those that
    become the same the oldest gets the spelling, unless one has it already. Several processes may do this at once.
    """
    kept = await database.collection(SPELLINGS)
    known = await kept.get(collection.spec.name)
    found = [
        document.id
        async for document in _to_look_at(collection, known)
        if not all([await _is_respelled(collection, document, step) for step in steps])
    ]
    spelling = Spelling(id=collection.spec.name, rule=RULE, left=tuple(found[:MOST_LEFT]))
    if known is None:
        with suppress(Duplicate):  # Another process has found the same.
            await kept.insert(spelling)
    elif (known.rule, known.left) != (spelling.rule, spelling.left):
        with suppress(Conflict):
            await kept.save(with_version(spelling, known.version))
    return spelling.left


async def twins(collection: Collection[D], left: Sequence[str], field: str, spell: Callable[[str], str]) -> list[Twins]:
    """Whose text stands in the way of those documents that are `left`, if it still does."""
    found = []
    for other in sorted(await collection.many(left), key=lambda each: each.id):
        stored = getattr(other, field)
        owner = await collection.first({field: spell(stored)})
        if owner is not None and owner.id != other.id:
            found.append(Twins(owner.id, other.id, stored))
    return found


async def _to_look_at(collection: Collection[D], known: Spelling | None) -> AsyncIterator[D]:
    if known is None or known.rule != RULE:
        async for page in pages(collection):
            for document in page:
                yield document
    else:  # What stood in the way may be called otherwise by now.
        for document in sorted(await collection.many(known.left), key=lambda each: each.id):
            yield document


async def _is_respelled(collection: Collection[D], document: D, step: Callable[[D], D]) -> bool:
    try:
        if step(document) is not document:
            await change(collection, document.id, step)
    except Duplicate:
        return False
    return True
