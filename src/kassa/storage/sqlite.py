"""The SQLite engine: one file; writes that come together are committed together, short reads made at once.

A commit waits hundreds of microseconds for the disk, a small write takes ten. So the writes that come in one turn of
the event loop, and in the next ones as long as each brings more, share one transaction and one wait, and nobody is
answered before the commit that the answer rests on.

All this runs in the event loop's thread, the wait for the disk too. A writer thread has to win the interpreter's
lock back from the loop for every statement, and from a busy loop it seldom does: measured with 64 writers beside one
task that serves pages without a pause, 1,000 writes a second and a p99 of 750 ms, against 24,000 and 9 ms this way.
What may look at much is read beside the loop, by `sqlite_readers`.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar

import apsw

from kassa.kit.clock import SECOND, Millis
from kassa.kit.gathering import when_gathered
from kassa.kit.problem import Unavailable
from kassa.storage.sqlite_connection import connect
from kassa.storage.sqlite_readers import Readers

T = TypeVar("T")
Value: TypeAlias = str | int | float | bytes | None
Work: TypeAlias = Callable[[apsw.Connection], T]

PATIENCE: Millis = 6_000
"""How long a write waits for another process that holds the file before it gives up."""

_ASK_AGAIN = 0.002  # Seconds between two tries to get the right to write from another process.
_GROUP = 256  # The most writes of one transaction: bounds how long the event loop is held at a stretch.
_TO_BE_REWRITTEN = 1
"""The file's `user_version` from when data was erased until the file is written anew."""

_TROUBLE = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.NoMemError,
    apsw.ReadOnlyError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.InterruptError,
    apsw.AbortError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ConnectionClosedError,
)
"""Errors of the file, not of the statement: the whole transaction is in doubt and is rolled back."""

_Answer: TypeAlias = tuple[Any, BaseException | None]
_Waiting: TypeAlias = tuple[Work[Any], "asyncio.Future[Any]", bool]


