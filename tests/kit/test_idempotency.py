"""One key, one request: whatever is repeated, crashes or comes at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import msgspec
import pytest

from kassa.kit.clock import DAY, SECOND
from kassa.kit.documents import Collection
from kassa.kit.idempotency import (
    LEASE,
    LONGEST_KEY,
    RECORDS,
    Abandoned,
    Answer,
    Idempotency,
    KeyInUse,
    KeyReused,
    Record,
)
from kassa.kit.problem import Invalid, NotFound, Unavailable
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.support import FakeClock

SCOPE = ("usr_1", "POST /orders", "key-1")
BODY = b'{"items":[]}'


class Shop:
    """Something that makes orders, and remembers for which ids it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.trouble: list[BaseException] = []
        self._numbers = count(1)

    def new_id(self) -> str:
        return f"ord_{next(self._numbers)}"

    async def place(self, order_id: str) -> Answer:
        self.asked.append(order_id)
        if self.trouble:
            raise self.trouble.pop(0)
        return Answer(201, b'{"order":"' + order_id.encode() + b'"}')


class Asked:
    """One process that answers requests."""

    def __init__(self, idempotency: Idempotency, shop: Shop) -> None:
        self.idempotency = idempotency
        self.shop = shop

    async def ask(
        self,
        scope: tuple[str, str, str] = SCOPE,
        body: bytes = BODY,
        work: Callable[[str], Awaitable[Answer]] | None = None,
    ) -> Answer:
        return await self.idempotency.run(scope, body, self.shop.new_id, work or self.shop.place)


@pytest.fixture
async def records(database: SqliteDatabase) -> Collection[Record]:
    return await database.collection(RECORDS)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def process(records: Collection[Record], clock: FakeClock, shop: Shop) -> Asked:
    return Asked(Idempotency(records, clock, "process-1", is_alone=False), shop)


@pytest.fixture
def other(records: Collection[Record], clock: FakeClock, shop: Shop) -> Asked:
    return Asked(Idempotency(records, clock, "process-2", is_alone=False), shop)


async def test_a_repeated_request_gets_the_same_answer_and_does_nothing(process: Asked, shop: Shop) -> None:
    first = await process.ask()
    second = await process.ask()
    assert (first.is_replay, second.is_replay) == (False, True)
    assert (second.status, second.body) == (first.status, first.body)
    assert shop.asked == ["ord_1"]


async def test_another_body_under_the_same_key_is_refused(process: Asked, shop: Shop) -> None:
    await process.ask()
    with pytest.raises(KeyReused) as refused:
        await process.ask(body=b'{"items":[1]}')
    assert (refused.value.status, refused.value.code) == (422, "idempotency_key_reused")
    assert shop.asked == ["ord_1"]


@pytest.mark.parametrize(
    "scope", [("usr_2", *SCOPE[1:]), ("usr_1", "POST /payments", "key-1"), ("usr_1", "POST /orders", "key-2")]
)
async def test_a_key_counts_for_its_user_and_endpoint(process: Asked, shop: Shop, scope: tuple[str, str, str]) -> None:
    await process.ask()
    assert not (await process.ask(scope, b"other")).is_replay
    assert len(shop.asked) == 2


async def test_while_the_first_request_runs_the_second_is_told_to_wait(process: Asked, other: Asked) -> None:
    started, may_end = asyncio.Event(), asyncio.Event()

    async def slow(order_id: str) -> Answer:
        started.set()
        await may_end.wait()
        return Answer(201, order_id.encode())

    first = asyncio.create_task(process.ask(work=slow))
    await started.wait()
    for each in (process, other):
        with pytest.raises(KeyInUse) as refused:
            await each.ask()
        assert refused.value.status == 409
    may_end.set()
    assert (await first).body == b"ord_1"
    assert (await other.ask()).is_replay


async def test_many_at_the_same_time_do_it_once(process: Asked, other: Asked, shop: Shop) -> None:
    async def place(order_id: str) -> Answer:
        await asyncio.sleep(0.01)
        return await shop.place(order_id)

    answers = await asyncio.gather(
        *((process, other)[number % 2].ask(work=place) for number in range(20)), return_exceptions=True
    )
    assert sum(isinstance(answer, Answer) for answer in answers) == 1
    assert sum(isinstance(answer, KeyInUse) for answer in answers) == 19
    assert len(shop.asked) == 1


async def test_what_is_unknown_is_not_stored_and_goes_on_under_the_same_id(process: Asked, shop: Shop) -> None:
    shop.trouble = [Unavailable("the store is down"), RuntimeError("a bug"), asyncio.CancelledError()]
    for trouble in (Unavailable, RuntimeError, asyncio.CancelledError):
        with pytest.raises(trouble):
            await process.ask()
    answer = await process.ask()
    assert (answer.status, answer.is_replay) == (201, False)
    assert shop.asked == ["ord_1"] * 4


