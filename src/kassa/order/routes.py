"""The public endpoints of orders."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, QueryParameter

from kassa.contracts.inventory import InsufficientStock
from kassa.contracts.order import (
    DiscountRefused,
    DiscountUsedUp,
    OrderNotCancellable,
    OverQuantityLimit,
    PriceChanged,
    TooManyOpenOrders,
    TooManyOpenPieces,
)
from kassa.contracts.product import UnknownProduct
from kassa.kit.clock import rfc3339
from kassa.kit.documents import Where
from kassa.kit.household import household, is_of_the_internet
from kassa.kit.idempotency import Abandoned, goes_on
from kassa.kit.ids import ORDER
from kassa.kit.lists import listed, paging
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, header, new_id, once, principal_of, read_body, takes
from kassa.order import (
    customers_routes,
    effects_routes,
    invoices_routes,
    parcels_routes,
    profile_routes,
    returns_routes,
    selling_routes,
    staff_routes,
    withdrawals_routes,
)
from kassa.order.asking import asked_of, buyer_and_order, lines_of
from kassa.order.guests import GuestTokens
from kassa.order.parcels_asking import answered
from kassa.order.service import OrderService
from kassa.order.wire import (
    STATUSES,
    Claim,
    EntryOut,
    NewOrder,
    OrderAnswer,
    OrdersAnswer,
    TimelineAnswer,
    shown,
)

WantedStatus = Annotated[str | None, QueryParameter(schema_extra={"enum": STATUSES})]

_GOES_ON = ResponseSpec(
    OrderAnswer,
    generate_examples=False,
    description="The payment provider cannot be asked right now; the cancelling goes on by itself",
)


@post(
    "/orders",
    tags=["orders"],
    status_code=201,
    operation_class=takes(NewOrder),
    refuses=(
        PriceChanged,
        InsufficientStock,
        UnknownProduct,
        DiscountRefused,
        DiscountUsedUp,
        OverQuantityLimit,
        TooManyOpenOrders,
        TooManyOpenPieces,
        Abandoned,
    ),
)
async def place_order(request: Request[Any, Any, Any]) -> Response[OrderAnswer]:
    """Place an order: prices are those of now, the stock of all items is held, or of none. A shop limits the pieces of
    one product, and the unpaid orders of one buyer and of one network address. Whoever sends no token is a guest, gives
    an `email`, and finds a token for the order in the answer."""
    principal, new = await buyer_and_order(request)
    lines, asked = lines_of(new.items), asked_of(new, principal)
    where = household(request.client.host) if request.client and is_of_the_internet(request.client.host) else ""
    guests: GuestTokens = request.app.state["guests"]

    async def place(order_id: str) -> OrderAnswer:
        # Without a key nobody can ask with the same id again.
        is_new = header(request, b"idempotency-key") is None
        user_id = principal.id if principal is not None else guests.guest_of(order_id)
        is_guest = principal is None or principal.is_guest
        how = {"is_guest": is_guest, "is_new": is_new, "goes_on": not is_new and goes_on.get()}
        return OrderAnswer(shown(await _service(request).place(order_id, user_id, lines, asked, where, **how)))

    scope = principal.id if principal is not None else f"guest {asked.buyer}"
    answer = await once(request, scope, 201, new_id(request, ORDER), place)
    if principal is None and answer.status_code == 201:
        answer.content = guests.with_token(answer.content)
        answer.headers["Cache-Control"] = "no-store"
    return answer


@get("/orders", tags=["orders"])
async def my_orders(
    request: Request[Any, Any, Any],
    status: WantedStatus = None,
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[OrdersAnswer]:
    """The buyer's own orders, the newest first."""
    principal = await principal_of(request)
    return await _listed(request, {"user_id": principal.id}, status, (limit, skip, cursor))


@get("/orders/{order_id:str}", tags=["orders"])
async def one_order(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[OrderAnswer]:
    """One order."""
    principal = await principal_of(request)
    answer = answered(await _service(request).visible(order_id, principal), principal)
    return JsonResponse(answer, media_type="application/json")


@post(
    "/orders/{order_id:str}/cancel",
    tags=["orders"],
    status_code=200,
    responses={202: _GOES_ON},
    refuses=(OrderNotCancellable,),
)
async def cancel_order(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[OrderAnswer]:
    """Cancel an unpaid order; staff also one where nothing was to be paid, whose goods come back. 202: the payment
    provider cannot be asked right now; it goes on by itself."""
    principal = await principal_of(request)
    is_settled = True

    async def cancel(_: str) -> OrderAnswer:
        nonlocal is_settled
        order, is_settled = await _service(request).cancel(order_id, principal)
        return OrderAnswer(shown(order))

    return await once(request, principal.id, lambda: 200 if is_settled else 202, lambda: order_id, cancel)


@post("/orders/{order_id:str}/claim", tags=["orders"], status_code=200, operation_class=takes(Claim))
async def claim_order(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[OrderAnswer]:
    """Make a guest's order one of the account's: whoever has its token may. The token is not good for it any more."""
    principal = await principal_of(request)
    token = (await read_body(request, Claim)).guest_token
    answer = OrderAnswer(shown(await _service(request).claim(order_id, principal, token)))
    return JsonResponse(answer, media_type="application/json")


@get("/orders/{order_id:str}/timeline", tags=["orders"])
async def order_timeline(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[TimelineAnswer]:
    """Everything that ever happened to an order, in order, for staff; for its buyer what concerns them, in their words
    and without `data`."""
    principal = await principal_of(request)
    entries = await _service(request).timeline(order_id, principal)
    shown_entries = [EntryOut(rfc3339(each.at), each.service, each.kind, each.text, each.data) for each in entries]
    return JsonResponse(TimelineAnswer(shown_entries), media_type="application/json")


async def _listed(
    request: Request[Any, Any, Any],
    where: Where,
    status: str | None,
    page: tuple[int, int, str | None],
) -> Response[OrdersAnswer]:
    if status is not None and status not in STATUSES:
        raise Invalid.field("status", f"must be one of {', '.join(STATUSES)}")
    matching = {**where, "status": status} if status else where
    service = _service(request)
    found, pagination = await listed(service.orders, matching, paging(*page), service.figures)
    return JsonResponse(OrdersAnswer([shown(order) for order in found], pagination), media_type="application/json")


def _service(request: Request[Any, Any, Any]) -> OrderService:
    service: OrderService = request.app.state["order"]
    return service


HANDLERS = (
    place_order,
    my_orders,
    *staff_routes.HANDLERS,
    *customers_routes.HANDLERS,
    *effects_routes.HANDLERS,
    one_order,
    cancel_order,
    claim_order,
    order_timeline,
    *parcels_routes.HANDLERS,
    *returns_routes.HANDLERS,
    *selling_routes.HANDLERS,
    *profile_routes.HANDLERS,
    *withdrawals_routes.HANDLERS,
    *invoices_routes.HANDLERS,
)
