"""Quotes over the wire: what is sent and what is answered."""

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from kassa.contracts.parts import LinePart, Parts
from kassa.kit.lists import documented
from kassa.kit.money import major
from kassa.order.domain import MAX_LINES
from kassa.order.lines_wire import NewLine
from kassa.order.parts_wire import PartsOut, WhereIn, parts_shown
from kassa.order.quoting import Quote
from kassa.order.selling import Offer
from kassa.order.wire import Code, Email, Method
from kassa.order.withdrawals_wire import Reason


class NewQuote(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is to be quoted. How often its buyer has used a discount is known of an account's own e-mail address, to
    whoever sends the account's token: nobody learns it of another's before an order."""

    items: Annotated[list[NewLine], documented("Each product once, or merged", minItems=1, maxItems=MAX_LINES)]
    destination: WhereIn | None = None
    shipping_method: Method | None = None
    discount_code: Code | None = None
    currency: Annotated[str, documented("The shop's own", maxLength=3)] | None = None
    email: Email | None = None


class QuotedItem(msgspec.Struct, frozen=True, rename="camel"):
    """A line: the price of one piece, what the line costs, what is taken off it, and its tax."""

    product_id: str
    name: str
    quantity: int
    price: Decimal
    price_minor: int
    amount: Decimal
    amount_minor: int
    discount: Decimal
    discount_minor: int
    tax: Decimal
    tax_minor: int
    withdrawal_excluded: Reason | UnsetType = UNSET


class MethodOut(msgspec.Struct, frozen=True, rename="camel"):
    """A shipping method, and what it costs for these goods to this destination."""

    id: str
    name: str
    kind: str
    price: Decimal
    price_minor: int


class QuoteOut(msgspec.Struct, frozen=True, rename="camel"):
    """What goods cost. `parts` says how the total comes about. `needsShippingMethod`: the shipping is not in it yet,
    for none of `shippingMethods` was chosen."""

    items: list[QuotedItem]
    currency: str
    parts: PartsOut
    shipping_methods: list[MethodOut]
    is_sent: Annotated[bool, msgspec.Meta(description="Whether something of it has to go somewhere")]
    needs_shipping_method: bool
    total_amount: Decimal
    total_amount_minor: int


class QuoteAnswer(msgspec.Struct, frozen=True):
    """One quote."""

    quote: QuoteOut


def quote_shown(quote: Quote) -> QuoteOut:
    """The quote as the wire shows it."""
    currency, parts = quote.currency, quote.parts or Parts()
    lines = parts.lines or (LinePart(),) * len(quote.items)
    return QuoteOut(
        items=[
            QuotedItem(
                product_id=item.product_id,
                name=item.name,
                quantity=item.quantity,
                price=major(item.price_minor, currency),
                price_minor=item.price_minor,
                amount=major(item.price_minor * item.quantity, currency),
                amount_minor=item.price_minor * item.quantity,
                discount=major(line.discount_minor, currency),
                discount_minor=line.discount_minor,
                tax=major(line.tax_minor, currency),
                tax_minor=line.tax_minor,
                withdrawal_excluded=item.withdrawal_excluded or UNSET,
            )
            for item, line in zip(quote.items, lines, strict=True)
        ],
        currency=currency,
        parts=parts_shown(quote.subtotal_minor, parts, currency),
        shipping_methods=[_method(offer, currency) for offer in quote.offers],
        is_sent=quote.is_sent,
        needs_shipping_method=quote.needs_method,
        total_amount=major(quote.total_minor, currency),
        total_amount_minor=quote.total_minor,
    )


def _method(offer: Offer, currency: str) -> MethodOut:
    method, price = offer
    return MethodOut(method.id, method.name, method.kind, major(price, currency), price)
