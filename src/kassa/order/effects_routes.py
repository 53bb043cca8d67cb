"""The public endpoints of what follows from an order and was not done: try it now, or give it up."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.params import FromPath

from kassa.contracts.order import NotGivenUp
from kassa.kit.ids import ORDER, is_id
from kassa.kit.lists import Tried, documented, tried
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.web import JsonResponse, principal_of, read_body, takes
from kassa.order.giving_up import Because, given_up
from kassa.order.service import OrderService


class GiveUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is given up."""

    because: Annotated[str, documented("Why", enum=tuple(Because))]


@post("/orders/{order_id:str}/effects/{number:str}/retry", tags=["orders"], status_code=200, refuses=(NotFound,))
async def retry_effect(
    request: Request[Any, Any, Any], order_id: FromPath[str], number: FromPath[str]
) -> Response[Tried]:
    """Try now what follows from an order and has failed. Harmless: what is done is not done again."""
    await principal_of(request)
    service = _service(request)
    order = await service.orders.get(order_id) if is_id(ORDER, order_id) else None
    return JsonResponse(await tried(service.outbox, order, number, order_id), media_type="application/json")


@post(
    "/orders/{order_id:str}/effects/{number:str}/give-up",
    tags=["orders"],
    status_code=200,
    operation_class=takes(GiveUp),
    refuses=(NotFound, NotGivenUp),
)
async def give_up_effect(
    request: Request[Any, Any, Any], order_id: FromPath[str], number: FromPath[str]
) -> Response[Tried]:
    """Give up a mail about an order that cannot be sent. All else is about money or goods, and tried until it is
    done."""
    staff = await principal_of(request)
    because = (await read_body(request, GiveUp)).because
    if because not in Because.__members__.values():
        raise Invalid.field("because", f"must be one of {', '.join(Because)}")
    service = _service(request)

    def give_up(order: Any) -> Any:
        return given_up(order, number, Because(because), staff.id, service.now())

    if not is_id(ORDER, order_id) or await service.outbox.change(order_id, give_up) is None:
        raise NotFound(f"there is no order {order_id[:64]}")
    return JsonResponse(Tried(None), media_type="application/json")


def _service(request: Request[Any, Any, Any]) -> OrderService:
    service: OrderService = request.app.state["order"]
    return service


HANDLERS = (retry_effect, give_up_effect)
