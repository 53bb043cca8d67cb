"""Many stored orders without the hours that it takes to place them: one that was placed, copied under other ids."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from kassa.kit.clock import SystemClock
from kassa.kit.ids import ORDER, USER, Ids

# Every table that placing an order writes to, and the column that holds its id.
_TABLES = {"orders": "id", "reservations": "id", "movements": "input_id"}
_USERS = 1_000


def fill(database: Path, count: int) -> None:
    """Copy the newest order, with its reservation and movements, `count` times; the server may run meanwhile."""
    ids = Ids(SystemClock())
    users = [ids.new(USER) for _ in range(_USERS)]
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        order_id, body = connection.execute("SELECT id, body FROM orders ORDER BY id DESC LIMIT 1").fetchone()
        user_id = body.partition('"user_id":"')[2].partition('"')[0]
        names = [(ids.new(ORDER), random.choice(users)) for _ in range(count)]
        for table, column in _TABLES.items():
            fields = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if not row[5]]
            found = f"SELECT {', '.join(fields)} FROM {table} WHERE {column} LIKE ?"
            for row in connection.execute(found, (f"{order_id}%",)).fetchall():
                copies = (_renamed(row, {order_id: order, user_id: user}) for order, user in names)
                into = f"INSERT INTO {table} ({', '.join(fields)}) VALUES ({', '.join('?' * len(fields))})"
                connection.executemany(into, copies)


def _renamed(row: tuple[Any, ...], names: dict[str, str]) -> tuple[Any, ...]:
    copy = []
    for value in row:
        if isinstance(value, str):
            for old, new in names.items():
                value = value.replace(old, new)
        copy.append(value)
    return tuple(copy)
