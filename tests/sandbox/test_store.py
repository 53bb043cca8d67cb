"""The store: what is answered is committed, what fails takes nothing with it, and a locked or full file is survived."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw
import pytest
import stripe
from aiohttp import ClientSession

from kassa.sandbox import Sandbox, SandboxConfig, WebhookTarget
from kassa.sandbox.config import Clock
from kassa.sandbox.store import Store, open_database
from kassa.sandbox.tables import Tx
from tests.sandbox.test_paying import SUCCESS
from tests.sandbox.world import SECRET, Receiver, World, until


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(tmp_path / "s.db", Clock(), patience=0.2)
    yield store
    await store.close()


@pytest.fixture
def other(tmp_path: Path, store: Store) -> apsw.Connection:
    """Another process's connection to the same file."""
    return apsw.Connection(str(tmp_path / "s.db"))


async def test_a_new_file_that_another_is_just_making_is_waited_for(tmp_path: Path) -> None:
    another = apsw.Connection(str(tmp_path / "new.db"))
    another.execute("BEGIN IMMEDIATE; CREATE TABLE another (x)")
    opening = asyncio.create_task(asyncio.to_thread(open_database, tmp_path / "new.db", 30))
    await asyncio.sleep(0.3)
    assert not opening.done()
    another.execute("COMMIT")
    another.close()
    (await opening).close()


def setting(name: str, value: str = "1") -> Any:
    return lambda tx: tx.set_setting(name, value)


def kept(other: apsw.Connection) -> set[str]:
    return {row[0] for row in other.execute("SELECT name FROM setting")}


async def outcomes(store: Store, *jobs: Any) -> list[object]:
    """What the writes of one turn give."""
    return list(await asyncio.gather(*(store.write(job) for job in jobs), return_exceptions=True))


async def test_a_commit_waits_for_the_disk(store: Store) -> None:
    rows = store.reader.rows
    assert rows("PRAGMA synchronous") == [(2,)]
    assert rows("PRAGMA journal_mode") == [("wal",)]


async def test_an_answer_comes_after_the_commit_and_a_turn_is_one_commit(store: Store, other: apsw.Connection) -> None:
    groups: list[set[str]] = []
    store.on_commit = groups.append

    def job(tx: Tx) -> str:
        tx.add_timer(1e12, "dispute", "du_1")
        return "done"

    def timers() -> int:
        return len(other.execute("SELECT id FROM timer").fetchall())

    assert await store.write(job) == "done"
    assert timers() == 1
    assert await outcomes(store, *[job] * 40) == ["done"] * 40
    assert groups == [{"timer"}, {"timer"}]
    assert await outcomes(store, *[job] * 1000) == ["done"] * 1000
    assert timers() == 1041


async def test_a_job_that_fails_takes_only_its_own_changes_with_it(store: Store, other: apsw.Connection) -> None:
    def refuse(tx: Tx) -> None:
        tx.set_setting("half", "done")
        raise ValueError("no")

    def repeat(tx: Tx) -> None:
        tx.set_setting("half", "done")
        tx.connection.execute("INSERT INTO setting VALUES ('first', 2)")

    answers = await outcomes(store, setting("first"), refuse, repeat, setting("last"))
    assert [type(answer) for answer in answers] == [type(None), ValueError, apsw.ConstraintError, type(None)]
    assert kept(other) == {"first", "last"}


