"""Why the shop takes no order, in front of its buyer."""

from kassa.kit.text import counted
from kassa.pages.cart import Cart
from kassa.pages.catalogue_models import OneProduct
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.formats import money
from kassa.pages.models import Stock
from kassa.pages.visit import Visit
from kassa.pages.words import trouble


async def why_refused(visit: Visit, problem: ApiProblem) -> str:
    """The refusal of an order in plain words."""
    if problem.code == "unknown_product":
        return "Something in your cart is no longer sold. Nothing was ordered; please remove it and try again."
    if problem.code == "price_changed":
        return _new_price(visit, problem)
    if problem.code == "idempotency_key_reused":
        return "This cart was sent before, at another total. Please look at your orders before you send it again."
    if problem.code in ("too_many_open_orders", "too_many_open_pieces"):
        return _too_many(visit.cart, problem)
    if "totalAmount" in problem.errors:
        return f"The total {problem.errors['totalAmount']}. Nothing was ordered."
    product_id = str(problem.members.get("productId") or problem.members.get("product_id") or "")
    if problem.code not in ("insufficient_stock", "over_quantity_limit") or not product_id:
        return trouble(problem)
    left = problem.members.get("available")
    try:
        name = (await visit.api.get(path_of("products", product_id), OneProduct)).product.name
        if problem.code == "over_quantity_limit":
            most = problem.members.get("limit")
            return f"{name}: at most {most} in one order. Nothing was ordered; please lower the quantity and try again."
        if not isinstance(left, int):
            left = (await visit.api.get(path_of("inventory", product_id), Stock)).stock
    except ApiProblem:
        return trouble(problem)
    if left <= 0:
        return f"{name} has just sold out. Nothing was ordered; please remove it and try again."
    return f"Only {left} of {name} left. Nothing was ordered; please change the quantity and try again."


def _too_many(wanted: Cart, problem: ApiProblem) -> str:
    most, has_open = int(problem.members.get("limit", 0)), bool(problem.members.get("orderIds"))
    is_own = problem.members.get("per") == "buyer"
    if problem.code == "too_many_open_orders" and is_own:
        return (
            f"You already have {counted(most, 'unpaid order')}, and cannot have more at once. Nothing was ordered; "
            "please pay for one or cancel it, then check out again."
        )
    if problem.code == "too_many_open_pieces" and is_own:
        if wanted.count > most:
            return (
                f"You have {counted(wanted.count, 'piece')} in your cart, and can order at most {most} at once. "
                "Nothing was ordered; please take some out, then check out again."
            )
        return (
            f"You can have at most {counted(most, 'piece')} in unpaid orders, and with this cart it would be more. "
            "Nothing was ordered; please pay for an order or cancel it, or take something out of your cart."
        )
    what = "orders" if problem.code == "too_many_open_orders" else "goods ordered"
    instead = "pay for an order of yours or cancel it, or " if has_open else ""
    return (
        f"Too many {what} from your network are waiting for payment. Nothing was ordered; "
        f"please {instead}try again in a few minutes."
    )


def _new_price(visit: Visit, problem: ApiProblem) -> str:
    seen, now = (problem.members.get(name) for name in ("expectedTotalMinor", "totalAmountMinor"))
    currency = problem.members.get("currency")
    if not (isinstance(seen, int) and isinstance(now, int) and isinstance(currency, str)):
        return trouble(problem)
    return price_changed(visit, seen, now, currency)


def price_changed(visit: Visit, seen: int, now: int, currency: str) -> str:
    """That the total is not the one that the buyer has agreed to. In minor units."""
    before, after = (money(minor, currency) for minor in (seen, now))
    return f"The total has changed from {before} to {after}. Nothing was ordered; check out again if you agree."
