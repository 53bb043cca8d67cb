"""The SQLite engine: group commit, and what happens when the file is locked, full or torn away."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from kassa.kit.problem import Unavailable
from kassa.storage.documents_sqlite import SqliteDatabase
from kassa.storage.sqlite import Sqlite
from kassa.storage.sqlite_connection import connect
from kassa.storage.sqlite_readers import MOST_WAITING, THREADS
from tests.support import sqlite


@pytest.fixture
async def table(file: SqliteDatabase) -> SqliteDatabase:
    await file.write(lambda connection: connection.execute("CREATE TABLE t (x UNIQUE)").fetchall())
    return file


async def put(file: Sqlite, value: str | int) -> None:
    await file.write(lambda connection: connection.execute("INSERT INTO t VALUES (?)", (value,)).fetchall())


def values(file: Sqlite) -> set[object]:
    return {x for (x,) in file.read("SELECT x FROM t")}


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Another connection has the right to write."""
    other = apsw.Connection(str(directory / "test.db"))
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close(True)


async def test_a_write_gives_back_its_result_and_is_seen_by_reads(table: SqliteDatabase) -> None:
    await put(table, 1)
    assert await table.write(lambda connection: connection.execute("SELECT 7").fetchall()) == [(7,)]
    assert values(table) == {1}


@pytest.mark.parametrize("turns", [1, 8])
async def test_writes_that_come_in_one_turn_or_soon_after_share_one_commit(table: SqliteDatabase, turns: int) -> None:
    commits: list[int] = []

    async def put_later(value: int) -> None:
        for _ in range(value % turns):
            await asyncio.sleep(0)
        await put(table, value)

    def count() -> bool:
        commits.append(1)
        return False

    await table.write(lambda connection: connection.set_commit_hook(count))
    await asyncio.gather(*(put_later(n) for n in range(100)))
    assert len(commits) <= 2  # one of them may be that of the hook's own write
    assert len(values(table)) == 100


async def test_nobody_is_answered_before_the_commit(table: SqliteDatabase) -> None:
    seen: list[int] = []

    async def put_and_look(n: int) -> None:
        await put(table, n)
        seen.append(len(values(table)))

    await asyncio.gather(*(put_and_look(n) for n in range(20)))
    assert seen == [20] * 20


async def test_a_write_that_raises_is_undone_alone(table: SqliteDatabase) -> None:
    def half(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO t VALUES ('half')")
        raise LookupError("changed my mind")

    outcomes = await asyncio.gather(
        put(table, 1), table.write(half), put(table, 1), put(table, 2), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), LookupError, apsw.ConstraintError, type(None)]
    assert values(table) == {1, 2}


