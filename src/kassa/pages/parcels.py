"""What a buyer asks to send back, of an account's order or a guest's."""

from typing import Any

from litestar import Response, post
from litestar.params import FromPath

from kassa.pages.checkout import read_order
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.models import OneOrder
from kassa.pages.visit import Visiting, number


@post(
    ["/account/orders/{order_id:str}/return", "/shop/orders/{order_id:str}/return"],
    include_in_schema=False,
)
async def ask_for_return(visit: Visiting, order_id: FromPath[str]) -> Response[str]:
    order = await read_order(visit, order_id)
    address = visit.address_of(order.id)
    typed = {item.product_id: number(visit.field(f"back-{item.product_id}") or "0") for item in order.items}
    items = [{"productId": product_id, "quantity": quantity} for product_id, quantity in typed.items() if quantity]
    if not items:
        return visit.redirect(address, "nothing-to-return")
    body, path = {"items": items, "reason": visit.field("why")}, path_of("orders", order.id, "returns")
    try:
        await visit.api_of(order.id).send("POST", path, OneOrder, body, key=visit.field("key") or None)
    except ApiProblem as problem:
        if problem.status not in (409, 422):
            raise
        return visit.redirect(address, "not-returnable")
    return visit.redirect(address, "return-asked")


PARCELS: tuple[Any, ...] = (ask_for_return,)