async def test_a_refusal_is_an_answer_and_is_stored(process: Asked, shop: Shop) -> None:
    shop.trouble = [NotFound("no such product", productId="prd_1")]
    with pytest.raises(NotFound):
        await process.ask()
    again = await process.ask()
    assert (again.status, again.is_replay) == (404, True)
    document = msgspec.json.decode(again.body)
    assert (document["code"], document["detail"], document["productId"]) == ("not_found", "no such product", "prd_1")
    assert shop.asked == ["ord_1"]


async def test_an_id_that_was_given_up_is_replaced(process: Asked, shop: Shop) -> None:
    shop.trouble = [Abandoned("too late")]
    with pytest.raises(Abandoned):
        await process.ask()
    await process.ask()
    assert len(set(shop.asked)) == 2


async def test_a_store_that_fails_while_a_request_ends_does_not_block_its_key(
    process: Asked, other: Asked, shop: Shop, records: Collection[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: Record) -> Record:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(records, "save", full)
        with pytest.raises(Unavailable):
            await process.ask()
    with pytest.raises(KeyInUse):
        await other.ask()
    assert (await process.ask()).body == b'{"order":"ord_1"}'
    assert set(shop.asked) == {"ord_1"}


@pytest.fixture
def crashing(process: Asked, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[None]]:
    """Ask, and die while it runs."""

    async def die(*_: object) -> None:
        raise SystemError

    async def ask() -> None:
        process.shop.trouble = [SystemError()]
        with monkeypatch.context() as patched:
            patched.setattr(process.idempotency, "_free", die)
            with pytest.raises(SystemError):
                await process.ask()

    return ask


async def test_after_a_crash_the_key_goes_on_under_the_same_id_when_the_lease_is_over(
    crashing: Callable[[], Awaitable[None]], other: Asked, shop: Shop, clock: FakeClock
) -> None:
    await crashing()
    clock.advance(LEASE - 1)
    with pytest.raises(KeyInUse):
        await other.ask()
    clock.advance(1)
    assert (await other.ask()).status == 201
    assert shop.asked == ["ord_1", "ord_1"]


async def test_a_process_that_is_alone_goes_on_at_once_after_a_crash(
    crashing: Callable[[], Awaitable[None]], records: Collection[Record], shop: Shop, clock: FakeClock
) -> None:
    await crashing()
    restarted = Asked(Idempotency(records, clock, "process-3", is_alone=True), shop)
    assert (await restarted.ask()).status == 201
    assert shop.asked == ["ord_1", "ord_1"]


async def test_after_a_crash_another_body_is_still_refused(
    crashing: Callable[[], Awaitable[None]], other: Asked
) -> None:
    await crashing()
    with pytest.raises(KeyReused):
        await other.ask(body=b"other")


async def test_a_request_that_outlives_its_lease_still_gets_its_answer(
    process: Asked, other: Asked, shop: Shop, clock: FakeClock
) -> None:
    async def slow(order_id: str) -> Answer:
        clock.advance(LEASE)
        await other.ask()
        return await shop.place(order_id)

    assert (await process.ask(work=slow)).status == 201
    assert shop.asked == ["ord_1", "ord_1"]


async def test_a_request_that_fails_after_its_lease_says_why(process: Asked, other: Asked, clock: FakeClock) -> None:
    async def slow(order_id: str) -> Answer:
        clock.advance(LEASE)
        await other.ask()
        raise Unavailable("the store is down")

    with pytest.raises(Unavailable, match="the store is down"):
        await process.ask(work=slow)
    assert (await other.ask()).is_replay


async def test_a_key_is_forgotten_after_a_day(process: Asked, shop: Shop, clock: FakeClock) -> None:
    await process.ask()
    clock.advance(DAY - 1)
    assert (await process.ask()).is_replay
    clock.advance(1)
    assert not (await process.ask(body=b"other")).is_replay
    assert len(set(shop.asked)) == 2


async def test_an_expired_key_is_taken_by_one_of_many(
    process: Asked, other: Asked, shop: Shop, clock: FakeClock
) -> None:
    await process.ask()
    clock.advance(DAY)
    shop.asked.clear()

    async def place(order_id: str) -> Answer:
        await asyncio.sleep(0.01)
        return await shop.place(order_id)

    await asyncio.gather(*(each.ask(work=place) for each in (process, other) * 5), return_exceptions=True)
    assert len(shop.asked) == 1


async def test_expired_records_are_removed(process: Asked, records: Collection[Record], clock: FakeClock) -> None:
    await process.ask()
    clock.advance(DAY // 2)
    await process.ask(("usr_2", *SCOPE[1:]))
    assert await process.idempotency.remove_expired() == 0
    clock.advance(DAY // 2 + SECOND)
    assert await process.idempotency.remove_expired() == 1
    assert await records.count({}) == 1


@pytest.mark.parametrize("key", ["", "k" * (LONGEST_KEY + 1)])
async def test_a_key_has_a_sensible_length(process: Asked, key: str) -> None:
    with pytest.raises(Invalid, match="Idempotency-Key"):
        await process.ask(("usr_1", "POST /orders", key))
