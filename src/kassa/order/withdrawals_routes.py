"""The public endpoints of withdrawals: a statement in two steps, without an account; and what staff sees of them."""

from collections.abc import Callable
from typing import Any, Literal

from litestar import Request, Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery

from kassa.contracts.parcels import TooManyParcels
from kassa.contracts.product import UnknownProduct
from kassa.contracts.withdrawals import (
    NotWithdrawable,
    OrderNotFound,
    TooManyToWithdraw,
    WithdrawalExcluded,
    WithdrawalPeriodOver,
    WithdrawalsOff,
)
from kassa.kit.documents import Between
from kassa.kit.email import normalised_email
from kassa.kit.identity import Principal
from kassa.kit.ids import WITHDRAWAL
from kassa.kit.lists import listed, paging
from kassa.kit.problem import Invalid, Unauthenticated
from kassa.kit.text import normalised_lines
from kassa.kit.web import JsonResponse, header, new_id, once, principal_of, read_body, takes
from kassa.order.asking import lines_of
from kassa.order.carriers import one_line
from kassa.order.domain import Order, merged
from kassa.order.fulfilling import WORK
from kassa.order.parcels import Withdrawal
from kassa.order.parcels_asking import answered, number_of
from kassa.order.wire import OrderAnswer
from kassa.order.withdrawals import Withdrawals
from kassa.order.withdrawals_wire import (
    LONGEST_NAME,
    LONGEST_REMARK,
    Closing,
    NewWithdrawal,
    OpenWithdrawals,
    StatementAnswer,
    open_shown,
    statement_shown,
)

_PREVIEW = ResponseSpec(
    StatementAnswer, generate_examples=False, description="Nothing is stored yet: this is what it would do"
)


@post(
    "/withdrawals",
    tags=["withdrawals"],
    status_code=201,
    responses={200: _PREVIEW},
    operation_class=takes(NewWithdrawal),
    refuses=(
        OrderNotFound,
        WithdrawalsOff,
        NotWithdrawable,
        WithdrawalPeriodOver,
        WithdrawalExcluded,
        TooManyToWithdraw,
        TooManyParcels,
        UnknownProduct,
    ),
)
async def withdraw(request: Request[Any, Any, Any]) -> Response[StatementAnswer]:
    """Withdraw from a contract (Directive 2011/83/EU, Art. 11a), with an account, as a guest, or with an order's number
    and email address alone. Without `confirm` it is told what that would do. Confirmed it has been received, at the
    time that the answer says, and is acknowledged by mail."""
    who = await principal_of(request) if header(request, b"authorization") is not None else None
    new = await read_body(request, NewWithdrawal)
    if who is None and new.email is None:
        raise Unauthenticated("send an Authorization header with the order's token, or the email that it was made with")
    service = withdrawals(request)
    email = normalised_email(new.email) if new.email is not None else ""
    order, known_as = await service.find(new.order_id, email, who)
    asked = _asked(new, order, known_as, who)
    if not new.confirm:
        after, made = service.preview(order, asked(""))
        shown = StatementAnswer(statement_shown(after, order, made, is_confirmed=False))
        return JsonResponse(shown, status_code=200, media_type="application/json")

    async def receive(id: str) -> StatementAnswer:
        by = who.id if who is not None else order.user_id
        before, after, made = await service.withdraw(order, asked(id), by)
        return StatementAnswer(statement_shown(after, before, made, is_confirmed=True))

    return await once(request, order.user_id, 201, new_id(request, WITHDRAWAL), receive)


@get("/orders/admin/withdrawals", tags=["withdrawals"])
async def open_withdrawals(
    request: Request[Any, Any, Any],
    due: FromQuery[Literal["all", "overdue", "in_time"]] = "all",
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[OpenWithdrawals]:
    """Orders with withdrawals that are to be refunded yet, the newest first: all, those that are overdue, or those that
    are not."""
    await principal_of(request)
    orders = withdrawals(request).orders
    now = orders.now()
    when = {"all": Between(0), "overdue": Between(0, now + 1), "in_time": Between(now + 1)}[due]
    found, pagination = await listed(orders.orders, {"refund_by": when}, paging(limit, skip, cursor), orders.figures)
    answer = OpenWithdrawals([open_shown(order, now) for order in found], pagination)
    return JsonResponse(answer, media_type="application/json")


@post(
    "/orders/{order_id:str}/withdrawals/{number:str}/close",
    tags=["withdrawals"],
    status_code=200,
    operation_class=takes(Closing),
)
async def close_withdrawal(
    request: Request[Any, Any, Any], order_id: FromPath[str], number: FromPath[str]
) -> Response[OrderAnswer]:
    """Say that nothing more is owed for a withdrawal: the money went back another way, or the goods never came."""
    staff = await principal_of(request)
    why = _needed(one_line((await read_body(request, Closing)).why, LONGEST_REMARK, "why"), "why")

    async def close(_: str) -> OrderAnswer:
        closed = await withdrawals(request).close(order_id, number_of(number), why, staff)
        return answered(closed, staff)

    return await once(request, staff.id, 200, lambda: order_id, close)


def withdrawals(request: Request[Any, Any, Any]) -> Withdrawals:
    """Who does it."""
    found: Withdrawals = request.app.state["withdrawals"]
    return found


def _asked(new: NewWithdrawal, order: Order, email: str, who: Principal | None) -> Callable[[str], Withdrawal]:
    name = _folded(new.name, LONGEST_NAME, "name")
    if new.confirm:
        _needed(name, "name")
    remark = _folded(new.remark, LONGEST_REMARK, "remark")
    wanted = tuple(merged(lines_of(new.items))) if new.items else ()
    is_by_staff = who is not None and who.id != order.user_id and who.may(WORK)

    def asked(id: str) -> Withdrawal:
        return Withdrawal(
            id=id,
            number=0,
            lines=wanted,
            name=name,
            email=email,
            remark=remark,
            is_by_staff=is_by_staff,
            received_at=0,
            refund_by=0,
        )

    return asked


def _folded(text: str, longest: int, field: str) -> str:
    """As one line: on lines of its own it would be paragraphs of the shop's mail."""
    return one_line(normalised_lines(text, longest).replace("\n", " "), longest, field)


def _needed(text: str, field: str) -> str:
    if not text:
        raise Invalid.field(field, "must not be empty")
    return text


HANDLERS = (withdraw, open_withdrawals, close_withdrawal)
