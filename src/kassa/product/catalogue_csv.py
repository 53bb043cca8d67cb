"""The catalogue as a CSV file: one product a row, as people keep it in a spreadsheet.

Columns: id, sku, name, description, category, price, stock, images; in any order. id, sku, stock and images may be left
out. Cells are separated by commas, semicolons or tabs, whichever the first row uses. Empty rows, and columns without
name and content, are skipped. Prices are in major units with a decimal point, or a decimal comma where commas separate
no cells. Images are separated by blanks, by commas with blanks, or by bars. An apostrophe before `=`, `+`, `-` or `@`
marks a text that is no formula.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from kassa.kit.problem import FieldError, Invalid

COLUMNS = ("id", "sku", "name", "description", "category", "price", "stock", "images")
REQUIRED = ("name", "description", "category", "price")
SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
MOST_FAULTS = 100

_PRICE = re.compile(r"[0-9]{1,20}(\.[0-9]{1,10})?")
_PRICE_WITH_COMMA = re.compile(r"[0-9]{1,20},[0-9]{1,2}")
_THOUSANDS_OR_DECIMALS = re.compile(r"[0-9]{1,3}[.,][0-9]{3}")
_STOCK = re.compile(r"[0-9]{1,15}")
# A comma or semicolon may be part of an address; between two of them it has a blank behind it, or the next one.
_BEFORE_IMAGE = re.compile(r"[,;](?=https?://|/)")
# What a spreadsheet takes for the beginning of a formula, full-width signs too (OWASP: CSV Injection).
_SIGNS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_SEPARATOR_ROW = re.compile(r'"?sep=([,;\t])"?\r?\n')


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One product of the file; None: the file does not say, or it could not be read. `number` is the row's, as a
    spreadsheet counts them."""

    name: str | None = None
    description: str | None = None
    category: str | None = None
    price: Decimal | None = None
    id: str | None = None
    sku: str | None = None
    stock: int | None = None
    images: tuple[str, ...] | None = None
    number: int = 0

    def fault(self, column: str, message: str) -> "Fault":
        """Something that is wrong with a cell of this row."""
        return Fault(self.number, column, message)


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a cell, or without a `column` with a row."""

    row: int
    column: str
    message: str

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"row {self.row}, column {self.column}" if self.column else f"row {self.row}"


class Sheet(msgspec.Struct, frozen=True):
    """What a file says, as far as it can be read, and what of it cannot."""

    rows: list[Row]
    faults: list[Fault] = []


def read(content: bytes | str) -> Sheet:
    """The rows of a file, and all that is wrong with it. Invalid if it is no such file at all."""
    text = _text(content)
    mark = _SEPARATOR_ROW.match(text)
    text = text[mark.end() :] if mark else text
    separator = mark.group(1) if mark else _separator(text)
    records = _records(text, separator)
    number, cells = next(records, (1, []))
    header, faults = _header(number, cells)
    if not set(header) & set(COLUMNS):
        raise refusal(faults)
    rows = []
    for number, cells in records:
        row, wrong = _row(number, header, cells, separator)
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
        cells = (row.id, row.sku, row.name, row.description, row.category, price, stock, _written(row.images or ()))
        writer.writerow("" if cell is None else _inert(str(cell)) for cell in cells)
    return file.getvalue()


def refusal(faults: list[Fault]) -> Invalid:
    """What to raise for a file with these faults: all of them, up to a hundred, in the file's order."""
    shown = sorted(faults, key=_place_in_file)[:MOST_FAULTS]
    more = f" and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
    listed = "; ".join(f"{fault.place}: {fault.message}" for fault in shown)
    errors = tuple(FieldError(fault.place, fault.message) for fault in shown)
    return Invalid(f"nothing was imported. {listed}{more}", errors=errors, faults=len(faults))


def _place_in_file(fault: Fault) -> tuple[int, int]:
    return fault.row, COLUMNS.index(fault.column) if fault.column in COLUMNS else -1


def _text(content: bytes | str) -> str:
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    # Excel's "Unicode text" is UTF-16 with a mark.
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise refusal([Fault(row, "", "is not UTF-8; save the file as CSV UTF-8")]) from error
    if "\0" in text:
        raise refusal([Fault(1, "", "is no text; save the file as CSV UTF-8")])
    return text


def _separator(text: str) -> str:
    """The one by which the first row has most of the columns."""

    def columns(separator: str) -> int:
        try:
            _, cells = next(_records(text, separator), (1, []))
        except Invalid:
            return 0
        return sum(_column(cell) in COLUMNS for cell in cells)

    return max(SEPARATORS, key=columns)


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Every record that is not empty, with its number."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        line = f"is no CSV ({error}), in line {reader.line_num} of the text; check its quotation marks"
        raise refusal([Fault(number + 1, "", line)]) from error


def _column(cell: str) -> str:
    return cell.strip().lower()


def _header(number: int, cells: list[str]) -> tuple[list[str], list[Fault]]:
    header = [_column(cell) for cell in cells]
    listed = ", ".join(COLUMNS)
    wrong = [f"column {name!r} is missing; the columns are {listed}" for name in REQUIRED if name not in header]
    wrong += [f"column {name[:40]!r} is not one of {listed}" for name in header if name and name not in COLUMNS]
    wrong += [f"column {name!r} is there twice" for name in COLUMNS if header.count(name) > 1]
    return header, [Fault(number, "", message) for message in wrong]


def _row(number: int, header: list[str], cells: list[str], separator: str) -> tuple[Row, list[Fault]]:
    named, nameless = cells[: len(header)], cells[len(header) :]
    if len(cells) < len(header) or any(cell.strip() for cell in nameless):
        sort = SEPARATORS[separator]
        message = (
            f"has {len(cells)} cells, but the first row {len(header)}; text with {sort} in it needs quotation marks"
        )
        return Row(number=number), [Fault(number, "", message)]
    readers = _READERS | ({} if separator == "," else {"price": _price_with_comma})
    members: dict[str, Any] = {}
    faults: list[Fault] = []
    for at, (column, cell) in enumerate(zip(header, named, strict=True), 1):
        if not column and cell.strip():
            faults.append(Fault(number, str(at), "has text, but the column has no name in the first row"))
        if column not in COLUMNS:
            continue
        try:
            members[column] = readers.get(column, str)(_unmarked(cell))
        except ValueError as error:
            faults.append(Fault(number, column, str(error)))
    return Row(**members, number=number), faults


def _price(cell: str) -> Decimal:
    if not cell.strip():
        raise ValueError("is missing; write it like 12.50")
    if not _PRICE.fullmatch(cell.strip()):
        raise ValueError(f"{cell[:30]!r} is no price; write it like 12.50, without a currency or separators")
    return Decimal(cell.strip())


def _price_with_comma(cell: str) -> Decimal:
    price = cell.strip()
    if _THOUSANDS_OR_DECIMALS.fullmatch(price):
        raise ValueError(f"{price!r} may be thousands or decimals; write it like 1234 or 1234.50")
    return Decimal(price.replace(",", ".")) if _PRICE_WITH_COMMA.fullmatch(price) else _price(cell)


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
}
