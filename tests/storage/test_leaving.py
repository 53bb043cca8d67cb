"""What nobody needs any more goes by itself, however much there is; what is needed again stays. On both stores."""

from typing import Any

import msgspec

from kassa.kit.clock import HOUR
from kassa.kit.documents import STEP, Collection, CollectionSpec, Database, Document, remove_due
from tests.support import FakeClock


class Note(Document, frozen=True, kw_only=True):
    text: str = ""


NOTES = CollectionSpec("notes", Note)


async def put(notes: Collection[Note], count: int, due_at: int) -> None:
    for number in range(count):
        await notes.insert(Note(id=f"{due_at}-{number:04}", due_at=due_at))


async def test_all_that_is_over_goes_in_one_run_however_much_it_is(database: Database) -> None:
    notes, clock = await database.collection(NOTES), FakeClock()
    await put(notes, 2 * STEP + 50, clock.now())
    await put(notes, 3, clock.now() + HOUR)
    await notes.insert(Note(id="for ever"))
    assert await remove_due(notes, clock) == 2 * STEP + 50
    assert await notes.count({}) == 4
    assert await remove_due(notes, clock) == 0


async def test_what_was_found_and_is_needed_again_stays(database: Database, monkeypatch: Any) -> None:
    notes, clock = await database.collection(NOTES), FakeClock()
    await put(notes, 3, clock.now())
    due = notes.due

    async def found_and_changed(now: int, limit: int) -> list[Note]:
        found = await due(now, limit)
        await notes.save(msgspec.structs.replace(found[0], due_at=now + HOUR, text="needed"))
        return found

    monkeypatch.setattr(notes, "due", found_and_changed)
    await remove_due(notes, clock)
    assert [each.text for each in await notes.find({}, limit=9)] == ["needed"]
