"""Documents in words: a column stands there where any row has something for it, on the page and in the PDF."""

from typing import Any

import pytest

from kassa.contracts.invoicing import DocumentKind, Invoice, InvoiceLine, TaxSum
from kassa.invoicing import pdf
from kassa.invoicing.lettering import Lettering
from kassa.invoicing.sheet import sheet_of

GOODS = InvoiceLine("goods", "Mug", 1000, quantity=2, unit_price_minor=500)
RETURNED = InvoiceLine("goods", "Mug", 1000, quantity=2)
SHIPPING = InvoiceLine("shipping", "Parcel", 490)
AMOUNT = InvoiceLine("refund", "", 1000)


def document(*lines: InvoiceLine, kind: DocumentKind = DocumentKind.CREDIT_NOTE) -> Invoice:
    total = sum(each.amount_minor for each in lines)
    return Invoice(
        id="2026-0000001", place="ord_1:0", order_id="ord_1", kind=kind, payment_id="pay_1", paid_at=1, currency="eur",
        lines=lines, taxes=(TaxSum(0, total),), total_minor=total,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "heads", "columns"),
    [
        ((GOODS, SHIPPING), ("Item", "Qty", "Unit price", "Amount"), [("2", "€5.00", "€10.00"), ("", "", "€4.90")]),
        ((RETURNED, SHIPPING), ("Item", "Qty", "Amount"), [("2", "€10.00"), ("", "€4.90")]),
        ((AMOUNT,), ("Item", "Amount"), [("€10.00",)]),
    ],
)
def test_a_column_that_no_row_fills_is_left_out(
    lines: tuple[InvoiceLine, ...],
    heads: tuple[str, ...],
    columns: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sheet = sheet_of(document(*lines))
    assert sheet.heads == heads
    assert [row.columns for row in sheet.rows] == columns
    drawn: list[tuple[float, str]] = []
    draw = Lettering.draw

    def noted(letters: Lettering, canvas: Any, x: float, y: float, text: str, font: str, size: float) -> None:
        drawn.append((x + letters.width(text, font, size), text))
        draw(letters, canvas, x, y, text, font, size)

    monkeypatch.setattr(Lettering, "draw", noted)
    assert pdf.rendered(sheet).startswith(b"%PDF-")
    ends = {text: x for x, text in drawn}
    assert ends["Amount"] == pytest.approx(pdf._RIGHT) == ends[columns[0][-1]]
    assert [text for text in ends if text in ("Qty", "Unit price")] == list(heads[1:-1])
