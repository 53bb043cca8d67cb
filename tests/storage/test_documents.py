"""The storage port: what every adapter of kit.documents must do."""

import asyncio
from enum import StrEnum

import msgspec
import pytest

from kassa.kit.clock import DAY
from kassa.kit.documents import (
    Between,
    Collection,
    CollectionSpec,
    Conflict,
    Contains,
    Database,
    Document,
    Duplicate,
    In,
    Index,
    Total,
    change,
)


class Stage(StrEnum):
    NEW = "new"
    PAID = "paid"
    OVER = "over"


class Deal(Document, frozen=True, kw_only=True):
    user_id: str = "u1"
    stage: Stage = Stage.NEW
    key: str | None = None
    amount: int = 0
    title: str = ""
    is_open: bool = False
    created_at: int = 0
    lines: tuple[tuple[str, int], ...] = ()
    seats: tuple[str, ...] | None = None


DEALS = CollectionSpec(
    "deals",
    Deal,
    (
        Index("by_user", ("user_id",)),
        Index("by_stage", ("stage", "id")),
        Index("by_open", ("is_open",)),
        Index("key", ("user_id", "key"), unique=True),
        Index("seat", ("seats",), unique=True, each=True),
    ),
)


@pytest.fixture
async def deals(database: Database) -> Collection[Deal]:
    return await database.collection(DEALS)


async def put(deals: Collection[Deal], *documents: Deal) -> None:
    for document in documents:
        await deals.insert(document)


def ids(found: list[Deal]) -> list[str]:
    return [deal.id for deal in found]


async def test_an_inserted_document_is_read_back_as_version_1(deals: Collection[Deal]) -> None:
    stored = await deals.insert(Deal(id="a", stage=Stage.PAID, lines=(("p", 2),), title="näïve \x00 ☃ '\"", version=7))
    assert stored.version == 1
    assert await deals.get("a") == stored


async def test_an_unknown_id_is_none(deals: Collection[Deal]) -> None:
    assert await deals.get("nobody") is None
    assert await deals.many(["nobody"]) == []
    assert await deals.first({}) is None


async def test_a_second_insert_of_an_id_is_a_duplicate_and_changes_nothing(deals: Collection[Deal]) -> None:
    first = await deals.insert(Deal(id="a", amount=1))
    with pytest.raises(Duplicate) as caught:
        await deals.insert(Deal(id="a", amount=2))
    assert (caught.value.collection, caught.value.index) == ("deals", "id")
    assert await deals.get("a") == first


async def test_a_unique_index_refuses_a_second_document_by_its_name(deals: Collection[Deal]) -> None:
    await put(deals, Deal(id="a", key="k"), Deal(id="b", key="k", user_id="u2"))
    with pytest.raises(Duplicate) as caught:
        await deals.insert(Deal(id="c", key="k"))
    assert caught.value.index == "key"
    assert await deals.get("c") is None


async def test_no_text_of_a_field_with_several_is_in_two_documents(deals: Collection[Deal]) -> None:
    first = await deals.insert(Deal(id="a", seats=("1", "2", "2")))
    await put(deals, Deal(id="b", seats=("3",)), Deal(id="c"), Deal(id="d"))
    with pytest.raises(Duplicate) as caught:
        await deals.insert(Deal(id="e", seats=("4", "2")))
    assert (caught.value.index, await deals.get("e")) == ("seat", None)
    second = await deals.insert(Deal(id="e", seats=("4", "5")))
    with pytest.raises(Duplicate):
        await deals.save(msgspec.structs.replace(second, seats=("3", "5")))
    assert sorted(ids(await deals.find({"seats": In(("2", "4", "5", "6"))}, limit=9))) == ["a", "e"]
    await deals.delete("b")
    await deals.save(msgspec.structs.replace(second, seats=("3", "5")))
    await deals.save(msgspec.structs.replace(first, seats=None))
    await put(deals, Deal(id="f", seats=("1", "2", "4")))
    assert ids(await deals.find({"seats": In(("1", "3"))}, limit=9, order="oldest")) == ["e", "f"]


async def test_when_id_and_a_unique_field_are_both_taken_the_id_is_named(deals: Collection[Deal]) -> None:
    await put(deals, Deal(id="a", key="k"))
    with pytest.raises(Duplicate) as caught:
        await deals.insert(Deal(id="a", key="k"))
    assert caught.value.index == "id"


