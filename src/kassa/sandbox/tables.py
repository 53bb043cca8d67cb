"""The sandbox's tables, and what can be read from and written to them.

Objects are kept as the JSON that Stripe would answer, with a private part beside it that never leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import apsw
import msgspec

from kassa.sandbox.account import Account, read_account, stored_account
from kassa.sandbox.config import Clock
from kassa.sandbox.errors import Json, no_such

OWN_COLUMNS = "seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, created INTEGER NOT NULL"
"""By that a file is known to be a sandbox's."""

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS object (
  {OWN_COLUMNS}, state TEXT, payment_intent TEXT, charge TEXT, body BLOB NOT NULL, private BLOB);
CREATE INDEX IF NOT EXISTS object_kind ON object (kind, seq);
CREATE INDEX IF NOT EXISTS object_payment_intent ON object (payment_intent, kind) WHERE payment_intent IS NOT NULL;
CREATE INDEX IF NOT EXISTS object_charge ON object (charge, kind) WHERE charge IS NOT NULL;
CREATE TABLE IF NOT EXISTS delivery (
  id INTEGER PRIMARY KEY, event TEXT NOT NULL, endpoint TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  first_at REAL NOT NULL, next_at REAL NOT NULL, state TEXT NOT NULL DEFAULT 'pending', answer TEXT);
CREATE INDEX IF NOT EXISTS delivery_event ON delivery (event);
CREATE INDEX IF NOT EXISTS delivery_pending ON delivery (id) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS timer (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS timer_at ON timer (at);
CREATE TABLE IF NOT EXISTS idempotency (
  key TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value);
"""

decode = msgspec.json.Decoder(dict[str, Any]).decode
encode = msgspec.json.Encoder().encode
_INSERT = (
    "INSERT INTO object (id, kind, created, state, payment_intent, charge, body, private)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def _columns(value: Json) -> tuple[Any, ...]:
    """What the table repeats of an object, so that lists can be filtered by it."""
    state = value.get("status") or value.get("type")
    intent, charge = value.get("payment_intent"), value.get("charge")
    return value["id"], value["object"], value["created"], state, intent, charge, encode(value)


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted; rows come newest first (Stripe docs: api/pagination)."""

    where: str
    values: tuple[Any, ...]
    limit: int
    after: int | None = None
    before: int | None = None


class Reader:
    """Reads over one connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values).fetchall()

    def body(self, object_id: str, kind: str | None = None) -> bytes | None:
        """The JSON of an object, or None if there is none of that kind."""
        rows = self.rows("SELECT body, kind FROM object WHERE id = ?", object_id)
        return rows[0][0] if rows and kind in (None, rows[0][1]) else None

    def find(self, object_id: str, kind: str | None = None) -> Json | None:
        body = self.body(object_id, kind)
        return None if body is None else decode(body)

    def get(self, object_id: str, kind: str, param: str = "id") -> Json:
        """An object that must be there; `ApiError` 404 otherwise."""
        found = self.find(object_id, kind)
        if found is None:
            raise no_such(kind, object_id, param)
        return found

    def private(self, object_id: str) -> Json:
        rows = self.rows("SELECT private FROM object WHERE id = ?", object_id)
        return decode(rows[0][0]) if rows and rows[0][0] is not None else {}

    def seq(self, object_id: str, kind: str, param: str) -> int:
        rows = self.rows("SELECT seq FROM object WHERE id = ? AND kind = ?", object_id, kind)
        if not rows:
            raise no_such(kind, object_id, param)
        return int(rows[0][0])

    def page(self, kind: str, page: Page) -> tuple[list[bytes], bool]:
        """The rows' JSON, newest first, and whether there are more in the direction of reading."""
        where, values = f"kind = ?{page.where}", [kind, *page.values]
        if page.after is not None:
            where, values = f"{where} AND seq < ?", [*values, page.after]
        if page.before is not None:
            where, values = f"{where} AND seq > ?", [*values, page.before]
        order = "ASC" if page.before is not None else "DESC"
        sql = f"SELECT body FROM object WHERE {where} ORDER BY seq {order} LIMIT ?"  # noqa: S608 - fixed fragments
        found = [row[0] for row in self.rows(sql, *values, page.limit + 1)]
        bodies = found[: page.limit]
        return bodies[::-1] if page.before is not None else bodies, len(found) > page.limit

    def setting(self, name: str) -> Any:
        rows = self.rows("SELECT value FROM setting WHERE name = ?", name)
        return rows[0][0] if rows else None

    @property
    def account(self) -> Account:
        """What the account is like at present."""
        return read_account(self.setting("account"))

    def pending_webhooks(self, event_id: str) -> int:
        rows = self.rows("SELECT count(*) FROM delivery WHERE event = ? AND state = 'pending'", event_id)
        return int(rows[0][0])


class Tx(Reader):
    """One write. `now` is the sandbox's time in whole seconds, as Stripe's `created` is."""

    def __init__(self, connection: apsw.Connection, clock: Clock) -> None:
        super().__init__(connection)
        self.clock = clock
        self.touched: set[str] = set()
        self._endpoints: list[Json] | None = None
        self._account: Account | None = None

    @property
    def account(self) -> Account:
        """What the account is like; remembered until it changes."""
        if self._account is None:
            self._account = super().account
        return self._account

    @property
    def now(self) -> int:
        return int(self.clock.now())

    @property
    def year(self) -> int:
        """The year that it is in UTC."""
        return datetime.fromtimestamp(self.now, UTC).year

    def insert(self, value: Json, private: Json | None = None) -> Json:
        hidden = None if private is None else encode(private)
        self.connection.execute(_INSERT, (*_columns(value), hidden))
        self._notice(value["object"])
        return value

    def put(self, value: Json) -> Json:
        """Insert an object without a private part, or change it if it is there."""
        change = " ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body"
        self.connection.execute(_INSERT + change, (*_columns(value), None))
        return value

    def update(self, value: Json) -> Json:
        self.connection.execute(
            "UPDATE object SET state = ?, payment_intent = ?, body = ? WHERE id = ?",
            (value.get("status"), value.get("payment_intent"), encode(value), value["id"]),
        )
        self._notice(value["object"])
        return value

    def update_private(self, object_id: str, private: Json) -> None:
        self.connection.execute("UPDATE object SET private = ? WHERE id = ?", (encode(private), object_id))
        self.forget()

    def delete(self, object_id: str) -> None:
        self.connection.execute("DELETE FROM object WHERE id = ?", (object_id,))
        self.forget()

    def set_setting(self, name: str, value: float | str) -> None:
        self.connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def set_account(self, account: Account) -> None:
        self.set_setting("account", stored_account(account))
        self.forget()

    def add_timer(self, at: float, action: str, subject: str) -> None:
        """Have an action of `timers.py` carried out on an object once the sandbox's clock says `at`."""
        self.connection.execute("INSERT INTO timer (at, action, subject) VALUES (?, ?, ?)", (at, action, subject))
        self.touched.add("timer")

    def endpoints(self) -> list[Json]:
        """The webhook endpoints that are enabled; remembered until one changes."""
        if self._endpoints is None:
            rows = self.rows("SELECT body FROM object WHERE kind = 'webhook_endpoint' AND state = 'enabled'")
            self._endpoints = [decode(row[0]) for row in rows]
        return self._endpoints

    def forget(self) -> None:
        self._endpoints = self._account = None

    def _notice(self, kind: str) -> None:
        if kind == "webhook_endpoint":
            self.forget()
