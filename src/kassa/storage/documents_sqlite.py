# ruff: noqa: S608 (names come from code and are checked; values are always bound)
"""SQLite as a `kit.documents.Database`: a table for each collection, the JSON document in one of its columns.

The fields of declared indexes and the sort field have columns of their own beside the JSON. Against indexes over JSON
expressions that makes a save a third cheaper, lets grouped counts read an index alone, and keeps a field right that
the encoding leaves out or names otherwise.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, Generic, TypeVar

import apsw
import msgspec

from kassa.kit.documents import (
    By,
    CollectionSpec,
    Conflict,
    Document,
    Duplicate,
    Order,
    Total,
    Where,
    with_version,
)
from kassa.storage.sqlite import Sqlite, Value
from kassa.storage.sqlite_table import OWN, Table, table_of

D = TypeVar("D", bound=Document)

_REMEMBERED = 1_000
_FEW = 1_000
"""What is read at once passes over no more documents than this."""


class SqliteDatabase(Sqlite):
    """One file that holds collections."""

    async def collection(self, spec: CollectionSpec[D]) -> "SqliteCollection[D]":
        """Open a collection: make its table, columns and indexes if they are not there or are declared otherwise.

        Duplicate if documents that are stored already break the promise of a new unique index.
        """
        table = table_of(spec)
        await self.write(table.make)
        return SqliteCollection(self, spec, table)


class SqliteCollection(Generic[D]):
    """One collection; see `kit.documents.Collection`. If both the id and a unique field are taken, Duplicate is of
    the id."""

    def __init__(self, sqlite: Sqlite, spec: CollectionSpec[D], table: Table) -> None:
        self.spec = spec
        self._sqlite = sqlite
        self._table = table
        self._values = attrgetter("id", "version", "due_at", *table.columns)
        self._encode = msgspec.json.Encoder().encode
        decode = msgspec.json.Decoder(spec.type).decode
        # By its whole text: what is remembered is what is stored.
        self._decode: Callable[[str], D] = lru_cache(_REMEMBERED)(decode) if spec.is_read_often else decode
        self._decode_all = msgspec.json.Decoder(list[spec.type]).decode  # type: ignore[name-defined]
        names = [*OWN, "body", *(f"f_{field}" for field in table.columns)]
        self._insert_sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        # What indexes are made of; and the statements that set some of it, by which they set.
        self._indexed = ["due_at", *names[len(OWN) + 1 :]]
        self._known_sql = f"SELECT seq, {', '.join(self._indexed)} FROM {table.name} WHERE id = ? AND version = ?"
        self._saving: dict[tuple[str, ...], str] = {}
        self._get_sql = f"SELECT body FROM {table.name} WHERE id = ?"
        self._many_sql = f"SELECT body FROM {table.name} WHERE id IN (SELECT value FROM json_each(?))"
        self._due_sql = f"SELECT body FROM {table.name} WHERE due_at <= ? ORDER BY due_at, seq LIMIT ?"
        self._delete_sql = f"DELETE FROM {table.name} WHERE id = ?"
        self._sort_is_int = table.fields[spec.sort].type is int

    async def insert(self, document: D) -> D:
        stored = with_version(document, 1)
        await self._sqlite.write(partial(self._insert, self._row(stored)), is_one_statement=True)
        return stored

    async def save(self, document: D) -> D:
        stored = with_version(document, document.version + 1)
        await self._sqlite.write(partial(self._save, document.version, self._row(stored)), is_one_statement=True)
        return stored

    async def get(self, id: str) -> D | None:
        rows = self._sqlite.read(self._get_sql, (id,))
        return self._decode(rows[0][0]) if rows else None

    async def many(self, ids: Sequence[str]) -> list[D]:
        return self._documents(self._many_sql, (self._encode(ids).decode(),))

    async def first(self, where: Where) -> D | None:
        found = await self.find(where, limit=1, order="oldest")
        return found[0] if found else None

    async def find(
        self,
        where: Where,
        *,
        limit: int,
        skip: int = 0,
        after: str | None = None,
        order: Order = "newest",
        by: By | None = None,
    ) -> list[D]:
        tests, bindings = self._table.conditions(where)
        sorted_by = [self._table.expression(field) for field in ([by.field] if by else []) + [self.spec.sort]]
        if after is not None:
            sign = "<" if order == "newest" else ">"
            tests.append(f"({', '.join(sorted_by)}) {sign} ({', '.join('?' * len(sorted_by))})")
            bindings += [*([by.after] if by else []), int(after) if self._sort_is_int else after]
        direction = "DESC" if order == "newest" else "ASC"
        in_order = ", ".join(f"{each} {direction}" for each in sorted_by)
        table = self._table.name
        page = f"FROM {table}{_where(tests)} ORDER BY {in_order} LIMIT ? OFFSET ?"
        bindings += [limit, skip]
        if limit + skip <= _FEW and self._table.is_by_index(where, by.field if by else None):
            return self._documents(f"SELECT body {page}", tuple(bindings))
        # What is sorted is no documents, which are large, but where they are; only those of the page are read.
        documents = f"FROM (SELECT seq {page}) AS page CROSS JOIN {table} AS stored ON stored.seq = page.seq"
        sql = f"SELECT '[' || group_concat(stored.body) || ']' {documents}"
        found = await self._sqlite.read_beside(sql, tuple(bindings))
        return self._decode_all(found or "[]")

    async def count(self, where: Where) -> int:
        tests, bindings = self._table.conditions(where)
        sql = f"SELECT count(*) FROM {self._table.name}{_where(tests)}"
        return int(await self._sqlite.read_beside(sql, tuple(bindings)))

    async def due(self, now: int, limit: int) -> list[D]:
        return self._documents(self._due_sql, (now, limit))

    async def totals(self, where: Where, by: str, *, sum_of: str | None = None, per: int = 1) -> list[Total]:
        tests, bindings = self._table.conditions(where)
        key = self._table.expression(by)
        if per > 1:
            # SQLite's division goes towards zero; this rounds down.
            key = f"({key} - (({key} % {per:d}) + {per:d}) % {per:d}) / {per:d}"
        value = self._table.expression(sum_of) if sum_of else "0"
        sql = (
            f"SELECT {key} AS grouped, count(*) AS counted, coalesce(sum({value}), 0) AS summed"
            f" FROM {self._table.name}{_where(tests)} GROUP BY grouped ORDER BY grouped"
        )
        rows = f"SELECT json_group_array(json_array(grouped, counted, summed)) FROM ({sql})"
        return [Total(*row) for row in msgspec.json.decode(await self._sqlite.read_beside(rows, tuple(bindings)))]

    async def delete(self, id: str, where: Where | None = None) -> None:
        tests, bindings = self._table.conditions(where or {})
        sql = " AND ".join([self._delete_sql, *tests])
        values = (id, *bindings)
        await self._sqlite.write(lambda connection: connection.execute(sql, values) and None, is_one_statement=True)

    def _documents(self, sql: str, bindings: tuple[Value, ...]) -> list[D]:
        return [self._decode(body) for (body,) in self._sqlite.read(sql, bindings)]

    def _row(self, document: D) -> tuple[Value, ...]:
        id, version, due_at, *fields = self._values(document)
        return (id, version, due_at, self._encode(document).decode(), *fields)

    def _insert(self, row: tuple[Value, ...], connection: apsw.Connection) -> None:
        try:
            connection.execute(self._insert_sql, row)
        except apsw.ConstraintError as error:
            if connection.execute(self._get_sql, row[:1]).fetchall():
                raise Duplicate(self.spec.name, "id") from error
            raise self._table.duplicate(error) from error

    def _save(self, before: int, row: tuple[Value, ...], connection: apsw.Connection) -> None:
        """Write what has changed: SQLite writes every index anew of which a column is set, be it to what it was."""
        id, version, due_at, body, *fields = row
        rows: list[Any] = connection.execute(self._known_sql, (id, before)).fetchall()
        if not rows:
            raise Conflict(f"{self.spec.name}: {id!r} is not at version {before!r}")
        seq, *known = rows[0]
        values = (due_at, *fields)
        changed = [each for each in range(len(known)) if known[each] != values[each]]
        names = tuple(self._indexed[each] for each in changed)
        sql = self._saving.get(names) or self._save_sql(names)
        try:
            connection.execute(sql, (version, body, *(values[each] for each in changed), seq))
        except apsw.ConstraintError as error:
            raise self._table.duplicate(error) from error

    def _save_sql(self, names: tuple[str, ...]) -> str:
        rest = ", ".join(f"{name} = ?" for name in ("version", "body", *names))
        return self._saving.setdefault(names, f"UPDATE {self._table.name} SET {rest} WHERE seq = ?")


def _where(tests: list[str]) -> str:
    return f" WHERE {' AND '.join(tests)}" if tests else ""
