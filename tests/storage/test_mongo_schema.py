"""What MongoDB holds beside the documents: validators and indexes, and what may change from release to release."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from pymongo.errors import WriteError

from kassa.kit.documents import Between, CollectionSpec, Contains, Document, Duplicate, In, Index, Where
from kassa.storage.documents_mongo import MongoDatabase
from tests.servers import mongod
from tests.storage.test_documents import DEALS, Deal
from tests.storage.test_documents_sqlite import After, Before
from tests.storage.worlds import mongo


@pytest.fixture
async def database() -> AsyncIterator[MongoDatabase]:
    async with mongo() as opened:
        yield opened


@pytest.mark.parametrize(
    "nonsense",
    [
        {"amount": "a lot"},
        {"amount": 1.5},
        {"version": 0},
        {"version": None},
        {"is_open": 1},
        {"lines": "none"},
        {"user_id": 7},
        {"due_at": "soon"},
    ],
)
async def test_nonsense_is_refused_whoever_writes_it(database: MongoDatabase, nonsense: dict[str, Any]) -> None:
    deals = await database.collection(DEALS)
    stored = await deals.insert(Deal(id="a"))
    with pytest.raises(WriteError, match="validation"):
        await database.raw["deals"].update_one({"_id": "a"}, {"$set": nonsense})
    with pytest.raises(WriteError, match="validation"):
        await database.raw["deals"].insert_one({"_id": "b", "version": 1, **nonsense})
    with pytest.raises(WriteError, match="validation"):
        await database.raw["deals"].update_one({"_id": "a"}, {"$unset": {"version": ""}})
    assert await deals.get("a") == stored
    await database.raw["deals"].update_one({"_id": "a"}, {"$set": {"amount": 3, "by_hand": True}})
    assert await deals.get("a") == msgspec.structs.replace(stored, amount=3)


class Otherwise(Document, frozen=True, kw_only=True):
    name: int


async def test_a_document_that_the_validator_refuses_is_a_value_error_and_alone(database: MongoDatabase) -> None:
    before = await database.collection(CollectionSpec("shelf", Before))
    stored = await before.insert(Before(id="a", name="A"))
    after = await database.collection(CollectionSpec("shelf", Otherwise))
    outcomes = await asyncio.gather(
        before.insert(Before(id="b", name="somebody's")), before.save(stored), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {ValueError}
    # Which field it is, and nothing of what is in it: the text goes into the log.
    assert "'propertyName': 'name'" in str(outcomes[0])
    assert "somebody" not in str(outcomes[0])
    assert await after.insert(Otherwise(id="c", name=3))


async def names(database: MongoDatabase) -> set[str]:
    return {index["name"] for index in await (await database.raw["shelf"].list_indexes()).to_list()}


async def test_documents_of_older_releases_are_found_by_what_new_fields_default_to(database: MongoDatabase) -> None:
    before = await database.collection(CollectionSpec("shelf", Before))
    for name in ("a", "b", "c"):
        await before.insert(Before(id=name, name=name.upper(), city="Ulm" if name == "a" else "Bonn"))
    indexes = (Index("city", ("city",)), Index("colour", ("colour", "is_new")), Index("name", ("name",), unique=True))
    after = await database.collection(CollectionSpec("shelf", After, indexes))
    await after.insert(After(id="d", name="D", colour="it's blue", is_new=False, nick="dee"))
    expectations: list[tuple[Where, int]] = [
        ({"city": "Bonn"}, 2),
        ({"colour": "it's red", "is_new": True}, 3),
        ({"colour": In(("it's red", "it's blue"))}, 4),
        ({"colour": In(("it's blue",))}, 1),
        ({"colour": Between("it's r", "it's s")}, 3),
        ({"colour": Between("it's a", "it's c")}, 1),
        ({"colour": Contains("red")}, 3),
        ({"is_new": False}, 1),
        ({"nick": None}, 3),
    ]
    for where, expected in expectations:
        assert await after.count(where) == expected, where
    assert {(total.key, total.count) for total in await after.totals({}, "colour")} == {
        ("it's red", 3),
        ("it's blue", 1),
    }
    with pytest.raises(Duplicate) as caught:
        await after.insert(After(id="e", name="A"))
    assert caught.value.index == "name"


async def test_an_index_that_is_declared_otherwise_is_made_anew(database: MongoDatabase) -> None:
    first = CollectionSpec("shelf", Before, (Index("x", ("city",)), Index("y", ("name",))))
    shelf = await database.collection(first)
    await shelf.insert(Before(id="a", name="A"))
    await database.raw["shelf"].create_index("city", name="an_operators_own")
    shelf = await database.collection(CollectionSpec("shelf", Before, (Index("x", ("name",), unique=True),)))
    with pytest.raises(Duplicate):
        await shelf.insert(Before(id="b", name="A"))
    assert await names(database) == {"_id_", "kassa_due", "kassa_x", "an_operators_own"}
    shelf = await database.collection(first)
    await shelf.insert(Before(id="b", name="A"))
    assert await names(database) == {"_id_", "kassa_due", "kassa_x", "kassa_y", "an_operators_own"}


async def test_a_promise_that_is_broken_already_is_named_and_nothing_is_changed(database: MongoDatabase) -> None:
    shelf = await database.collection(CollectionSpec("shelf", Before, (Index("x", ("city",)),)))
    for id in ("a", "b"):
        await shelf.insert(Before(id=id, name="A"))
    with pytest.raises(Duplicate) as caught:
        await database.collection(CollectionSpec("shelf", Before, (Index("y", ("name",), unique=True),)))
    assert (caught.value.collection, caught.value.index) == ("shelf", "y")
    assert await names(database) == {"_id_", "kassa_due", "kassa_x"}


async def test_opening_again_changes_nothing(database: MongoDatabase) -> None:
    await database.collection(DEALS)
    before = [mongod.shared().commands(kind) for kind in ("create", "collMod", "createIndexes", "dropIndexes")]
    await database.collection(DEALS)
    assert [mongod.shared().commands(kind) for kind in ("create", "collMod", "createIndexes", "dropIndexes")] == before


async def test_two_processes_may_open_at_the_same_time(database: MongoDatabase) -> None:
    other = await MongoDatabase.open(mongod.shared().uri, database.name)
    one, two = await asyncio.gather(database.collection(DEALS), other.collection(DEALS))
    assert await one.insert(Deal(id="a")) == await two.get("a")
    await other.close()


class Stubborn(Document, frozen=True, kw_only=True):
    nick: str | None = "nobody"


@pytest.mark.parametrize(
    "spec",
    [
        CollectionSpec("bad name", Before),
        CollectionSpec("system.users", Before),
        CollectionSpec("good", Before, (Index("bad-name", ("name",)),)),
        CollectionSpec("good", Before, (Index("x", ("no_such_field",)),)),
        CollectionSpec("good", Stubborn),
    ],
)
async def test_declarations_that_cannot_be_kept_are_refused(
    database: MongoDatabase, spec: CollectionSpec[Before]
) -> None:
    with pytest.raises(ValueError):
        await database.collection(spec)
