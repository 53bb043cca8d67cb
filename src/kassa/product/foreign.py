"""What product exports of other shops have in common: records by column, descriptions in HTML, and what cannot be taken
over, which is told and never guessed."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser

import msgspec
from msgspec import UNSET, UnsetType

from kassa.kit.text import counted
from kassa.product.catalogue_csv import Row
from kassa.product.cells import price_of
from kassa.product.csv_file import Fault, Table
from kassa.product.families import MOST_OPTIONS, MOST_VARIANTS, Value
from kassa.product.goods import gtin_of

NO_CATEGORY = "Other"
"""Where a product goes that its shop has put nowhere: Kassa's have a category."""

# Elements that end a line of text; others stand within it.
_ENDS_LINE = frozenset(
    ("p", "br", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "dd", "dt")
)
_WEIGHT = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,9})?")
_UNREAD = frozenset(("script", "style"))


class Record(Mapping[str, str]):
    """One record: the cells by column, in lower case; empty for a column that the file has not, without the apostrophe
    by which a spreadsheet takes digits for text."""

    def __init__(self, number: int, header: Sequence[str], cells: Sequence[str]) -> None:
        self.number = number
        self._cells = dict(zip(header, cells, strict=False))

    def __getitem__(self, column: str) -> str:
        return self._cells.get(column, "").strip().removeprefix("'")

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    def one_of(self, columns: Sequence[str]) -> str:
        """The first of these that says something; a column was renamed in the course of the years."""
        return next((self[column] for column in columns if self[column]), "")

    def fault(self, column: str, message: str) -> Fault:
        """Something about a cell of this record, or without a column about the record."""
        return Fault(self.number, column, message)


class Reading:
    """A file that is being read: its records, the faults in it, and what of it is `left` behind."""

    def __init__(self, table: Table) -> None:
        self.faults: list[Fault] = []
        self.left: list[Fault] = []
        self._families: set[str] = set()
        self.records: list[Record] = []
        self._header = table.number
        for number, cells in table:
            if (wrong := table.uneven(number, cells)) is None:
                self.records.append(Record(number, table.header, cells))
            else:
                self.faults.append(wrong)

    def compared(self, record: Record, columns: Sequence[str], price: Decimal | None) -> Decimal | None:
        """The price above `price` that a cell of the record says; None if it says none."""
        text = record.one_of(columns)
        if not text or price is None:
            return None
        try:
            compare_at = price_of(text)
        except ValueError as error:
            self.faults.append(record.fault(columns[-1], str(error)))
            return None
        if compare_at > price:
            return compare_at
        self.left.append(record.fault(columns[-1], f"{text} is not above the price: no reduction"))
        return None

    def gtin(self, record: Record, columns: Sequence[str]) -> str | UnsetType:
        """The GTIN that a cell of the record says; what is none is left."""
        text = record.one_of(columns)
        if not text:
            return UNSET
        try:
            return gtin_of(text.replace("-", "").replace(" ", ""))
        except ValueError as error:
            self.left.append(record.fault(columns[-1], f"{text[:30]!r} is no GTIN, which {error}"))
            return UNSET

    def grams(self, record: Record, column: str, text: str, grams: Decimal) -> int | UnsetType:
        """The weight that a cell says in units of so many grams; none that is 0, as these shops write what is not
        known."""
        if not text:
            return UNSET
        if not _WEIGHT.fullmatch(text):
            self.faults.append(record.fault(column, f"{text[:30]!r} is no weight; write it like 1.25"))
            return UNSET
        return int((Decimal(text.replace(",", ".")) * grams).to_integral_value(ROUND_HALF_UP)) or UNSET

    def tied(self, first: Record, name: str, key: str, rows: Sequence[Row]) -> list[Row]:
        """The variants of one thing as those of a family, if they can be told apart by their values; else as they are,
        and that is told. `key` tells two things of one name apart."""
        chosen = [tuple(sorted(row.values)) for row in rows]
        if not any(chosen):
            return list(rows)
        if why := _why_no_family(chosen):
            self.left.append(first.fault("", f"{name} is no family, for {why}; its variants become products"))
            return [msgspec.structs.replace(row, values=()) for row in rows]
        name = f"{name} ({key})" if name in self._families else name
        self._families.add(name)
        return [msgspec.structs.replace(row, family=name) for row in rows]

    def leave_columns(self, taken: Iterable[str], told: Iterable[str] = ()) -> None:
        """Tell of every column that says something and is neither `taken` nor `told` of already."""
        known = {*taken, *told, ""}
        count = Counter(
            column for record in self.records for column in record if column not in known and record[column]
        )
        for column, times in count.items():
            said = f"{counted(times, 'row')} {'says' if times == 1 else 'say'} something there"
            self.left.append(Fault(self._header, column, f"is not taken over; {said}"))


def _why_no_family(chosen: Sequence[tuple[Value, ...]]) -> str:
    names = {tuple(each.name for each in values) for values in chosen}
    if len(names) > 1:
        return "not all of its variants have a value of each option"
    if len(next(iter(names))) > MOST_OPTIONS:
        return f"it has more than {MOST_OPTIONS} options"
    if len(chosen) > MOST_VARIANTS:
        return f"it has more than {MOST_VARIANTS} variants"
    return "two of its variants have the same values" if len(set(chosen)) < len(chosen) else ""


def plain_text(html: str) -> str:
    """The text of a description in HTML, a line for each paragraph, line break and item of a list."""
    reader = _Text()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """As the parser has it."""
        self._unread += tag in _UNREAD
        if tag in _ENDS_LINE:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """As the parser has it."""
        self._unread = max(0, self._unread - (tag in _UNREAD))
        if tag in _ENDS_LINE:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        """As the parser has it."""
        if not self._unread:
            self.parts.append(data)
