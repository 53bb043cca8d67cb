"""The public endpoints of invoices."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, QueryParameter

from kassa.contracts.invoicing import Invoice
from kassa.kit.access import Permission
from kassa.kit.clock import DAY, Millis, from_rfc3339
from kassa.kit.identity import Principal
from kassa.kit.lists import paging
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.web import JsonResponse, principal_of
from kassa.order.invoices import OrderInvoices
from kassa.order.invoices_wire import InvoiceAnswer, InvoicePage, InvoicesAnswer, invoice_shown
from kassa.order.service import OrderService

_PDF = ResponseSpec(bytes, generate_examples=False, media_type="application/pdf", description="The document, on A4")
Day = Annotated[str | None, QueryParameter(schema_extra={"format": "date"})]


@get("/orders/{order_id:str}/invoices", tags=["invoices"])
async def order_invoices(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[InvoicesAnswer]:
    """The invoice of a paid order, and a credit note for each refund: what is lacking is made out. Of an order that is
    not paid, or cost nothing, there are none."""
    principal = await principal_of(request)
    service: OrderService = request.app.state["order"]
    found = await _invoices(request).of(await service.visible(order_id, principal))
    answer = InvoicesAnswer([invoice_shown(each) for each in found])
    return JsonResponse(answer, media_type="application/json")


@get("/invoices", tags=["invoices"])
async def all_invoices(
    request: Request[Any, Any, Any],
    first: Annotated[str | None, QueryParameter(name="from", schema_extra={"format": "date"})] = None,
    until: Annotated[str | None, QueryParameter(name="to", schema_extra={"format": "date"})] = None,
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[InvoicePage]:
    """All documents, the newest first; those that were issued on the days `from` to `to`, both included, in UTC."""
    await principal_of(request)
    start, end = _day(first, "from"), _day(until, "to")
    days = (start, None if end is None else end + DAY)
    found, pagination = await _invoices(request).invoices.page(paging(limit, skip, cursor), *days)
    answer = InvoicePage([invoice_shown(each) for each in found], pagination)
    return JsonResponse(answer, media_type="application/json")


@get("/invoices/{number:str}", tags=["invoices"])
async def one_invoice(request: Request[Any, Any, Any], number: FromPath[str]) -> Response[InvoiceAnswer]:
    """One document, for whoever sees its order."""
    found = await _visible(request, await principal_of(request), number)
    answer = InvoiceAnswer(invoice_shown(found), _invoices(request).invoices.sheet(found))
    return JsonResponse(answer, media_type="application/json")


@get("/invoices/{number:str}/pdf", tags=["invoices"], responses={200: _PDF})
async def invoice_pdf(request: Request[Any, Any, Any], number: FromPath[str]) -> Response[bytes]:
    """One document as a PDF: the same bytes each time."""
    found = await _visible(request, await principal_of(request), number)
    pdf = await _invoices(request).invoices.pdf(found)
    headers = {"Content-Disposition": f'inline; filename="{found.id}.pdf"', "Cache-Control": "no-store"}
    return Response(pdf, media_type="application/pdf", headers=headers)


async def _visible(request: Request[Any, Any, Any], who: Principal, number: str) -> Invoice:
    service: OrderService = request.app.state["order"]
    found = await _invoices(request).invoices.get(number)
    try:
        await service.visible(found.order_id, who, Permission.READ_ORDERS)
    except NotFound as missing:  # It says no more than that there is none.
        raise NotFound(f"there is no invoice {number[:64]}") from missing
    return found


def _day(text: str | None, field: str) -> Millis | None:
    if text is None:
        return None
    try:
        # No more than a day is read: 2026-01-31.
        return from_rfc3339(f"{text[:11]}T00:00:00Z")
    except ValueError as error:
        raise Invalid.field(field, "must be a day such as 2026-01-31") from error


def _invoices(request: Request[Any, Any, Any]) -> OrderInvoices:
    invoices: OrderInvoices = request.app.state["invoices"]
    return invoices


HANDLERS = (order_invoices, all_invoices, one_invoice, invoice_pdf)
