"""Reads that may look at much, in threads beside the event loop, each on a connection of its own.

SQLite gives the interpreter's lock back while it works, and a log (WAL) lets them read beside the writer. A thread has
to win the lock again for every row, from a busy loop every 5 ms: so a query gives one row, the JSON of all.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import apsw

from kassa.kit.problem import Unavailable

THREADS = min(4, max(1, (os.cpu_count() or 1) - 1))
"""One core is left to the event loop."""

MOST_WAITING = 200
"""Reads under way and waiting. Whoever comes then would wait for longer than anybody does."""

_MAPPED = 256 << 20
"""Bytes of the file that they read where the system has them, without copying each page first."""


_CACHED_KIB = 2_000
"""What looks at much comes to no page twice."""


class Readers:
    """Connections to one file that only read, made when they are needed. Errors are those of apsw."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="sqlite-reader")
        self._idle: list[apsw.Connection] = []
        self._all: list[apsw.Connection] = []
        self._asked = 0
        self._is_closed = False

    async def read(self, sql: str, bindings: tuple[Any, ...]) -> Any:
        """The first column of the first row, of committed data only; Unavailable if too many read already."""
        if self._is_closed:
            raise apsw.ConnectionClosedError("the file is closed")
        if self._asked >= MOST_WAITING:
            raise Unavailable("too much is being looked for; try again")
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, sql, bindings)
        finally:
            self._asked -= 1

    def close(self) -> None:
        """Close all; what is still being read is interrupted."""
        self._is_closed = True
        for connection in list(self._all):
            connection.interrupt()
        self._pool.shutdown()
        while self._all:
            self._all.pop().close()

    def _read(self, sql: str, bindings: tuple[Any, ...]) -> Any:
        if self._is_closed:
            raise apsw.ConnectionClosedError("the file is closed")
        connection = self._idle.pop() if self._idle else self._opened()
        try:
            return connection.execute(sql, bindings).get
        finally:
            self._idle.append(connection)

    def _opened(self) -> apsw.Connection:
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA mmap_size = {_MAPPED}").fetchall()
        connection.execute(f"PRAGMA cache_size = -{_CACHED_KIB}")
        self._all.append(connection)
        return connection
