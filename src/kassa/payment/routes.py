"""The public endpoints of payments, and the webhook."""

from decimal import Decimal
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter

from kassa.contracts.inventory import Line
from kassa.contracts.parcels import TooManyToRefund
from kassa.contracts.payment import (
    NotRefundable,
    OrderNotPayable,
    RefundOverLimit,
    RefundTooLarge,
    StripeKeyRefused,
    StripeRefused,
    StripeUnreachable,
    TooManyPieces,
    TooManyRefunds,
)
from kassa.kit.access import Permission
from kassa.kit.documents import Where
from kassa.kit.ids import REFUND
from kassa.kit.inputs import payment_id_of
from kassa.kit.lists import Tried, attention, listed, paging, tried
from kassa.kit.money import InvalidMoney, minor
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.web import JsonResponse, header, new_id, once, principal_of, read_body, takes
from kassa.payment import check_routes, evidence_routes, reports, unclaimed_routes
from kassa.payment.domain import Payment
from kassa.payment.inbox import Inbox, InvalidSignature, UnreadableEvent
from kassa.payment.notices import Notices
from kassa.payment.paid_parts import Goods
from kassa.payment.refunds_wire import NewRefund, RefundAnswer, RefundsAnswer, shown, shown_refunds
from kassa.payment.service import PaymentService, visible
from kassa.payment.wire import (
    EVENT_STATUSES,
    DisputesAnswer,
    EventAnswer,
    EventsAnswer,
    FeeAnswer,
    PayFor,
    PaymentAttention,
    PaymentStatus,
    Received,
    SessionAnswer,
    shown_disputes,
    shown_event,
    shown_fee,
    shown_status,
)


@post(
    "/payments/create-session",
    tags=["payments"],
    status_code=200,
    operation_class=takes(PayFor),
    refuses=(OrderNotPayable, NotFound, StripeUnreachable, StripeKeyRefused, StripeRefused),
)
async def create_session(request: Request[Any, Any, Any]) -> Response[SessionAnswer]:
    """Where to pay for an order: its open Checkout Session, made now if there is none."""
    principal = await principal_of(request)
    asked = await read_body(request, PayFor)

    async def open_session(_: str) -> SessionAnswer:
        payment = await _service(request).checkout.open_session(asked.order_id, principal)
        return SessionAnswer(str(payment.session_url), str(payment.session_id))

    return await once(request, principal.id, 200, lambda: asked.order_id, open_session)


