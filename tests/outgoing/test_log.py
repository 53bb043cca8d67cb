"""The log of events: whoever reads behind a position misses nothing, whoever adds at the same time or is killed."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kassa.contracts.events import MOST_AT_ONCE, EventsGone, NewEvent
from kassa.kit.clock import DAY
from kassa.kit.documents import Database, Where
from kassa.kit.problem import Invalid, Unavailable
from kassa.outgoing.log import EventLog
from kassa.outgoing.store import EventStore, Told
from tests.storage.worlds import DATABASES
from tests.support import FakeClock

KEPT = 30


def event(subject: str, number: int) -> NewEvent:
    return NewEvent(f"evt_{subject}_{number}", "order.placed", 1, subject, number, subject)


async def log_on(database: Database, clock: FakeClock | None = None) -> EventLog:
    """What another process has of the same log."""
    return EventLog(await EventStore.open(database), clock or FakeClock(), KEPT)


async def all_of(log: EventLog, limit: int = 100) -> list[Told]:
    found: list[Told] = []
    after = 0
    while True:
        page = await log.read(after, limit)
        found += page.events
        after = page.after
        if page.is_last:
            return found


async def test_events_are_told_in_the_order_in_which_they_were_added_each_once(database: Database) -> None:
    log = await log_on(database)
    await log.add([event("a", 1), event("b", 1)])
    await log.add([event("a", 1), event("a", 2)])
    told = await all_of(log, limit=2)
    assert [(each.id, each.position) for each in told] == [("evt_a_1", 1), ("evt_b_1", 2), ("evt_a_2", 3)]


async def test_a_page_goes_on_where_the_last_one_ended_also_when_none_of_its_types_is_there(database: Database) -> None:
    log = await log_on(database)
    await log.add([event("a", number) for number in range(1, 4)])
    nothing = await log.read(0, 10, ["order.refunded"])
    assert (nothing.events, nothing.after, nothing.is_last) == ([], 3, True)
    await log.add([event("b", 1)])
    assert [each.subject for each in (await log.read(nothing.after, 10, ["order.placed"])).events] == ["b"]


async def test_a_position_that_is_not_there_yet_is_refused(database: Database) -> None:
    log = await log_on(database)
    await log.add([event("a", 1)])
    with pytest.raises(Invalid, match="after: must be at most 1"):
        await log.read(2, 10)


async def test_too_many_at_once_are_refused(database: Database) -> None:
    log = await log_on(database)
    with pytest.raises(Invalid, match="at most 100"):
        await log.add([event("a", number) for number in range(MOST_AT_ONCE + 1)])
    assert await log.end() == 0


async def test_who_was_away_too_long_is_told_so(database: Database) -> None:
    clock = FakeClock()
    log = await log_on(database, clock)
    await log.add([event("a", 1), event("a", 2)])
    clock.advance(KEPT * DAY)
    await log.add([event("a", 3)])
    assert await log.remove_old() == 2
    with pytest.raises(EventsGone, match="ask after=2"):
        await log.read(1, 10)
    assert [each.sequence for each in (await log.read(2, 10)).events] == [3]
    assert [each.sequence for each in (await log.read(0, 10)).events] == [3]


async def test_no_gap_is_left_where_events_are_kept_for_less_time_than_before(database: Database) -> None:
    clock, store = FakeClock(), await EventStore.open(database)
    await EventLog(store, clock, KEPT).add([event("a", 1), event("a", 2)])
    log = EventLog(store, clock, 1)
    await log.add([event("a", 3), event("a", 4)])
    clock.advance(2 * DAY)
    await log.add([event("a", 5)])
    assert await log.remove_old() == 4
    with pytest.raises(EventsGone, match="ask after=4"):
        await log.read(1, 10)
    assert [each.sequence for each in await all_of(log)] == [5]


async def test_who_reads_while_events_are_removed_is_told_so(database: Database) -> None:
    clock = FakeClock()
    log, other = await log_on(database, clock), await log_on(database, clock)
    await log.add([event("a", number) for number in range(1, 6)])
    clock.advance(KEPT * DAY)
    await log.add([event("a", 6)])
    await log.read(1, 2)
    find = log._store.events.find

    async def meanwhile(*given: Any, **more: Any) -> list[Told]:
        await other.remove_old()
        log._store.events.find = find  # type: ignore[method-assign]
        return await find(*given, **more)

    log._store.events.find = meanwhile  # type: ignore[method-assign]
    with pytest.raises(EventsGone, match="ask after=5"):
        await log.read(2, 2)


async def test_a_killed_removal_is_gone_on_with_and_shows_nothing_of_it(database: Database) -> None:
    clock = FakeClock()
    killed, other = await log_on(database, clock), await log_on(database, clock)
    await killed.add([event("a", number) for number in range(1, 4)])
    clock.advance(KEPT * DAY)
    delete = killed._store.events.delete

    async def dies(id: str, where: Where | None = None) -> None:
        if id != "evt_a_1":
            raise Unavailable("killed")
        await delete(id, where)

    killed._store.events.delete = dies  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        await killed.remove_old()
    assert await all_of(other) == []
    await other.add([event("a", 4)])
    assert [each.sequence for each in await all_of(await log_on(database, clock))] == [4]
    assert await other.remove_old() == 2
    assert await (await EventStore.open(database)).events.count({}) == 1


async def test_what_a_killed_process_has_not_stored_is_there_all_the_same(database: Database) -> None:
    killed, other = await log_on(database), await log_on(database)

    async def dies(_: Told) -> None:
        raise Unavailable("killed")

    killed._store_one = dies  # type: ignore[assignment, method-assign]
    with pytest.raises(Unavailable):
        await killed.add([event("a", 1), event("a", 2)])
    assert [each.sequence for each in await all_of(other)] == [1, 2]
    await other.add([event("a", 3)])
    assert [each.position for each in await all_of(await log_on(database))] == [1, 2, 3]


async def _reads(log: EventLog, chance: random.Random, until: asyncio.Event, expected: int) -> list[Told]:
    """What a consumer has that asks again and again for what is new."""
    found: list[Told] = []
    after = 0
    while len(found) < expected or not until.is_set():
        page = await log.read(after, chance.choice((1, 3, 100)))
        found += page.events
        after = page.after
        await asyncio.sleep(chance.choice((0, 0, 0.001)))
    return found


async def _writes(log: EventLog, chance: random.Random, subject: str, count: int) -> None:
    """Adds the events of one subject in order, some again; sometimes it is cut off on the way, and adds them again."""
    number = 0
    while number < count:
        some = [event(subject, each) for each in range(max(1, number), min(count, number + chance.randint(1, 4)) + 1)]
        task = asyncio.create_task(log.add(some))
        await asyncio.sleep(chance.choice((0, 0, 0.0005, 0.002)))
        if chance.random() < 0.3:
            task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            continue
        number = some[-1].sequence


@pytest.mark.parametrize("form", sorted(DATABASES))
@given(seed=st.integers(0, 2**32), writers=st.integers(2, 4))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_reader_passes_over_an_event_whoever_writes_at_the_same_time(
    form: str, seed: int, writers: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    asyncio.run(_all_read_the_same(form, random.Random(seed), writers, tmp_path_factory.mktemp("log")))


async def _all_read_the_same(form: str, chance: random.Random, writers: int, directory: Path) -> None:
    count = 9
    async with DATABASES[form](directory) as database:
        done = asyncio.Event()
        logs = [await log_on(database) for _ in range(3)]
        readers = [asyncio.create_task(_reads(log, chance, done, writers * count)) for log in logs]
        # Those of one subject come from one after the other, as those who follow a document publish what it has.
        await asyncio.gather(*(_writes(logs[each % 2], chance, f"s{each}", count) for each in range(writers)))
        done.set()
        told = await asyncio.wait_for(asyncio.gather(*readers), 30)
        for events in told:
            assert [each.position for each in events] == list(range(1, writers * count + 1))
            for subject in {each.subject for each in events}:
                assert [each.sequence for each in events if each.subject == subject] == list(range(1, count + 1))
