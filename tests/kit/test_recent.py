"""A change may begin from what is remembered, and a note may wait; what others have changed is found all the same."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from kassa.kit import recent
from kassa.kit.documents import Collection, CollectionSpec, Conflict, Document
from kassa.kit.problem import Invalid, Unavailable
from kassa.kit.recent import Recent
from kassa.storage.documents_sqlite import SqliteDatabase


class Shelf(Document, frozen=True, kw_only=True):
    """What is changed."""

    books: tuple[str, ...] = ()


class Counted:
    """A collection that counts what it is asked for, and fails as often as it is told to."""

    def __init__(self, inner: Collection[Shelf]) -> None:
        self.inner = inner
        self.reads = 0
        self.writes = 0
        self.trouble: list[Exception] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def get(self, id: str) -> Shelf | None:
        self.reads += 1
        return await self.inner.get(id)

    async def save(self, document: Shelf) -> Shelf:
        self.writes += 1
        if self.trouble:
            raise self.trouble.pop(0)
        return await self.inner.save(document)


class World:
    """One collection, and two processes that change it."""

    def __init__(self, shelves: Collection[Shelf]) -> None:
        self.mine = Counted(shelves)
        self.shelves: Any = self.mine
        self.recent: Recent[Shelf] = Recent(self.shelves)
        self.other: Recent[Shelf] = Recent(shelves)

    async def books(self, id: str = "a") -> tuple[str, ...]:
        found = await self.mine.inner.get(id)
        assert found is not None
        return found.books


@pytest.fixture
async def world(database: SqliteDatabase) -> World:
    return World(await database.collection(CollectionSpec("shelves", Shelf)))


def put(book: str) -> Callable[[Shelf], Shelf]:
    """The book stands on the shelf, once."""

    def step(shelf: Shelf) -> Shelf:
        return shelf if book in shelf.books else msgspec.structs.replace(shelf, books=(*shelf.books, book))

    return step


async def test_what_was_just_written_is_changed_without_being_read(world: World) -> None:
    await world.recent.insert(Shelf(id="a"))
    for book in "xyz":
        await world.recent.change("a", put(book))
    assert await world.books() == ("x", "y", "z")
    assert (world.mine.reads, world.mine.writes) == (0, 3)


async def test_what_another_process_changed_is_found_by_the_conflict(world: World) -> None:
    await world.recent.insert(Shelf(id="a"))
    await world.other.change("a", put("theirs"))
    changed = await world.recent.change("a", put("ours"))
    assert changed is not None
    assert changed.books == await world.books() == ("theirs", "ours")
    assert world.mine.reads == 1


async def test_that_nothing_is_to_be_done_is_seen_in_what_is_stored(world: World) -> None:
    await world.recent.insert(Shelf(id="a", books=("x",)))
    await world.other.change("a", lambda shelf: msgspec.structs.replace(shelf, books=()))
    changed = await world.recent.change("a", put("x"))
    assert changed is not None
    assert changed.books == await world.books() == ("x",)


async def test_what_is_refused_is_refused_of_what_is_stored(world: World) -> None:
    def take(shelf: Shelf) -> Shelf:
        if "x" not in shelf.books:
            raise Invalid.field("book", "is not there")
        return msgspec.structs.replace(shelf, books=())

    await world.recent.insert(Shelf(id="a"))
    await world.other.change("a", put("x"))
    await world.recent.change("a", take)
    assert await world.books() == ()
    with pytest.raises(Invalid):
        await world.recent.change("a", take)


async def test_what_is_not_known_to_be_stored_is_read_again(world: World) -> None:
    await world.recent.insert(Shelf(id="a"))
    world.mine.trouble = [Unavailable("the answer was lost")]
    with pytest.raises(Unavailable):
        await world.recent.change("a", put("x"))
    assert world.recent.recall("a") is None
    await world.recent.change("a", put("y"))
    assert await world.books() == ("y",)
    assert world.mine.reads == 1


async def test_a_save_of_an_old_version_conflicts_though_a_newer_one_is_remembered(world: World) -> None:
    old = await world.recent.insert(Shelf(id="a"))
    await world.recent.change("a", put("x"))
    with pytest.raises(Conflict):
        await world.recent.save(old)
    assert await world.books() == ("x",)


async def test_what_is_not_there_is_not_changed(world: World) -> None:
    assert await world.recent.change("a", put("x")) is None
    assert await world.recent.lately("a") is None


async def test_memory_does_not_grow_with_what_is_stored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST", 10)
    for number in range(30):
        await world.recent.insert(Shelf(id=f"{number}"))
    await world.recent.change("20", put("x"))
    for number in range(30, 39):
        await world.recent.insert(Shelf(id=f"{number}"))
    known = [number for number in range(39) if world.recent.recall(f"{number}") is not None]
    assert known == [20, *range(30, 39)]


async def test_notes_go_with_the_next_change_of_their_document(world: World) -> None:
    await world.recent.insert(Shelf(id="a"))
    world.recent.note("a", "first", put("noted"))
    changed = await world.recent.change("a", put("changed"))
    assert changed is not None
    assert changed.books == await world.books() == ("noted", "changed")
    await world.recent.settle()
    assert world.mine.writes == 1


async def test_notes_that_nothing_follows_are_written_after_a_moment(world: World) -> None:
    for id in "ab":
        await world.recent.insert(Shelf(id=id))
        world.recent.note(id, "first", put("x"))
        world.recent.note(id, "second", put("y"))
        world.recent.note(id, "second", put("z"))
    assert world.mine.writes == 0
    while world.recent.waiting:
        await asyncio.sleep(0.01)
    await world.recent.settle()  # it is being written
    assert await world.books("a") == await world.books("b") == ("x", "z")
    assert (world.mine.reads, world.mine.writes) == (0, 2)


async def test_nobody_waits_any_more_for_a_moment_in_which_all_is_settled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "WAIT", 3_600_000)
    await world.recent.insert(Shelf(id="a"))
    before = asyncio.all_tasks()
    world.recent.note("a", "told", put("a note"))
    (waiting,) = asyncio.all_tasks() - before
    await asyncio.sleep(0)  # it begins to wait
    await world.recent.settle()
    await asyncio.wait_for(waiting, 60)
    assert await world.books() == ("a note",)


async def test_a_note_is_written_whatever_others_have_changed(world: World) -> None:
    await world.recent.insert(Shelf(id="a"))
    world.recent.note("a", "first", put("noted"))
    await world.other.change("a", put("theirs"))
    await world.recent.settle()
    assert await world.books() == ("theirs", "noted")


async def test_a_change_that_fails_leaves_the_notes_waiting(world: World) -> None:
    await world.recent.insert(Shelf(id="a"))
    world.recent.note("a", "first", put("noted"))
    world.mine.trouble = [Unavailable("the store does not answer")]
    with pytest.raises(Unavailable):
        await world.recent.change("a", put("x"))
    assert world.recent.waiting == 1
    await world.recent.settle()
    assert await world.books() == ("noted",)


async def test_a_note_that_cannot_be_written_is_dropped_and_keeps_no_other_back(world: World) -> None:
    for id in "ab":
        await world.recent.insert(Shelf(id=id))
        world.recent.note(id, "first", put("x"))
    world.mine.trouble = [Unavailable("the store does not answer")]
    await world.recent.settle()
    assert [await world.books(id) for id in "ab"] == [(), ("x",)]
    assert world.recent.waiting == 0
