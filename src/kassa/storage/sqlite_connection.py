"""A connection to the SQLite file, with the settings that every one of Kassa's has."""

import time
from pathlib import Path

import apsw

from kassa.kit.clock import SECOND, Millis

_READ_PATIENCE: Millis = 250  # Reads hold up the loop; in WAL mode they wait only for another's crash recovery.
_OPENING_PATIENCE: Millis = 2_000  # Only of a new file: what is in WAL mode already is opened at once.
_PAUSE = 0.002  # Seconds.
_CHECKPOINT_PAGES = 1_000  # Few: whoever commits moves them into the file, and the loop waits (4,000: up to 60 ms).
_LONGEST_LOG = 64 << 20  # Bytes that the log keeps after it grew, because somebody read for long.
_STATEMENTS = 500
_CACHED_KIB = 8_000  # The rest of a large file the system has, for all connections.


def connect(path: Path) -> apsw.Connection:
    """A new connection, in WAL mode; apsw's errors, BusyError when another process holds the file for longer."""
    connection = apsw.Connection(str(path), statementcachesize=_STATEMENTS)
    connection.set_busy_timeout(_READ_PATIENCE)
    _to_wal(connection)
    for pragma in (
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        f"cache_size = -{_CACHED_KIB}",
        f"journal_size_limit = {_LONGEST_LOG}",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def _to_wal(connection: apsw.Connection) -> None:
    """Two that open a new file at once stand in each other's way, and SQLite tells one of them that the file is locked
    without waiting, lest both wait for ever: that one asks again."""
    deadline = time.monotonic() + _OPENING_PATIENCE / SECOND
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            return
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
