"""Registering, logging in and out, and a buyer's own orders."""

from contextlib import suppress
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages.account_models import Places, Verification
from kassa.pages.checkout import go_and_pay, order_shown, read_order
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.destinations import KnowingDestinations
from kassa.pages.language import _
from kassa.pages.models import OneOrder, Orders
from kassa.pages.second_factor import second_step
from kassa.pages.storefront import paging
from kassa.pages.told import refusal, wrong_fields
from kassa.pages.visit import Visit, Visiting, number, safe_next

_SHOWN = 20


def _entry(
    visit: Visit, template: str, status: int = 200, errors: dict[str, str] | None = None, trouble: str = ""
) -> Response[str]:
    """A log-in or registration form, with what was typed (but for the password) and what was wrong with it."""
    values = {name: visit.field(name) for name in ("email", "name")}
    target = safe_next(visit.field("next") or visit.request.query_params.get("next", "/"))
    return visit.page(template, status, values=values, errors=errors or {}, trouble=trouble, next=target)


@get("/account/login", include_in_schema=False)
async def login_page(visit: Visiting) -> Response[str]:
    return _entry(visit, "login.html")


@post("/account/login", include_in_schema=False)
async def log_in(visit: Visiting) -> Response[str]:
    try:
        await visit.api.log_in(visit.field("email"), visit.form.get("password", ""))
    except ApiProblem as problem:
        if problem.status >= 500:
            raise
        if problem.code == "second_factor_required":
            target = safe_next(visit.field("next") or "/")
            return second_step(visit, str(problem.members.get("challenge", "")), target)
        errors = wrong_fields(problem)
        return _entry(visit, "login.html", problem.status, errors, "" if errors else refusal(problem))
    return visit.redirect(safe_next(visit.field("next") or "/"), "logged-in")


@get("/account/register", include_in_schema=False)
async def register_page(visit: Visiting) -> Response[str]:
    return _entry(visit, "register.html")


@post("/account/register", include_in_schema=False)
async def register(visit: Visiting) -> Response[str]:
    password = visit.form.get("password", "")
    body = {"email": visit.field("email"), "password": password, "locale": visit.language.tag}
    if visit.field("name"):
        body["name"] = visit.field("name")
    try:
        await visit.api.start_session("/auth/register", body)
    except ApiProblem as problem:
        if problem.status >= 500:
            raise
        errors = wrong_fields(problem)
        if problem.status == 409:
            errors = {"email": refusal(problem)}
        return _entry(visit, "register.html", problem.status, errors, "" if errors else refusal(problem))
    return visit.redirect(safe_next(visit.field("next") or "/"), "welcome")


@post("/account/logout", include_in_schema=False)
async def log_out(visit: Visiting) -> Response[str]:
    """This browser forgets its tokens, even when the shop cannot be told."""
    with suppress(ApiProblem):
        await visit.api.log_out()
    return visit.farewell("logged-out")


@get("/account", include_in_schema=False)
async def account_page(visit: Visiting) -> Response[str]:
    visit.require_login()
    return await _account(visit)


async def _account(
    visit: Visit, status: int = 200, errors: dict[str, str] | None = None, trouble: str = ""
) -> Response[str]:
    found = await visit.api.get("/auth/email/verification", Verification)
    return visit.page("account.html", status, verification=found, errors=errors or {}, trouble=trouble)


@post("/account/password", include_in_schema=False)
async def change_password(visit: Visiting) -> Response[str]:
    visit.require_login()
    body = {"current": visit.form.get("current", ""), "new": visit.form.get("new", "")}
    try:
        await visit.api.send("POST", "/auth/password", Any, body)
    except ApiProblem as problem:
        if problem.status >= 500:
            raise
        errors = wrong_fields(problem)
        if problem.status in (400, 401, 403) and not errors:
            errors = {"current": _("This is not your current password.")}
        return await _account(visit, problem.status, errors, "" if errors else refusal(problem))
    return await _log_in_again(visit, body["new"])


async def _log_in_again(visit: Visit, password: str) -> Response[str]:
    """A new password ends all sessions; whoever has just proved to know the old one keeps this one."""
    email = visit.claims.email
    visit.api.tokens.forget()
    with suppress(ApiProblem):
        await visit.api.log_in(email, password)
    return visit.redirect("/account" if visit.is_logged_in else "/account/login", "password")


@get("/account/sessions", include_in_schema=False)
async def session_list(visit: Visiting) -> Response[str]:
    visit.require_login()
    found = await visit.api.get("/auth/sessions", Places)
    return visit.page("sessions.html", sessions=found.sessions)


@post("/account/sessions/end", include_in_schema=False)
async def end_sessions(visit: Visiting) -> Response[str]:
    """End the one that is named, or all but this one."""
    visit.require_login()
    session_id = visit.field("session")
    try:
        await visit.api.send("DELETE", path_of("auth", "sessions", *([session_id] if session_id else [])), Any)
    except ApiProblem as problem:
        if problem.status != 404:  # It had ended meanwhile.
            raise
    return visit.redirect("/account/sessions", "session-ended")


@get("/account/orders", include_in_schema=False)
async def order_list(visit: Visiting) -> Response[str]:
    visit.require_login()
    skip = max(0, number(visit.request.query_params.get("skip")))
    found = await visit.api.get("/orders", Orders, {"limit": _SHOWN, "skip": skip})
    return visit.page("orders.html", orders=found.orders, paging=paging(skip, _SHOWN, found.pagination.total))


@get("/account/orders/{order_id:str}", include_in_schema=False)
async def order_page(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    if order_id in visit.guest_orders:
        return visit.redirect(visit.address_of(order_id))
    return await order_shown(visit, order_id, destinations)


@post("/account/orders/{order_id:str}/pay", include_in_schema=False)
async def pay_order(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    order = await read_order(visit, order_id)
    return await go_and_pay(visit, order.id)


@post("/account/orders/{order_id:str}/cancel", include_in_schema=False)
async def cancel_order(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    return await cancel_at(visit, order_id)


async def cancel_at(visit: Visit, order_id: str) -> Response[str]:
    """Cancel the order, and go back to its page."""
    path, address = path_of("orders", order_id, "cancel"), visit.address_of(order_id)
    try:
        answer = await visit.api_of(order_id).send("POST", path, OneOrder, key=visit.field("key") or None)
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return visit.redirect(address, "not-cancelled")
    return visit.redirect(address, "cancelled" if answer.order.is_final else "cancelling")


ACCOUNT: tuple[Any, ...] = (
    login_page,
    log_in,
    register_page,
    register,
    log_out,
    account_page,
    change_password,
    session_list,
    end_sessions,
    order_list,
    order_page,
    pay_order,
    cancel_order,
)
