"""Invoices as pages to print and as PDFs: of an account's order, of a guest's, and for staff."""

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from kassa.pages.client import ApiProblem, ShopClient, path_of
from kassa.pages.invoice_models import Invoices, OneInvoice
from kassa.pages.language import _
from kassa.pages.visit import Visit, Visiting

_BOTH = ("/account/orders/{order_id:str}/invoices", "/shop/orders/{order_id:str}/invoices")


def printed(visit: Visit, found: OneInvoice, back: str) -> Response[str]:
    """The page to print."""
    return visit.page("invoice.html", sheet=found.sheet, invoice=found.invoice, back=back)


async def as_pdf(visit: Visit, api: ShopClient, number: str) -> Response[bytes]:
    """The PDF, to be looked at or kept."""
    content = await api.content(path_of("invoices", number, "pdf"))
    return visit.document(content, "application/pdf", f'inline; filename="{number}.pdf"')


@get([*_BOTH], include_in_schema=False)
async def order_invoices(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    found = await visit.api_of(order_id).get(path_of("orders", order_id, "invoices"), Invoices)
    return visit.page("invoices.html", order_id=order_id, invoices=found.invoices)


@get([f"{each}/{{which:str}}" for each in _BOTH], include_in_schema=False)
async def one_invoice(visit: Visiting, order_id: FromPath[str], which: FromPath[str]) -> Response[str]:
    found = await visit.api_of(order_id).get(path_of("invoices", which), OneInvoice)
    _check(found.invoice.order_id, order_id)
    return printed(visit, found, f"{visit.address_of(order_id)}/invoices")


@get([f"{each}/{{which:str}}/pdf" for each in _BOTH], include_in_schema=False)
async def invoice_pdf(visit: Visiting, order_id: FromPath[str], which: FromPath[str]) -> Response[bytes]:
    return await as_pdf(visit, visit.api_of(order_id), which)


def _check(order_id: str, asked: str) -> None:
    if order_id != asked:
        raise ApiProblem(404, "not_found", _("There is nothing at this address."))


INVOICES: tuple[Any, ...] = (order_invoices, one_invoice, invoice_pdf)
