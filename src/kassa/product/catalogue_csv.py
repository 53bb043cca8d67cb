"""The catalogue as a CSV file: one product a line.

Columns: id, name, description, category, price, stock, images; in any order. id, stock and images may be left out.
A line with the id of a product in the catalogue changes that product, every other line makes a new one. Prices are in
major units with a decimal point; images are separated by blanks or bars.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from kassa.kit.problem import FieldError, Invalid

COLUMNS = ("id", "name", "description", "category", "price", "stock", "images")
REQUIRED = ("name", "description", "category", "price")
MOST_ERRORS = 100

_PRICE = re.compile(r"[0-9]{1,20}(\.[0-9]{1,10})?")
_STOCK = re.compile(r"[0-9]{1,15}")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One product of the file. `line` is where it begins; None: the file does not say."""

    name: str
    description: str
    category: str
    price: Decimal
    id: str | None = None
    stock: int | None = None
    images: tuple[str, ...] | None = None
    line: int = 0

    def place(self, field: str) -> str:
        """Where in the file the field is, for people."""
        return f"line {self.line}, column {field}"


def read(content: bytes | str) -> list[Row]:
    """The rows of a file. Invalid, naming line and column of every mistake, if it cannot be read."""
    records = _records(_text(content))
    header = _header(next(records, (1, []))[1])
    rows: list[Row] = []
    errors: list[FieldError] = []
    for line, cells in records:
        if len(cells) != len(header):
            errors.append(FieldError(f"line {line}", f"has {len(cells)} cells, but the first line {len(header)}"))
            continue
        members, wrong = _members(dict(zip(header, cells, strict=True)))
        errors += [FieldError(f"line {line}, column {column}", message) for column, message in wrong]
        if not wrong:
            rows.append(Row(**members, line=line))
    if errors:
        raise refusal(errors)
    return rows


def write(rows: Iterable[Row]) -> str:
    """The rows as the text of a file that `read` reads as the same rows."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in rows:
        stock = "" if row.stock is None else row.stock
        images = " ".join(row.images or ())
        writer.writerow((row.id or "", row.name, row.description, row.category, f"{row.price:f}", stock, images))
    return file.getvalue()


def refusal(errors: list[FieldError]) -> Invalid:
    """What to raise for a file with these mistakes."""
    shown = errors[:MOST_ERRORS]
    listed = "; ".join(f"{error.field}: {error.message}" for error in shown)
    more = f"; and {len(errors) - MOST_ERRORS} more" if len(errors) > MOST_ERRORS else ""
    return Invalid(f"nothing was imported. {listed}{more}", errors=tuple(shown))


def _text(content: bytes | str) -> str:
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refusal([FieldError(f"line {line}", "is not UTF-8; save the file as CSV UTF-8")]) from error


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Every record that is not empty, with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise refusal([FieldError(f"line {line}", f"is no CSV ({error}); check its quotation marks")]) from error


def _header(cells: list[str]) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    listed = ",".join(COLUMNS)
    errors = [
        FieldError("line 1", f"column {name!r} is missing; it must be {listed}")
        for name in REQUIRED
        if name not in header
    ]
    errors += [
        FieldError("line 1", f"column {name!r} is not one of {listed}") for name in header if name not in COLUMNS
    ]
    errors += [FieldError("line 1", f"column {name!r} is there twice") for name in COLUMNS if header.count(name) > 1]
    if errors:
        raise refusal(errors)
    return header


def _members(cells: dict[str, str]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    members: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for column, cell in cells.items():
        try:
            members[column] = _READERS.get(column, str)(cell)
        except ValueError as error:
            wrong.append((column, str(error)))
    return members, wrong


def _price(cell: str) -> Decimal:
    if not _PRICE.fullmatch(cell.strip()):
        raise ValueError(f"{cell[:30]!r} is no price; write it like 12.50, without a currency or separators")
    return Decimal(cell.strip())


def _stock(cell: str) -> int | None:
    if not cell.strip():
        return None
    if not _STOCK.fullmatch(cell.strip()):
        raise ValueError(f"{cell[:30]!r} is no number of pieces; write it like 25, or leave it empty")
    return int(cell)


def _images(cell: str) -> tuple[str, ...]:
    return tuple(cell.replace("|", " ").split())


_READERS: dict[str, Callable[[str], Any]] = {
    "id": lambda cell: cell.strip() or None,
    "price": _price,
    "stock": _stock,
    "images": _images,
}
