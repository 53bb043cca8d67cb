# ruff: noqa: S608 (names come from code and are checked; values are always bound)
"""An index over the words of a text field, so that what has some of them is found without looking at the rest.

SQLite's FTS5 keeps which documents have each word (sqlite.org/fts5.html, "The Ascii Tokenizer", "The Detail Option").
Words are taken as they are: its other tokenizers fold them by the tables of a Unicode of their own. The triggers write
to it in the transaction of whoever writes the documents.
"""

from collections.abc import Sequence

from kassa.kit.documents import ANY_END, Words
from kassa.storage.naming import checked
from kassa.storage.sqlite_schema import triggers

_NOTHING = ("0", ())
"""The test that no document passes."""


class TextIndex:
    """The index over the field `name`, as it is in the JSON of a collection's documents."""

    def __init__(self, collection: str, name: str) -> None:
        self._table = f'"{collection}__text"'
        table, field = self._table, checked(name)
        old, new = f"old.body ->> '$.{field}'", f"new.body ->> '$.{field}'"
        enter = f"INSERT INTO {table} (rowid, {field}) VALUES (new.seq, {new});"
        remove = f"INSERT INTO {table} ({table}, rowid, {field}) VALUES ('delete', old.seq, {old});"
        self.schema = {
            f"{collection}__text": f"CREATE VIRTUAL TABLE {table}"
            f" USING fts5({field}, content = '', detail = none, tokenize = 'ascii')",
            **triggers(collection, "", enter, remove, f"{old} IS NOT {new}"),
        }
        self.fill = f"INSERT INTO {table} (rowid, {field}) SELECT seq, body ->> '$.{field}' FROM \"{collection}\""

    def test(self, words: Words) -> list[tuple[str, Sequence[str]]]:
        """The tests that a document passes, and what to bind."""
        if not all(words.groups):
            return [_NOTHING]
        but = words.but if words.but is not None and all(words.but.groups) else None
        found = f"seq IN (SELECT rowid FROM {self._table} WHERE {self._table} MATCH ?)"
        if not words.groups:
            return [] if but is None else [(f"NOT {found}", (_expression(but),))]
        expression = _expression(words) if but is None else f"({_expression(words)}) NOT ({_expression(but)})"
        return [(found, (expression,))]


def _expression(words: Words) -> str:
    return " AND ".join(f"({' OR '.join(_term(word) for word in group)})" for group in words.groups)


def _term(word: str) -> str:
    quoted = word.removesuffix(ANY_END).replace('"', '""')
    return f'"{quoted}" *' if word.endswith(ANY_END) else f'"{quoted}"'
