# ruff: noqa: S608 (names come from code and are checked; values are always bound)
"""SQLite as a `kit.documents.Database`: a table for each collection, the JSON document in one of its columns.

The fields of declared indexes and the sort field have columns of their own beside the JSON. Against indexes over JSON
expressions that makes a save a third cheaper, lets grouped counts read an index alone, and keeps a field right that
the encoding leaves out or names otherwise.
"""

from collections.abc import Sequence
from enum import Enum
from functools import cache, partial
from typing import Any, Generic, TypeVar

import apsw
import msgspec

from kassa.kit.documents import (
    Between,
    CollectionSpec,
    Conflict,
    Contains,
    Document,
    Duplicate,
    In,
    Index,
    Order,
    Test,
    Total,
    Where,
    with_version,
)
from kassa.storage.naming import checked, with_sort
from kassa.storage.sqlite import Sqlite, Value

D = TypeVar("D", bound=Document)

_OWN = ("id", "version", "due_at")
"""Fields of every document, with columns of the same name; a declared field `x` has the column `f_x`."""

OWN_COLUMNS = (
    "seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, due_at INTEGER, body TEXT NOT NULL"
)
"""What the tables of all releases begin with: by that a file is known to be Kassa's."""


class SqliteDatabase(Sqlite):
    """One file that holds collections."""

    async def collection(self, spec: CollectionSpec[D]) -> "SqliteCollection[D]":
        """Open a collection: make its table, columns and indexes if they are not there or are declared otherwise.

        Duplicate if documents that are stored already break the promise of a new unique index.
        """
        table = _table(spec)
        await self.write(table.make)
        return SqliteCollection(self, spec, table)


@cache
def _table(spec: CollectionSpec[Any]) -> "_Table":
    return _Table(spec)


class SqliteCollection(Generic[D]):
    """One collection; see `kit.documents.Collection`. If both the id and a unique field are taken, Duplicate is of
    the id."""

    def __init__(self, sqlite: Sqlite, spec: CollectionSpec[D], table: "_Table") -> None:
        self.spec = spec
        self._sqlite = sqlite
        self._table = table
        self._columns = table.columns
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(spec.type).decode
        names = [*_OWN, "body", *(f"f_{field}" for field in table.columns)]
        rest = ", ".join(f"{name} = ?" for name in names[1:])
        self._insert_sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        self._save_sql = f"UPDATE {table.name} SET {rest} WHERE id = ? AND version = ?"
        self._get_sql = f"SELECT body FROM {table.name} WHERE id = ?"
        self._many_sql = f"SELECT body FROM {table.name} WHERE id IN (SELECT value FROM json_each(?))"
        self._due_sql = f"SELECT body FROM {table.name} WHERE due_at <= ? ORDER BY due_at, seq LIMIT ?"
        self._delete_sql = f"DELETE FROM {table.name} WHERE id = ?"
        self._sort_is_int = table.fields[spec.sort].type is int

    async def insert(self, document: D) -> D:
        stored = with_version(document, 1)
        await self._sqlite.write(partial(self._insert, self._row(stored)))
        return stored

    async def save(self, document: D) -> D:
        stored = with_version(document, document.version + 1)
        row = self._row(stored)
        await self._sqlite.write(partial(self._save, (*row[1:], document.id, document.version)))
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
        self, where: Where, *, limit: int, skip: int = 0, after: str | None = None, order: Order = "newest"
    ) -> list[D]:
        tests, bindings = self._table.conditions(where)
        sort = self._table.expression(self.spec.sort)
        if after is not None:
            tests.append(f"{sort} {'<' if order == 'newest' else '>'} ?")
            bindings.append(int(after) if self._sort_is_int else after)
        direction = "DESC" if order == "newest" else "ASC"
        sql = f"SELECT body FROM {self._table.name}{_where(tests)} ORDER BY {sort} {direction} LIMIT ? OFFSET ?"
        return self._documents(sql, (*bindings, limit, skip))

    async def count(self, where: Where) -> int:
        tests, bindings = self._table.conditions(where)
        sql = f"SELECT count(*) FROM {self._table.name}{_where(tests)}"
        return int(self._sqlite.read(sql, tuple(bindings))[0][0])

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
            f"SELECT {key} AS grouped, count(*), coalesce(sum({value}), 0)"
            f" FROM {self._table.name}{_where(tests)} GROUP BY grouped ORDER BY grouped"
        )
        return [Total(*row) for row in self._sqlite.read(sql, tuple(bindings))]

    async def delete(self, id: str) -> None:
        await self._sqlite.write(lambda connection: connection.execute(self._delete_sql, (id,)) and None)

    def _documents(self, sql: str, bindings: tuple[Value, ...]) -> list[D]:
        return [self._decode(body) for (body,) in self._sqlite.read(sql, bindings)]

    def _row(self, document: D) -> tuple[Value, ...]:
        body = self._encode(document).decode()
        fields = [_plain(getattr(document, field)) for field in self._columns]
        return (document.id, document.version, document.due_at, body, *fields)

    def _insert(self, row: tuple[Value, ...], connection: apsw.Connection) -> None:
        try:
            connection.execute(self._insert_sql, row)
        except apsw.ConstraintError as error:
            if connection.execute(self._get_sql, row[:1]).fetchall():
                raise Duplicate(self.spec.name, "id") from error
            raise self._table.duplicate(error) from error

    def _save(self, bindings: tuple[Value, ...], connection: apsw.Connection) -> None:
        try:
            connection.execute(self._save_sql, bindings)
        except apsw.ConstraintError as error:
            raise self._table.duplicate(error) from error
        if not connection.changes():
            raise Conflict(f"{self.spec.name}: {bindings[-2]!r} is not at version {bindings[-1]!r}")


