"""The checkout: who buys, where it goes, how it comes there, and what all of it costs. The total is the shop's quote,
and no other one is ordered at."""

import re
from typing import Any

import msgspec
from litestar import Response, get, post

from kassa.pages.cart import Cart, read_cart
from kassa.pages.cart_pages import cart_response
from kassa.pages.checkout import go_and_pay, place
from kassa.pages.checkout_form import FIELDS, Form, Found, at_fields, quoted, read_form, with_bill
from kassa.pages.client import ApiProblem
from kassa.pages.destinations import KnowingDestinations
from kassa.pages.language import _, later
from kassa.pages.models import Order
from kassa.pages.refusals import price_changed, why_refused
from kassa.pages.selling_models import Quote
from kassa.pages.visit import Visit, Visiting

_TOTAL = re.compile(r"[0-9]{1,15}")
_CHECK = later("Please check the total, and order if it is right.")
_LOGGED_OUT = later("You have been logged out in the meantime. Nothing was ordered: order as a guest, or log in again.")


@get("/checkout", include_in_schema=False)
async def checkout_page(visit: Visiting, destinations: KnowingDestinations) -> Response[str]:
    """The form, with what is known of the buyer."""
    if not visit.cart.lines:
        return visit.redirect("/cart")
    form = await read_form(destinations, visit.api, visit.cart, {"email": visit.claims.email})
    return _shown(visit, form, await quoted(visit.api, form, is_strict=False))


@post("/checkout", include_in_schema=False)
async def check_out(visit: Visiting, destinations: KnowingDestinations) -> Response[str]:
    """Place the order that the form shows, at the total that it shows; or only reckon it again."""
    wanted, total = read_cart(visit.field("cart")), visit.field("total")
    if not wanted.lines:
        return visit.redirect("/cart")
    if "email" not in visit.form:
        return await _order_from_cart(visit, wanted, total)
    # Or when the form was shown: what reckons it anew may have been told first that the log-in has ended.
    was_logged_in = visit.is_logged_in or bool(visit.field("account"))
    form = await read_form(destinations, visit.api, wanted, {name: visit.field(name) for name in FIELDS})
    is_order = visit.field("do") != "update"
    found = await quoted(visit.api, form, is_strict=is_order)
    if was_logged_in and not visit.is_logged_in:
        found.trouble = _(_LOGGED_OUT)
        return _shown(visit, form, found, 409 if is_order else 200)
    if not is_order or found.errors or found.trouble or found.quote is None:
        return _shown(visit, form, found, 422 if is_order else 200)
    now = found.quote.total_amount_minor
    # What may cost less now is asked for as it was agreed to: the order knows more of the buyer than a quote does, and
    # the API takes no other total.
    agreed = int(total) if _TOTAL.fullmatch(total) else -1
    if agreed < now or not _is_whole(form, found):
        if _TOTAL.fullmatch(total) and total != str(now):
            found.trouble = price_changed(visit, int(total), now, found.quote.currency)
        return _shown(visit, form, found, 409 if found.trouble else 200, told=_(_CHECK))
    return await _order(visit, form, found, agreed)


async def _order_from_cart(visit: Visit, wanted: Cart, total: str) -> Response[str]:
    """What needs nothing but a click of whoever is logged in."""
    if not visit.is_logged_in or not _TOTAL.fullmatch(total):
        return visit.redirect("/cart" if visit.is_logged_in else "/checkout")
    items = [{"productId": product_id, "quantity": quantity} for product_id, quantity in wanted.lines.items()]
    try:
        order = await place(visit, wanted, {"items": items, "expectedTotalMinor": int(total)})
    except ApiProblem as problem:
        if problem.status == 401:
            visit.api.tokens.forget()
            return visit.redirect("/account/login?next=/cart")
        if problem.status not in (409, 422):
            raise
        _renew(visit, wanted)
        refusal, has_open = await why_refused(visit, problem), bool(problem.members.get("orderIds"))
        return await cart_response(visit, refusal, status=409, has_open_orders=has_open)
    return await _paid_for(visit, wanted, order)


async def _order(visit: Visit, form: Form, found: Found, total: int) -> Response[str]:
    wish = {**with_bill(form.wish(is_strict=not _is_picked_up(found)), form), "expectedTotalMinor": total}
    if form.values["note"]:
        wish["note"] = form.values["note"]
    try:
        order = await place(visit, form.cart, wish)
    except ApiProblem as problem:
        if problem.status == 401:
            visit.api.tokens.forget()
            found.trouble = _(_LOGGED_OUT)
            return _shown(visit, form, found, 409)
        if problem.status not in (400, 409, 422):
            raise
        return await _refused(visit, form, problem)
    return await _paid_for(visit, form.cart, order)


async def _refused(visit: Visit, form: Form, problem: ApiProblem) -> Response[str]:
    """The form as it was typed, with what the shop says, and a quote of now."""
    renewed = _renew(visit, form.cart)
    form = Form(form.selling, form.countries, renewed, form.values)
    found = await quoted(visit.api, form, is_strict=True)
    errors = at_fields(problem, form)
    found.errors |= errors
    if not errors:
        found.trouble = await why_refused(visit, problem)
        found.quote = _quote_of(problem) or found.quote
    return _shown(visit, form, found, 409, has_open_orders=bool(problem.members.get("orderIds")))


def _quote_of(problem: ApiProblem) -> Quote | None:
    """What the order would cost, as the refusal of another total says."""
    try:
        return msgspec.convert(problem.members["quote"], Quote)
    except (KeyError, msgspec.ValidationError):
        return None


async def _paid_for(visit: Visit, wanted: Cart, order: Order) -> Response[str]:
    if visit.cart.id == wanted.id:
        visit.set_cart(Cart())
    if order.is_final:  # Where a discount takes off all that it costs.
        return visit.redirect(visit.address_of(order.id))
    return await go_and_pay(visit, order.id)


def _renew(visit: Visit, wanted: Cart) -> Cart:
    """The same goods as a new wish: the old key would only repeat the refusal."""
    renewed = wanted.renewed()
    if visit.cart.id == wanted.id:
        visit.set_cart(renewed)
    return renewed


def _is_picked_up(found: Found) -> bool:
    return found.quote is not None and (found.quote.is_picked_up or not found.quote.is_sent)


def _is_whole(form: Form, found: Found) -> bool:
    """Whether the quote is of all that the total goes by."""
    quote = found.quote
    if quote is None or quote.needs_shipping_method:
        return False
    return found.has_destination or not quote.is_sent or not form.selling.asks_where


def _shown(
    visit: Visit, form: Form, found: Found, status: int = 200, told: str = "", *, has_open_orders: bool = False
) -> Response[str]:
    if found.is_no_longer_sold:
        return visit.redirect("/cart")
    found.errors = {name: found.errors[name] for name in FIELDS if name in found.errors}
    shown = Form(form.selling, form.countries, form.cart, found.values)
    more = {"told": told, "has_open_orders": has_open_orders, "is_whole": _is_whole(form, found)}
    visit.is_private = True
    return visit.page("checkout.html", status, leads_to_payment=True, form=shown, found=found, **more)


CHECKOUT_PAGES: tuple[Any, ...] = (checkout_page, check_out)
