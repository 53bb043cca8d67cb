"""Invoices over the wire. Where EN 16931 has a term for something, its number is said: `BT-1` is the invoice number."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec

from kassa.contracts.invoicing import TYPE_CODES, DocumentKind, Invoice, InvoiceLine, Seller, Sheet, TaxSum
from kassa.kit.clock import Date, Timestamp, day_of, rfc3339
from kassa.kit.lists import Pagination, documented
from kassa.kit.money import major
from kassa.order.parts_wire import AddressOut, Amount, address_shown, percent

_KINDS = tuple(DocumentKind)


class SellerOut(msgspec.Struct, frozen=True, rename="camel"):
    """Who sells (BG-4)."""

    address: AddressOut | None
    tax_id: str
    email: str
    notice: str


class InvoiceLineOut(Amount, frozen=True, rename="camel"):
    """A line (BG-25): the quantity (BT-129) at its price (BT-146), less its discount. `percent` (BT-152) and `category`
    (BT-151) are those of its tax."""

    kind: Annotated[str, documented("What it is of", enum=("goods", "shipping", "refund"))]
    name: str
    product_id: str | None
    quantity: int
    unit_code: str
    unit_price: Decimal
    unit_price_minor: int
    discount: Decimal
    discount_minor: int
    percent: Decimal | None
    category: str


class InvoiceTaxOut(Amount, frozen=True, rename="camel"):
    """All that is taxed alike (BG-23): the tax (BT-117), the net amount that it is of (BT-116), and what of the tax
    comes on top of the lines."""

    name: str
    percent: Decimal | None
    category: Annotated[str, documented("UNTDID 5305: S standard, Z zero rated, O out of scope", enum=("S", "Z", "O"))]
    net: Decimal
    net_minor: int
    added: Decimal
    added_minor: int


class InvoiceOut(Amount, frozen=True, rename="camel"):
    """An invoice, a credit note for a refund, or the cancellation of a credit note whose refund has come to nothing.
    Its lines and the taxes on top are its `amount` (BT-112). `corrects` is the number of what it takes back something
    of (BT-25). `suppliedOn` (BT-72) is null where goods are sent later. `isReceipt`: the shop has not said who it is,
    so that it is no more than a receipt."""

    number: str
    kind: Annotated[str, documented("What it is", enum=_KINDS)]
    type_code: Annotated[str, documented("UNTDID 1001 (BT-3)", enum=tuple(TYPE_CODES.values()))]
    is_receipt: bool
    issued_on: Date
    issued_at: Timestamp
    paid_at: Timestamp
    supplied_on: Date | None
    order_id: str
    order_number: int | None
    payment_id: str
    refund_id: str | None
    corrects: str | None
    currency: str
    shop: str
    seller: SellerOut | None
    email: str
    billing: AddressOut | None
    destination: AddressOut | None
    lines: list[InvoiceLineOut]
    taxes: list[InvoiceTaxOut]
    locale: str


class InvoiceAnswer(msgspec.Struct, frozen=True):
    """One document; and in words, as it is printed."""

    invoice: InvoiceOut
    sheet: Sheet


class InvoicesAnswer(msgspec.Struct, frozen=True):
    """The documents of an order, the oldest first."""

    invoices: list[InvoiceOut]


class InvoicePage(msgspec.Struct, frozen=True):
    """A page of documents, the newest first."""

    invoices: list[InvoiceOut]
    pagination: Pagination


def invoice_shown(invoice: Invoice) -> InvoiceOut:
    """The document as the wire shows it."""
    supplied = invoice.supplied_at
    return InvoiceOut(
        **_amount("amount", invoice.total_minor, invoice.currency),
        number=invoice.id,
        kind=invoice.kind,
        type_code=TYPE_CODES[invoice.kind],
        is_receipt=invoice.is_receipt,
        issued_on=day_of(invoice.issued_at),
        issued_at=rfc3339(invoice.issued_at),
        paid_at=rfc3339(invoice.paid_at),
        supplied_on=None if supplied is None else day_of(supplied),
        order_id=invoice.order_id,
        order_number=invoice.order_number,
        payment_id=invoice.payment_id,
        refund_id=invoice.refund_id or None,
        corrects=invoice.corrects or None,
        currency=invoice.currency,
        shop=invoice.shop,
        seller=seller_shown(invoice.seller),
        email=invoice.email,
        billing=address_shown(invoice.billing),
        destination=address_shown(invoice.destination),
        lines=[_line(line, invoice.taxes[line.tax], invoice.currency) for line in invoice.lines],
        taxes=[_tax(tax, invoice.currency) for tax in invoice.taxes],
        locale=invoice.locale,
    )


def seller_shown(seller: Seller | None) -> SellerOut | None:
    """Who sells, as the wire shows it."""
    if seller is None:
        return None
    return SellerOut(address_shown(seller.address), seller.tax_id, seller.email, seller.notice)


def _line(line: InvoiceLine, tax: TaxSum, currency: str) -> InvoiceLineOut:
    return InvoiceLineOut(
        **_amount("amount", line.amount_minor, currency),
        **_amount("unit_price", line.unit_price_minor, currency),
        **_amount("discount", line.discount_minor, currency),
        kind=line.kind,
        name=line.name,
        product_id=line.product_id or None,
        quantity=line.quantity,
        unit_code=line.unit_code,
        percent=None if tax.millionths is None else percent(tax.millionths),
        category=tax.category,
    )


def _tax(tax: TaxSum, currency: str) -> InvoiceTaxOut:
    return InvoiceTaxOut(
        **_amount("amount", tax.tax_minor, currency),
        **_amount("net", tax.net_minor, currency),
        **_amount("added", tax.added_minor, currency),
        name=tax.name,
        percent=None if tax.millionths is None else percent(tax.millionths),
        category=tax.category,
    )


def _amount(name: str, minor: int, currency: str) -> dict[str, Any]:
    return {name: major(minor, currency), f"{name}_minor": minor}
