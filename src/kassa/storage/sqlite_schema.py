"""Tables that triggers keep beside a collection's, in the transaction of whoever writes the documents."""

from collections.abc import Mapping
from typing import Any

import apsw


def triggers(collection: str, of: str, enter: str, remove: str, differs: str) -> dict[str, str]:
    """Triggers by name, `of` between: what enters a document, and removes it; where it `differs`, both."""
    kinds = (
        ("entered", f'INSERT ON "{collection}"', enter),
        ("changed", f'UPDATE OF body ON "{collection}" WHEN {differs}', f"{remove} {enter}"),
        ("removed", f'DELETE ON "{collection}"', remove),
    )
    return {
        f"{collection}__{of}{what}": f'CREATE TRIGGER "{collection}__{of}{what}" AFTER {when} BEGIN {does} END'
        for what, when, does in kinds
    }


def make_schema(connection: apsw.Connection, schema: Mapping[str, str], fill: str) -> None:
    """Make all that is named, and fill it; a no-op when it is there."""
    names = ", ".join("?" * len(schema))
    found: list[Any] = connection.execute(
        f"SELECT name, type, sql FROM sqlite_schema WHERE name IN ({names})",  # noqa: S608 (only question marks)
        tuple(schema),
    ).fetchall()
    if {name: sql for name, _, sql in found} == schema:
        return
    for name, kind, _ in sorted(found, key=lambda row: row[1] != "trigger"):
        connection.execute(f'DROP {kind} "{name}"')
    for sql in schema.values():
        connection.execute(sql)
    connection.execute(fill)
