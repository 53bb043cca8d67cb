"""The console's list of invoices, with a file of each month for the bookkeeper."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem, Params, path_of
from kassa.pages.invoice_models import Invoice, Invoices, OneInvoice
from kassa.pages.invoices import as_pdf, printed
from kassa.pages.spreadsheet import plain, written
from kassa.pages.storefront import paging
from kassa.pages.visit import Visit, Visiting, number

_SHOWN = 50
_PAGE, MOST_PAGES = 100, 200
"""A file has at most so many documents: those of a month of a large shop."""
_MONTH = re.compile(r"2[0-9]{3}-(0[1-9]|1[0-2])")
_COLUMNS = (
    "number", "kind", "issuedOn", "orderId", "paymentId", "refundId", "corrects", "buyer", "country", "currency",
    "tax", "percent", "category", "net", "taxAmount", "gross",
)  # fmt: skip


@get("/console/invoices", include_in_schema=False)
async def invoice_list(visit: Visiting) -> Response[str]:
    await require_staff(visit, "GET /invoices")
    asked = visit.request.query_params
    month, skip = asked.get("month", ""), max(0, number(asked.get("skip")))
    found = await visit.api.get("/invoices", Invoices, {**_days(month), "limit": _SHOWN, "skip": skip})
    pages = paging(skip, _SHOWN, found.pagination.total)
    return _listed(visit, found.invoices, {"month": month} if month else {}, pages)


@get("/console/orders/{order_id:str}/invoices", include_in_schema=False)
async def invoices_of_order(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    found = await visit.api.get(path_of("orders", order_id, "invoices"), Invoices)
    return _listed(visit, found.invoices, {}, None, order_id)


def _listed(
    visit: Visit, found: tuple[Invoice, ...], filters: dict[str, str], pages: dict[str, Any] | None, order_id: str = ""
) -> Response[str]:
    return visit.page(
        "console/invoices.html",
        invoices=found,
        filters=filters,
        month=filters.get("month", ""),
        paging=pages,
        order_id=order_id,
    )


@get("/console/invoices/month", include_in_schema=False)
async def month_file(visit: Visiting) -> Response[str]:
    """A file of a month's documents: a line for each of their taxes, the oldest first."""
    await require_staff(visit, "GET /invoices")
    month = visit.request.query_params.get("month", "")
    days = _days(month)
    if not days:
        raise ApiProblem(404, "not_found", "Choose a month.")
    content = written(_COLUMNS, (line for invoice in await _all(visit, days) for line in _lines(invoice)))
    return visit.file(content, "text/csv", f'attachment; filename="invoices-{month}.csv"')


@get("/console/invoices/{which:str}", include_in_schema=False)
async def console_invoice(visit: Visiting, which: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    found = await visit.api.get(path_of("invoices", which), OneInvoice)
    return printed(visit, found, f"/console/orders/{found.invoice.order_id}/invoices")


@get("/console/invoices/{which:str}/pdf", include_in_schema=False)
async def console_invoice_pdf(visit: Visiting, which: FromPath[str]) -> Response[bytes]:
    await require_staff(visit)
    return await as_pdf(visit, visit.api, which)


async def _all(visit: Visit, days: Params) -> list[Invoice]:
    found: list[Invoice] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await visit.api.get("/invoices", Invoices, {**days, "limit": _PAGE, "cursor": cursor})
        found += page.invoices
        cursor = page.pagination.next_cursor
        if cursor is None:
            return found[::-1]
    raise ApiProblem(
        422, "too_many", f"There are more than {MOST_PAGES * _PAGE}: fetch them by the API, GET /invoices."
    )


def _days(month: str) -> dict[str, str]:
    """The first and the last day of a month such as 2026-01; nothing for what is none."""
    if not _MONTH.fullmatch(month):
        return {}
    first = date.fromisoformat(f"{month}-01")
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return {"from": first.isoformat(), "to": last.isoformat()}


def _lines(invoice: Invoice) -> Iterator[list[str]]:
    """What goes back is below zero."""
    sign = -1 if invoice.kind == "credit_note" else 1
    known = [
        invoice.number, invoice.kind, invoice.issued_on, invoice.order_id, invoice.payment_id,
        invoice.refund_id or "", invoice.corrects or "", plain(invoice.buyer.name), invoice.buyer.country,
        invoice.currency,
    ]  # fmt: skip
    for tax in invoice.taxes:
        percent = "" if tax.percent is None else f"{tax.percent:f}"
        amounts = [f"{sign * each:f}" for each in (tax.net, tax.amount, tax.net + tax.amount)]
        yield [*known, plain(tax.name), percent, tax.category, *amounts]


CONSOLE_INVOICES: tuple[Any, ...] = (
    invoice_list,
    invoices_of_order,
    month_file,
    console_invoice,
    console_invoice_pdf,
)
