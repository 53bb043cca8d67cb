"""Which documents an order has, and what they say. Pure: no I/O, no clock, no chance; in whole minor units.

An order's amounts are in groups of what is taxed alike. Each credit note takes some of some groups, and of a group's
tax the share that makes all that was taken exact: so all credit notes together are never more than the invoice, and of
an order that is refunded in full exactly the invoice, to the unit of each tax.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from kassa.contracts.invoicing import DocumentKind, Invoice, InvoiceLine, Refunded, Seller, Sold, TaxSum
from kassa.contracts.parts import Parts
from kassa.kit.inputs import document_place
from kassa.kit.money import split

GIVEN_BACK = "succeeded"
COME_TO_NOTHING = ("failed", "canceled")


class _Taken(NamedTuple):
    """What a credit note takes: lines, and of each group so much."""

    lines: list[InvoiceLine]
    gross: list[int]


def wanted(sold: Sold, refunds: Sequence[Refunded], known: Sequence[Invoice]) -> list[Invoice]:
    """The documents that the order has to have besides those that are `known`, in order, without numbers."""
    documents = list(known) or [invoice(sold)]
    for refund in refunds:
        of_it = [each for each in documents if each.refund_id == refund.id]
        is_credited = len(of_it) % 2 == 1
        if refund.status == GIVEN_BACK and not is_credited and refund.amount_minor:
            documents.append(credit_note(refund, documents))
        elif refund.status in COME_TO_NOTHING and is_credited:
            documents.append(_cancellation(of_it[-1], len(documents)))
    return documents[len(known) :]


def invoice(sold: Sold) -> Invoice:
    """The invoice of the order: exactly what was paid for it."""
    lines = [
        InvoiceLine(
            kind="goods",
            name=item.name,
            amount_minor=item.price_minor * item.quantity,
            product_id=item.product_id,
            quantity=item.quantity,
            unit_price_minor=item.price_minor,
        )
        for item in sold.items
    ]
    parts = sold.parts
    if parts is None:
        return _invoice(sold, lines, [TaxSum(0, sold.total_minor)])
    taxes, numbers = _groups(parts)
    added = [line.tax_minor for line in parts.lines] or [0] * len(lines)
    if len(parts.lines) == len(lines):
        off = [line.discount_minor for line in parts.lines]
        lines = [_less(line, minor) for line, minor in zip(lines, off, strict=True)]
    if parts.shipping is not None and parts.shipping.amount_minor:
        of = parts.shipping
        price = of.amount_minor
        lines.append(_less(InvoiceLine("shipping", of.name, price, unit_price_minor=price), of.discount_minor))
        added.append(of.tax_minor)
    if len(taxes) == 1:  # Also where it is not told what of the tax belongs to which line.
        return _invoice(sold, lines, [msgspec.structs.replace(taxes[0], gross_minor=sold.total_minor)])
    for place, (line, tax) in enumerate(zip(lines, added, strict=True)):
        group = taxes[numbers[place]]
        gross = group.gross_minor + line.amount_minor + (tax if group.added_minor else 0)
        taxes[numbers[place]] = msgspec.structs.replace(group, gross_minor=gross)
        lines[place] = msgspec.structs.replace(line, tax=numbers[place])
    return _invoice(sold, lines, taxes)


def _invoice(sold: Sold, lines: Sequence[InvoiceLine], taxes: Sequence[TaxSum]) -> Invoice:
    return Invoice(
        id="",
        place=document_place(sold.order_id, 1),
        order_id=sold.order_id,
        kind=DocumentKind.INVOICE,
        payment_id=sold.payment_id,
        paid_at=sold.paid_at,
        supplied_at=sold.supplied_at,
        email=sold.email,
        billing=sold.billing,
        destination=sold.destination,
        currency=sold.currency,
        lines=tuple(lines),
        taxes=tuple(taxes),
        total_minor=sold.total_minor,
        locale=sold.locale,
        order_number=sold.order_number,
    )


def _less(line: InvoiceLine, discount_minor: int) -> InvoiceLine:
    left = line.amount_minor - discount_minor
    return msgspec.structs.replace(line, amount_minor=left, discount_minor=discount_minor)


def _groups(parts: Parts) -> tuple[list[TaxSum], list[int]]:
    """What is taxed alike, without its amounts; and the number of the group of each line, the shipping's last. Where it
    is not known which tax is whose, as of what Stripe has reckoned, all of it is one group."""
    told = [line.rate for line in parts.lines]
    if parts.shipping is not None and parts.shipping.amount_minor:
        told.append(parts.shipping.rate)
    if not any(told):
        tax = sum(each.amount_minor for each in parts.taxes)
        rates = {each.millionths for each in parts.taxes}
        names = " + ".join(dict.fromkeys(each.name for each in parts.taxes))
        rate = rates.pop() if len(rates) == 1 else None
        return [TaxSum(0, 0, tax, parts.added_tax_minor, names, rate or None)], [0] * len(told)
    taxes = [
        TaxSum(number, 0, each.amount_minor, 0 if each.is_included else each.amount_minor, each.name, each.millionths)
        for number, each in enumerate(parts.taxes)
    ]
    if 0 in told:
        taxes.append(TaxSum(len(taxes), 0))
    return taxes, [rate - 1 if rate else len(taxes) - 1 for rate in told]


def credit_note(refund: Refunded, documents: Sequence[Invoice]) -> Invoice:
    """The credit note for a refund, behind all other documents of the order."""
    first = documents[0]
    gone = [_gone(documents, number) for number in range(len(first.taxes))]
    left = [group.gross_minor - taken.gross_minor for group, taken in zip(first.taxes, gone, strict=True)]
    taken = _by_item(refund, first, left) or _by_amount(refund.amount_minor, left)
    taxes = [
        _credited(group, before, gross)
        for group, before, gross in zip(first.taxes, gone, taken.gross, strict=True)
        if gross
    ]
    numbers = {tax.group: place for place, tax in enumerate(taxes)}
    lines = [msgspec.structs.replace(line, tax=numbers[line.tax]) for line in taken.lines]
    return msgspec.structs.replace(
        first,
        id="",
        version=0,
        place=document_place(first.order_id, len(documents) + 1),
        kind=DocumentKind.CREDIT_NOTE,
        refund_id=refund.id,
        corrects=first.id,
        supplied_at=None,
        lines=tuple(_without_added(lines, taxes)),
        taxes=tuple(taxes),
        total_minor=refund.amount_minor,
    )


def _cancellation(note: Invoice, known: int) -> Invoice:
    """What takes a credit note back, whose refund has come to nothing."""
    place = document_place(note.order_id, known + 1)
    return msgspec.structs.replace(
        note, id="", version=0, place=place, kind=DocumentKind.CANCELLATION, corrects=note.id
    )


def _gone(documents: Sequence[Invoice], number: int) -> TaxSum:
    """What of a group was taken back by now."""
    gross = tax = added = 0
    for document in documents[1:]:
        for each in document.taxes:
            if each.group == number:
                gross -= document.sign * each.gross_minor
                tax -= document.sign * each.tax_minor
                added -= document.sign * each.added_minor
    return TaxSum(number, gross, tax, added)


def _credited(group: TaxSum, before: TaxSum, gross: int) -> TaxSum:
    """So much of a group, with the tax that makes all that was taken of it exact."""

    def share(of: int, taken: int, most: int) -> int:
        up_to = of * (before.gross_minor + gross) // group.gross_minor if group.gross_minor else 0
        return max(0, min(most, up_to - taken))

    tax = share(group.tax_minor, before.tax_minor, gross)
    added = share(group.added_minor, before.added_minor, tax)
    return msgspec.structs.replace(group, gross_minor=gross, tax_minor=tax, added_minor=added)


def _by_item(refund: Refunded, first: Invoice, left: Sequence[int]) -> _Taken | None:
    """What a refund by item takes; None if it is not, or would take more of a group than is left of it."""
    by_product = {line.product_id: line for line in first.lines if line.kind == "goods"}
    shipping = next((line for line in first.lines if line.kind == "shipping"), None)
    found = [(by_product.get(each.product_id), each.quantity, each.amount_minor) for each in refund.lines]
    found += [(shipping, 1, refund.shipping_minor)] if refund.shipping_minor else []
    found = [each for each in found if each[2]]
    if not found or refund.amount_minor > sum(each[2] for each in found):
        return None
    gross = [0] * len(left)
    lines = []
    amounts = split(refund.amount_minor, [each[2] for each in found], 1)
    for (line, quantity, _), amount in zip(found, amounts, strict=True):
        if line is None:
            return None
        gross[line.tax] += amount
        lines.append(InvoiceLine(line.kind, line.name, amount, line.tax, line.product_id, quantity))
    return _Taken(lines, gross) if all(part <= most for part, most in zip(gross, left, strict=True)) else None


def _by_amount(amount: int, left: Sequence[int]) -> _Taken:
    """What a refund of an amount takes: of all groups, in proportion to what is left of them."""
    gross = split(min(amount, sum(left)), left, 1)
    gross[0] += amount - sum(gross)  # More than is left cannot go back; if it does, it is seen.
    return _Taken([InvoiceLine("refund", "", part, number) for number, part in enumerate(gross) if part], gross)


def _without_added(lines: Sequence[InvoiceLine], taxes: Sequence[TaxSum]) -> list[InvoiceLine]:
    """The lines, which have the tax that comes on top in their amounts, without it."""
    bare = list(lines)
    for number, tax in enumerate(taxes):
        places = [place for place, line in enumerate(lines) if line.tax == number]
        shares = split(tax.added_minor, [lines[place].amount_minor for place in places], 1)
        for place, share in zip(places, shares, strict=True):
            bare[place] = msgspec.structs.replace(lines[place], amount_minor=lines[place].amount_minor - share)
    return bare


def made_out(document: Invoice, number: str, at: int, seller: Seller | None, shop: str) -> Invoice:
    """The document with its number, and with who issues it."""
    return msgspec.structs.replace(document, id=number, issued_at=at, seller=seller, shop=shop)
