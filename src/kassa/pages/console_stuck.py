"""What follows from an order and was not done: an operator has it tried now, or gives it up."""

from typing import Any

import msgspec
from litestar import Response, post
from litestar.params import FromPath

from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.console_orders import order_response, read
from kassa.pages.destinations import KnowingDestinations
from kassa.pages.models import Answer
from kassa.pages.sure import Step, asked_first
from kassa.pages.visit import Visiting
from kassa.pages.words import trouble

_GIVE_UP = Step(
    "Give up this mail about order {who}?",
    ("It is not sent, now or later, and the order's story says why.", "Nothing else about the order changes."),
    "Give up the mail",
)


class Tried(Answer, frozen=True):
    """What is still to be done, if it is."""

    waiting: dict[str, Any] | None = None


@post("/console/orders/{order_id:str}/retry", include_in_schema=False)
async def retry(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    await require_staff(visit)
    service = "payments" if visit.field("service") == "payment" else "orders"
    try:
        path = path_of(service, order_id, "effects", visit.field("number"), "retry")
        made = await visit.api.send("POST", path, Tried)
    except ApiProblem as problem:
        if problem.status != 404:
            raise
        return await order_response(visit, order_id, destinations, "There is nothing of this to be done.", 404)
    return visit.redirect(f"/console/orders/{order_id}", "tried" if made.waiting is None else "tried-in-vain")


@post("/console/orders/{order_id:str}/give-up", include_in_schema=False)
async def give_up(visit: Visiting, order_id: FromPath[str], destinations: KnowingDestinations) -> Response[str]:
    await require_staff(visit)
    order = await read(visit, order_id)
    asking = asked_first(visit, _GIVE_UP, order.called, f"/console/orders/{order_id}", "give-up")
    if asking is not None:
        return asking
    body = {"because": visit.field("because")}
    try:
        path = path_of("orders", order_id, "effects", visit.field("number"), "give-up")
        await visit.api.send("POST", path, msgspec.Raw, body)
    except ApiProblem as problem:
        if problem.status not in (404, 409, 422):
            raise
        return await order_response(visit, order_id, destinations, trouble(problem), problem.status)
    return visit.redirect(f"/console/orders/{order_id}", "given-up")


CONSOLE_STUCK: tuple[Any, ...] = (retry, give_up)