async def test_documents_without_the_field_are_not_in_a_unique_index(deals: Collection[Deal]) -> None:
    await put(deals, Deal(id="a"), Deal(id="b"))
    assert await deals.count({"key": None}) == 2


async def test_a_save_replaces_the_version_that_was_read(deals: Collection[Deal]) -> None:
    stored = await deals.insert(Deal(id="a"))
    saved = await deals.save(msgspec.structs.replace(stored, stage=Stage.PAID, due_at=5))
    assert saved.version == 2
    assert await deals.get("a") == saved
    assert await deals.find({"stage": Stage.NEW}, limit=9) == []


async def test_a_save_of_an_older_version_is_a_conflict_and_changes_nothing(deals: Collection[Deal]) -> None:
    stored = await deals.insert(Deal(id="a"))
    saved = await deals.save(stored)
    with pytest.raises(Conflict):
        await deals.save(msgspec.structs.replace(stored, amount=9))
    assert await deals.get("a") == saved


async def test_a_save_of_a_document_that_is_gone_is_a_conflict(deals: Collection[Deal]) -> None:
    stored = await deals.insert(Deal(id="a"))
    await deals.delete("a")
    with pytest.raises(Conflict):
        await deals.save(stored)
    with pytest.raises(Conflict):
        await deals.save(Deal(id="never stored"))


async def test_a_save_that_takes_anothers_unique_field_is_a_duplicate(deals: Collection[Deal]) -> None:
    await put(deals, Deal(id="a", key="k"))
    other = await deals.insert(Deal(id="b", key="l"))
    with pytest.raises(Duplicate) as caught:
        await deals.save(msgspec.structs.replace(other, key="k"))
    assert caught.value.index == "key"
    assert await deals.get("b") == other


async def test_of_concurrent_saves_of_one_version_exactly_one_wins(deals: Collection[Deal]) -> None:
    stored = await deals.insert(Deal(id="a"))
    tries = [deals.save(msgspec.structs.replace(stored, amount=n)) for n in range(50)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, Deal)]
    assert len(winners) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 49
    assert await deals.get("a") == winners[0]


async def test_concurrent_changes_are_all_applied(deals: Collection[Deal]) -> None:
    await deals.insert(Deal(id="a"))

    def add(deal: Deal) -> Deal:
        return msgspec.structs.replace(deal, amount=deal.amount + 1)

    await asyncio.gather(*(change(deals, "a", add) for _ in range(30)))
    final = await deals.get("a")
    assert final is not None
    assert (final.amount, final.version) == (30, 31)


async def test_a_failing_write_leaves_the_others_of_its_group_alone(deals: Collection[Deal]) -> None:
    tries = [deals.insert(Deal(id=str(n % 40))) for n in range(60)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, Duplicate) for outcome in outcomes) == 20
    assert await deals.count({}) == 40


async def test_lists_are_newest_first_and_go_on_behind_a_document(deals: Collection[Deal]) -> None:
    await put(deals, *(Deal(id=letter) for letter in "cadbe"))
    assert ids(await deals.find({}, limit=2)) == ["e", "d"]
    assert ids(await deals.find({}, limit=2, after="d")) == ["c", "b"]
    assert ids(await deals.find({}, limit=9, after="c", order="oldest")) == ["d", "e"]
    assert ids(await deals.find({}, limit=2, skip=1)) == ["d", "c"]
    first = await deals.first({"user_id": "u1"})
    assert first is not None
    assert first.id == "a"


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, "abcd"),
        ({"stage": Stage.PAID}, "bc"),
        ({"stage": "paid", "user_id": "u2"}, "c"),
        ({"stage": In(("new", "over"))}, "ad"),
        ({"amount": In((1, 3))}, "ac"),
        ({"stage": In(())}, ""),
        ({"is_open": True}, "ac"),
        ({"is_open": False}, "bd"),
        ({"key": None}, "bcd"),
        ({"key": "k"}, "a"),
        ({"due_at": None}, "abc"),
        ({"id": In(("a", "d", "x"))}, "ad"),
        ({"amount": 2}, "b"),
        ({"amount": "2"}, ""),
        ({"amount": Between(2, 4)}, "bc"),
        ({"amount": Between(at_least=3)}, "cd"),
        ({"amount": Between(below=2)}, "a"),
        ({"id": Between("b", "d")}, "bc"),
        ({"key": Between(at_least="")}, "a"),
        ({"title": Contains("50%")}, "b"),
        ({"title": Contains("_")}, "c"),
        ({"title": Contains("Shoe")}, "a"),
        ({"title": Contains("shoe")}, ""),
    ],
)
async def test_every_kind_of_test_finds_what_passes_it(deals: Collection[Deal], where, expected: str) -> None:  # type: ignore[no-untyped-def]
    await put(
        deals,
        Deal(id="a", amount=1, is_open=True, key="k", title="Red Shoes"),
        Deal(id="b", amount=2, stage=Stage.PAID, title="50% off"),
        Deal(id="c", amount=3, stage=Stage.PAID, is_open=True, user_id="u2", title="a_b"),
        Deal(id="d", amount=4, stage=Stage.OVER, due_at=3),
    )
    assert "".join(ids(await deals.find(where, limit=9, order="oldest"))) == expected
    assert await deals.count(where) == len(expected)


