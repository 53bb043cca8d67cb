"""Files for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence


def plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP: CSV injection)."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def written(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The rows below the names of their columns, as CSV (RFC 4180)."""
    into = io.StringIO()
    writer = csv.writer(into)
    writer.writerow(columns)
    writer.writerows(rows)
    return into.getvalue()
