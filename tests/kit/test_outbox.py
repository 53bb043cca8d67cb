"""What follows from a change is carried out: at once, or later, but always, and by one at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
import pytest

from kassa.kit.audit import Cause, entry
from kassa.kit.clock import HOUR, MINUTE, SECOND
from kassa.kit.documents import Collection, CollectionSpec, change
from kassa.kit.effects import (
    LEASE,
    MOST_DONE,
    NEEDS_ATTENTION_AFTER,
    Aggregate,
    Effect,
    Waiting,
    has_seen,
    planned,
    refused,
    waiting_of,
    with_effects,
    without,
)
from kassa.kit.outbox import Outbox, Step
from kassa.kit.problem import Forbidden, Problem, Unavailable
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.support import FakeClock


class Parcel(Aggregate, frozen=True, kw_only=True):
    """A document that wants things to be done."""

    state: str = "packed"
    saves: int = 0


class Postman:
    """Carries effects out; tells who it was, and fails as often as it is told to."""

    def __init__(self) -> None:
        self.carried: list[str] = []
        self.trouble: list[Exception] = []
        self.now_carrying = 0
        self.most_at_once = 0
        self.pause: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
        self.step: Step[Parcel] | None = None

    async def carry(self, parcel: Parcel, effect: Effect) -> Step[Parcel] | None:
        self.carried.append(effect.kind)
        self.now_carrying += 1
        self.most_at_once = max(self.most_at_once, self.now_carrying)
        try:
            await self.pause()
            if self.trouble:
                raise self.trouble.pop(0)
        finally:
            self.now_carrying -= 1
        return self.step

    def kinds(self) -> Mapping[str, Callable[[Parcel, Effect], Awaitable[Step[Parcel] | None]]]:
        return {"send": self.carry, "notify": self.carry, "remind": self.carry}


class World:
    """One collection of parcels, with as many processes as a test wants."""

    def __init__(self, parcels: Collection[Parcel], clock: FakeClock) -> None:
        self.parcels = parcels
        self.clock = clock
        self.postman = Postman()
        self.outbox = self.process()

    def process(self, jitter: float = 0.5) -> Outbox[Parcel]:
        return Outbox(self.parcels, self.postman.kinds(), self.clock, lambda: jitter)

    async def parcel(self, *kinds: str, at: int | None = None, by: Outbox[Parcel] | None = None) -> Parcel:
        """A parcel that wants these effects, stored by one process."""
        parcel = Parcel(id="par_1")
        for kind in kinds:
            effect = planned(parcel, kind, self.clock.now(), at=at)
            parcel = with_effects(parcel, (*parcel.effects, effect))
        return await (by or self.outbox).insert(parcel)

    async def stored(self) -> Parcel:
        found = await self.parcels.get("par_1")
        assert found is not None
        return found


def notify(parcel: Parcel, clock: FakeClock) -> Effect:
    """One more thing to be done."""
    return planned(parcel, "notify", clock.now())


@pytest.fixture
async def world(database: SqliteDatabase, clock: FakeClock) -> World:
    return World(await database.collection(CollectionSpec("parcels", Parcel)), clock)


async def test_an_effect_is_carried_out_at_once(world: World) -> None:
    world.outbox.at_once(await world.parcel("send", "notify"))
    await world.outbox.settle()
    assert world.postman.carried == ["send", "notify"]
    parcel = await world.stored()
    assert [effect.done_at for effect in parcel.effects] == [world.clock.now()] * 2
    assert parcel.due_at is None


async def test_a_change_starts_what_follows_or_sees_it_through(world: World) -> None:
    def sent(parcel: Parcel) -> Parcel:
        return with_effects(parcel, (*parcel.effects, notify(parcel, world.clock)))

    await world.parcel()
    started = await world.outbox.advance("par_1", sent)
    assert started is not None
    assert started.due_at is not None
    await world.outbox.settle()
    assert world.postman.carried == ["notify"]
    seen_through = await world.outbox.see_through("par_1", sent)
    assert seen_through is not None
    assert seen_through.due_at is None
    assert world.postman.carried == ["notify", "notify"]
    assert await world.outbox.advance("par_2", sent) is None
    assert await world.outbox.see_through("par_2", sent) is None


async def test_nothing_is_carried_out_twice(world: World) -> None:
    parcel = await world.parcel("send")
    done = await world.outbox.carry_out(parcel)
    await world.outbox.carry_out(done)
    world.outbox.at_once(done)
    await world.outbox.settle()
    world.clock.advance(HOUR)
    assert await world.outbox.run_due() == 0
    assert world.postman.carried == ["send"]


async def test_the_writer_has_half_a_minute_before_the_relay_comes(world: World) -> None:
    await world.parcel("send")
    world.clock.advance(LEASE - 1)
    assert await world.outbox.run_due() == 0
    world.clock.advance(1)
    assert await world.outbox.run_due() == 1
    assert world.postman.carried == ["send"]
    assert (await world.stored()).effects[0].done_at is not None


async def test_a_failure_is_postponed_and_kept(world: World) -> None:
    world.postman.trouble = [Unavailable("nobody at home")]
    await world.outbox.carry_out(await world.parcel("send"))
    effect = (await world.stored()).effects[0]
    assert (effect.done_at, effect.attempts, effect.error) == (None, 1, "nobody at home")
    assert effect.due_at > world.clock.now()
    assert (await world.stored()).due_at == effect.due_at


async def test_a_bug_is_postponed_without_telling_its_secrets(world: World) -> None:
    world.postman.trouble = [ValueError("password=hunter2")]
    await world.outbox.carry_out(await world.parcel("send"))
    assert (await world.stored()).effects[0].error == "ValueError"


async def test_each_failure_waits_longer_up_to_an_hour(world: World) -> None:
    world.postman.trouble = [Unavailable()] * 20
    await world.outbox.carry_out(await world.parcel("send"))
    waits = []
    for _ in range(19):
        effect = (await world.stored()).effects[0]
        waits.append(effect.due_at - world.clock.now())
        world.clock.at = effect.due_at
        assert await world.outbox.run_due() == 1
    assert waits[:4] == [2 * SECOND, 4 * SECOND, 8 * SECOND, 16 * SECOND]
    assert waits == sorted(waits)
    assert waits[-1] == HOUR
    world.clock.advance(2 * HOUR)
    await world.outbox.run_due()
    assert (await world.stored()).effects[0].done_at is not None
    assert len(world.postman.carried) > NEEDS_ATTENTION_AFTER


async def test_what_fails_and_fails_needs_attention_until_it_is_done(world: World) -> None:
    world.postman.trouble = [Unavailable("nobody at home")] * NEEDS_ATTENTION_AFTER
    await world.outbox.carry_out(await world.parcel("send"))
    told = []
    for _ in range(NEEDS_ATTENTION_AFTER):
        parcel = await world.stored()
        told.append((parcel.needs_attention, len(waiting_of(parcel, "ord_1"))))
        world.clock.at = parcel.effects[0].due_at
        await world.outbox.run_due()
    assert told == [(False, 0)] * (NEEDS_ATTENTION_AFTER - 1) + [(True, 1)]
    done = await world.stored()
    assert (done.needs_attention, waiting_of(done, "ord_1")) == (False, [])


def test_what_needs_attention_is_told_with_its_error() -> None:
    effect = msgspec.structs.replace(planned(Parcel(id="par_1"), "send", 0), attempts=8, error="nobody at home")
    (waiting,) = waiting_of(with_effects(Parcel(id="par_1"), (effect,)), "ord_1")
    assert waiting == Waiting("par_1", "ord_1", "par_1:0:send", "send", 8, "1970-01-01T00:00:30.000Z", "nobody at home")


@pytest.mark.parametrize(("jitter", "wait"), [(0.0, SECOND), (1.0, 3 * SECOND)])
async def test_jitter_spreads_the_tries(world: World, jitter: float, wait: int) -> None:
    world.postman.trouble = [Unavailable()]
    process = world.process(jitter)
    await process.carry_out(await world.parcel("send", by=process))
    assert (await world.stored()).effects[0].due_at - world.clock.now() == wait


async def test_a_timer_goes_off_when_it_is_time_and_not_before(world: World) -> None:
    parcel = await world.parcel("remind", at=world.clock.now() + 30 * MINUTE)
    world.outbox.at_once(parcel)
    await world.outbox.settle()
    world.clock.advance(30 * MINUTE - 1)
    await world.outbox.run_due()
    assert world.postman.carried == []
    world.clock.advance(1)
    await world.outbox.run_due()
    assert world.postman.carried == ["remind"]


async def test_a_timer_that_nobody_waits_for_any_more_does_not_go_off(world: World) -> None:
    await world.parcel("remind", at=world.clock.now() + MINUTE)
    now = world.clock.now()
    await change(world.parcels, "par_1", lambda each: without(each, lambda effect: effect.kind == "remind", now))
    world.clock.advance(HOUR)
    assert await world.outbox.run_due() == 0
    assert world.postman.carried == []


async def test_two_relays_never_carry_the_same_effect_while_its_lease_holds(world: World) -> None:
    await world.parcel("send")
    world.clock.advance(LEASE)
    may_end = asyncio.Event()
    world.postman.pause = may_end.wait
    relays = [world.process() for _ in range(5)]
    turns = [asyncio.create_task(relay.run_due()) for relay in relays]
    await asyncio.sleep(0.05)
    world.clock.advance(LEASE - 1)
    turns += [asyncio.create_task(relay.run_due()) for relay in relays]
    await asyncio.sleep(0.05)
    assert (world.postman.carried, world.postman.most_at_once) == (["send"], 1)
    may_end.set()
    await asyncio.gather(*turns)
    assert world.postman.carried == ["send"]


async def test_an_effect_whose_carrier_died_is_taken_over_when_its_lease_is_over(world: World) -> None:
    process = world.process()
    parcel = await world.parcel("send", by=process)
    world.postman.pause = asyncio.Event().wait
    dying = asyncio.create_task(process.carry_out(parcel))
    await asyncio.sleep(0.01)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    world.postman.pause = lambda: asyncio.sleep(0)
    world.clock.advance(LEASE)
    assert await world.process().run_due() == 1
    assert world.postman.carried == ["send", "send"]
    assert (await world.stored()).effects[0].done_at is not None


async def test_what_a_process_had_done_and_not_noted_is_done_again_when_it_died(world: World) -> None:
    dying = world.process()
    await dying.carry_out(await world.parcel("send", by=dying))
    assert (await world.stored()).effects[0].done_at is None
    world.clock.advance(LEASE - 1)
    assert await world.process().run_due() == 0
    world.clock.advance(1)
    assert await world.process().run_due() == 1
    assert world.postman.carried == ["send", "send"]
    assert (await world.stored()).effects[0].done_at is not None


async def test_the_relay_does_not_take_what_is_done_and_only_to_be_noted(world: World) -> None:
    await world.outbox.carry_out(await world.parcel("send"))
    world.clock.advance(LEASE)
    assert await world.outbox.run_due() == 0
    assert world.postman.carried == ["send"]


async def test_one_process_does_not_start_what_it_is_doing(world: World) -> None:
    parcel = await world.parcel("send")
    for _ in range(3):
        world.outbox.at_once(parcel)
    await world.outbox.settle()
    assert (world.postman.carried, world.postman.most_at_once) == (["send"], 1)


async def test_another_process_leaves_alone_what_the_writer_is_doing(world: World) -> None:
    parcel = await world.parcel("send")
    may_end = asyncio.Event()
    world.postman.pause = may_end.wait
    world.outbox.at_once(parcel)
    await asyncio.sleep(0)
    other = world.process()
    # It has changed the document meanwhile, and what it wrote itself it does.
    changed = await other.change("par_1", lambda each: with_effects(each, (*each.effects, notify(each, world.clock))))
    assert changed is not None
    may_end.set()
    await other.carry_out(changed)
    await other.settle()
    await world.outbox.settle()
    assert sorted(world.postman.carried) == ["notify", "send"]
    assert all(effect.done_at is not None for effect in (await world.stored()).effects)


async def test_an_input_that_changed_nothing_starts_nothing(world: World) -> None:
    await world.parcel("send")
    other = world.process()
    unchanged = await other.change("par_1", lambda each: each)
    assert unchanged is not None
    await other.carry_out(unchanged)
    assert world.postman.carried == []
    assert await other.change("par_2", lambda each: each) is None


async def test_a_step_is_applied_in_the_write_that_marks_the_effect_done(world: World) -> None:
    world.postman.step = lambda parcel: msgspec.structs.replace(parcel, state="sent")
    parcel = await world.parcel("send")
    done = await world.outbox.carry_out(parcel)
    assert (done.state, done.effects[0].done_at is not None) == ("sent", True)
    assert done.version == parcel.version + 1
    assert await world.stored() == done


async def test_a_step_is_applied_to_the_document_as_it_is_by_then(world: World) -> None:
    async def meanwhile() -> None:
        await change(world.parcels, "par_1", lambda each: msgspec.structs.replace(each, saves=each.saves + 1))

    world.postman.pause = meanwhile
    world.postman.step = lambda parcel: msgspec.structs.replace(parcel, state="sent")
    done = await world.outbox.carry_out(await world.parcel("send"))
    assert (done.state, done.saves) == ("sent", 1)


async def test_what_comes_of_an_effect_is_carried_out_too(world: World) -> None:
    def sent(parcel: Parcel) -> Parcel:
        if any(effect.kind == "notify" for effect in parcel.effects):
            return parcel
        return with_effects(parcel, (*parcel.effects, planned(parcel, "notify", world.clock.now())))

    world.postman.step = sent
    await world.outbox.carry_out(await world.parcel("send"))
    assert world.postman.carried == ["send", "notify"]
    assert (await world.stored()).due_at is None


async def test_an_effect_that_fails_does_not_hold_up_the_others(world: World) -> None:
    world.postman.trouble = [Unavailable("nobody at home")]
    done = await world.outbox.carry_out(await world.parcel("send", "notify"))
    assert [(effect.kind, effect.done_at is None) for effect in done.effects] == [("send", True), ("notify", False)]


async def test_what_the_dead_have_leased_is_due_at_once(world: World) -> None:
    await world.parcel("send", "notify")
    await world.outbox.insert(with_effects(Parcel(id="par_2"), (planned(Parcel(id="par_2"), "remind", 0, at=2**50),)))
    successor = world.process()
    assert await successor.run_due() == 0  # They are leased for half a minute.
    await successor.void_leases()
    assert await successor.run_due() == 1
    assert world.postman.carried == ["send", "notify"]
    timer = await world.parcels.get("par_2")
    assert timer is not None
    assert (timer.version, timer.due_at) == (1, 2**50)  # A timer waits for its time, not for somebody.


async def test_an_effect_that_nobody_carries_waits_for_a_release_that_does(world: World) -> None:
    nobody: Outbox[Parcel] = Outbox(world.parcels, {}, world.clock)
    await nobody.carry_out(await world.parcel("send", by=nobody))
    effect = (await world.stored()).effects[0]
    assert (effect.done_at, effect.attempts) == (None, 1)


def test_effects_have_ids_of_their_own_that_a_replay_makes_again() -> None:
    parcel = Parcel(id="par_1")
    first = planned(parcel, "send", 1)
    second = planned(with_effects(parcel, (first,)), "send", 1)
    assert (first.id, second.id) == ("par_1:0:send", "par_1:1:send")
    assert planned(parcel, "send", 99).id == first.id


def test_an_input_is_known_by_its_id() -> None:
    cause = Cause("evt_1", "stripe", "paid", "req_1")
    parcel = Parcel(id="par_1", audit=(entry(cause, "pay", "packed", "sent", 5),))
    assert has_seen(parcel, "evt_1")
    assert not has_seen(parcel, "evt_2")
    noted = parcel.audit[0]
    assert (noted.at, noted.who, noted.why, noted.request_id) == (5, "stripe", "paid", "req_1")


async def test_settling_ends_when_all_is_done_but_not_forgotten_yet(world: World) -> None:
    outbox = world.outbox
    done = asyncio.create_task(asyncio.sleep(0))
    await done
    outbox._tasks.add(done)
    done.add_done_callback(outbox._tasks.discard)
    # With asyncio.gather this never came back from Python 3.12 on: no callback ever had its turn.
    await outbox.settle()
    assert not outbox._tasks


async def test_a_document_that_changes_for_ever_keeps_the_newest_effects_that_are_done(world: World) -> None:
    def also_notify(current: Parcel) -> Parcel:
        return with_effects(current, (*current.effects, notify(current, world.clock)))

    parcel = await world.parcel("send")
    carried: set[str] = set()
    for _ in range(3 * MOST_DONE):
        parcel = await world.outbox.carry_out(parcel)
        changed = await world.outbox.change(
            parcel.id, lambda each: with_effects(each, (*each.effects, notify(each, world.clock)))
        )
        assert changed is not None
        parcel = changed
        carried.add(parcel.effects[-1].id)
        assert len(parcel.effects) <= MOST_DONE + 1
    assert len(carried) == 3 * MOST_DONE, "each has an id of its own"
    assert len(world.postman.carried) == 3 * MOST_DONE


async def test_what_is_still_to_be_done_is_never_dropped(clock: FakeClock) -> None:
    parcel = Parcel(id="par_1")
    for number in range(5 * MOST_DONE):
        effect = planned(parcel, "send", clock.now())
        if number % 2:
            effect = msgspec.structs.replace(effect, done_at=clock.now())
        parcel = with_effects(parcel, (*parcel.effects, effect))
    left = [effect for effect in parcel.effects if effect.done_at is None]
    assert (len(left), len(parcel.effects)) == (5 * MOST_DONE // 2, 5 * MOST_DONE // 2 + MOST_DONE)


async def test_an_effect_that_was_done_and_dropped_meanwhile_is_not_finished_again(world: World) -> None:
    """Two processes carry out the same effect; before the second is done the first has done so much more that nothing
    is left of it."""
    parcel = await world.parcel("send")

    async def meanwhile() -> None:
        done = msgspec.structs.replace(parcel.effects[0], done_at=world.clock.now())
        later = msgspec.structs.replace(done, id="par_1:900:notify")
        await world.parcels.save(msgspec.structs.replace(with_effects(parcel, (done, later)), effects=(later,)))

    world.postman.pause = meanwhile
    world.postman.step = lambda each: msgspec.structs.replace(each, state="sent twice")
    await world.outbox.carry_out(parcel)
    assert (await world.stored()).state == "packed"


@pytest.mark.parametrize(
    ("error", "is_shown"), [(Forbidden("not with this key"), True), (Unavailable("no answer"), False)]
)
async def test_a_definite_no_is_shown_at_once_and_what_is_unknown_is_not(
    world: World, error: Problem, is_shown: bool
) -> None:
    world.postman.trouble = [error]
    parcel = await world.outbox.carry_out(await world.parcel("send"))
    assert parcel.needs_attention is is_shown
    assert [each.error for each in waiting_of(parcel, "ord_1")] == [error.detail] * is_shown
    await world.outbox.ask_again(parcel)
    assert len(world.postman.carried) == 1 + is_shown


async def test_what_was_refused_is_shown_at_once_and_asked_for_again_when_somebody_wants_it(world: World) -> None:
    parcel, now = Parcel(id="par_1"), world.clock.now()
    again = refused(parcel, "send", "not today", now, at=now + HOUR, attempts=1, to="Ada")
    parcel = await world.outbox.insert(with_effects(parcel, (again,)))
    (waiting,) = waiting_of(parcel, "ord_1")
    assert (parcel.needs_attention, waiting.attempts, waiting.error) == (True, 1, "not today")
    assert await world.outbox.run_due() == 0
    done = await world.outbox.ask_again(parcel)
    assert (world.postman.carried, done.needs_attention, done.due_at) == (["send"], False, None)
    assert (await world.outbox.ask_again(done)).version == done.version
