"""The cart's page and its forms."""

import asyncio
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post

from kassa.pages.cart import Cart
from kassa.pages.catalogue_models import OneProduct, Product
from kassa.pages.checkout import read_order
from kassa.pages.client import ApiProblem, ShopClient, path_of
from kassa.pages.language import _
from kassa.pages.models import Order, Orders
from kassa.pages.selling_models import OneQuote, OneSelling, Quote
from kassa.pages.visit import Visit, Visiting, number, safe_next
from kassa.pages.words import note_of


@dataclass(frozen=True)
class Line:
    """One product in the cart; `product` is None when it is no longer sold."""

    product_id: str
    quantity: int
    product: Product | None

    @property
    def amount_minor(self) -> int:
        return self.product.price_minor * self.quantity if self.product else 0

    @property
    def hint(self) -> str:
        if self.product is None:
            return _("No longer sold.")
        if self.product.is_sold_out:
            return _("Sold out.")
        stock = self.product.stock
        return _("Only %(stock)s left.", stock=stock) if stock is not None and stock < self.quantity else ""

    @property
    def available(self) -> int:
        """How many of those that are asked for can be had; all, while that is not known."""
        if self.product is None:
            return 0
        return self.quantity if self.product.stock is None else min(self.quantity, self.product.stock)


@dataclass(frozen=True)
class Priced:
    """The cart at the shop's present prices. The order's own total decides what is paid."""

    lines: tuple[Line, ...]

    @property
    def total_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def is_sellable(self) -> bool:
        return all(line.product is not None for line in self.lines)

    @property
    def is_scarce(self) -> bool:
        """Whether more is asked for than can be had."""
        return any(line.available < line.quantity for line in self.lines)

    @property
    def can_be_had(self) -> bool:
        """Whether there is anything of it."""
        return any(line.available for line in self.lines)


async def priced(api: ShopClient, cart: Cart) -> Priced:
    products = await asyncio.gather(*(_product(api, product_id) for product_id in cart.lines))
    pairs = zip(cart.lines.items(), products, strict=True)
    return Priced(tuple(Line(product_id, quantity, product) for (product_id, quantity), product in pairs))


async def _product(api: ShopClient, product_id: str) -> Product | None:
    try:
        answer = await api.get(path_of("products", product_id), OneProduct)
    except ApiProblem as problem:
        if problem.status == 404:
            return None
        raise
    return answer.product


async def cart_response(
    visit: Visit, refusal: str = "", status: int = 200, *, has_open_orders: bool = False
) -> Response[str]:
    """The cart; with why checking out was refused, and the way to the orders that are open, if it was for them."""
    content = await priced(visit.api, visit.cart)
    quote, is_short = await _quote(visit, content)
    more = {"refusal": refusal, "has_open_orders": has_open_orders, "quote": quote, "is_short": is_short}
    more["unpaid"] = None if content.lines else await _unpaid(visit)
    return visit.page("cart.html", status, cart=content, leads_to_payment=True, **more)


async def _unpaid(visit: Visit) -> Order | None:
    """The newest order of this visitor, if it waits for its payment: who goes back from the payment page looks for it
    in the cart."""
    try:
        if visit.guest_orders:
            order = await read_order(visit, list(visit.guest_orders)[-1])
        elif visit.is_logged_in:
            order = next(iter((await visit.api.get("/orders", Orders, {"limit": 1})).orders))
        else:
            return None
    except (ApiProblem, StopIteration):
        return None
    return None if order.is_final else order


async def _quote(visit: Visit, content: Priced) -> tuple[Quote | None, bool]:
    """What the cart costs before it is known where it goes; and whether whoever is logged in orders it with one click,
    because there is nothing to ask. Without a quote the cart is shown all the same."""
    if not content.lines or not content.is_sellable:
        return None, False
    items = [{"productId": line.product_id, "quantity": line.quantity} for line in content.lines]
    try:
        quote = (await visit.api.send("POST", "/quotes", OneQuote, {"items": items})).quote
        selling = (await visit.api.get("/selling", OneSelling)).selling
    except ApiProblem:
        return None, False
    return quote, visit.is_logged_in and not (quote.is_sent and selling.asks_where)


async def _changed(visit: Visit, address: str, note: str) -> Response[str]:
    """After a change: back to the page; the script that keeps the page as it is gets the cart to lay over it."""
    if "drawer" not in visit.request.query_params:
        return visit.redirect(address, note)
    content = await priced(visit.api, visit.cart)
    quote, _ = await _quote(visit, content)
    # Who needs no form has one on the cart's page: from here no form may lead to the payment page.
    return visit.page("_drawer.html", cart=content, quote=quote, is_short=False, told=note_of(note))


@get("/cart", include_in_schema=False)
async def cart_page(visit: Visiting) -> Response[str]:
    return await cart_response(visit)


@post("/cart/add", include_in_schema=False)
async def add_to_cart(visit: Visiting) -> Response[str]:
    """`next` is to where one comes back; where it ends with `#`, to the product's place on that page."""
    product_id, back = visit.field("product"), visit.field("next") or "/cart"
    quantity = max(1, number(visit.field("quantity"), 1))
    visit.set_cart(visit.cart.with_more(product_id, quantity))
    return await _changed(visit, safe_next(back + product_id if back.endswith("#") else back), "added")


@post("/cart/change", include_in_schema=False)
async def change_quantity(visit: Visiting) -> Response[str]:
    product_id = visit.field("product")
    before = visit.cart.lines.get(product_id, 0)
    quantity = number(visit.field("quantity"), before) + number(visit.field("step"))
    visit.set_cart(visit.cart.with_quantity(product_id, quantity))
    return await _changed(visit, "/cart", "updated" if quantity > 0 else "removed")


@post("/cart/remove", include_in_schema=False)
async def remove_from_cart(visit: Visiting) -> Response[str]:
    visit.set_cart(visit.cart.with_quantity(visit.field("product"), 0))
    return await _changed(visit, "/cart", "removed")


@post("/cart/fit", include_in_schema=False)
async def take_what_is_there(visit: Visiting) -> Response[str]:
    """No more of anything than can be had now."""
    cart = visit.cart
    for line in (await priced(visit.api, cart)).lines:
        cart = cart.with_quantity(line.product_id, line.available)
    visit.set_cart(cart)
    return await _changed(visit, "/cart", "fitted")


CART_PAGES: tuple[Any, ...] = (
    cart_page,
    add_to_cart,
    change_quantity,
    remove_from_cart,
    take_what_is_there,
)
