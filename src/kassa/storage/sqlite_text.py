# ruff: noqa: S608 (names come from code and are checked; values are always bound)
"""An index over all parts of a text field, so that what contains a text is found without looking at the rest.

SQLite's FTS5 keeps where each three characters are (sqlite.org/fts5.html, "The Trigram Tokenizer"). The triggers write
to it in the transaction of whoever writes the documents.
"""

from kassa.kit.documents import Contains, Test
from kassa.storage.naming import checked, is_found_by_parts
from kassa.storage.sqlite_schema import triggers


class TextIndex:
    """The index over the field `name`, as it is in the JSON of a collection's documents."""

    def __init__(self, collection: str, name: str) -> None:
        self._collection = collection
        table, field = f'"{collection}__text"', checked(name)
        old, new = f"old.body ->> '$.{field}'", f"new.body ->> '$.{field}'"
        enter = f"INSERT INTO {table} (rowid, {field}) VALUES (new.seq, {new});"
        remove = f"INSERT INTO {table} ({table}, rowid, {field}) VALUES ('delete', old.seq, {old});"
        self.schema = {
            f"{collection}__text": f"CREATE VIRTUAL TABLE {table}"
            f" USING fts5({field}, content = '', tokenize = 'trigram case_sensitive 1')",
            **triggers(collection, "", enter, remove, f"{old} IS NOT {new}"),
        }
        self.fill = f"INSERT INTO {table} (rowid, {field}) SELECT seq, body ->> '$.{field}' FROM \"{collection}\""
        self.sql = f"seq IN (SELECT rowid FROM {table} WHERE {table} MATCH ?)"
        """The test that a document has a phrase."""

    @staticmethod
    def phrase(test: Test) -> str | None:
        """What finds the documents that pass the test; None if the index cannot."""
        if isinstance(test, Contains) and is_found_by_parts(test.text):
            return '"' + test.text.replace('"', '""') + '"'
        return None
