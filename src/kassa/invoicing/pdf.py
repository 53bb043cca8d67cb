"""A document as a PDF: text drawn at places, by ReportLab. What people have typed is text, and nothing else."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Literal

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from kassa.contracts.invoicing import Fact, Row, Sheet
from kassa.invoicing.lettering import PLAIN, STRONG, Lettering

_INK, _FAINT, _RULE = HexColor(0x1A1A1A), HexColor(0x595959), HexColor(0xC8C8C8)
_WIDTH, _HEIGHT = A4
_LEFT, _RIGHT = 57.0, _WIDTH - 57.0  # 20 mm
_TOP, _BOTTOM = _HEIGHT - 57.0, 71.0
_SIZE, _LEADING = 9.5, 13.0
_QUANTITY, _PRICE = _RIGHT - 190.0, _RIGHT - 95.0
"""Where numbers end, besides the right margin."""
_NAMES = _QUANTITY - 40.0 - _LEFT
"""How wide names may be."""
_FACTS, _SUMS = _LEFT + 290.0, _LEFT + 220.0
"""Where the facts begin, and what the sums are called."""

Side = Literal["left", "right"]


def rendered(sheet: Sheet) -> bytes:
    """The document as a PDF: the same bytes each time."""
    pages = _pages(sheet, 0)[1]
    return _pages(sheet, pages)[0]


def _pages(sheet: Sheet, of: int) -> tuple[bytes, int]:
    """The PDF, whose pages say of how many they are; and how many there are."""
    into = BytesIO()
    paper = _Paper(into, sheet, of)
    paper.write()
    return into.getvalue(), paper.page


class _Paper:
    """Pages that are written from top to bottom; `y` is the base of the next line."""

    def __init__(self, into: BytesIO, sheet: Sheet, of: int) -> None:
        self.page, self.y = 1, _TOP
        self._sheet, self._of = sheet, of
        self._letters = Lettering(" ".join((*sheet.buyer, *sheet.seller, *(row.name for row in sheet.rows))))
        self._canvas = Canvas(into, pagesize=A4, invariant=1, lang=sheet.language)
        self._canvas.setTitle(f"{sheet.title} {sheet.number}")
        self._canvas.setAuthor(sheet.seller[0] if sheet.seller else "")

    def write(self) -> None:
        sheet = self._sheet
        self._heading()
        self._addresses()
        self._table_head()
        for row in sheet.rows:
            self._row(row)
        self._sums()
        self._room(_LEADING * (len(sheet.notes) + 1))
        self.y -= 16
        for note in sheet.notes:
            for line in self._letters.wrapped(note, PLAIN, _SIZE, _RIGHT - _LEFT):
                self._room(_LEADING)
                self._text(_LEFT, line, colour=_FAINT)
                self.y -= _LEADING
        self._foot()
        self._canvas.save()

    def _heading(self) -> None:
        first, *others = self._sheet.seller or ("",)
        for line in self._letters.wrapped(first, STRONG, 15, _RIGHT - _LEFT):
            self._text(_LEFT, line, STRONG, 15)
            self.y -= 18
        for line in self._letters.wrapped(" · ".join(others), PLAIN, 8.5, _RIGHT - _LEFT) if others else ():
            self._text(_LEFT, line, size=8.5, colour=_FAINT)
            self.y -= 11.5
        self.y -= 34

    def _addresses(self) -> None:
        """The buyer on the left, the facts on the right, and what it is below."""
        top = self.y
        for part in self._sheet.buyer:
            for line in self._letters.wrapped(part, PLAIN, _SIZE + 0.5, _FACTS - _LEFT - 20):
                self._text(_LEFT, line, size=_SIZE + 0.5)
                self.y -= _LEADING + 0.5
        below, self.y = self.y, top
        for fact in self._sheet.facts:
            self._text(_FACTS, fact.label, size=8, colour=_FAINT)
            self.y -= 11
            for line in self._letters.wrapped(fact.text, PLAIN, _SIZE, _RIGHT - _FACTS):
                self._text(_FACTS, line)
                self.y -= _LEADING
            self.y -= 3
        self.y = min(below, self.y) - 22
        for line in self._letters.wrapped(f"{self._sheet.title} {self._sheet.number}", STRONG, 18, _RIGHT - _LEFT):
            self._text(_LEFT, line, STRONG, 18)
            self.y -= 21
        self.y -= 12

    def _table_head(self) -> None:
        name, *numbers = self._sheet.heads
        self._text(_LEFT, name, size=8, colour=_FAINT)
        for x, label in _placed(numbers):
            self._text(x, label, size=8, colour=_FAINT, side="right")
        self.y -= 6
        self._rule(_LEFT)
        self.y -= _LEADING + 1

    def _row(self, row: Row) -> None:
        names = self._letters.wrapped(row.name, PLAIN, _SIZE, _NAMES)
        notes = self._letters.wrapped(row.note, PLAIN, 8, _NAMES) if row.note else []
        if self._room(_LEADING * len(names) + 11 * len(notes) + 6):
            self._table_head()
        for number, line in enumerate(names):
            self._text(_LEFT, line)
            # Whoever has it read aloud hears what it is before what it costs.
            for x, text in _placed(() if number else row.columns):
                self._text(x, text, side="right")
            self.y -= _LEADING
        for line in notes:
            self._text(_LEFT, line, size=8, colour=_FAINT)
            self.y -= 11
        self.y += 5
        self._rule(_LEFT)
        self.y -= _LEADING + 2

    def _sums(self) -> None:
        sheet = self._sheet
        self._room(_LEADING * (len(sheet.sums) + len(sheet.taxes)) + 40)
        self.y -= 4
        for fact in sheet.sums:
            self._sum(fact)
        if sheet.sums:
            self.y += 5
            self._rule(_SUMS)
            self.y -= _LEADING + 4
        self._sum(sheet.total, STRONG, 12)
        self.y -= 4
        for fact in sheet.taxes:
            self._sum(fact, colour=_FAINT, size=8.5)

    def _sum(self, fact: Fact, font: str = PLAIN, size: float = _SIZE, colour: Color = _INK) -> None:
        amount = self._letters.width(fact.text, font, size)
        for number, line in enumerate(self._letters.wrapped(fact.label, font, size, _RIGHT - amount - 14 - _SUMS)):
            self._text(_SUMS, line, font, size, colour)
            if not number:
                self._text(_RIGHT, fact.text, font, size, colour, side="right")
            self.y -= _LEADING

    def _room(self, height: float) -> bool:
        """Go on on the next page, if there is no room for that here; whether it does."""
        if self.y - height > _BOTTOM:
            return False
        self._foot()
        self._canvas.showPage()
        self.page += 1
        self.y = _TOP
        return True

    def _foot(self) -> None:
        self.y, before = 40.0, self.y
        self._text(_LEFT, f"{self._sheet.title} {self._sheet.number}", size=8, colour=_FAINT)
        self._text(_RIGHT, f"{self.page} / {self._of}", size=8, colour=_FAINT, side="right")
        self.y = before

    def _rule(self, start: float) -> None:
        self._canvas.setStrokeColor(_RULE)
        self._canvas.setLineWidth(0.5)
        self._canvas.line(start, self.y, _RIGHT, self.y)

    def _text(
        self,
        x: float,
        text: str,
        font: str = PLAIN,
        size: float = _SIZE,
        colour: Color = _INK,
        side: Side = "left",
    ) -> None:
        self._canvas.setFillColor(colour)
        start = x - self._letters.width(text, font, size) if side == "right" else x
        self._letters.draw(self._canvas, start, self.y, text, font, size)


def _placed(numbers: Sequence[str]) -> Iterator[tuple[float, str]]:
    """Where each of a row's numbers ends; of fewer than three the first places stay free."""
    places = (_QUANTITY, _PRICE, _RIGHT)
    return zip(places[len(places) - len(numbers) :], numbers, strict=True)
