# ruff: noqa: S608 (names come from code and are checked; values are always bound)
"""An index over all parts of a text field, so that what contains a text is found without looking at the rest.

SQLite's FTS5 keeps where each three characters are (sqlite.org/fts5.html, "The Trigram Tokenizer"). The triggers write
to it in the transaction of whoever writes the documents.
"""

from typing import Any

import apsw

from kassa.kit.documents import Contains, Test
from kassa.storage.naming import checked, is_found_by_parts


class TextIndex:
    """The index over the field `name`, as it is in the JSON of a collection's documents."""

    def __init__(self, collection: str, name: str) -> None:
        self._collection = collection
        table, field = f'"{collection}__text"', checked(name)
        old, new = f"old.body ->> '$.{field}'", f"new.body ->> '$.{field}'"
        enter = f"INSERT INTO {table} (rowid, {field}) VALUES (new.seq, {new});"
        remove = f"INSERT INTO {table} ({table}, rowid, {field}) VALUES ('delete', old.seq, {old});"
        self._schema = {
            f"{collection}__text": f"CREATE VIRTUAL TABLE {table}"
            f" USING fts5({field}, content = '', tokenize = 'trigram case_sensitive 1')",
            **{
                f"{collection}__{what}": f'CREATE TRIGGER "{collection}__{what}" AFTER {when} BEGIN {does} END'
                for what, when, does in (
                    ("entered", f'INSERT ON "{collection}"', enter),
                    ("changed", f'UPDATE OF body ON "{collection}" WHEN {old} IS NOT {new}', remove + " " + enter),
                    ("removed", f'DELETE ON "{collection}"', remove),
                )
            },
        }
        self._fill = f"INSERT INTO {table} (rowid, {field}) SELECT seq, body ->> '$.{field}' FROM \"{collection}\""
        self.sql = f"seq IN (SELECT rowid FROM {table} WHERE {table} MATCH ?)"
        """The test that a document has a phrase."""

    def make(self, connection: apsw.Connection) -> None:
        """Make the index and fill it; a no-op when it is there."""
        names = ", ".join("?" * len(self._schema))
        found: list[Any] = connection.execute(
            f"SELECT name, type, sql FROM sqlite_schema WHERE name IN ({names})", tuple(self._schema)
        ).fetchall()
        if {name: sql for name, _, sql in found} == self._schema:
            return
        for name, kind, _ in found:
            connection.execute(f'DROP {kind} "{name}"')
        for sql in self._schema.values():
            connection.execute(sql)
        connection.execute(self._fill)

    @staticmethod
    def phrase(test: Test) -> str | None:
        """What finds the documents that pass the test; None if the index cannot."""
        if isinstance(test, Contains) and is_found_by_parts(test.text):
            return '"' + test.text.replace('"', '""') + '"'
        return None
