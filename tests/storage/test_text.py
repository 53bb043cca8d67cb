"""Texts are found by the words that they have, through an index, as every store must find them."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kassa.kit.documents import Collection, CollectionSpec, Conflict, Database, Document, Duplicate, Index, Words
from kassa.storage.documents_mongo import MongoDatabase
from kassa.storage.documents_sqlite import SqliteDatabase
from kassa.storage.mongo_shape import WORDS
from tests.storage.test_documents_sqlite import listening
from tests.storage.worlds import mongo
from tests.support import sqlite

# Few letters, so that words begin alike; of many scripts, for no store may fold them by rules of its own.
LETTERS = "abbßéẽÅı١茶𝄞́1"


class Page(Document, frozen=True, kw_only=True):
    text: str
    is_open: bool = True
    note: str = ""


PLAIN = CollectionSpec("pages", Page, (Index("by_open", ("is_open",)),))
PAGES = CollectionSpec("pages", Page, PLAIN.indexes, searched="text")
TEAPOT, KETTLE = Words((("teapot",),)), Words((("kettle",),))


@pytest.fixture
async def pages(database: Database) -> Collection[Page]:
    return await database.collection(PAGES)


def a_word(chance: Random) -> str:
    return "".join(chance.choices(LETTERS, k=chance.randrange(1, 4)))


def a_text(chance: Random) -> str:
    return " ".join(a_word(chance) for _ in range(chance.randrange(6)))


async def written(pages: Collection[Page], chance: Random, count: int = 60) -> dict[str, Page]:
    """Some pages, made, changed and removed."""
    kept: dict[str, Page] = {}
    for number in range(count):
        page = await pages.insert(Page(id=f"p{number:03}", text=a_text(chance), is_open=chance.random() < 0.7))
        kept[page.id] = page
    for page in chance.sample(list(kept.values()), 30):
        fate = chance.randrange(3)
        if fate == 0:
            await pages.delete(page.id)
            del kept[page.id]
        else:
            changed = Page(id=page.id, version=1, text=a_text(chance) if fate == 1 else page.text, note="x")
            kept[page.id] = await pages.save(changed)
    return kept


def asked_for(kept: dict[str, Page], chance: Random) -> list[Words]:
    """Words that are there, their beginnings, words that nobody has, nothing at all, and all but some."""
    words = sorted({word for page in kept.values() for word in page.text.split()})

    def one() -> str:
        word = chance.choice(words)
        return chance.choice([word, word[: chance.randrange(1, len(word) + 1)] + "*", a_word(chance), "nowhere"])

    def groups() -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(one() for _ in range(chance.randrange(1, 4))) for _ in range(chance.randrange(1, 3)))

    asked = [Words(groups(), chance.choice([None, Words(groups())])) for _ in range(80)]
    return [*asked, Words(()), Words(((),)), Words((), Words(groups())), Words((), Words(((),)))]


async def test_what_has_the_words_is_found_whatever_letters_they_have(pages: Collection[Page]) -> None:
    chance = Random(7)
    kept = await written(pages, chance)
    for words in asked_for(kept, chance):
        has = sorted((id for id, page in kept.items() if words.passes(page.text)), reverse=True)
        found = await pages.find({"text": words}, limit=100)
        assert [page.id for page in found] == has, words
        assert found == [kept[id] for id in has]
        assert await pages.count({"text": words, "is_open": True}) == sum(kept[id].is_open for id in has)


async def test_a_change_that_is_refused_leaves_the_index_as_it_was(pages: Collection[Page]) -> None:
    await pages.insert(Page(id="a", text="teapot"))
    with pytest.raises(Conflict):
        await pages.save(Page(id="a", version=7, text="kettle"))
    with pytest.raises(Duplicate):
        await pages.insert(Page(id="a", text="kettle"))
    assert await pages.count({"text": KETTLE}) == 0
    assert await pages.count({"text": TEAPOT}) == 1


async def test_what_an_older_release_has_stored_is_found(database: Database) -> None:
    chance = Random(8)
    kept = await written(await database.collection(PLAIN), chance)
    pages = await database.collection(PAGES)
    for words in asked_for(kept, chance):
        assert await pages.count({"text": words}) == sum(words.passes(page.text) for page in kept.values()), words


async def test_without_an_index_there_are_no_words(database: Database) -> None:
    plain = await database.collection(PLAIN)
    with pytest.raises(ValueError, match="in no index"):
        await plain.find({"text": TEAPOT}, limit=1)


async def test_in_sqlite_it_goes_by_the_index_and_beside_the_loop(file: SqliteDatabase) -> None:
    pages = await file.collection(PAGES)
    plans = listening(file)
    await pages.find({"text": TEAPOT, "is_open": True}, limit=21)
    await pages.count({"text": TEAPOT, "is_open": True})
    assert len(plans) == 2
    for plan in plans:
        assert plan.startswith("beside: ")
        assert "SCAN pages__text VIRTUAL TABLE INDEX" in plan
        assert "SCAN pages;" not in plan


async def test_what_is_found_is_sorted_by_its_ids_and_only_the_documents_of_the_page_are_read(
    file: SqliteDatabase,
) -> None:
    pages = await file.collection(PAGES)
    asked: list[tuple[str, tuple[Any, ...]]] = []
    read_beside = file.read_beside

    async def noted(sql: str, bindings: tuple[Any, ...] = ()) -> Any:
        asked.append((sql, bindings))
        return await read_beside(sql, bindings)

    file.read_beside = noted  # type: ignore[method-assign]
    await pages.find({"text": TEAPOT}, limit=21)
    body = [name for (name,) in file.read("SELECT name FROM pragma_table_info('pages')")].index("body")
    ((sql, bindings),) = asked
    steps = [(row[1], row[3]) for row in file.read(f"EXPLAIN {sql}", bindings)]
    is_sorted_at = [opcode for opcode, _ in steps].index("Sort")
    assert ("Column", body) in steps
    assert ("Column", body) not in steps[:is_sorted_at]


async def test_a_file_is_written_to_by_whoever_and_opened_again(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as file:
        pages = await file.collection(PAGES)
        await pages.insert(Page(id="a", text="teapot"))
        change = "UPDATE pages SET body = replace(body, 'teapot', 'kettle')"
        await file.write(lambda connection: connection.execute(change).fetchall())
        assert [await pages.count({"text": words}) for words in (TEAPOT, KETTLE)] == [0, 1]
        version = file.read("PRAGMA schema_version")
    async with sqlite(tmp_path) as file:
        pages = await file.collection(PAGES)
        assert file.read("PRAGMA schema_version") == version
        assert await pages.count({"text": KETTLE}) == 1
        check = "INSERT INTO pages__text (pages__text) VALUES ('integrity-check')"
        await file.write(lambda connection: connection.execute(check).fetchall())


@pytest.fixture
async def server() -> AsyncIterator[MongoDatabase]:
    async with mongo() as opened:
        yield opened


async def test_in_mongodb_it_goes_by_the_index_and_the_words_stay_there(server: MongoDatabase) -> None:
    pages = await server.collection(PAGES)
    for number in range(300):
        await pages.insert(Page(id=f"p{number}", text=f"a teapot of {number} pieces"))
    raw = server.raw["pages"]
    for words in (Words((("217", "nowhere"), ("piece*",))), Words((("217*",), ("of",)), but=KETTLE)):
        where = pages._shape.filter({"text": words, "is_open": True})
        plan = await raw.find(where, sort={"_id": -1}, limit=21).explain()
        assert "kassa_words" in str(plan["queryPlanner"]["winningPlan"])
        assert plan["executionStats"]["totalDocsExamined"] < 30
    stored = await raw.find_one({"_id": "p217"})
    assert stored is not None
    assert stored[WORDS] == ["a", "teapot", "of", "217", "pieces"]


async def test_in_mongodb_a_release_that_is_being_replaced_goes_on_storing(server: MongoDatabase) -> None:
    before, after = await server.collection(PLAIN), await server.collection(PAGES)
    stored = await after.insert(Page(id="a", text="teapot"))
    await before.save(Page(id="a", version=stored.version, text="green kettle"))
    assert await after.count({"text": Words((), but=TEAPOT)}) == 1  # So it is known to have no words yet.
    again: Any = await server.collection(PAGES)
    assert await again.count({"text": KETTLE}) == 1
