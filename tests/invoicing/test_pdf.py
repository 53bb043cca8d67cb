"""Documents as PDFs: all letters are there, nothing is cut off, and what people have typed is text."""

import re
import zlib
from base64 import a85decode
from typing import Any

import msgspec
import pytest
from reportlab.pdfbase import pdfmetrics

from kassa.contracts.invoicing import Fact, Row, Sheet
from kassa.invoicing import pdf
from kassa.invoicing.lettering import CHINESE, JAPANESE, KOREAN, PLAIN, STRONG, Lettering

SHEET = Sheet(
    language="de",
    title="Rechnung",
    number="2026-0000001",
    seller=("Becher & Söhne", "Berlin"),
    buyer=("Łukasz Żółć", "Weg 1"),
    facts=(Fact("Ausgestellt am", "30. November 2026"),),
    heads=("Bezeichnung", "Menge", "Einzelpreis", "Betrag"),
    rows=(Row("Becher", ("1", "5,00 €", "5,00 €")),),
    sums=(),
    total=Fact("Gesamtbetrag", "5,00 €"),
    taxes=(),
    notes=("Bezahlt.",),
)


def pages_of(content: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", content))


def drawn(content: bytes) -> bytes:
    """What is drawn on all pages: operators and glyphs."""
    streams = re.findall(rb"/ASCII85Decode /FlateDecode[^>]*>>\s*stream\r?\n(.*?)endstream", content, re.DOTALL)
    return b"".join(zlib.decompress(a85decode(each.strip().removesuffix(b"~>"))) for each in streams)


def unescaped(content: bytes) -> bytes:
    """The bytes of the texts: those that are no letters are written as octal numbers, brackets behind a backslash."""
    numbers = re.sub(rb"\\([0-7]{3})", lambda each: bytes([int(each[1], 8)]), content)
    return re.sub(rb"\\([()\\])", rb"\1", numbers)


@pytest.mark.parametrize(
    "name",
    ["Łukasz Żółćąęśźń", "Γιώργος Παπαδόπουλος", "Дмитрий Щёголев ЫЪ", "Nguyễn Thị", "ğşıİ", "€ ₽ ₴ ₺ ₹ ¥ – × ·"],
)
def test_the_fonts_have_the_letters_of_names_and_the_signs_of_money(name: str) -> None:
    pdf.rendered(SHEET)
    for font in (PLAIN, STRONG):
        face: Any = vars(pdfmetrics.getFont(font))["face"]
        known = face.charToGlyph
        assert [letter for letter in name if ord(letter) not in known] == []


def test_it_is_the_same_each_time_and_says_what_it_is() -> None:
    content = pdf.rendered(SHEET)
    assert content == pdf.rendered(SHEET)
    assert content.startswith(b"%PDF-")
    assert b"/Lang (de)" in content
    assert pages_of(content) == 1


def test_many_lines_go_on_on_more_pages_each_with_the_table_s_head() -> None:
    rows = tuple(Row(f"Becher {number}", ("1", "5,00 €", "5,00 €"), "USt. 19 %") for number in range(100))
    content = pdf.rendered(msgspec.structs.replace(SHEET, rows=rows))
    assert pages_of(content) > 3
    assert len(content) < 200_000


def test_a_word_that_is_wider_than_its_column_is_broken_and_none_of_it_is_lost() -> None:
    for text in (f"{'x' * 300} and {'y' * 40}", "東京都千代田区千代田一丁目" * 9 + " 1-1"):
        letters = Lettering(text)
        lines = letters.wrapped(text, PLAIN, 9.5, 200)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert max(letters.width(line, PLAIN, 9.5) for line in lines) <= 200


@pytest.mark.parametrize(
    ("name", "font"),
    [
        ("山田 たろう", JAPANESE),
        ("ﾔﾏﾀﾞ", JAPANESE),
        ("김철수 金", KOREAN),
        ("王小明尩 Weg 1", CHINESE),  # One of these letters is written with a bracket among its bytes.
        ("Łukasz", None),
    ],
)
def test_east_asian_letters_are_drawn_in_a_font_that_has_them(name: str, font: str | None) -> None:
    content = pdf.rendered(msgspec.structs.replace(SHEET, buyer=(name, "Weg 1")))
    for each in (JAPANESE, KOREAN, CHINESE):
        assert (each.encode() in content) is (each == font)
    for written in re.findall(r"[\u1100-\uffef]+", name):
        assert written.encode("utf-16-be") in unescaped(drawn(content))


@pytest.mark.parametrize("name", ["<b>bold</b> &amp;", ") Tj ET Q endstream endobj", "\\) (", "مرحبا 🎁"])
def test_what_people_have_typed_is_text_and_nothing_else(name: str) -> None:
    plain = drawn(pdf.rendered(SHEET))
    odd = drawn(pdf.rendered(msgspec.structs.replace(SHEET, buyer=(name, "Weg 1"))))
    # As many texts are drawn, by as many operators: a bracket that was typed ends no text.
    ends = rb"(?<!\\)\) Tj T\* ET"
    assert len(re.findall(ends, odd)) == len(re.findall(ends, plain)) > 0
