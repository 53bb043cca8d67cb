"""Where the sandbox keeps everything: one SQLite file; writes that come together are committed together.

A write is a function of a `Tx`. It runs under a savepoint of its own, and its caller is answered only after the commit,
so whatever was answered survives the process. Reads see committed state only.

There is no thread: the sandbox often shares its event loop with a whole shop, and a thread that has to win the
interpreter's lock back for every statement starves beside a busy loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import apsw

from kassa.sandbox.config import Clock
from kassa.sandbox.tables import SCHEMA, Reader, Tx

T = TypeVar("T")
Job = tuple[Callable[[Tx], Any], "asyncio.Future[Any]"]
Result = tuple[Any, Exception | None]

_ASK_AGAIN = 0.002
_GROUP = 64  # The most writes of one transaction: bounds how long the loop is held at a stretch.
_OWN_FAULT = (apsw.SQLError, apsw.ConstraintError, apsw.BindingsError, apsw.MismatchError, apsw.TooBigError)
"""Faults of one statement; any other `apsw.Error` is the file's and concerns the whole group."""
_PRAGMAS = ("synchronous = FULL", "temp_store = MEMORY", "cache_size = -16000")


def open_database(path: Path, patience: float) -> apsw.Connection:
    """A connection that is durable: an answer given after its commit survives `kill -9` and a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = apsw.Connection(str(path), statementcachesize=200)
    connection.set_busy_timeout(int(patience * 1000))
    _to_wal(connection, time.monotonic() + patience)
    for pragma in _PRAGMAS:  # One by one, and read: a statement that gives a row stops those behind it.
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.execute(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT")
    connection.set_busy_timeout(0)  # From here on the store waits by itself, without holding up the loop.
    return connection


def _to_wal(connection: apsw.Connection, deadline: float) -> None:
    # Of two that make a file at once SQLite tells one that it is locked, without waiting, lest both wait for ever.
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            return
        except apsw.BusyError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_ASK_AGAIN)


class Store:
    """Reads at once, writes in groups; used from one event loop.

    `patience` is how many seconds a group waits for another process that holds the file, without holding up the loop.
    `on_commit` is called after each group with the names of what it touched: `event`, `timer`.
    """

    def __init__(self, path: Path, clock: Clock, patience: float) -> None:
        self.clock = clock
        self.on_commit: Callable[[set[str]], None] = lambda touched: None
        self._patience = patience
        self._tx = Tx(open_database(path, patience), clock)
        self.reader = Reader(self._tx.connection)  # A group is committed before the loop goes on: no read is within.
        self._loop = asyncio.get_running_loop()
        self._jobs: list[Job] = []
        self._is_busy = False  # A group is to begin, or waits for another process.
        self._idle = asyncio.Event()
        self._idle.set()

    async def write(self, job: Callable[[Tx], T]) -> T:
        """Run a write and wait for its commit. What the job raises comes back, and its changes are undone.

        Raises `apsw.Error` when the file is full, broken or locked for too long: then nothing of the group was kept.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.append((job, future))
        self._schedule()
        return await future

    async def close(self) -> None:
        """Finish the waiting writes and close the file."""
        await self._idle.wait()
        self._tx.connection.close()

    def _schedule(self) -> None:
        if not self._is_busy:
            self._is_busy = True
            self._idle.clear()
            self._loop.call_soon(self._begin, self._loop.time() + self._patience)

    def _begin(self, deadline: float) -> None:
        """Get the right to write, now and again until the deadline, then carry out what waits."""
        try:
            self._undo()
            self._tx.connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError as problem:
            if self._loop.time() < deadline:
                self._loop.call_later(_ASK_AGAIN, self._begin, deadline)
                return
            self._settle([(None, problem)] * len(self._jobs))
        except apsw.Error as problem:
            self._settle([(None, problem)] * len(self._jobs))
        else:
            self._settle(self._carry_out(self._jobs[:_GROUP]))

    def _carry_out(self, group: list[Job]) -> list[Result]:
        connection = self._tx.connection
        try:
            results = [self._attempt(job) for job, _ in group]
            connection.execute("COMMIT")
        except apsw.Error as problem:  # Nothing of the group was kept, so nobody may be told otherwise.
            with contextlib.suppress(apsw.Error):  # If not now, then before the next group.
                self._undo()
            self._tx.forget()
            return [(None, problem)] * len(group)
        return results

    def _attempt(self, job: Callable[[Tx], Any]) -> Result:
        connection = self._tx.connection
        connection.execute("SAVEPOINT one")
        try:
            value = job(self._tx)
        except Exception as problem:  # The caller's own refusal or fault: the others of the group are untouched.
            if isinstance(problem, apsw.Error) and not isinstance(problem, _OWN_FAULT):
                raise
            connection.execute("ROLLBACK TO one")
            connection.execute("RELEASE one")
            self._tx.forget()
            return None, problem
        connection.execute("RELEASE one")
        return value, None

    def _undo(self) -> None:
        if self._tx.connection.in_transaction:
            self._tx.connection.execute("ROLLBACK")

    def _settle(self, results: list[Result]) -> None:
        """Answer the first of those who wait, then begin the next group: those who write again at once are in it."""
        group = self._jobs[: len(results)]
        del self._jobs[: len(results)]
        for (_, future), (value, problem) in zip(group, results, strict=True):
            if future.done():
                continue  # The caller went away; the write stands.
            if problem is None:
                future.set_result(value)
            else:
                future.set_exception(problem)
        touched, self._tx.touched = self._tx.touched, set()
        self._is_busy = False
        if self._jobs:
            self._schedule()
        else:
            self._idle.set()
        if touched:
            self.on_commit(touched)