class Sqlite:
    """One database file, used from one event loop; other processes may use the same file."""

    def __init__(self, path: Path, patience: Millis) -> None:
        self._path = path
        self._patience = patience / SECOND
        self._loop = asyncio.get_running_loop()
        self._writer: apsw.Connection | None = _connect_to_write(path)
        self._reader = connect(path)
        self._readers = Readers(lambda: connect(path))
        self._waiting: list[_Waiting] = []
        self._is_busy = False  # A group is under way, or is about to be.
        self._is_closed = False
        self._closed: asyncio.Future[None] = self._loop.create_future()

    @classmethod
    async def open(cls, path: Path, patience: Millis = PATIENCE) -> Self:
        """Open the file, make it if it is not there; Unavailable if that cannot be done."""
        try:
            return cls(path, patience)
        except _TROUBLE as error:
            raise _unavailable(path, error) from error

    async def write(self, work: Work[T], *, is_one_statement: bool = False) -> T:
        """Carry out `work` and return its result after the commit.

        `work` gets the writing connection inside a transaction that it shares with other writes. It is short, for the
        event loop waits for it. What it raises undoes its own statements only and comes to this caller, after the
        commit. `is_one_statement`: only one of them writes, and if that fails SQLite undoes it by itself. When the file
        is locked for too long, full or broken, nothing of the group is kept, everybody in it gets Unavailable, and the
        next group starts anew.
        """
        if self._is_closed:
            raise Unavailable(f"{self._path.name} is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append((work, future, is_one_statement))
        if not self._is_busy:
            self._start()
        return await future

    def read(self, sql: str, bindings: tuple[Value, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows, of committed data only; Unavailable if the file cannot be read now. The event loop waits."""
        try:
            return self._reader.execute(sql, bindings).fetchall()
        except _TROUBLE as error:
            raise _unavailable(self._path, error) from error

    async def read_beside(self, sql: str, bindings: tuple[Value, ...] = ()) -> Any:
        """The only value of a query that may look at much, read beside the event loop; else as `read`."""
        try:
            return await self._readers.read(sql, bindings)
        except _TROUBLE as error:
            raise _unavailable(self._path, error) from error

    async def scan(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query that looks at much, read beside the event loop; else as `read`."""
        try:
            return await asyncio.to_thread(_scan, self._path, sql)
        except _TROUBLE as error:
            raise _unavailable(self._path, error) from error

    async def probe(self) -> None:
        """Return if the file can be read, and something be written to the disk; else Unavailable."""
        self.read("SELECT 1 FROM sqlite_schema LIMIT 1")
        await self.write(_the_same_again)

    async def scrub(self) -> None:
        """See kit.documents.Database. In the file what is removed is overwritten at once (`secure_delete`), in the log
        it stays until that is emptied. Where SQLite has moved a row from one page to another, an old copy may be left
        that nothing leads to: that goes with `rewrite`, and is noted until then."""
        await self.write(lambda connection: connection.pragma("user_version", _TO_BE_REWRITTEN))
        await self._run("PRAGMA wal_checkpoint(TRUNCATE)")

    async def rewrite(self, largest: int | None = None) -> bool:
        """See kit.documents.Database."""
        if self.read("PRAGMA user_version") != [(_TO_BE_REWRITTEN,)]:
            return True
        if largest is not None and self._path.stat().st_size > largest:
            return False
        await self._run("VACUUM")
        await self.write(lambda connection: connection.pragma("user_version", 0))
        await self._run("PRAGMA wal_checkpoint(TRUNCATE)")
        return True

    async def _run(self, pragma: str) -> None:
        """Carry out what takes long, beside the event loop."""
        try:
            rows = await asyncio.to_thread(_scan, self._path, pragma, self._patience)
        except _TROUBLE as error:
            raise _unavailable(self._path, error) from error
        if rows and rows[0][0]:
            raise Unavailable(f"{self._path.name} is read or written all the while; try again")

    async def close(self) -> None:
        """Carry out the writes that wait, move the log into the file and close. Closing again is a no-op."""
        if not self._is_closed:
            self._is_closed = True
            self._reader.close()
            self._readers.close()
            if not self._is_busy:
                self._start()
        await asyncio.shield(self._closed)

    def _start(self) -> None:
        """Begin the next group as soon as nothing more comes."""
        self._is_busy = True
        when_gathered(self._loop, self._waiting.__len__, self._begin)

    def _begin(self, limit: tuple[float, int] | None = None) -> None:
        """Get the right to write, then carry out what waits.

        While another process has the right, ask again now and then, without holding up the loop. `limit` is then
        when to give up, and how many of those who wait have waited since the first try.
        """
        if not self._waiting:
            self._finish()
            return
        size = min(len(self._waiting), _GROUP)
        try:
            if self._writer is None:
                self._writer = _connect_to_write(self._path)
            connection = self._writer
            connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError as error:
            deadline, size = limit or (self._loop.time() + self._patience, size)
            if self._loop.time() < deadline:
                self._loop.call_later(_ASK_AGAIN, self._begin, (deadline, size))
            else:
                self._refuse(self._take(size), error)
        except apsw.Error as error:
            self._refuse(self._take(size), error)
        else:
            self._carry_out(connection, self._take(size))

    def _take(self, size: int) -> list[_Waiting]:
        group = self._waiting[:size]
        del self._waiting[:size]
        return group

    def _carry_out(self, connection: apsw.Connection, group: list[_Waiting]) -> None:
        try:
            answers = [(_try if is_one else _attempt)(connection, work) for work, _, is_one in group]
            connection.execute("COMMIT")
        except apsw.Error as error:
            self._undo()
            self._refuse(group, error)
        else:
            self._give(group, answers)

    def _refuse(self, group: list[_Waiting], error: apsw.Error) -> None:
        self._give(group, [(None, _unavailable(self._path, error)) for _ in group])

    def _give(self, group: list[_Waiting], answers: list[_Answer]) -> None:
        """Answer everybody, then begin the next group: those who write again at once are in it."""
        for (_, future, _), (value, error) in zip(group, answers, strict=True):
            if future.done():
                continue  # The caller went away; the write stands.
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)
        self._is_busy = False
        if self._waiting or self._is_closed:
            self._start()

    def _finish(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._closed.set_result(None)

    def _undo(self) -> None:
        """Roll back if SQLite has not done so itself; a connection that cannot even do that is replaced."""
        if self._writer is None:
            return
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except apsw.Error:
            self._writer.close(True)
            self._writer = None


def _attempt(connection: apsw.Connection, work: Work[Any]) -> _Answer:
    """Carry out one write under a savepoint of its own. Trouble with the file is raised, for it concerns all."""
    connection.execute("SAVEPOINT work")
    answer = _try(connection, work)
    if answer[1] is not None:
        connection.execute("ROLLBACK TO work")
    connection.execute("RELEASE work")
    return answer


def _try(connection: apsw.Connection, work: Work[Any]) -> _Answer:
    try:
        return work(connection), None
    except _TROUBLE:
        raise
    except Exception as error:
        return None, error


def _the_same_again(connection: apsw.Connection) -> None:
    """A write that changes nothing, and has to reach the disk all the same."""
    connection.pragma("user_version", connection.pragma("user_version"))


def _scan(path: Path, sql: str, patience: float = 0) -> list[tuple[Any, ...]]:
    connection = connect(path)
    try:
        if patience:
            connection.set_busy_timeout(int(patience * SECOND))
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def _connect_to_write(path: Path) -> apsw.Connection:
    connection = connect(path)
    connection.set_busy_timeout(0)  # The engine waits for the right to write by itself, without blocking the loop.
    return connection


def _unavailable(path: Path, error: apsw.Error) -> Unavailable:
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return Unavailable(f"{path.name} is damaged ({error}): put back a backup (docs/operations.md)")
    return Unavailable(f"{path.name}: {error}")