@get("/payments/status/{order_id:str}", tags=["payments"])
async def payment_status(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[PaymentStatus]:
    """How an order's payment stands; 404 before a session was made."""
    principal = await principal_of(request)
    payment = await visible(_service(request), order_id, principal)
    if payment.session_id is None:
        raise NotFound(f"no session was made for order {order_id}")
    return JsonResponse(shown_status(payment), media_type="application/json")


@post(
    "/payments/{order_id:str}/refund",
    tags=["payments"],
    status_code=201,
    operation_class=takes(NewRefund, is_optional=True),
    refuses=(NotRefundable, RefundTooLarge, RefundOverLimit, TooManyRefunds, TooManyPieces, TooManyToRefund),
)
async def refund_payment(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[RefundAnswer]:
    """Refund an amount of an order's payment, what was paid for some pieces or the shipping, or all that is left.
    Without `refunds:unlimited` there is a limit at once and a day: 403 `refund_over_limit`."""
    staff = await principal_of(request)
    asked = await read_body(request, NewRefund) if await request.body() else NewRefund()
    payment = await visible(_service(request), order_id, staff, Permission.REFUND)
    amount = _amount(asked.amount, payment)
    items = [Line(item.product_id, item.quantity) for item in asked.items]
    if items and asked.restock:
        raise Invalid.field("restock", "brings all pieces back: leave it out when `items` names them")

    refunding = _service(request).refunding
    within = None if staff.may(Permission.REFUND_ANY_AMOUNT) else request.app.state["allowances"]

    goods = _goods(asked)

    async def refund(refund_id: str) -> RefundAnswer:
        how: dict[str, Any] = {"who": staff.id, "within": within}
        if goods is not None:
            made = await refunding.refund_goods(order_id, refund_id, goods, amount, asked.reason, **how)
            return RefundAnswer(shown(made, await visible(_service(request), order_id, staff)))
        made = await refunding.refund(
            order_id, refund_id, amount, asked.reason, restock=asked.restock, items=items, **how
        )
        return RefundAnswer(shown(made, await visible(_service(request), order_id, staff)))

    return await once(request, staff.id, 201, new_id(request, REFUND), refund)


@get("/payments/{order_id:str}/refunds", tags=["payments"])
async def order_refunds(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[RefundsAnswer]:
    """The refunds of an order's payment, and what can still go and come back."""
    staff = await principal_of(request)
    payment = await visible(_service(request), order_id, staff)
    order = await _service(request).refunding.order_of(payment)
    return JsonResponse(shown_refunds(payment, order), media_type="application/json")


@get("/payments/{order_id:str}/fee", tags=["payments"], refuses=(StripeUnreachable, StripeKeyRefused, StripeRefused))
async def payment_fee(request: Request[Any, Any, Any], order_id: FromPath[str]) -> Response[FeeAnswer]:
    """What Stripe has kept of an order's payment when it came. Stripe is asked for it now, and once."""
    staff = await principal_of(request)
    payment = await visible(_service(request), order_id, staff)
    told = await _service(request).fees.of(payment.intent_id) if payment.intent_id and payment.taken_minor else None
    return JsonResponse(FeeAnswer(None if told is None else shown_fee(told)), media_type="application/json")


@post(["/payments/webhook"], tags=["payments"], status_code=200, refuses=(InvalidSignature, UnreadableEvent))
async def webhook(request: Request[Any, Any, Any]) -> Response[Received]:
    """Stripe's webhook: answered when the event is stored for good. 400: not signed by Stripe in the last 300 s, or
    signed, but no event."""
    inbox: Inbox = request.app.state["inbox"]
    await inbox.receive(await request.body(), header(request, b"stripe-signature") or "")
    return JsonResponse(Received(), media_type="application/json")


@post("/webhook", tags=["payments"], status_code=200, include_in_schema=False)
async def forwarded_webhook(request: Request[Any, Any, Any]) -> Response[Received]:
    """The same on the payment service's own port, for `stripe listen --forward-to localhost:8000/webhook`."""
    inbox: Inbox = request.app.state["inbox"]
    await inbox.receive(await request.body(), header(request, b"stripe-signature") or "")
    return JsonResponse(Received(), media_type="application/json")


@get("/payments/admin/events", tags=["payments"])
async def stored_events(
    request: Request[Any, Any, Any],
    status: Annotated[str | None, QueryParameter(schema_extra={"enum": EVENT_STATUSES})] = None,
    order_id: Annotated[str | None, QueryParameter(name="orderId", description="Only those about its payment")] = None,
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[EventsAnswer]:
    """Stored Stripe events, the last to come first."""
    await principal_of(request)
    if status is not None and status not in EVENT_STATUSES:
        raise Invalid.field("status", f"must be one of {', '.join(EVENT_STATUSES)}")
    where: Where = {"status": status} if status else {}
    where = where if order_id is None else {**where, "payment_id": payment_id_of(order_id)}
    asked, figures = paging(limit, skip, cursor), _service(request).figures
    found, pagination = await listed(_inbox(request).events, where, asked, figures)
    answer = EventsAnswer([shown_event(event) for event in found], pagination)
    return JsonResponse(answer, media_type="application/json")


@get("/payments/admin/attention", tags=["payments"])
async def payment_attention(
    request: Request[Any, Any, Any],
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[PaymentAttention]:
    """What follows from payments, and failed many times or was refused and still is tried; and what else is wrong
    between Stripe and the shop."""
    await principal_of(request)
    service, asked = _service(request), paging(limit, skip, cursor)
    found = await attention(service.payments, asked, service.figures, lambda payment: payment.order_id)
    answer = PaymentAttention(found.waiting, found.pagination, found.overdue, await _notices(request).all())
    return JsonResponse(answer, media_type="application/json")


@get("/payments/admin/disputes", tags=["payments"])
async def disputes(
    request: Request[Any, Any, Any],
    waiting: FromQuery[bool] = False,
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[DisputesAnswer]:
    """Disputes of payments, or only of those for which evidence is awaited."""
    await principal_of(request)
    where = {"wants_evidence": True} if waiting else {"is_disputed": True}
    service, asked = _service(request), paging(limit, skip, cursor)
    found, pagination = await listed(service.payments, where, asked, service.figures)
    shown = [each for payment in found for each in shown_disputes(payment)]
    return JsonResponse(DisputesAnswer(shown, pagination), media_type="application/json")


@post("/payments/{order_id:str}/effects/{number:str}/retry", tags=["payments"], status_code=200)
async def retry_payment_effect(
    request: Request[Any, Any, Any], order_id: FromPath[str], number: FromPath[str]
) -> Response[Tried]:
    """Try now what follows from an order's payment and has failed. Harmless: what is done is not done again."""
    staff = await principal_of(request)
    service = _service(request)
    payment = await visible(service, order_id, staff, Permission.MEND_PAYMENTS)
    return JsonResponse(await tried(service.outbox, payment, number, order_id), media_type="application/json")


@post("/payments/admin/events/{event_id:str}/replay", tags=["payments"], status_code=200)
async def replay_event(request: Request[Any, Any, Any], event_id: FromPath[str]) -> Response[EventAnswer]:
    """Act on a stored event once more. Harmless: events are hints."""
    await principal_of(request)
    event = await _inbox(request).replay(event_id)
    return JsonResponse(EventAnswer(shown_event(event)), media_type="application/json")


def _goods(asked: NewRefund) -> Goods | None:
    """What the money is for, if that is said; Invalid if the goods are named in two ways."""
    if not asked.lines and not asked.shipping:
        if asked.return_id is not None:
            raise Invalid.field("lines", "is missing: say which pieces of the return are refunded")
        return None
    if asked.items or asked.restock:
        field = "items" if asked.items else "restock"
        raise Invalid.field(field, "must be left out of a refund by item: say `restock` of its lines")
    lines = [Line(line.product_id, line.quantity) for line in asked.lines]
    shelved = [Line(line.product_id, line.quantity) for line in asked.lines if line.restock]
    return Goods(tuple(lines), asked.shipping, asked.return_id or "", tuple(shelved))


def _amount(asked: Decimal | None, payment: Payment) -> int:
    if asked is None:
        return 0
    try:
        amount = minor(asked, payment.currency)
    except InvalidMoney as error:
        raise Invalid.field("amount", str(error)) from error
    if amount <= 0:
        raise Invalid.field("amount", "must be more than 0")
    return amount


def _service(request: Request[Any, Any, Any]) -> PaymentService:
    service: PaymentService = request.app.state["payment"]
    return service


def _notices(request: Request[Any, Any, Any]) -> Notices:
    notices: Notices = request.app.state["notices"]
    return notices


def _inbox(request: Request[Any, Any, Any]) -> Inbox:
    inbox: Inbox = request.app.state["inbox"]
    return inbox


HANDLERS = (
    create_session,
    payment_status,
    refund_payment,
    order_refunds,
    payment_fee,
    webhook,
    stored_events,
    payment_attention,
    disputes,
    replay_event,
    retry_payment_effect,
    *evidence_routes.HANDLERS,
    *unclaimed_routes.HANDLERS,
    *reports.HANDLERS,
    *check_routes.HANDLERS,
)
OWN_PORT_HANDLERS = (forwarded_webhook,)
