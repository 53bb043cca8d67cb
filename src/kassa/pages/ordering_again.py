"""After an order that came to nothing: the same once more and straight on to the payment page, or its goods back in the
cart."""

from typing import Any

import msgspec
from litestar import Response, post

from kassa.pages.cart import Cart
from kassa.pages.checkout import go_and_pay, place, read_order
from kassa.pages.client import ApiProblem
from kassa.pages.models import Order
from kassa.pages.visit import Visit, Visiting


@post("/checkout/again", include_in_schema=False)
async def order_again(visit: Visiting) -> Response[str]:
    """At the total that the page shows, or not at all: then the goods are in the cart, where it is seen what is
    another now."""
    order = await read_order(visit, visit.field("order"))
    goods = {item.product_id: item.quantity for item in order.items}
    # The key is the form's, so that two clicks are one order.
    cart = Cart(goods, visit.field("key") or Cart().id)
    try:
        made = await place(visit, cart, wish_of(order))
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        return _put_back(visit, order)
    return visit.redirect(visit.address_of(made.id)) if made.is_final else await go_and_pay(visit, made.id)


@post("/cart/again", include_in_schema=False)
async def fill_again(visit: Visiting) -> Response[str]:
    """After an order that came to nothing: its goods, back in the cart."""
    return _put_back(visit, await read_order(visit, visit.field("order")))


def _put_back(visit: Visit, order: Order) -> Response[str]:
    """The order's goods in the cart, beside what is there."""
    cart = visit.cart
    for item in order.items:
        cart = cart.with_quantity(item.product_id, max(item.quantity, cart.lines.get(item.product_id, 0)))
    visit.set_cart(cart)
    return visit.redirect("/cart", "refilled")


def wish_of(order: Order) -> dict[str, Any]:
    """What was asked for when it was ordered, as the API takes it."""
    parts = order.parts
    code = next((each.code for each in parts.discounts if each.code), None) if parts else None
    wish = {
        "items": [{"productId": item.product_id, "quantity": item.quantity} for item in order.items],
        "expectedTotalMinor": order.total_amount_minor,
        "email": order.email,
        "destination": _sent(order.destination),
        "billing": _sent(order.billing),
        "shippingMethod": parts.shipping.id if parts and parts.shipping else None,
        "discountCode": code,
        "note": order.note,
    }
    return {name: value for name, value in wish.items() if value}


def _sent(address: msgspec.Struct | None) -> Any:
    return msgspec.to_builtins(address)


ORDERING_AGAIN: tuple[Any, ...] = (order_again, fill_again)