async def test_one_statement_that_fails_is_undone_without_a_savepoint(table: SqliteDatabase) -> None:
    executed: list[str] = []

    def watch(connection: apsw.Connection) -> None:
        connection.set_exec_trace(lambda cursor, sql, bindings: not executed.append(sql))  # type: ignore[func-returns-value]

    def put_both(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (3), (1)")  # the second of them is there already

    await put(table, 1)
    await table.write(watch)
    executed.clear()
    writes = [table.write(put_both, is_one_statement=True), put(table, 2)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [apsw.ConstraintError, type(None)]
    assert values(table) == {1, 2}
    assert [sql.split()[0] for sql in executed] == ["BEGIN", "INSERT", "SAVEPOINT", "INSERT", "RELEASE", "COMMIT"]


async def test_a_caller_who_goes_away_harms_nobody(table: SqliteDatabase) -> None:
    impatient = asyncio.create_task(put(table, "gone"))
    patient = asyncio.create_task(put(table, "stays"))
    await asyncio.sleep(0)
    impatient.cancel()
    await patient
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await put(table, "after")
    assert {"stays", "after"} <= values(table)


async def test_a_locked_file_is_waited_for_while_the_loop_goes_on(table: SqliteDatabase, tmp_path: Path) -> None:
    begun = time.monotonic()
    with locked(tmp_path):
        writing = asyncio.create_task(put(table, 1))
        for _ in range(20):
            await asyncio.sleep(0.005)
            assert values(table) == set()  # reads are answered meanwhile
        assert not writing.done()
    assert time.monotonic() - begun < 2  # the loop itself never waits for the lock
    await writing
    assert values(table) == {1}


async def test_a_file_that_stays_locked_is_unavailable_and_later_usable(tmp_path: Path) -> None:
    file = await Sqlite.open(tmp_path / "test.db", patience=150)
    await file.write(lambda connection: connection.execute("CREATE TABLE t (x)").fetchall())
    begun = time.monotonic()
    with locked(tmp_path):
        outcomes = await asyncio.gather(*(put(file, n) for n in range(5)), file.probe(), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        assert time.monotonic() - begun >= 0.15
    await put(file, "later")
    assert values(file) == {"later"}
    await file.close()


async def test_a_full_disk_is_unavailable_for_the_whole_group_and_passes(table: SqliteDatabase) -> None:
    pages = table.read("PRAGMA page_count")[0][0]

    def limit(connection: apsw.Connection, most: int) -> None:
        connection.execute(f"PRAGMA max_page_count = {most}").fetchall()

    await put(table, "before")
    await table.write(lambda connection: limit(connection, pages + 3))
    outcomes = await asyncio.gather(
        put(table, "small"), put(table, "x" * 100_000), put(table, "late"), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert values(table) == {"before"}
    await put(table, "small")
    await table.write(lambda connection: limit(connection, 1_000_000))
    await put(table, "x" * 100_000)
    assert len(values(table)) == 3


async def test_a_commit_that_fails_is_unavailable_for_all_and_passes(table: SqliteDatabase) -> None:
    is_failing: list[bool] = []
    await table.write(lambda connection: connection.set_commit_hook(lambda: bool(is_failing)))
    is_failing.append(True)
    outcomes = await asyncio.gather(*(put(table, n) for n in range(3)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert values(table) == set()
    is_failing.clear()
    await put(table, 1)
    assert values(table) == {1}


async def test_a_broken_connection_is_replaced(table: SqliteDatabase) -> None:
    def close(connection: apsw.Connection) -> None:
        connection.close(True)

    with pytest.raises(Unavailable):
        await table.write(close)
    await put(table, 1)
    assert values(table) == {1}


async def test_closing_carries_out_what_waits_and_empties_the_log(tmp_path: Path) -> None:
    file = await Sqlite.open(tmp_path / "test.db")
    await file.write(lambda connection: connection.execute("CREATE TABLE t (x)").fetchall())
    waiting = [asyncio.create_task(put(file, n)) for n in range(300)]
    await asyncio.sleep(0)
    await asyncio.gather(file.close(), file.close())
    await asyncio.gather(*waiting)
    await file.close()
    assert [path.name for path in tmp_path.iterdir()] == ["test.db"]
    with pytest.raises(Unavailable):
        await put(file, 1)
    with pytest.raises(Unavailable):
        file.read("SELECT 1")
    async with sqlite(tmp_path) as again:
        assert len(values(again)) == 300


async def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await Sqlite.open(tmp_path / "nowhere" / "test.db")
    (tmp_path / "text.db").write_text("this is no database, it is a text of some length" * 100)
    with pytest.raises(Unavailable):
        await Sqlite.open(tmp_path / "text.db")


async def test_every_commit_reaches_the_disk(file: SqliteDatabase) -> None:
    pragmas = await file.write(
        lambda connection: [connection.pragma(name) for name in ("journal_mode", "synchronous", "foreign_keys")]
    )
    assert pragmas == ["wal", 2, 1]


WRITER = """
import asyncio, sys
from pathlib import Path
from kassa.storage.sqlite import Sqlite
from kassa.storage.sqlite_readers import MOST_WAITING, THREADS

async def main(path, name, most):
    file = await Sqlite.open(Path(path))
    await file.write(lambda c: c.execute("CREATE TABLE IF NOT EXISTS t (x UNIQUE)").fetchall())
    numbers = iter(range(most))
    async def put_all():
        for n in numbers:
            await file.write(lambda c: c.execute("INSERT INTO t VALUES (?)", (f"{name}{n}",)).fetchall())
            print(f"{name}{n}", flush=True)
    await asyncio.gather(*(put_all() for _ in range(16)))
    await file.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def writer(directory: Path, name: str, most: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(directory / "test.db"), name, str(most), stdout=asyncio.subprocess.PIPE
    )


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    for round_number in range(3):
        process = await writer(tmp_path, f"{round_number}-", 1_000_000)
        assert process.stdout is not None
        acknowledged = [(await process.stdout.readline()).decode().strip() for _ in range(400)]
        os.kill(process.pid, signal.SIGKILL)
        rest = (await process.stdout.read()).decode()
        await process.wait()
        acknowledged += rest[: rest.rfind("\n") + 1].split()
        async with sqlite(tmp_path) as file:
            assert set(acknowledged) <= values(file)
            assert file.read("PRAGMA integrity_check") == [("ok",)]


async def test_two_processes_write_to_one_file(tmp_path: Path) -> None:
    processes = [await writer(tmp_path, name, 300) for name in ("a", "b")]
    printed = [(await process.communicate())[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert [len(lines) for lines in printed] == [300, 300]
    async with sqlite(tmp_path) as file:
        assert len(values(file)) == 600


async def test_a_new_file_that_another_is_just_making_is_waited_for(tmp_path: Path) -> None:
    other = apsw.Connection(str(tmp_path / "test.db"))
    other.execute("BEGIN EXCLUSIVE; CREATE TABLE other (x)")
    opening = asyncio.create_task(asyncio.to_thread(connect, tmp_path / "test.db"))
    await asyncio.sleep(0.6)
    other.execute("COMMIT")
    other.close()
    (await opening).close()


async def test_a_scan_does_not_hold_up_the_event_loop(file: SqliteDatabase) -> None:
    numbers = "WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 2000000) SELECT max(x) FROM n"
    scan = asyncio.create_task(file.scan(numbers))
    turns = 0
    while not scan.done():
        await asyncio.sleep(0)
        turns += 1
    assert await scan == [(2_000_000,)]
    assert turns > 100


async def test_a_long_read_keeps_the_loop_going_and_sees_what_is_committed(table: SqliteDatabase) -> None:
    await put(table, 1)
    slow = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT max(i) FROM n"
    reading = asyncio.create_task(table.read_beside(slow))
    turns = 0
    while not reading.done():
        await put(table, turns + 2)
        turns += 1
    assert turns > 3
    assert await reading == 3_000_000
    assert await table.read_beside("SELECT count(*) FROM t WHERE x > ?", (1,)) == turns


async def test_a_long_read_cannot_write(table: SqliteDatabase) -> None:
    with pytest.raises(Unavailable):
        await table.read_beside("DELETE FROM t")
    await put(table, 1)


async def test_more_than_so_many_long_reads_are_refused(table: SqliteDatabase) -> None:
    asked = [table.read_beside("SELECT count(*) FROM t") for _ in range(MOST_WAITING + 5)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in outcomes].count(Unavailable) == 5
    assert await table.read_beside("SELECT count(*) FROM t") == 0


async def test_closing_ends_what_is_still_being_read(tmp_path: Path) -> None:
    file = await Sqlite.open(tmp_path / "test.db")
    endless = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    reading = [asyncio.create_task(file.read_beside(endless)) for _ in range(2 * THREADS)]
    await asyncio.sleep(0.1)
    await file.close()
    outcomes = await asyncio.gather(*reading, return_exceptions=True)
    assert {type(each) for each in outcomes} == {Unavailable}
    with pytest.raises(Unavailable):
        await file.read_beside("SELECT 1")
