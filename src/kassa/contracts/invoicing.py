"""Invoices: what a buyer is given in writing of what was paid, and of what went back. Amounts are in minor units.

Of every document: the amounts of its lines and what of its taxes comes on top of them are its total. It is complete in
itself and never changed: what it was made of may change afterwards.
"""

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from kassa.contracts.order import OrderItem
from kassa.contracts.parts import Address, Parts
from kassa.kit.clock import Millis
from kassa.kit.documents import Document
from kassa.kit.lists import Pagination, Paging

PIECE = "C62"
"""UN/ECE Recommendation 20: one, where nothing else is counted."""


class DocumentKind(StrEnum):
    """What a document is. Append only."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    CANCELLATION = "cancellation"  # of a credit note: its refund has come to nothing


TYPE_CODES = {DocumentKind.INVOICE: "380", DocumentKind.CREDIT_NOTE: "381", DocumentKind.CANCELLATION: "384"}
"""UNTDID 1001, as EN 16931 has it (BT-3): commercial invoice, credit note, corrected invoice."""


class Seller(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Who sells. `tax_id` is the number by which it is taxed, such as the VAT identification number; `notice` stands on
    each document, such as why no tax is charged."""

    address: Address
    tax_id: str = ""
    email: str = ""
    notice: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether an invoice can be made out: with name, address and identification number (Directive 2006/112/EC,
        Art. 226)."""
        return bool(self.address.lines and self.tax_id)


class Sold(msgspec.Struct, frozen=True):
    """A paid order, as far as a document tells of it. `supplied_at` is None where goods are sent later."""

    order_id: str
    payment_id: str
    items: tuple[OrderItem, ...]
    total_minor: int
    currency: str
    paid_at: Millis
    parts: Parts | None = None
    email: str = ""
    billing: Address | None = None
    destination: Address | None = None
    supplied_at: Millis | None = None
    locale: str = "en"
    order_number: int | None = None


class RefundedPieces(msgspec.Struct, frozen=True, rename="camel"):
    """So many pieces of a product whose money goes back, and what was paid for them."""

    product_id: str
    quantity: int
    amount_minor: int


class Refunded(msgspec.Struct, frozen=True, rename="camel"):
    """Money that goes back. `status` is Stripe's; `lines` and `shipping_minor` say of what it is, if that is known."""

    id: str
    status: str
    amount_minor: int
    lines: tuple[RefundedPieces, ...] = ()
    shipping_minor: int = 0


class InvoiceLine(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A line. `amount_minor` is the quantity at its price, less its discount; `tax` the number of its tax in the
    document's list."""

    kind: Literal["goods", "shipping", "refund"]
    name: str
    amount_minor: int
    tax: int = 0
    product_id: str = ""
    quantity: int = 1
    unit_price_minor: int = 0
    discount_minor: int = 0
    unit_code: str = PIECE


class TaxSum(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What is taxed alike: all of it, what of it is tax, and what of that came on top of the lines. `millionths` is the
    rate, 190000 for 19 %; None where it is not known, or there is none. `group` is its number in the invoice."""

    group: int
    gross_minor: int
    tax_minor: int = 0
    added_minor: int = 0
    name: str = ""
    millionths: int | None = None

    @property
    def net_minor(self) -> int:
        """What of it is no tax."""
        return self.gross_minor - self.tax_minor

    @property
    def category(self) -> str:
        """UNTDID 5305, as EN 16931 has it (BT-118): standard rate, zero rated, or out of the scope of tax."""
        if self.millionths is None and not self.tax_minor:
            return "O"
        return "Z" if self.millionths == 0 else "S"


class Invoice(Document, frozen=True, kw_only=True):
    """A document; its id is its number. `place` is the order's id and the how manieth of its documents this is.
    `corrects` is the number of the document that this one takes something back of. `seller` is None where the shop has
    not said who it is; `shop` is what it is called. Days are those of UTC."""

    place: str
    order_id: str
    kind: DocumentKind
    payment_id: str
    refund_id: str = ""
    corrects: str = ""
    issued_at: Millis = 0
    paid_at: Millis
    supplied_at: Millis | None = None
    seller: Seller | None = None
    shop: str = ""
    email: str = ""
    billing: Address | None = None
    destination: Address | None = None
    currency: str
    lines: tuple[InvoiceLine, ...]
    taxes: tuple[TaxSum, ...]
    total_minor: int
    locale: str = "en"
    order_number: int | None = None

    @property
    def is_receipt(self) -> bool:
        """Whether the shop has not said enough of itself for this to be more than a receipt."""
        return self.seller is None or not self.seller.is_whole

    @property
    def sign(self) -> int:
        """-1 if it gives something back."""
        return -1 if self.kind is DocumentKind.CREDIT_NOTE else 1


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line as it is printed: a name, and in columns the quantity, the price and the amount, as far as the heads have
    them."""

    name: str
    columns: tuple[str, ...]
    note: str = ""


class Fact(msgspec.Struct, frozen=True):
    """Something and what it is."""

    label: str
    text: str


class Sheet(msgspec.Struct, frozen=True, rename="camel"):
    """A document in the words of its language, as it is printed. `seller` and `buyer` are lines of addresses, `heads`
    the names of a row's columns: a number that no row has is left out."""

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


class Invoices(Protocol):
    """The documents of the shop."""

    async def first(self, sold: Sold) -> None:
        """Make out the invoice of an order that has just been paid; a no-op if it has one. It is not looked first."""

    async def issue(self, sold: Sold, refunds: Callable[[], Awaitable[Sequence[Refunded]]]) -> list[Invoice]:
        """See to it that the order has its invoice, and each refund that has succeeded its credit note; return all
        documents of the order, the oldest first. `refunds` tells those of now: it is asked again after each document
        that is made out, for somebody else may have looked just before it was. Asking again is a no-op."""

    async def of_order(self, order_id: str) -> list[Invoice]:
        """The documents of an order that there are, the oldest first."""

    async def get(self, number: str) -> Invoice:
        """The document with this number; NotFound."""

    async def page(
        self, asked: Paging, since: Millis | None, before: Millis | None
    ) -> tuple[list[Invoice], Pagination]:
        """Some of the documents that were issued in this time, the newest first."""

    def sheet(self, invoice: Invoice) -> Sheet:
        """The document in words."""

    async def pdf(self, invoice: Invoice) -> bytes:
        """The document as a PDF."""
