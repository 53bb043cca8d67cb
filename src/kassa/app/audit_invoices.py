"""The part of the audit that is about invoices: that their numbers have no gaps, that each paid order and each refund
has its document, once, and that all of them say what was paid and what went back."""

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence

from kassa.app.difference import Difference
from kassa.contracts.invoicing import DocumentKind, Invoice, Refunded
from kassa.invoicing.domain import wanted
from kassa.kit.documents import Between, Collection, Where, pages
from kassa.kit.inputs import document_place
from kassa.order.domain import Order, Todo
from kassa.order.invoices import sold_of
from kassa.payment.balance import refunded_minor
from kassa.payment.domain import Payment

_INVARIANT = "I18: invoices"
_NUMBER = re.compile(r"(\d{4})-(\d{7,12})")


async def numbers_differences(invoices: Collection[Invoice]) -> AsyncIterator[Difference]:
    """Where a number is left out, or none."""
    year = number = 0
    async for page in pages(invoices):
        for document in page:
            found = _NUMBER.fullmatch(document.id)
            if found is None:
                yield Difference(_INVARIANT, document.id, "is no number of a document")
                continue
            expected = number + 1 if int(found[1]) == year else 1
            year, number = int(found[1]), int(found[2])
            if number != expected:
                yield Difference(_INVARIANT, document.id, f"the number before it is missing: {expected} comes next")


async def documents_of(orders: Sequence[Order], invoices: Collection[Invoice]) -> dict[str, list[Invoice]]:
    """The documents of orders that follow each other by their ids, each order's in their own order."""
    found: dict[str, list[Invoice]] = defaultdict(list)
    if orders:
        where: Where = {"place": Between(document_place(orders[0].id, 0), f"{orders[-1].id}/")}
        async for page in pages(invoices, where):
            for document in page:
                found[document.order_id].append(document)
    for documents in found.values():
        documents.sort(key=lambda each: int(each.place.rpartition(".")[2]))
    return found


def invoices_differences(
    order: Order, payment: Payment | None, documents: Sequence[Invoice], *, is_at_rest: bool
) -> Iterator[Difference]:
    """Where an order, its payment and its documents do not go together. An order that was paid before there were
    invoices gets its documents when they are asked for."""
    sold = sold_of(order)
    if sold is None:
        if documents:
            text = f"it is {order.stage}, and has {documents[0].id}, though nothing was paid for it"
            yield Difference(_INVARIANT, order.id, text)
        return
    if [each.place for each in documents] != [document_place(order.id, at + 1) for at in range(len(documents))]:
        yield Difference(_INVARIANT, order.id, "a document is left out, or there twice")
    for document in documents:
        if words := _broken(document):
            yield Difference(_INVARIANT, document.id, words)
    for text in _amounts(order, documents):
        yield Difference(_INVARIANT, order.id, text)
    is_known = bool(documents) or any(effect.kind == Todo.INVOICE for effect in order.effects)
    if is_known and is_at_rest and payment is not None:
        for lacking in wanted(sold, _refunds(payment), documents):
            for_what = f" for refund {lacking.refund_id}" if lacking.refund_id else ""
            yield Difference(_INVARIANT, order.id, f"it lacks its {lacking.kind.replace('_', ' ')}{for_what}")
        credited, refunded = -sum(each.sign * each.total_minor for each in documents[1:]), refunded_minor(payment)
        if credited != refunded:
            yield Difference(_INVARIANT, order.id, f"{credited} is credited, {refunded} was refunded")


def _refunds(payment: Payment) -> list[Refunded]:
    return [Refunded(each.id, each.status, each.amount_minor) for each in payment.refunds]


def _amounts(order: Order, documents: Sequence[Invoice]) -> Iterator[str]:
    if not documents:
        return
    first, *others = documents
    told = (first.kind, first.total_minor, first.currency)
    if told != (DocumentKind.INVOICE, order.total_minor, order.currency):
        text = f"{first.kind} {first.id} is of {first.total_minor} {first.currency}"
        yield f"{text}, and the order cost {order.total_minor} {order.currency}"
    left = first.total_minor
    for each in others:
        left += each.sign * each.total_minor
        if each.kind is DocumentKind.INVOICE or not 0 <= left <= first.total_minor:
            yield f"after {each.kind} {each.id}, {left} of {first.total_minor} is left"


def _broken(document: Invoice) -> str:
    """What one document says of itself that is not so."""
    on_top = sum(tax.added_minor for tax in document.taxes)
    lines = sum(line.amount_minor for line in document.lines)
    if lines + on_top != document.total_minor:
        return f"its lines are {lines}, {on_top} comes on top, and its total is {document.total_minor}"
    if sum(tax.gross_minor for tax in document.taxes) != document.total_minor:
        return "what is taxed alike does not come to its total"
    if any(not 0 <= tax.added_minor <= tax.tax_minor <= tax.gross_minor for tax in document.taxes):
        return "a tax of it is more than what it is of"
    return ""
