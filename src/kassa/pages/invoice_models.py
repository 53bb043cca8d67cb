"""The API's answers about invoices, as far as the pages read them."""

from decimal import Decimal

from kassa.pages.language import _, later
from kassa.pages.models import Answer, Pagination

KINDS = {"invoice": later("Invoice"), "credit_note": later("Credit note"), "cancellation": later("Cancellation")}


class InvoiceTax(Answer, frozen=True):
    """All that is taxed alike."""

    name: str
    percent: Decimal | None
    category: str
    net: Decimal
    amount: Decimal


class Place(Answer, frozen=True):
    """Whom a document goes to, as far as a bookkeeper asks."""

    name: str = ""
    country: str = ""


class Invoice(Answer, frozen=True):
    """An invoice, a credit note, or the cancellation of one."""

    number: str
    kind: str
    is_receipt: bool
    issued_on: str
    order_id: str
    payment_id: str
    currency: str
    amount: Decimal
    amount_minor: int
    email: str = ""
    corrects: str | None = None
    refund_id: str | None = None
    billing: Place | None = None
    destination: Place | None = None
    taxes: tuple[InvoiceTax, ...] = ()
    order_number: int | None = None

    @property
    def called(self) -> str:
        """What people call the order: its number; its id, if it is of before there were numbers."""
        return str(self.order_number or self.order_id)

    @property
    def words(self) -> str:
        """What it is called."""
        receipts = {"invoice": later("Receipt"), "credit_note": later("Refund receipt")}
        return _((receipts if self.is_receipt else KINDS).get(self.kind, KINDS.get(self.kind, self.kind)))

    @property
    def signed_minor(self) -> int:
        """Below zero for what goes back."""
        return -self.amount_minor if self.kind == "credit_note" else self.amount_minor

    @property
    def buyer(self) -> Place:
        """Whom it is made out to."""
        return self.billing or self.destination or Place()


class Invoices(Answer, frozen=True):
    invoices: tuple[Invoice, ...]
    pagination: Pagination = Pagination()


class Fact(Answer, frozen=True):
    label: str
    text: str


class Row(Answer, frozen=True):
    name: str
    columns: tuple[str, ...]
    note: str = ""


class Sheet(Answer, frozen=True):
    """A document in words."""

    language: str
    title: str
    number: str
    seller: tuple[str, ...]
    buyer: tuple[str, ...]
    facts: tuple[Fact, ...]
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    sums: tuple[Fact, ...]
    total: Fact
    taxes: tuple[Fact, ...]
    notes: tuple[str, ...]


class OneInvoice(Answer, frozen=True):
    invoice: Invoice
    sheet: Sheet
