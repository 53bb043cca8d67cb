"""A CSV file as people and other shops make it: its text, its records, and how its faults are told."""

import csv
import io
import re
from collections.abc import Container, Iterator, Sequence

import msgspec

from kassa.kit.problem import FieldError, Invalid

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
MOST_FAULTS = 100

_SEPARATOR_ROW = re.compile(r'"?sep=([,;\t])"?\r?\n')


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a cell, or without a `column` with a row, as a spreadsheet counts them."""

    row: int
    column: str
    message: str

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"row {self.row}, column {self.column}" if self.column else f"row {self.row}"


def refusal(faults: Sequence[Fault], columns: Sequence[str] = ()) -> Invalid:
    """What to raise for a file with these faults: all of them, up to a hundred, in the order of rows and `columns`."""

    def place(fault: Fault) -> tuple[int, int]:
        return fault.row, columns.index(fault.column) if fault.column in columns else -1

    shown = sorted(faults, key=place)[:MOST_FAULTS]
    more = f" and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
    listed = "; ".join(f"{fault.place}: {fault.message}" for fault in shown)
    errors = tuple(FieldError(fault.place, fault.message) for fault in shown)
    return Invalid(f"nothing was imported. {listed}{more}", errors=errors, faults=len(faults))


def text_of(content: bytes | str) -> str:
    """The file's text; Invalid if it is none."""
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


def column_of(cell: str) -> str:
    """The name that a cell of the first row gives to its column."""
    return cell.strip().lower()


class Table:
    """The records of a file. `header` names its columns, in row `number`; `separator` is what is between cells: what
    the file itself says, or that by which most of the `known` columns are found."""

    def __init__(self, content: bytes | str, known: Container[str]) -> None:
        text = text_of(content)
        mark = _SEPARATOR_ROW.match(text)
        text = text[mark.end() :] if mark else text
        self.separator = mark.group(1) if mark else _separator(text, known)
        self._records = _records(text, self.separator)
        self.number, cells = next(self._records, (1, []))
        self.header = [column_of(cell) for cell in cells]

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Every record behind the header that is not empty, with its number; once. Invalid where there is no CSV."""
        return self._records

    def uneven(self, number: int, cells: list[str]) -> Fault | None:
        """What is wrong with a record that has not as many cells as the first row."""
        if len(cells) >= len(self.header) and not any(cell.strip() for cell in cells[len(self.header) :]):
            return None
        sort = SEPARATORS[self.separator]
        told = f"has {len(cells)} cells, but the first row {len(self.header)}"
        return Fault(number, "", f"{told}; text with {sort} in it needs quotation marks")


def _separator(text: str, known: Container[str]) -> str:
    def columns(separator: str) -> int:
        try:
            _, cells = next(_records(text, separator), (1, []))
        except Invalid:
            return 0
        return sum(column_of(cell) in known for cell in cells)

    return max(SEPARATORS, key=columns)


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        line = f"is no CSV ({error}), in line {reader.line_num} of the text; check its quotation marks"
        raise refusal([Fault(number + 1, "", line)]) from error
