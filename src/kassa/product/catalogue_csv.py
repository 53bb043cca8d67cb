"""The catalogue as a CSV file: one product a row, as people keep it in a spreadsheet.

Columns: id, sku, name, description, category, price, stock, images, compareAtPrice, gtin, weightGrams, taxClass,
isDigital, family, option1Name, option1Value and so on to option3Value, withdrawalExcluded; in any order. All but name,
description, category and price may be left out. Cells are separated by commas, semicolons or tabs, whichever the first
row uses. Empty rows, and columns without name and content, are skipped. Prices are in major units with a decimal point,
or a decimal comma where commas separate no cells. Images are separated by blanks, by commas with blanks, or by bars. An
apostrophe before `=`, `+`, `-` or `@` marks a text that is no formula. Rows with one family are its variants.
"""

import csv
import io
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from kassa.product.cells import READERS, READERS_WITH_COMMA, images_written, inert, unmarked
from kassa.product.csv_file import Fault, Table, refusal
from kassa.product.families import MOST_OPTIONS, Value

COLUMNS = (
    "id", "sku", "name", "description", "category", "price", "stock", "images", "compareAtPrice", "gtin",
    "weightGrams", "taxClass", "isDigital", "family",
    *(f"option{number}{what}" for number in range(1, MOST_OPTIONS + 1) for what in ("Name", "Value")),
    "withdrawalExcluded",
)  # fmt: skip
REQUIRED = ("name", "description", "category", "price")
_LIKE_A_NAME = re.compile(r"[\w ()./-]{1,40}")
"""What is said again of a column: the first row of a file that is no table may be anything, a secret too."""
IN_LOWER_CASE = {
    spelled: name for name in COLUMNS for spelled in (name.lower(), re.sub("(?=[A-Z])", "_", name).lower())
}
"""Every column by what a file may call it: `weightGrams` in any case, or `weight_grams`."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One product of the file; None: the file does not say, or it could not be read. Of `compare_at_price`, `gtin`,
    `weight_grams` and `family` that is UNSET, for there is no other way to take them away than an empty cell: None.
    `values` are what a variant has of the options of its family. `number` is the row's, as a spreadsheet counts
    them."""

    name: str | None = None
    description: str | None = None
    category: str | None = None
    price: Decimal | None = None
    id: str | None = None
    sku: str | None = None
    stock: int | None = None
    images: tuple[str, ...] | None = None
    compare_at_price: Decimal | UnsetType | None = UNSET
    gtin: str | UnsetType | None = UNSET
    weight_grams: int | UnsetType | None = UNSET
    tax_class: str | None = None
    is_digital: bool | None = None
    family: str | UnsetType | None = UNSET
    values: tuple[Value, ...] = ()
    withdrawal_excluded: str | None = None
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
        images = images_written(row.images or ())
        compare_at = f"{row.compare_at_price:f}" if isinstance(row.compare_at_price, Decimal) else ""
        goods = (
            row.gtin,
            row.weight_grams,
            row.tax_class,
            None if row.is_digital is None else str(row.is_digital).lower(),
        )
        variant = (row.family, *(text for each in row.values for text in each))
        first = (row.id, row.sku, row.name, row.description, row.category, price, stock, images, compare_at)
        cells = [*first, *goods, *variant, *[None] * len(COLUMNS)][: len(COLUMNS) - 1]
        cells.append("none" if row.withdrawal_excluded == "" else row.withdrawal_excluded)
        writer.writerow("" if cell is None or cell is UNSET else inert(str(cell)) for cell in cells)
    return file.getvalue()


def _faults_of(number: int, header: list[str]) -> list[Fault]:
    listed = ", ".join(COLUMNS)
    wrong = [f"column {name!r} is missing; the columns are {listed}" for name in REQUIRED if name not in header]
    wrong += [
        f"column {repr(name) if _LIKE_A_NAME.fullmatch(name) else at} is not one of {listed}"
        for at, name in enumerate(header, 1)
        if name and name not in COLUMNS
    ]
    wrong += [f"column {name!r} is there twice" for name in COLUMNS if header.count(name) > 1]
    return [Fault(number, "", message) for message in wrong]


def _row(number: int, table: Table, header: list[str], cells: list[str]) -> tuple[Row, list[Fault]]:
    if (uneven := table.uneven(number, cells)) is not None:
        return Row(number=number), [uneven]
    readers = READERS | ({} if table.separator == "," else READERS_WITH_COMMA)
    members: dict[str, Any] = {}
    faults: list[Fault] = []
    for at, (column, cell) in enumerate(zip(header, cells, strict=False), 1):
        if not column and cell.strip():
            faults.append(Fault(number, str(at), "has text, but the column has no name in the first row"))
        if column not in COLUMNS:
            continue
        try:
            members[_MEMBERS.get(column, column)] = readers.get(column, str)(unmarked(cell))
        except ValueError as error:
            faults.append(Fault(number, column, str(error)))
    members["values"], wrong = _values(number, members)
    return Row(**members, number=number), faults + wrong


def _values(number: int, members: dict[str, Any]) -> tuple[tuple[Value, ...], list[Fault]]:
    """What the cells of the options say, which are taken out of the row's members."""
    values: list[Value] = []
    faults: list[Fault] = []
    for option in range(1, MOST_OPTIONS + 1):
        name, value = (members.pop(f"option{option}{what}", "").strip() for what in ("Name", "Value"))
        if name and value:
            values.append(Value(name, value))
        elif name or value:
            missing = "Value" if name else "Name"
            faults.append(
                Fault(number, f"option{option}{missing}", "is missing; an option has both, a name and a value")
            )
    return tuple(values), faults


_MEMBERS = {
    "compareAtPrice": "compare_at_price",
    "weightGrams": "weight_grams",
    "taxClass": "tax_class",
    "isDigital": "is_digital",
    "withdrawalExcluded": "withdrawal_excluded",
}
"""Members of a row that are not called as their column is."""
