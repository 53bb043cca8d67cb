# ruff: noqa: S608 (names come from code and are checked; values are always bound)
"""A unique index over a field that holds several texts: a table that has each of them, and whose it is."""

from collections.abc import Sequence

from kassa.kit.documents import In
from kassa.storage.naming import checked
from kassa.storage.sqlite_schema import triggers


class EachIndex:
    """The index over the field `name`, as it is in the JSON of a collection's documents."""

    def __init__(self, collection: str, index: str, name: str) -> None:
        self._table = f"{collection}__{checked(index)}"
        self.column = f"{self._table}.value"
        """What SQLite names when a text is in another document already."""
        table, path = f'"{self._table}"', f"'$.{checked(name)}'"
        entries = f"FROM json_each({{}}.body, {path}) AS one WHERE one.value IS NOT NULL"
        enter = f"INSERT INTO {table} SELECT DISTINCT one.value, new.id {entries.format('new')};"
        self.schema = {
            self._table: f"CREATE TABLE {table} (value TEXT PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID",
            f"{self._table}__id": f'CREATE INDEX "{self._table}__id" ON {table} (id)',
            **triggers(
                collection,
                f"{index}_",
                enter,
                f"DELETE FROM {table} WHERE id = old.id;",
                f"old.body -> {path} IS NOT new.body -> {path}",
            ),
        }
        self.fill = (
            f'INSERT INTO {table} SELECT DISTINCT one.value, stored.id FROM "{collection}" AS stored,'
            f" json_each(stored.body, {path}) AS one WHERE one.value IS NOT NULL"
        )

    def test(self, test: In) -> tuple[str, Sequence[str | int]]:
        """The test that a document has one of the texts, and what to bind."""
        marks = ", ".join("?" * len(test.values))
        return f'id IN (SELECT id FROM "{self._table}" WHERE value IN ({marks}))', test.values
