"""What a visitor sees when something is refused, missing or broken, and what to do then."""

from typing import Any
from urllib.parse import quote

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from kassa.pages.admins import MISSING, NOT_YOURS, NotStaff
from kassa.pages.client import ApiProblem
from kassa.pages.forgery import Forged
from kassa.pages.language import _
from kassa.pages.render import Renderer
from kassa.pages.told import refusal
from kassa.pages.visit import ClientFactory, Visit, make_visit
from kassa.pages.words import trouble

log = structlog.get_logger()


def problem_page(visit: Visit, problem: ApiProblem) -> Response[str]:
    if problem.status == 401:
        visit.api.tokens.forget()
        target = visit.here if not visit.here.startswith("/checkout/status/") else "/"
        return visit.redirect(f"/account/login?next={quote(target, safe='/')}")
    if problem.status == 404:
        return missing_page(visit)
    if problem.code == MISSING:
        return visit.redirect("/account/second-factor")
    is_console = visit.request.url.path.startswith("/console")
    said = trouble if is_console else refusal
    if problem.status == 403:
        # The API names the permission, for programs.
        words = NOT_YOURS if problem.code == "forbidden" and is_console else said(problem)
        return _error(visit, 403, _("This is not for you"), words)
    if problem.status >= 500:
        return broken_page(visit, problem.status, may_have_happened=problem.status == 504)
    title = _("Too many attempts") if problem.status == 429 else _("That did not work")
    return _error(visit, problem.status, title, said(problem))


def missing_page(visit: Visit) -> Response[str]:
    detail = _("There is nothing at this address. It may be mistyped, or the product may no longer be sold.")
    return _error(visit, 404, _("Page not found"), detail)


def broken_page(visit: Visit, status: int, *, may_have_happened: bool = False) -> Response[str]:
    detail = _("The shop cannot answer right now. Please try again in a moment. Your cart is safe.")
    if may_have_happened and visit.request.method == "POST":
        detail = _("The shop took too long to answer. Check your orders before you try again: it may have worked.")
    return _error(visit, status, _("Something is not working"), detail, show_id=True)


def _error(visit: Visit, status: int, title: str, detail: str, *, show_id: bool = False) -> Response[str]:
    request_id = visit.request_id if show_id else None
    return visit.page("error.html", status, title=title, detail=detail, request_id=request_id)


def handlers(client_factory: ClientFactory, renderer: Renderer) -> ExceptionHandlersMap:
    def visit_of(request: Request[Any, Any, Any]) -> Visit:
        return make_visit(request, client_factory, renderer)

    def on_problem(request: Request[Any, Any, Any], problem: ApiProblem) -> Response[str]:
        page = problem_page(visit_of(request), problem)
        if problem.retry_after:
            page.headers["Retry-After"] = problem.retry_after
        return page

    def on_forgery(request: Request[Any, Any, Any], forged: Forged) -> Response[str]:
        detail = _("This page was open for too long. Go back, reload it and try again.")
        return _error(visit_of(request), 403, _("Please try that again"), detail)

    def on_not_staff(request: Request[Any, Any, Any], refused: NotStaff) -> Response[str]:
        visit = visit_of(request)
        return visit.page("console/forbidden.html", 403, email=visit.claims.email)

    def on_http(request: Request[Any, Any, Any], refused: HTTPException) -> Response[str]:
        visit = visit_of(request)
        if refused.status_code == 404:
            return missing_page(visit)
        if refused.status_code >= 500:
            return broken_page(visit, refused.status_code)
        return _error(visit, refused.status_code, _("That did not work"), _("The address or the form is not right."))

    def on_bug(request: Request[Any, Any, Any], bug: Exception) -> Response[str]:
        visit = visit_of(request)
        log.error("page failed", exc_info=bug)
        return broken_page(visit, 500)

    return {
        ApiProblem: on_problem,
        Forged: on_forgery,
        NotStaff: on_not_staff,
        HTTPException: on_http,
        Exception: on_bug,
    }