async def test_a_locked_file_is_waited_for_without_holding_up_the_loop(store: Store, other: apsw.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(store.write(setting("late")))
    longest = 0.0
    for _ in range(10):
        started = time.monotonic()
        await asyncio.sleep(0.005)
        longest = max(longest, time.monotonic() - started)
    assert not writing.done()
    assert longest < 0.15
    other.execute("COMMIT")
    await writing
    assert kept(other) == {"late"}


async def test_a_file_that_stays_locked_is_given_up_and_works_again_later(store: Store, other: apsw.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")
    answers = await outcomes(store, setting("a"), setting("b"))
    assert [type(answer) for answer in answers] == [apsw.BusyError] * 2
    other.execute("COMMIT")
    await store.write(setting("c"))
    assert kept(other) == {"c"}


async def test_a_full_disk_keeps_nothing_of_the_group_and_works_again_later(
    store: Store, other: apsw.Connection
) -> None:
    pages = store.reader.rows("PRAGMA page_count")[0][0]
    store.reader.rows(f"PRAGMA max_page_count = {pages}")
    answers = await outcomes(store, setting("small"), setting("big", "x" * 100_000))
    assert [type(answer) for answer in answers] == [apsw.FullError] * 2
    assert kept(other) == set()
    store.reader.rows("PRAGMA max_page_count = 100000")
    await store.write(setting("big", "x" * 100_000))
    assert kept(other) == {"big"}


async def test_closing_finishes_what_waits(tmp_path: Path) -> None:
    store = Store(tmp_path / "closing.db", Clock(), patience=1)
    writing = [asyncio.create_task(store.write(setting(str(number)))) for number in range(200)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*writing)
    assert len(kept(apsw.Connection(str(tmp_path / "closing.db")))) == 200
    with pytest.raises(apsw.ConnectionClosedError):
        await store.write(setting("late"))


async def test_trouble_with_the_file_is_a_500_that_did_nothing(tmp_path: Path, receiver: Receiver) -> None:
    target = WebhookTarget(receiver.url, (SECRET,))
    sandbox = Sandbox(SandboxConfig(tmp_path / "s.db", webhooks=(target,), lock_patience=0.05))
    await sandbox.start(port=0)
    async with ClientSession() as http:
        world = World(sandbox, receiver, http)
        session = await world.open_session()
        other = apsw.Connection(str(tmp_path / "s.db"))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(stripe.APIError, match="could not reach its database") as caught:
            await world.open_session(options={"idempotency_key": "k"})
        assert caught.value.error is not None
        assert (caught.value.http_status, caught.value.error.type) == (500, "api_error")
        async with http.post(f"{sandbox.url}/sandbox/sessions/{session.id}/pay", json={"card": "4" * 16}) as refused:
            assert (refused.status, (await refused.json())["error"]["type"]) == (500, "api_error")
        assert (await world.session(session.id)).status == "open"
        other.execute("COMMIT")
        assert (await world.open_session(options={"idempotency_key": "k"})).status == "open"
        assert (await world.control("GET", "state"))["objects"]["checkout.session"] == 2
        await world.pay(session.id)
        await until(lambda: sorted(receiver.types()) == sorted(SUCCESS))
    await sandbox.stop()


async def test_timers_and_deliveries_go_on_after_the_file_was_locked(tmp_path: Path, receiver: Receiver) -> None:
    target = WebhookTarget(receiver.url, (SECRET,))
    sandbox = Sandbox(SandboxConfig(tmp_path / "s.db", webhooks=(target,), lock_patience=0.05, later=0.1))
    await sandbox.start(port=0)
    async with ClientSession() as http:
        world = World(sandbox, receiver, http)
        receiver.pause = 0.3
        session = await world.open_session()
        await world.pay(session.id, "4000000000000259")  # Its dispute, and what the receiver answers, meet the lock.
        other = apsw.Connection(str(tmp_path / "s.db"))
        other.execute("BEGIN IMMEDIATE")
        await until(lambda: len(receiver.events) >= len(SUCCESS))
        await asyncio.sleep(0.1)
        other.execute("COMMIT")
        receiver.pause = 0
        told = {*SUCCESS, "charge.dispute.created", "charge.dispute.funds_withdrawn"}

        async def is_all_told() -> bool:
            state = await world.control("GET", "state")
            return bool(state["deliveries"]["states"] == {"delivered": len(told)})

        await until(is_all_told)
        assert set(receiver.types()) == told
        assert len(receiver.events) > len(told)
    await sandbox.stop()
