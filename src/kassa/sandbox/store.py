"""Where the sandbox keeps everything: one SQLite file with one writer that commits all waiting writes together.

A write is a function of a `Tx`. It runs on the writer's thread in a savepoint of its own, and its caller is answered
only after the commit, so whatever was answered survives the process. Reads see committed state only.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import apsw

from kassa.sandbox.config import Clock
from kassa.sandbox.tables import SCHEMA, Reader, Tx

T = TypeVar("T")
Job = tuple[Callable[[Tx], object], "asyncio.Future[object]"]
Settled = list[tuple["asyncio.Future[object]", object, BaseException | None]]
MAX_GROUP = 256


def open_database(path: Path) -> apsw.Connection:
    """A connection that is durable: an answer given after its commit survives `kill -9` and a power cut."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(5000)
    connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY")
    return connection


class Store:
    """Reads at once, writes in groups.

    `on_commit` is called on the event loop after each group with the names of what it touched: `event`, `timer`.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.clock = clock
        self.on_commit: Callable[[set[str]], None] = lambda touched: None
        self._write_connection = open_database(path)
        self._write_connection.execute(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT")
        self.reader = Reader(open_database(path))
        self._tx = Tx(self._write_connection, clock)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="sandbox-writer", daemon=True)
        self._thread.start()

    async def write(self, job: Callable[[Tx], T]) -> T:
        """Run a write and wait for its commit. What the job raises comes back, and its changes are undone."""
        future: asyncio.Future[object] = self._loop.create_future()
        self._jobs.put((job, future))
        return await future  # type: ignore[return-value]

    def close(self) -> None:
        """Finish the waiting writes and close the file."""
        self._jobs.put(None)
        self._thread.join()
        self._write_connection.close()
        self.reader.connection.close()

    def _work(self) -> None:
        is_open = True
        while is_open:
            group = self._next_group()
            is_open = None not in group
            jobs = [job for job in group if job is not None]
            if jobs:
                settled, touched = self._run_group(jobs)
                self._loop.call_soon_threadsafe(self._settle, settled, touched)

    def _next_group(self) -> list[Job | None]:
        group = [self._jobs.get()]
        while len(group) < MAX_GROUP and group[-1] is not None:
            try:
                group.append(self._jobs.get_nowait())
            except queue.Empty:
                break
        return group

    def _run_group(self, jobs: list[Job]) -> tuple[Settled, set[str]]:
        tx = self._tx
        tx.touched = set()
        try:
            tx.connection.execute("BEGIN IMMEDIATE")
            settled = [self._run_one(job) for job in jobs]
            tx.connection.execute("COMMIT")
        except apsw.Error as problem:  # nothing of the group was kept, so nobody may be told otherwise
            if not tx.connection.get_autocommit():
                tx.connection.execute("ROLLBACK")
            tx.forget_cache()
            return [(future, None, problem) for _, future in jobs], set()
        return settled, tx.touched

    def _run_one(self, job: Job) -> tuple[asyncio.Future[object], object, BaseException | None]:
        work, future = job
        connection = self._tx.connection
        connection.execute("SAVEPOINT one")
        try:
            result = work(self._tx)
        except Exception as problem:  # the caller's own refusal or fault: the others in the group are untouched
            connection.execute("ROLLBACK TO one; RELEASE one")
            self._tx.forget_cache()
            return future, None, problem
        connection.execute("RELEASE one")
        return future, result, None

    def _settle(self, settled: Settled, touched: set[str]) -> None:
        for future, result, problem in settled:
            if future.done():
                continue
            if problem is None:
                future.set_result(result)
            else:
                future.set_exception(problem)
        if touched:
            self.on_commit(touched)
