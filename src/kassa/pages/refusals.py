"""Why the shop takes no order, in front of its buyer."""

import re
from decimal import Decimal

from kassa.kit.money import minor
from kassa.pages.cart import Cart
from kassa.pages.catalogue_models import OneProduct
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.formats import count, money
from kassa.pages.language import _, _n, later
from kassa.pages.models import Stock
from kassa.pages.told import refusal
from kassa.pages.visit import Visit

_BOUND = re.compile(r"must be at (?P<which>least|most) (?P<amount>[0-9.]+) (?P<currency>[a-z]{3})")
_BOUNDS = {
    "least": later("Orders have to come to at least %(amount)s. Nothing was ordered."),
    "most": later("Orders can come to at most %(amount)s. Nothing was ordered."),
}


async def why_refused(visit: Visit, problem: ApiProblem) -> str:
    """The refusal of an order in plain words."""
    if problem.code == "unknown_product":
        return _("Something in your cart is no longer sold. Nothing was ordered; please remove it and try again.")
    if problem.code == "price_changed":
        return _new_price(visit, problem)
    if problem.code == "idempotency_key_reused":
        return _(
            "This cart has been sent before, with a different total. Please check your orders before you send it again."
        )
    if problem.code in ("too_many_open_orders", "too_many_open_pieces"):
        return _too_many(visit.cart, problem)
    if "totalAmount" in problem.errors:
        return _of_total(problem)
    product_id = str(problem.members.get("productId") or problem.members.get("product_id") or "")
    if problem.code not in ("insufficient_stock", "over_quantity_limit") or not product_id:
        return refusal(problem)
    left = problem.members.get("available")
    try:
        name = (await visit.api.get(path_of("products", product_id), OneProduct)).product.name
        if problem.code == "over_quantity_limit":
            most = problem.members.get("limit")
            return _(
                "%(name)s: at most %(most)s per order. Nothing was ordered; please lower the quantity and try again.",
                name=name,
                most=most,
            )
        if not isinstance(left, int):
            left = (await visit.api.get(path_of("inventory", product_id), Stock)).stock
    except ApiProblem:
        return refusal(problem)
    if left <= 0:
        return _("%(name)s has just sold out. Nothing was ordered; please remove it and try again.", name=name)
    return _(
        "Only %(left)s of %(name)s left. Nothing was ordered; please change the quantity and try again.",
        left=left,
        name=name,
    )


def _of_total(problem: ApiProblem) -> str:
    found = _BOUND.fullmatch(problem.errors["totalAmount"])
    if found is None:
        return refusal(problem)
    amount = money(minor(Decimal(found["amount"]), found["currency"]), found["currency"])
    text = _BOUNDS[found["which"]]
    return _(text, amount=amount)


def _too_many(wanted: Cart, problem: ApiProblem) -> str:
    most = int(problem.members.get("limit", 0))
    if problem.members.get("per") != "buyer":
        return _too_many_here(has_open=bool(problem.members.get("orderIds")))
    if problem.code == "too_many_open_orders":
        return _n(
            "You already have %(num)s unpaid order, and cannot have more at once. Nothing was ordered; "
            "please pay for one or cancel it, then check out again.",
            "You already have %(num)s unpaid orders, and cannot have more at once. Nothing was ordered; "
            "please pay for one or cancel it, then check out again.",
            most,
        )
    if wanted.count > most:
        return _(
            "You have %(count)s items in your cart, and can order at most %(most)s at once. Nothing was ordered; "
            "please take some out, then check out again.",
            count=count(wanted.count),
            most=count(most),
        )
    return _n(
        "You can have at most %(num)s item in unpaid orders, and with this cart it would be more. Nothing was "
        "ordered; please pay for an order or cancel it, or take something out of your cart.",
        "You can have at most %(num)s items in unpaid orders, and with this cart it would be more. Nothing was "
        "ordered; please pay for an order or cancel it, or take something out of your cart.",
        most,
    )


def _too_many_here(*, has_open: bool) -> str:
    if has_open:
        return _(
            "Too many orders from your network are waiting for payment. Nothing was ordered; "
            "please pay for an order of yours or cancel it, or try again in a few minutes."
        )
    return _(
        "Too many orders from your network are waiting for payment. Nothing was ordered; "
        "please try again in a few minutes."
    )


def _new_price(visit: Visit, problem: ApiProblem) -> str:
    seen, now = (problem.members.get(name) for name in ("expectedTotalMinor", "totalAmountMinor"))
    currency = problem.members.get("currency")
    if not (isinstance(seen, int) and isinstance(now, int) and isinstance(currency, str)):
        return refusal(problem)
    return price_changed(visit, seen, now, currency)


def price_changed(visit: Visit, seen: int, now: int, currency: str) -> str:
    """That the total is not the one that the buyer has agreed to. In minor units."""
    before, after = (money(minor, currency) for minor in (seen, now))
    return _(
        "The total has changed from %(before)s to %(after)s. Nothing was ordered; check out again if you agree.",
        before=before,
        after=after,
    )
