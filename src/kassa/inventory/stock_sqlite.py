# ruff: noqa: S608 (the SQL is put together from constants of this file; values are always bound)
"""The stock in SQLite. Every operation is one write of the engine: all of it is committed, or nothing."""

import json
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import apsw
import msgspec

from kassa.contracts.inventory import InsufficientStock, Level, Line, ReservationEnded, StockExists, UnknownStock
from kassa.inventory.stock import (
    BY_ORDERS,
    By,
    Difference,
    Kind,
    Movement,
    MovementTotal,
    Reservation,
    State,
    Summary,
    merged,
)
from kassa.inventory.stock_sqlite_proof import DIFFERENCES, set_by_ledger
from kassa.kit.clock import DAY, Millis
from kassa.kit.ids import DISCOUNT
from kassa.storage.sqlite import Sqlite, Value

_IS_UNMARKED = "state = 'held' AND is_marked = 0"

OWN_COLUMNS = "seq INTEGER PRIMARY KEY, product_id TEXT NOT NULL UNIQUE"
"""What the stock of all releases begins with: by that a file is known to be Kassa's."""

# The constraints are the second line of defence: a mistake in the code fails the write instead of selling twice.
# The lines of a reservation are a JSON array of [product id, quantity].
_SCHEMA = (
    f"CREATE TABLE IF NOT EXISTS stock ({OWN_COLUMNS},"
    " available INTEGER NOT NULL CHECK (available >= 0), reserved INTEGER NOT NULL CHECK (reserved >= 0),"
    " sold INTEGER NOT NULL CHECK (sold >= 0), received INTEGER NOT NULL,"
    " CHECK (received = available + reserved + sold))",
    "CREATE TABLE IF NOT EXISTS reservations (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " state TEXT NOT NULL CHECK (state IN ('held', 'committed', 'released')), lines TEXT NOT NULL,"
    " made_at INTEGER NOT NULL, is_marked INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE IF NOT EXISTS movements (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, product_id TEXT NOT NULL,"
    " kind TEXT NOT NULL, quantity INTEGER NOT NULL, input_id TEXT NOT NULL, reason TEXT NOT NULL,"
    " who TEXT NOT NULL DEFAULT 'order-service', request_id TEXT NOT NULL DEFAULT '',"
    " UNIQUE (input_id, product_id, kind))",
    f"CREATE INDEX IF NOT EXISTS reservations_unmarked ON reservations (made_at) WHERE {_IS_UNMARKED}",
    "DROP INDEX IF EXISTS movements_at",
    "CREATE INDEX IF NOT EXISTS movements_by_time ON movements (at, kind, reason, quantity)",
    *(
        f"CREATE TRIGGER IF NOT EXISTS movements_no_{verb} BEFORE {verb} ON movements"
        " BEGIN SELECT raise(ABORT, 'the ledger is only appended to'); END"
        for verb in ("update", "delete")
    ),
)

_LEVEL = "SELECT product_id, available, reserved, sold, received FROM stock"
_RESERVATION = "SELECT id, state, lines, made_at, is_marked FROM reservations"
_MOVEMENT = "SELECT number, at, product_id, kind, quantity, input_id, reason, who, request_id FROM movements"

_HOLD = (
    "UPDATE stock SET available = available - ?1, reserved = reserved + ?1 WHERE product_id = ?2 AND available >= ?1"
)
_SELL = "UPDATE stock SET reserved = reserved - ?1, sold = sold + ?1 WHERE product_id = ?2"
_FREE = "UPDATE stock SET reserved = reserved - ?1, available = available + ?1 WHERE product_id = ?2"
_RECEIVE = (
    "UPDATE stock SET available = available + ?1, received = received + ?1"
    " WHERE product_id = ?2 AND available + ?1 >= 0"
)
_MOVE = (
    "INSERT INTO movements (at, product_id, kind, quantity, input_id, reason, who, request_id)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_MOVE_ALL = (
    "INSERT INTO movements (at, product_id, kind, quantity, input_id, reason, who, request_id)"
    " SELECT ?, value ->> 0, ?, value ->> 1, ?, ?, ?, ? FROM json_each(?)"
)
_INIT = "INSERT OR IGNORE INTO stock (product_id, available, reserved, sold, received) VALUES (?1, ?2, 0, 0, ?2)"
_IS_DONE = "SELECT 1 FROM movements WHERE input_id = ? AND kind = ?"
_STATE = "SELECT state, lines FROM reservations WHERE id = ?"
_MAKE = "INSERT INTO reservations (id, state, lines, made_at) VALUES (?, ?, ?, ?)"
_END = "UPDATE reservations SET state = ? WHERE id = ?"
_MARK = "UPDATE reservations SET is_marked = 1 WHERE id = ? AND is_marked = 0"

_Pieces = Sequence[tuple[str, int]]
_movement_totals = msgspec.json.Decoder(list[MovementTotal]).decode


