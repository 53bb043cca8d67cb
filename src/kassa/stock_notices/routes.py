"""The public endpoints of stock notices."""

import re
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.params import FromPath

from kassa.contracts.auth import MailOff
from kassa.contracts.product import UnknownProduct
from kassa.contracts.stock_notices import InStock
from kassa.kit.identity import TokenVerifier
from kassa.kit.ids import PRODUCT, is_id
from kassa.kit.problem import NotFound, Unauthenticated
from kassa.kit.web import JsonResponse, header, principal_of, read_body, takes
from kassa.stock_notices.service import StockNoticeService
from kassa.stock_notices.wire import Asked, Confirming, NewStockNotice, StockNoticesAnswer, WaitingAnswer, shown

_TAGS = ["inventory"]
_TOKEN = re.compile(r"[0-9a-f]{64}")
_NOT_STORED = {"Cache-Control": "no-store"}
_KNOWN = "We will write once, when it can be bought again."
_UNKNOWN = "We have sent a mail to this address. Once that is confirmed, we will write when it can be bought again."


@post(
    "/stock-notices",
    status_code=202,
    operation_class=takes(NewStockNotice),
    tags=_TAGS,
    refuses=(UnknownProduct, InStock, MailOff),
)
async def ask_for_notice(request: Request[Any, Any, Any]) -> Response[Asked]:
    """Have a mail sent, once, when a product that is sold out can be bought again; nothing is held back for it. An
    address that is not the verified one of who is logged in is asked first. The answer is the same whether the address
    waits already, and whether it was written to too often. 409 `in_stock`, `mail_off`."""
    body = await read_body(request, NewStockNotice)
    user_id = await _user(request)
    needs_confirmation = await _service(request).ask(body.product_id, body.email, body.locale, user_id)
    answer = Asked(_UNKNOWN if needs_confirmation else _KNOWN, needs_confirmation)
    return JsonResponse(answer, status_code=202, headers=_NOT_STORED)


@get("/stock-notices/{token:str}", tags=_TAGS)
async def stock_notices(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[StockNoticesAnswer]:
    """What an address waits for, or was asked to confirm, by the token that stands in the mails to it."""
    found = await _service(request).of(_checked(token))
    return JsonResponse(StockNoticesAnswer([shown(*each) for each in found]), headers=_NOT_STORED)


@post("/stock-notices/{token:str}/confirm", status_code=204, operation_class=takes(Confirming), tags=_TAGS)
async def confirm_notice(request: Request[Any, Any, Any], token: FromPath[str]) -> None:
    """Show that whoever reads the mails to an address wants to be told. Again: the same. 404 when its time is over:
    three days."""
    body = await read_body(request, Confirming)
    await _service(request).confirm(_checked(token), body.id)


@delete("/stock-notices/{token:str}/{notice_id:str}", tags=_TAGS)
async def end_notice(request: Request[Any, Any, Any], token: FromPath[str], notice_id: FromPath[str]) -> None:
    """Do not have an address told of one product. Again: the same."""
    await _service(request).unsubscribe(_checked(token), notice_id)


@delete("/stock-notices/{token:str}", tags=_TAGS)
async def end_notices(request: Request[Any, Any, Any], token: FromPath[str]) -> None:
    """Do not have an address told of anything. Again: the same."""
    await _service(request).unsubscribe(_checked(token))


@get("/stock-notices/admin/products/{product_id:str}", tags=_TAGS)
async def waiting(request: Request[Any, Any, Any], product_id: FromPath[str]) -> Response[WaitingAnswer]:
    """How many wait for a product."""
    await principal_of(request)
    count = await _service(request).waiting(product_id) if is_id(PRODUCT, product_id) else 0
    return JsonResponse(WaitingAnswer(product_id[:64], count), media_type="application/json")


def _checked(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise NotFound("this is no token of ours: it is what stands in the mailed link behind its last `/`, 64 digits")
    return token


async def _user(request: Request[Any, Any, Any]) -> str | None:
    """The account whose token is sent; None for anybody else, who may ask as well."""
    token = header(request, b"authorization")
    if token is None:
        return None
    verifier: TokenVerifier = request.app.state["verifier"]
    try:
        principal = await verifier.principal(token)
    except Unauthenticated:
        return None
    return principal.id if principal.scopes is None and not principal.is_guest else None


def _service(request: Request[Any, Any, Any]) -> StockNoticeService:
    service: StockNoticeService = request.app.state["stock_notices"]
    return service


HANDLERS = (ask_for_notice, stock_notices, confirm_notice, end_notice, end_notices, waiting)
