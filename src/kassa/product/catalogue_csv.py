"""The catalogue as a CSV file: one product a row, as people keep it in a spreadsheet.

Columns: id, sku, name, description, category, price, stock, images, compareAtPrice; in any order. id, sku, stock,
images and compareAtPrice may be left out. Cells are separated by commas, semicolons or tabs, whichever the first row
uses. Empty rows, and columns without name and content, are skipped. Prices are in major units with a decimal point, or
a decimal comma where commas separate no cells. Images are separated by blanks, by commas with blanks, or by bars. An
apostrophe before `=`, `+`, `-` or `@` marks a text that is no formula.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from kassa.product.csv_file import Fault, Table, refusal

COLUMNS = ("id", "sku", "name", "description", "category", "price", "stock", "images", "compareAtPrice")
REQUIRED = ("name", "description", "category", "price")
IN_LOWER_CASE = {name.lower(): name for name in COLUMNS}
"""Every column by what a file may call it."""

_PRICE = re.compile(r"[0-9]{1,20}(\.[0-9]{1,10})?")
_PRICE_WITH_COMMA = re.compile(r"[0-9]{1,20},[0-9]{1,2}")
_THOUSANDS_OR_DECIMALS = re.compile(r"[0-9]{1,3}[.,][0-9]{3}")
_STOCK = re.compile(r"[0-9]{1,15}")
# A comma or semicolon may be part of an address; between two of them it has a blank behind it, or the next one.
_BEFORE_IMAGE = re.compile(r"[,;](?=https?://|/)")
# What a spreadsheet takes for the beginning of a formula, full-width signs too (OWASP: CSV Injection).
_SIGNS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One product of the file; None: the file does not say, or it could not be read. Of `compare_at_price` that is
    UNSET, for there is no other way to take it away than an empty cell: None. `number` is the row's, as a spreadsheet
    counts them."""

    name: str | None = None
    description: str | None = None
    category: str | None = None
    price: Decimal | None = None
    id: str | None = None
    sku: str | None = None
    stock: int | None = None
    images: tuple[str, ...] | None = None
    compare_at_price: Decimal | UnsetType | None = UNSET
    number: int = 0

    def fault(self, column: str, message: str) -> "Fault":
        """Something that is wrong with a cell of this row."""
        return Fault(self.number, column, message)


class Sheet(msgspec.Struct, frozen=True):
    """What a file says, as far as it can be read, and what of it cannot. Of another shop's file (`source`) some may be
    `left` behind."""

    rows: list[Row]
    faults: list[Fault] = []
    source: str = ""
    left: list[Fault] = []


def read(content: bytes | str) -> Sheet:
    """The rows of a file, and all that is wrong with it. Invalid if it is no such file at all."""
    table = Table(content, IN_LOWER_CASE)
    header = [IN_LOWER_CASE.get(name, name) for name in table.header]
    faults = _faults_of(table.number, header)
    if not set(header) & set(COLUMNS):
        raise refusal(faults, COLUMNS)
    rows = []
    for number, cells in table:
        row, wrong = _row(number, table, header, cells)
        rows.append(row)
        faults += wrong
    return Sheet(rows, faults)


def write(rows: Iterable[Row]) -> str:
    """The rows as the text of a file that `read` reads as the same rows."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in rows:
        price = "" if row.price is None else f"{row.price:f}"
        stock = "" if row.stock is None else row.stock
        images = _written(row.images or ())
        compare_at = f"{row.compare_at_price:f}" if isinstance(row.compare_at_price, Decimal) else ""
        cells = (row.id, row.sku, row.name, row.description, row.category, price, stock, images, compare_at)
        writer.writerow("" if cell is None else _inert(str(cell)) for cell in cells)
    return file.getvalue()


def _faults_of(number: int, header: list[str]) -> list[Fault]:
    listed = ", ".join(COLUMNS)
    wrong = [f"column {name!r} is missing; the columns are {listed}" for name in REQUIRED if name not in header]
    wrong += [f"column {name[:40]!r} is not one of {listed}" for name in header if name and name not in COLUMNS]
    wrong += [f"column {name!r} is there twice" for name in COLUMNS if header.count(name) > 1]
    return [Fault(number, "", message) for message in wrong]


def _row(number: int, table: Table, header: list[str], cells: list[str]) -> tuple[Row, list[Fault]]:
    if (uneven := table.uneven(number, cells)) is not None:
        return Row(number=number), [uneven]
    readers = _READERS | ({} if table.separator == "," else _READERS_WITH_COMMA)
    members: dict[str, Any] = {}
    faults: list[Fault] = []
    for at, (column, cell) in enumerate(zip(header, cells, strict=False), 1):
        if not column and cell.strip():
            faults.append(Fault(number, str(at), "has text, but the column has no name in the first row"))
        if column not in COLUMNS:
            continue
        try:
            members[_MEMBERS.get(column, column)] = readers.get(column, str)(_unmarked(cell))
        except ValueError as error:
            faults.append(Fault(number, column, str(error)))
    return Row(**members, number=number), faults


def _price(cell: str) -> Decimal:
    if not cell.strip():
        raise ValueError("is missing; write it like 12.50")
    if not _PRICE.fullmatch(cell.strip()):
        raise ValueError(f"{cell[:30]!r} is no price; write it like 12.50, without a currency or separators")
    return Decimal(cell.strip())


def price_of(cell: str) -> Decimal:
    """The price that a cell says, with a decimal point or comma; ValueError if it says none."""
    price = cell.strip()
    if _THOUSANDS_OR_DECIMALS.fullmatch(price):
        raise ValueError(f"{price!r} may be thousands or decimals; write it like 1234 or 1234.50")
    return Decimal(price.replace(",", ".")) if _PRICE_WITH_COMMA.fullmatch(price) else _price(cell)


def _or_none(read_price: Callable[[str], Decimal]) -> Callable[[str], Decimal | None]:
    return lambda cell: read_price(cell) if cell.strip() else None


def _stock(cell: str) -> int | None:
    if not cell.strip():
        return None
    if not _STOCK.fullmatch(cell.strip()):
        raise ValueError(f"{cell[:30]!r} is no number of pieces; write it like 25, or leave it empty")
    return int(cell)


def _images(cell: str) -> tuple[str, ...]:
    """Where bars separate, a comma is part of an address."""
    if "|" in cell:
        return tuple(cell.replace("|", " ").split())
    parts = (part for word in cell.split() for part in _BEFORE_IMAGE.split(word.rstrip(",;")))
    return tuple(part for part in parts if part)


def _inert(cell: str) -> str:
    """The cell, marked as a text if a spreadsheet would compute it."""
    return f"'{cell}" if _is_formula(cell) else cell


def _unmarked(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def _is_formula(cell: str) -> bool:
    """Whether it is one, behind our mark or not."""
    return cell.lstrip("'")[:1] in _SIGNS


def _written(images: tuple[str, ...]) -> str:
    cell = " ".join(images)
    return cell if _images(cell) == images else "|".join((*images, ""))


_READERS: dict[str, Callable[[str], Any]] = {
    "id": lambda cell: cell.strip() or None,
    "sku": lambda cell: cell.strip() or None,
    "price": _price,
    "stock": _stock,
    "images": _images,
    "compareAtPrice": _or_none(_price),
}
_READERS_WITH_COMMA = {"price": price_of, "compareAtPrice": _or_none(price_of)}
_MEMBERS = {"compareAtPrice": "compare_at_price"}
"""Members of a row that are not called as their column is."""