class _Table:
    """The names, columns and indexes of a collection in SQL."""

    def __init__(self, spec: CollectionSpec[Any]) -> None:
        self.collection = spec.name
        self.name = f'"{checked(spec.name)}"'
        self.fields = {field.name: field for field in msgspec.structs.fields(spec.type)}
        declared = [with_sort(index, spec.sort) for index in spec.indexes]
        if spec.sort != "id" and not any(index.fields == (spec.sort,) for index in declared):
            declared.append(Index("sort", (spec.sort,)))
        used = dict.fromkeys(field for index in declared for field in index.fields)
        self.columns = tuple(field for field in used if field not in _OWN)
        self._expressions = {field: self._expression(field) for field in self.fields}
        self._unique = {"id": "id"}
        self._indexes = {
            f"{spec.name}__due": f'CREATE INDEX "{spec.name}__due" ON {self.name} (due_at) WHERE due_at IS NOT NULL'
        }
        for index in declared:
            name = f"{spec.name}__{checked(index.name)}"
            columns = [self.expression(field) for field in index.fields]
            kind = "UNIQUE INDEX" if index.unique else "INDEX"
            self._indexes[name] = f'CREATE {kind} "{name}" ON {self.name} ({", ".join(columns)})'
            if index.unique:
                self._unique[", ".join(columns)] = index.name

    def make(self, connection: apsw.Connection) -> None:
        """Bring the file in line with the declaration; a no-op when it is."""
        columns = [f"f_{field}" for field in self.columns]
        connection.execute(f"CREATE TABLE IF NOT EXISTS {self.name} ({', '.join([OWN_COLUMNS, *columns])})")
        stored: list[Any] = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
            (self.collection,),
        ).fetchall()
        for name, sql in stored:
            if self._indexes.get(name) != sql:
                connection.execute(f'DROP INDEX "{name}"')
        self._fit_columns(connection)
        for name, sql in self._indexes.items():
            if (name, sql) not in stored:
                self._make_index(connection, sql)

    def _fit_columns(self, connection: apsw.Connection) -> None:
        """Drop columns that are not declared any more (they would grow stale), add and fill those that are new."""
        rows: list[Any] = connection.execute("SELECT name FROM pragma_table_info(?)", (self.collection,)).fetchall()
        present = {name[2:] for (name,) in rows if name.startswith("f_")}
        for field in present.difference(self.columns):
            connection.execute(f'ALTER TABLE {self.name} DROP COLUMN "f_{field}"')
        for field in self.columns:
            if field not in present:
                connection.execute(f'ALTER TABLE {self.name} ADD COLUMN "f_{field}"')
                connection.execute(f'UPDATE {self.name} SET "f_{field}" = {self._in_body(field)}')

    def _make_index(self, connection: apsw.Connection, sql: str) -> None:
        try:
            connection.execute(sql)
        except apsw.ConstraintError as error:
            raise self.duplicate(error) from error

    def expression(self, field: str) -> str:
        """The SQL of a field's value."""
        try:
            return self._expressions[field]
        except KeyError:
            raise ValueError(f"documents of {self.collection} have no field {field!r}") from None

    def _expression(self, field: str) -> str:
        if field in _OWN:
            return field
        return f"f_{checked(field)}" if field in self.columns else self._in_body(field)

    def _in_body(self, field: str) -> str:
        """The value in the JSON; for a document stored before the field was there, or without it, the default."""
        path = f"'$.{checked(self.fields[field].encode_name)}'"
        default = _plain(self.fields[field].default)
        if not isinstance(default, str | int):
            return f"(body ->> {path})"
        literal = int(default) if isinstance(default, int) else "'" + str(default).replace("'", "''") + "'"
        return f"iif(json_type(body, {path}) IS NULL, {literal}, body ->> {path})"

    def conditions(self, where: Where) -> tuple[list[str], list[Value]]:
        """The tests as SQL, and what to bind."""
        tests: list[str] = []
        bindings: list[Value] = []
        for field, test in where.items():
            for sql, values in _tests(self.expression(field), test):
                tests.append(sql)
                bindings.extend(values)
        return tests, bindings

    def duplicate(self, error: apsw.ConstraintError) -> Exception:
        """What a broken unique constraint means; another broken constraint is returned as it is."""
        columns = str(error).removeprefix("UNIQUE constraint failed: ").replace(f"{self.collection}.", "")
        index = self._unique.get(columns)
        return Duplicate(self.collection, index) if index else error


def _tests(value: str, test: Test) -> list[tuple[str, Sequence[Value]]]:
    match test:
        case None:
            return [(f"{value} IS NULL", ())]
        case In(values):
            return [(f"{value} IN ({', '.join('?' * len(values))})", [_plain(one) for one in values])]
        case Contains(text):
            return [(f"instr({value}, ?) > 0", (text,))]
        case Between(at_least, below):
            limits = ((f"{value} >= ?", at_least), (f"{value} < ?", below))
            return [(sql, (limit,)) for sql, limit in limits if limit is not None]
        case _:
            return [(f"{value} = ?", (_plain(test),))]


def _where(tests: list[str]) -> str:
    return f" WHERE {' AND '.join(tests)}" if tests else ""


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
