"""Documents in SQLite: queries use the declared indexes, and files of older releases are brought in line."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kassa.kit.documents import Between, CollectionSpec, Contains, Document, Duplicate, In, Index, Where
from kassa.storage.documents_sqlite import SqliteCollection, SqliteDatabase
from tests.storage.test_documents import DEALS, Deal, Stage
from tests.support import sqlite


def listening(file: SqliteDatabase) -> list[str]:
    """How SQLite goes about each query from now on; `beside: ` before those that are read beside the event loop."""
    plans: list[str] = []
    read, read_beside = file.read, file.read_beside

    def explained(sql: str, bindings: tuple[Any, ...]) -> str:
        return "; ".join(row[3] for row in read(f"EXPLAIN QUERY PLAN {sql}", bindings))

    def at_once(sql: str, bindings: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        plans.append(explained(sql, bindings))
        return read(sql, bindings)

    async def beside(sql: str, bindings: tuple[Any, ...] = ()) -> Any:
        plans.append(f"beside: {explained(sql, bindings)}")
        return await read_beside(sql, bindings)

    file.read, file.read_beside = at_once, beside  # type: ignore[method-assign]
    return plans


async def plans(file: SqliteDatabase, collection: SqliteCollection[Any], where: Where) -> dict[str, str]:
    """How SQLite goes about each kind of query."""
    found = listening(file)
    await collection.find(where, limit=5)
    await collection.find(where, limit=5, after="m")
    await collection.count(where)
    await collection.first(where)
    return dict(zip(("find", "after", "count", "first"), found, strict=True))


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ({"user_id": "u"}, "deals__by_user"),
        ({"stage": Stage.NEW}, "deals__by_stage"),
        ({"is_open": True}, "deals__by_open"),
        ({"user_id": "u", "key": "k"}, "deals__key"),
        ({"user_id": "u", "amount": Between(1, 2)}, "deals__by_user"),
        ({"id": "a"}, "sqlite_autoindex_deals_1"),
    ],
)
async def test_queries_go_by_the_declared_index_and_never_sort(file: SqliteDatabase, where: Where, index: str) -> None:
    for name, plan in (await plans(file, await file.collection(DEALS), where)).items():
        assert "SEARCH deals USING" in plan, name
        if name != "count":  # there another index that begins with the field is as good
            assert f"INDEX {index} " in plan, name
        if index != "deals__key":  # at most one document: there is nothing to sort
            assert "TEMP B-TREE" not in plan, name


async def test_one_of_several_values_goes_by_the_index_too(file: SqliteDatabase) -> None:
    found = await plans(file, await file.collection(DEALS), {"stage": In(("new", "paid"))})
    assert "deals__by_stage" in found["count"]


async def test_what_is_due_and_grouped_counts_read_an_index_alone(file: SqliteDatabase) -> None:
    deals = await file.collection(DEALS)
    found = listening(file)
    await deals.due(1, 1)
    assert found.pop() == "SEARCH deals USING INDEX deals__due (due_at<?)"
    await deals.totals({}, "stage")
    assert "SCAN deals USING COVERING INDEX deals__by_stage" in found.pop()
    await deals.many(["a"])
    assert "SEARCH deals USING INDEX sqlite_autoindex_deals_1 (id=?)" in found.pop()


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"id": "a"},
        {"user_id": "u"},
        {"stage": Stage.NEW},
        {"is_open": True},
        {"user_id": "u", "key": "k"},
    ],
)
async def test_what_an_index_has_in_order_is_read_at_once_and_all_else_beside_the_loop(
    file: SqliteDatabase, where: Where
) -> None:
    deals = await file.collection(DEALS)
    found = listening(file)
    await deals.find(where, limit=101)
    await deals.find(where, limit=101, after="m", order="oldest")
    assert not [plan for plan in found if "beside" in plan or "TEMP B-TREE" in plan]
    found.clear()
    await deals.find(where, limit=1, skip=1_000)
    await deals.find(where, limit=1_001)
    await deals.find({**where, "title": Contains("x")}, limit=1)
    await deals.find({**where, "amount": Between(1)}, limit=1)
    await deals.find({**where, "stage": In(("new", "paid"))}, limit=1)
    await deals.find({**where, "amount": 7}, limit=1)
    await deals.count(where)
    await deals.totals(where, "stage")
    assert len(found) == 8
    assert all(plan.startswith("beside: ") for plan in found)


class Before(Document, frozen=True, kw_only=True):
    name: str
    city: str = "Ulm"


class After(Document, frozen=True, kw_only=True):
    name: str
    city: str = "Ulm"
    colour: str = "it's red"
    is_new: bool = True
    nick: str | None = None


async def test_an_index_that_a_release_adds_holds_the_documents_of_the_file(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as file:
        shelf = await file.collection(CollectionSpec("shelf", Before))
        for name in ("a", "b", "c"):
            await shelf.insert(Before(id=name, name=name.upper(), city="Ulm" if name == "a" else "Bonn"))
    indexes = (Index("city", ("city",)), Index("colour", ("colour", "is_new")), Index("name", ("name",), unique=True))
    async with sqlite(tmp_path) as file:
        after = await file.collection(CollectionSpec("shelf", After, indexes))
        assert await after.count({"city": "Bonn"}) == 2
        assert await after.count({"colour": "it's red", "is_new": True}) == 3
        assert await after.count({"nick": None}) == 3
        with pytest.raises(Duplicate) as caught:
            await after.insert(After(id="d", name="A"))
        assert caught.value.index == "name"


async def test_an_index_that_is_declared_otherwise_is_made_anew(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as file:
        shelf = await file.collection(CollectionSpec("shelf", Before, (Index("x", ("city",)), Index("y", ("name",)))))
        await shelf.insert(Before(id="a", name="A"))
    changed = CollectionSpec("shelf", Before, (Index("x", ("name",), unique=True),))
    async with sqlite(tmp_path) as file:
        shelf = await file.collection(changed)
        with pytest.raises(Duplicate):
            await shelf.insert(Before(id="b", name="A"))
        await shelf.insert(Before(id="b", name="B", city="Bonn"))  # city has no column now
        names = {name for (name,) in file.read("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql NOT NULL")}
        assert names == {"shelf__due", "shelf__x"}
    async with sqlite(tmp_path) as file:
        shelf = await file.collection(CollectionSpec("shelf", Before, (Index("x", ("city",)),)))
        assert await shelf.count({"city": "Bonn"}) == 1


async def test_a_promise_that_the_file_breaks_already_is_named_and_nothing_is_changed(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as file:
        shelf = await file.collection(CollectionSpec("shelf", Before, (Index("x", ("city",)),)))
        await shelf.insert(Before(id="a", name="A"))
        await shelf.insert(Before(id="b", name="A"))
        schema = file.read("SELECT sql FROM sqlite_schema")
        with pytest.raises(Duplicate) as caught:
            await file.collection(CollectionSpec("shelf", Before, (Index("y", ("name",), unique=True),)))
        assert caught.value.index == "y"
        assert file.read("SELECT sql FROM sqlite_schema") == schema


async def test_opening_again_writes_nothing(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as file:
        await file.collection(DEALS)
    async with sqlite(tmp_path) as file:
        version = file.read("PRAGMA schema_version")
        deals = await file.collection(DEALS)
        await file.collection(DEALS)
        assert file.read("PRAGMA schema_version") == version
        assert await deals.insert(Deal(id="a"))


@pytest.mark.parametrize(
    "spec",
    [
        CollectionSpec("bad name", Before),
        CollectionSpec('x"; DROP TABLE y; --', Before),
        CollectionSpec("good", Before, (Index("bad-name", ("name",)),)),
        CollectionSpec("good", Before, (Index("x", ("no_such_field",)),)),
    ],
)
async def test_names_that_are_no_identifiers_are_refused(file: SqliteDatabase, spec: CollectionSpec[Before]) -> None:
    with pytest.raises((ValueError, KeyError)):
        await file.collection(spec)


async def test_what_is_read_often_is_understood_once_and_is_always_what_is_stored(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as file:
        often = await file.collection(CollectionSpec("often", Deal, is_read_often=True))
        stored = await often.insert(Deal(id="a", title="before"))
        first, again = await often.get("a"), (await often.find({}, limit=1))[0]
        assert first == stored
        assert again is first
        changed = await often.save(msgspec.structs.replace(stored, title="after"))
        assert await often.get("a") == changed
        seldom = await file.collection(CollectionSpec("seldom", Deal))
        await seldom.insert(Deal(id="a"))
        assert await seldom.get("a") is not await seldom.get("a")
