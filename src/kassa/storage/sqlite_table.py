# ruff: noqa: S608 (names come from code and are checked; values are always bound)
"""A collection in SQL: its table, columns and indexes, and tests as conditions."""

from collections.abc import Sequence
from enum import Enum
from functools import cache
from typing import Any

import apsw
import msgspec

from kassa.kit.documents import Between, CollectionSpec, Contains, Duplicate, In, Index, Test, Where, Words
from kassa.storage.naming import checked, with_sort
from kassa.storage.sqlite import Value
from kassa.storage.sqlite_each import EachIndex
from kassa.storage.sqlite_schema import make_schema
from kassa.storage.sqlite_text import TextIndex

OWN = ("id", "version", "due_at")
"""Fields of every document, with columns of the same name; a declared field `x` has the column `f_x`."""

OWN_COLUMNS = (
    "seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, due_at INTEGER, body TEXT NOT NULL"
)
"""What the tables of all releases begin with: by that a file is known to be Kassa's."""


@cache
def table_of(spec: CollectionSpec[Any]) -> "Table":
    """The table of a collection."""
    return Table(spec)


class Table:
    """The names, columns and indexes of a collection in SQL."""

    def __init__(self, spec: CollectionSpec[Any]) -> None:
        self.collection = spec.name
        self.name = f'"{checked(spec.name)}"'
        self.fields = {field.name: field for field in msgspec.structs.fields(spec.type)}
        several = {index.fields[0]: index.name for index in spec.indexes if index.each}
        declared = [with_sort(index, spec.sort) for index in spec.indexes if not index.each]
        if spec.sort != "id" and not any(index.fields == (spec.sort,) for index in declared):
            declared.append(Index("sort", (spec.sort,)))
        used = dict.fromkeys(field for index in declared for field in index.fields)
        self.columns = tuple(field for field in used if field not in OWN)
        self._expressions = {field: self._expression(field) for field in self.fields}
        self._searched = spec.searched
        self._text = TextIndex(spec.name, self.fields[spec.searched].encode_name) if spec.searched else None
        self._each = {
            field: EachIndex(spec.name, name, self.fields[field].encode_name) for field, name in several.items()
        }
        self._unique = {"id": "id", **{self._each[field].column: name for field, name in several.items()}}
        self._ways = {frozenset[str](), frozenset(("id",))}  # what an index has in order by the sort field
        self._ways_by = set[tuple[frozenset[str], str]]()
        self._own_alone = {each.fields[0] for each in declared if each.unique and len(each.fields) == 1}
        self._indexes = {
            f"{spec.name}__due": f'CREATE INDEX "{spec.name}__due" ON {self.name} (due_at) WHERE due_at IS NOT NULL'
        }
        for index in declared:
            name = f"{spec.name}__{checked(index.name)}"
            columns = [self.expression(field) for field in index.fields]
            kind = "UNIQUE INDEX" if index.unique else "INDEX"
            some = f" WHERE {columns[0]} IS NOT NULL" if index.sparse else ""
            self._indexes[name] = f'CREATE {kind} "{name}" ON {self.name} ({", ".join(columns)}){some}'
            if index.unique:
                self._unique[", ".join(columns)] = index.name
                self._ways.add(frozenset(index.fields))
            if spec.sort in index.fields and not index.sparse:
                before = index.fields[: index.fields.index(spec.sort)]
                self._ways.add(frozenset(before))
                self._ways_by |= {(frozenset(before[:-1]), each) for each in before[-1:]}

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
        kept: list[EachIndex | TextIndex] = [*self._each.values(), *([self._text] if self._text else [])]
        for each in kept:
            make_schema(connection, each.schema, each.fill)

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
        if field in OWN:
            return field
        return f"f_{checked(field)}" if field in self.columns else self._in_body(field)

    def _in_body(self, field: str) -> str:
        """The value in the JSON; for a document stored before the field was there, or without it, the default."""
        path = f"'$.{checked(self.fields[field].encode_name)}'"
        default = plain(self.fields[field].default)
        if not isinstance(default, str | int):
            return f"(body ->> {path})"
        literal = int(default) if isinstance(default, int) else "'" + str(default).replace("'", "''") + "'"
        return f"iif(json_type(body, {path}) IS NULL, {literal}, body ->> {path})"

    def is_by_index(self, where: Where, by: str | None = None) -> bool:
        """Whether an index has the matching documents in the order of lists, or by this field and then in that, so that
        nothing else is looked at; or whether they are named one by one, by what no other has."""
        if where and all(field in self._own_alone and isinstance(test, In) for field, test in where.items()):
            return True
        are_equal = all(test is None or isinstance(test, str | int) for test in where.values())
        return are_equal and (frozenset(where) in self._ways if by is None else (frozenset(where), by) in self._ways_by)

    def conditions(self, where: Where) -> tuple[list[str], list[Value]]:
        """The tests as SQL, and what to bind."""
        tests: list[str] = []
        bindings: list[Value] = []
        for field, test in where.items():
            for sql, values in self._tests(field, test):
                tests.append(sql)
                bindings.extend(values)
        return tests, bindings

    def _tests(self, field: str, test: Test) -> Sequence[tuple[str, Sequence[Value]]]:
        if field in self._each and isinstance(test, In):
            return [self._each[field].test(test)]
        if isinstance(test, Words):
            if self._text is None or field != self._searched:
                raise ValueError(f"the words of {field!r} of {self.collection} are in no index")
            return self._text.test(test)
        return _tests(self.expression(field), test)

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
            return [(f"{value} IN ({', '.join('?' * len(values))})", [plain(one) for one in values])]
        case Contains(text):
            return [(f"instr({value}, ?) > 0", (text,))]
        case Between(at_least, below):
            limits = ((f"{value} >= ?", at_least), (f"{value} < ?", below))
            return [(sql, (limit,)) for sql, limit in limits if limit is not None]
        case _:
            return [(f"{value} = ?", (plain(test),))]


def plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