async def test_what_is_due_comes_earliest_first(deals: Collection[Deal]) -> None:
    await put(deals, Deal(id="a", due_at=30), Deal(id="b", due_at=10), Deal(id="c"), Deal(id="d", due_at=31))
    assert ids(await deals.due(30, 9)) == ["b", "a"]
    assert ids(await deals.due(30, 1)) == ["b"]
    assert await deals.due(9, 9) == []


async def test_totals_count_and_sum_by_a_field(deals: Collection[Deal]) -> None:
    await put(
        deals,
        Deal(id="a", amount=5, created_at=3 * DAY),
        Deal(id="b", amount=7, created_at=4 * DAY - 1, key="k"),
        Deal(id="c", amount=1, created_at=4 * DAY, stage=Stage.PAID),
        Deal(id="d", amount=2, created_at=-1, stage=Stage.OVER),
    )
    assert sorted(await deals.totals({}, "stage", sum_of="amount"), key=repr) == sorted(
        [Total("new", 2, 12), Total("paid", 1, 1), Total("over", 1, 2)], key=repr
    )
    assert {(t.key, t.count) for t in await deals.totals({}, "created_at", per=DAY)} == {(3, 2), (4, 1), (-1, 1)}
    assert {(t.key, t.count, t.sum) for t in await deals.totals({"stage": "new"}, "key")} == {(None, 1, 0), ("k", 1, 0)}
    assert await deals.totals({"stage": "none"}, "key") == []


async def test_many_gives_those_that_exist(deals: Collection[Deal]) -> None:
    await put(deals, *(Deal(id=f"{n:04}") for n in range(50)))
    wanted = [f"{n:04}" for n in range(40, 2000)]
    assert sorted(ids(await deals.many(wanted))) == wanted[:10]
    assert await deals.many([]) == []


async def test_deleting_is_for_good_and_again_is_harmless(deals: Collection[Deal]) -> None:
    await put(deals, Deal(id="a", key="k"))
    await deals.delete("a")
    await deals.delete("a")
    assert await deals.get("a") is None
    await put(deals, Deal(id="b", key="k"))


async def test_a_field_that_the_documents_do_not_have_is_refused(deals: Collection[Deal]) -> None:
    with pytest.raises(ValueError, match="no field"):
        await deals.find({"user_id' OR 1 --": "x"}, limit=1)


async def test_collections_of_one_database_are_apart(database: Database) -> None:
    one = await database.collection(CollectionSpec("order", Deal))
    two = await database.collection(CollectionSpec("group", Deal))
    await one.insert(Deal(id="a"))
    assert await two.get("a") is None
    assert await database.collection(CollectionSpec("order", Deal)) is not None


class Numbered(Document, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    serial_number: int
    shelf: str = "it's new"
    is_red: bool = False


async def test_a_list_may_be_sorted_by_a_number(database: Database) -> None:
    spec = CollectionSpec("numbered", Numbered, (Index("shelf", ("shelf",)),), sort="serial_number")
    numbered = await database.collection(spec)
    for number in (9, 100, 11):
        await numbered.insert(Numbered(id=f"n{number}", serial_number=number, is_red=number == 9))
    found = await numbered.find({"shelf": "it's new"}, limit=2, order="oldest", after="9")
    assert [one.serial_number for one in found] == [11, 100]
    # Fields that the encoding renames or leaves out are found all the same.
    assert await numbered.count({"is_red": False}) == 2
    assert await numbered.count({"is_red": True, "serial_number": Between(below=10)}) == 1


async def test_a_database_may_be_asked_whether_all_is_allowed(database: Database) -> None:
    await database.probe()
    await database.probe()
