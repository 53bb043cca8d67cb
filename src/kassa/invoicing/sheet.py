"""A document as it is printed: in the words and formats of its language. Pure."""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

import msgspec

from kassa.contracts.invoicing import DocumentKind, Fact, Invoice, InvoiceLine, Row, Sheet, TaxSum
from kassa.contracts.parts import Address
from kassa.invoicing.words import WORDS
from kassa.kit.clock import Millis, rfc3339
from kassa.kit.formats import Formats
from kassa.kit.money import major

_TITLES = {
    DocumentKind.INVOICE: ("invoice", "receipt"),
    DocumentKind.CREDIT_NOTE: ("credit_note", "refund_receipt"),
    DocumentKind.CANCELLATION: ("cancellation", "cancelled_receipt"),
}
_TOTALS = {DocumentKind.INVOICE: "total", DocumentKind.CREDIT_NOTE: "refunded", DocumentKind.CANCELLATION: "again"}
_ENDS = {
    DocumentKind.INVOICE: "has_paid",
    DocumentKind.CREDIT_NOTE: "has_refunded",
    DocumentKind.CANCELLATION: "has_failed",
}


class _Writer:
    """Writes one document down."""

    def __init__(self, invoice: Invoice) -> None:
        self._of = invoice
        language = invoice.locale if invoice.locale in WORDS else next(iter(WORDS))
        self.language, self.words, self._formats = language, WORDS[language], _formats(language)

    def money(self, minor: int) -> str:
        return self._formats.money(major(minor, self._of.currency), self._of.currency)

    def day(self, at: Millis) -> str:
        return self._formats.day(rfc3339(at))

    def address(self, address: Address, *, at_home: str = "") -> Iterator[str]:
        """Its lines, as they are written in most countries; abroad with the country."""
        yield address.name
        yield from address.lines
        yield " ".join(filter(None, [address.postal_code, address.city, address.region]))
        if address.country != at_home:
            yield self._formats.country(address.country)

    def title(self) -> str:
        return self.words[_TITLES[self._of.kind][self._of.is_receipt]]

    def seller(self) -> Iterator[str]:
        seller = self._of.seller
        if seller is None:
            yield self._of.shop
            return
        yield from self.address(seller.address)
        yield seller.email
        if seller.tax_id:
            yield f"{self.words['tax_id']}: {seller.tax_id}"

    def buyer(self) -> Iterator[str]:
        to = self._of.billing or self._of.destination
        home = self._of.seller.address.country if self._of.seller is not None else ""
        if to is not None:
            yield from self.address(to, at_home=home)
        yield self._of.email

    def facts(self) -> Iterator[Fact]:
        of, words = self._of, self.words
        yield Fact(words["issued"], self.day(of.issued_at))
        if of.corrects:
            label = "cancels" if of.kind is DocumentKind.CANCELLATION else "corrects_invoice"
            yield Fact(words[label], of.corrects)
        else:
            yield Fact(words["paid"], self.day(of.paid_at))
        if of.supplied_at is not None:
            yield Fact(words["supplied"], self.day(of.supplied_at))
        yield Fact(words["order"], str(of.order_number or of.order_id))
        if of.kind is DocumentKind.INVOICE and of.billing is not None and of.destination not in (None, of.billing):
            yield Fact(words["deliver_to"], ", ".join(filter(None, self.address(of.destination))))

    def row(self, line: InvoiceLine) -> Row:
        is_priced = bool(line.unit_price_minor)
        name = line.name or self.words["refund"]
        tax = self._of.taxes[line.tax]
        rate = self.rate(tax) if len(self._of.taxes) > 1 and tax.millionths is not None else ""
        off = self.words["discount"].format(self.money(line.discount_minor)) if line.discount_minor else ""
        return Row(
            name=name,
            columns=(
                str(line.quantity) if line.kind == "goods" else "",
                self.money(line.unit_price_minor) if is_priced and line.kind == "goods" else "",
                self.money(line.amount_minor),
            ),
            note=" · ".join(filter(None, [off, rate])),
        )

    def rate(self, tax: TaxSum) -> str:
        """`VAT 19 %`."""
        name = tax.name or self.words["tax"]
        if tax.millionths is None:
            return name
        return f"{name} {self._formats.percent(Decimal(tax.millionths) / 10_000)}"

    def sums(self) -> Iterator[Fact]:
        """What comes on top of the lines."""
        added = [tax for tax in self._of.taxes if tax.added_minor]
        if added:
            yield Fact(self.words["net"], self.money(sum(line.amount_minor for line in self._of.lines)))
        for tax in added:
            yield Fact(self.on_net(tax), self.money(tax.added_minor))

    def taxes(self) -> Iterator[Fact]:
        """What the total contains."""
        for tax in self._of.taxes:
            if tax.tax_minor != tax.added_minor or (tax.millionths == 0 and not tax.added_minor):
                inside = self.words["included"].format(self.on_net(tax))
                yield Fact(inside, self.money(tax.tax_minor - tax.added_minor))

    def on_net(self, tax: TaxSum) -> str:
        """`VAT 19 % on €10.00`."""
        return self.words["of_net"].format(self.rate(tax), self.money(tax.net_minor))

    def notes(self) -> Iterator[str]:
        of = self._of
        yield self.words[_ENDS[of.kind]]
        if of.kind is DocumentKind.INVOICE and of.supplied_at is None:
            yield self.words["later"]
        if of.seller is not None:
            yield of.seller.notice


def sheet_of(invoice: Invoice) -> Sheet:
    """The document in words. It has the same everywhere: on a page, in a PDF."""
    writer = _Writer(invoice)
    words = writer.words
    heads, rows = _filled(
        (words["quantity"], words["price"], words["amount"]), [writer.row(line) for line in invoice.lines]
    )
    return Sheet(
        language=writer.language,
        title=writer.title(),
        number=invoice.id,
        seller=_full(writer.seller()),
        buyer=_full(writer.buyer()),
        facts=tuple(writer.facts()),
        heads=(words["item"], *heads),
        rows=rows,
        sums=tuple(writer.sums()),
        total=Fact(words[_TOTALS[invoice.kind]], writer.money(invoice.total_minor)),
        taxes=tuple(writer.taxes()),
        notes=_full(writer.notes()),
    )


def _filled(heads: tuple[str, ...], rows: list[Row]) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """The columns in which any row has something: what goes back has no price of its own."""
    kept = [at for at in range(len(heads)) if any(row.columns[at] for row in rows)]
    return tuple(heads[at] for at in kept), tuple(
        msgspec.structs.replace(row, columns=tuple(row.columns[at] for at in kept)) for row in rows
    )


def _full(lines: Iterator[str]) -> tuple[str, ...]:
    return tuple(line for line in lines if line)


@lru_cache
def _formats(language: str) -> Formats:
    return Formats(language)