class SqliteStock:
    """The stock port over one SQLite file; see `kassa.inventory.stock.Stock`."""

    def __init__(self, sqlite: Sqlite) -> None:
        self._sqlite = sqlite

    @classmethod
    async def open(cls, sqlite: Sqlite) -> "SqliteStock":
        """Make the tables if they are not there."""
        await sqlite.write(_make)
        return cls(sqlite)

    async def ping(self) -> None:
        await self._sqlite.probe()

    async def probe(self) -> None:
        await self._sqlite.probe()

    async def init(self, product_id: str, quantity: int, operation_id: str, reason: str, at: Millis, by: By) -> None:
        if quantity < 0:
            raise ValueError(f"quantity {quantity} of product {product_id}: must not be negative")
        movement = (at, product_id, Kind.INIT, quantity, operation_id, reason, *by)
        await self._sqlite.write(partial(_init, movement))

    async def adjust(self, product_id: str, change: int, operation_id: str, reason: str, at: Millis, by: By) -> Level:
        movement = (at, product_id, Kind.ADJUST, change, operation_id, reason, *by)
        return await self._sqlite.write(partial(_adjust, movement))

    async def reserve(self, reservation_id: str, lines: Sequence[Line], at: Millis, by: By = BY_ORDERS) -> None:
        await self._sqlite.write(partial(_reserve, reservation_id, _pieces(lines), at, by))

    async def commit(self, reservation_id: str, at: Millis, by: By = BY_ORDERS) -> None:
        await self._sqlite.write(partial(_commit, reservation_id, at, by))

    async def release(self, reservation_id: str, at: Millis, by: By = BY_ORDERS) -> None:
        await self._sqlite.write(partial(_release, reservation_id, at, by))

    async def restock(self, operation_id: str, lines: Sequence[Line], reason: str, at: Millis) -> None:
        await self._sqlite.write(partial(_restock, operation_id, _pieces(lines), reason, at))

    async def mark(self, reservation_id: str) -> None:
        await self._sqlite.write(lambda connection: connection.execute(_MARK, (reservation_id,)) and None)

    async def levels(self, product_ids: Sequence[str]) -> dict[str, Level]:
        sql = f"{_LEVEL} WHERE product_id IN (SELECT value FROM json_each(?))"
        return {row[0]: Level(*row) for row in self._sqlite.read(sql, (_json(product_ids),))}

    async def all_levels(self, limit: int, after: str = "") -> list[Level]:
        sql = f"{_LEVEL} WHERE product_id > ? ORDER BY product_id LIMIT ?"
        return [Level(*row) for row in self._sqlite.read(sql, (after, limit))]

    async def summary(self, threshold: int) -> Summary:
        sql = (
            "SELECT json_array(count(*), count(*) FILTER (WHERE available BETWEEN 1 AND ?),"
            " count(*) FILTER (WHERE available = 0), coalesce(sum(available), 0)) FROM stock"
        )
        return Summary(*msgspec.json.decode(await self._sqlite.read_beside(sql, (threshold,))))

    async def reservations_of(self, ids: Sequence[str]) -> list[Reservation | None]:
        rows = self._sqlite.read(f"{_RESERVATION} WHERE id IN (SELECT value FROM json_each(?))", (_json(ids),))
        found = {row[0]: _reservation(*row) for row in rows}
        return [found.get(each) for each in ids]

    async def unmarked(self, older_than: Millis, limit: int) -> list[Reservation]:
        sql = f"{_RESERVATION} WHERE {_IS_UNMARKED} AND made_at < ? ORDER BY made_at, seq LIMIT ?"
        return [_reservation(*row) for row in self._sqlite.read(sql, (older_than, limit))]

    async def reservations(self, after: str, limit: int) -> list[Reservation]:
        """All reservations by id, those that have ended too; `after` is the last id of the page before."""
        rows = self._sqlite.read(f"{_RESERVATION} WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        return [_reservation(*row) for row in rows]

    async def ledger(self, after: int, limit: int) -> list[Movement]:
        return self._movements("WHERE number > ? ORDER BY number LIMIT ?", (after, limit))

    async def recent(self, limit: int) -> list[Movement]:
        return self._movements("ORDER BY number DESC LIMIT ?", (limit,))

    async def moved_by(self, input_ids: Sequence[str], product_ids: Sequence[str]) -> list[Movement]:
        are_theirs = " AND ".join(f"{name} IN (SELECT value FROM json_each(?))" for name in ("input_id", "product_id"))
        asked = (json.dumps(list(input_ids)), json.dumps(list(product_ids)))
        return self._movements(f"WHERE {are_theirs} ORDER BY number", asked)

    async def movement_totals(self, since: Millis) -> list[MovementTotal]:
        sql = (
            "SELECT json_group_array(json_array(day, kind, reason, counted, summed))"
            f" FROM (SELECT at - at % {DAY} AS day, kind, reason, count(*) AS counted, sum(quantity) AS summed"
            f" FROM movements WHERE at >= ? AND product_id NOT GLOB '{DISCOUNT}_*' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3)"
        )
        return _movement_totals(await self._sqlite.read_beside(sql, (since,)))

    async def differences(self) -> list[Difference]:
        return [Difference(*row) for row in await self._sqlite.scan(DIFFERENCES)]

    async def set_by_ledger(self, product_ids: Collection[str], at: Millis, by: By) -> set[str]:
        return {each for each in product_ids if await self._sqlite.write(partial(set_by_ledger, each, at, by))}

    def _movements(self, rest: str, bindings: tuple[Value, ...]) -> list[Movement]:
        rows = self._sqlite.read(f"{_MOVEMENT} {rest}", bindings)
        return [Movement(n, at, product, Kind(kind), *others) for n, at, product, kind, *others in rows]


def _make(connection: apsw.Connection) -> None:
    for statement in _SCHEMA:
        connection.execute(statement)


def _init(movement: tuple[Any, ...], connection: apsw.Connection) -> None:
    _, product_id, kind, quantity, operation_id, *_ = movement
    connection.execute(_INIT, (product_id, quantity))
    if connection.changes():
        connection.execute(_MOVE, movement)
    elif not _is_done(connection, operation_id, kind, product_id):
        raise StockExists(product_id)


def _adjust(movement: tuple[Any, ...], connection: apsw.Connection) -> Level:
    _, product_id, kind, change, operation_id, *_ = movement
    if not _is_done(connection, operation_id, kind, product_id):
        connection.execute(_RECEIVE, (change, product_id))
        if not connection.changes():
            raise _shortage(connection, product_id, -change)
        connection.execute(_MOVE, movement)
    level: Any = connection.execute(f"{_LEVEL} WHERE product_id = ?", (product_id,)).fetchone()
    return Level(*level)


def _reserve(reservation_id: str, pieces: _Pieces, at: Millis, by: By, connection: apsw.Connection) -> None:
    if (found := _found(connection, reservation_id)) is not None:
        if found[0] == State.RELEASED:
            raise ReservationEnded(reservation_id)
        return
    for product_id, quantity in pieces:
        connection.execute(_HOLD, (quantity, product_id))
        if not connection.changes():
            raise _shortage(connection, product_id, quantity)
    lines = _json(pieces)
    connection.execute(_MAKE, (reservation_id, "held", lines, at))
    connection.execute(_MOVE_ALL, (at, "reserve", reservation_id, "", *by, lines))


def _commit(reservation_id: str, at: Millis, by: By, connection: apsw.Connection) -> None:
    state, lines = _found(connection, reservation_id) or (State.RELEASED, "[]")
    if state == State.RELEASED:
        raise ReservationEnded(reservation_id)
    if state == State.HELD:
        connection.executemany(_SELL, _parsed(lines))
        connection.execute(_END, ("committed", reservation_id))
        connection.execute(_MOVE_ALL, (at, "commit", reservation_id, "", *by, lines))


def _release(reservation_id: str, at: Millis, by: By, connection: apsw.Connection) -> None:
    if (found := _found(connection, reservation_id)) is None:
        connection.execute(_MAKE, (reservation_id, "released", "[]", at))
        return
    state, lines = found
    if state == State.COMMITTED:
        raise ReservationEnded(reservation_id)
    if state == State.HELD:
        connection.executemany(_FREE, _parsed(lines))
        connection.execute(_END, ("released", reservation_id))
        connection.execute(_MOVE_ALL, (at, "release", reservation_id, "", *by, lines))


def _restock(operation_id: str, pieces: _Pieces, reason: str, at: Millis, connection: apsw.Connection) -> None:
    if connection.execute(_IS_DONE, (operation_id, "restock")).fetchone():
        return
    for product_id, quantity in pieces:
        connection.execute(_RECEIVE, (quantity, product_id))
        if not connection.changes():
            raise UnknownStock(product_id)
    connection.execute(_MOVE_ALL, (at, "restock", operation_id, reason, *BY_ORDERS, _json(pieces)))


def _found(connection: apsw.Connection, reservation_id: str) -> tuple[str, str] | None:
    """The state and the lines of a reservation."""
    rows: list[Any] = connection.execute(_STATE, (reservation_id,)).fetchall()
    return rows[0] if rows else None


def _is_done(connection: apsw.Connection, input_id: str, kind: Kind, product_id: str) -> bool:
    return bool(connection.execute(f"{_IS_DONE} AND product_id = ?", (input_id, kind, product_id)).fetchall())


def _shortage(connection: apsw.Connection, product_id: str, asked: int) -> InsufficientStock | UnknownStock:
    level = connection.execute(f"{_LEVEL} WHERE product_id = ?", (product_id,)).fetchone()
    return UnknownStock(product_id) if level is None else InsufficientStock(product_id, asked, Level(*level).available)


def _pieces(lines: Sequence[Line]) -> _Pieces:
    return [(line.product_id, line.quantity) for line in merged(lines)]


def _parsed(lines: str) -> list[tuple[int, str]]:
    """Stored lines in the order of the statements' bindings."""
    return [(quantity, product_id) for product_id, quantity in msgspec.json.decode(lines)]


def _json(value: Sequence[Any]) -> str:
    return msgspec.json.encode(value).decode()


def _reservation(id: str, state: str, lines: str, made_at: Millis, is_marked: int) -> Reservation:
    held = tuple(Line(product_id, quantity) for quantity, product_id in _parsed(lines))
    return Reservation(id, State(state), held, made_at, bool(is_marked))
