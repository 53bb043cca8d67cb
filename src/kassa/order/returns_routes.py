"""The public endpoints of an order's returns."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath

from kassa.contracts.parcels import NotReturnable, ReturnFixed, TooManyParcels, TooManyToReturn
from kassa.contracts.product import UnknownProduct
from kassa.kit.identity import Principal
from kassa.kit.ids import RETURN
from kassa.kit.web import new_id, once, principal_of, read_body, takes
from kassa.order.asking import lines_of
from kassa.order.domain import merged
from kassa.order.parcels import Return, ReturnState
from kassa.order.parcels_asking import answered, fulfilling, number_of, words
from kassa.order.parcels_wire import Decision, NewReturn, Receipt
from kassa.order.wire import OrderAnswer


@post(
    "/orders/{order_id:str}/returns",
    tags=["parcels"],
    status_code=201,
    operation_class=takes(NewReturn),
    refuses=(NotReturnable, TooManyToReturn, TooManyParcels, UnknownProduct),
)
async def ask_for_return(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[OrderAnswer]:
    """Ask for pieces to be taken back that were sent; of digital goods staff does. Staff's are approved at once."""
    principal = await principal_of(request)
    asked = await read_body(request, NewReturn)
    wanted, reason = merged(lines_of(asked.items)), words(asked.reason, "reason")

    async def ask(id: str) -> OrderAnswer:
        new = Return(
            id=id,
            number=0,
            lines=tuple(wanted),
            state=ReturnState.REQUESTED,
            reason=reason,
            asked_at=0,
            updated_at=0,
        )
        return answered(await fulfilling(request).ask_back(order_id, new, principal), principal)

    return await once(request, principal.id, 201, new_id(request, RETURN), ask)


@post(
    "/orders/{order_id:str}/returns/{number:str}/approve",
    tags=["parcels"],
    status_code=200,
    refuses=(ReturnFixed, TooManyParcels),
)
async def approve_return(
    request: Request[Any, Any, Any], order_id: FromPath[str], number: FromPath[str]
) -> Response[OrderAnswer]:
    """Take a return: the buyer may send the goods back."""
    staff = await principal_of(request)
    move = _move(request, staff, order_id, number, ReturnState.APPROVED)
    return await once(request, staff.id, 200, lambda: order_id, move)


@post(
    "/orders/{order_id:str}/returns/{number:str}/decline",
    tags=["parcels"],
    status_code=200,
    operation_class=takes(Decision, is_optional=True),
    refuses=(ReturnFixed, TooManyParcels),
)
async def decline_return(
    request: Request[Any, Any, Any], order_id: FromPath[str], number: FromPath[str]
) -> Response[OrderAnswer]:
    """Do not take a return; the buyer reads why."""
    staff = await principal_of(request)
    asked = await read_body(request, Decision) if await request.body() else Decision()
    move = _move(request, staff, order_id, number, ReturnState.DECLINED, asked.why)
    return await once(request, staff.id, 200, lambda: order_id, move)


@post(
    "/orders/{order_id:str}/returns/{number:str}/receive",
    tags=["parcels"],
    status_code=200,
    operation_class=takes(Receipt, is_optional=True),
    refuses=(ReturnFixed, TooManyParcels, UnknownProduct),
)
async def receive_return(
    request: Request[Any, Any, Any], order_id: FromPath[str], number: FromPath[str]
) -> Response[OrderAnswer]:
    """The goods of a return have come; which of them go back on the shelf is said now."""
    staff = await principal_of(request)
    asked = await read_body(request, Receipt) if await request.body() else Receipt()
    shelved = merged(lines_of(asked.restock), "restock") if asked.restock else []

    async def receive(_: str) -> OrderAnswer:
        came = ReturnState.RECEIVED
        moved = await fulfilling(request).move_return(order_id, number_of(number), came, staff, shelved=shelved)
        return answered(moved, staff)

    return await once(request, staff.id, 200, lambda: order_id, receive)


@post(
    "/orders/{order_id:str}/returns/{number:str}/close",
    tags=["parcels"],
    status_code=200,
    operation_class=takes(Decision, is_optional=True),
    refuses=(ReturnFixed, TooManyParcels),
)
async def close_return(
    request: Request[Any, Any, Any], order_id: FromPath[str], number: FromPath[str]
) -> Response[OrderAnswer]:
    """Nothing of a return comes: the buyer keeps the goods."""
    staff = await principal_of(request)
    asked = await read_body(request, Decision) if await request.body() else Decision()
    move = _move(request, staff, order_id, number, ReturnState.CLOSED, asked.why)
    return await once(request, staff.id, 200, lambda: order_id, move)


def _move(
    request: Request[Any, Any, Any], staff: Principal, order_id: str, number: str, to: ReturnState, why: str = ""
) -> Callable[[str], Awaitable[OrderAnswer]]:
    answer = words(why, "why")

    async def move(_: str) -> OrderAnswer:
        return answered(await fulfilling(request).move_return(order_id, number_of(number), to, staff, answer), staff)

    return move


HANDLERS = (ask_for_return, approve_return, decline_return, receive_return, close_return)
