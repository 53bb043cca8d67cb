"""Money at Stripe that no order here knows."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter

from kassa.kit.lists import listed, paging
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.web import JsonResponse, principal_of
from kassa.payment.unclaimed import OPEN, Unclaimed
from kassa.payment.wire import UNCLAIMED_STATUSES, OneUnclaimedAnswer, UnclaimedAnswer, shown_unclaimed


@get("/payments/admin/unclaimed", tags=["payments"])
async def unclaimed_money(
    request: Request[Any, Any, Any],
    status: Annotated[str, QueryParameter(schema_extra={"enum": UNCLAIMED_STATUSES})] = OPEN,
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[UnclaimedAnswer]:
    """Checkout sessions that were paid at Stripe and that no payment here is known of."""
    await principal_of(request)
    if status not in UNCLAIMED_STATUSES:
        raise Invalid.field("status", f"must be one of {', '.join(UNCLAIMED_STATUSES)}")
    unclaimed, asked = _unclaimed(request), paging(limit, skip, cursor)
    found, pagination = await listed(unclaimed.money, {"status": status}, asked, unclaimed.figures)
    answer = UnclaimedAnswer([shown_unclaimed(each) for each in found], pagination)
    return JsonResponse(answer, media_type="application/json")


@post("/payments/admin/unclaimed/{session_id:str}/dismiss", tags=["payments"], status_code=200, refuses=(NotFound,))
async def dismiss_unclaimed(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[OneUnclaimedAnswer]:
    """Say that the money of a session is not this shop's, or was seen to. Once is enough."""
    staff = await principal_of(request)
    money = await _unclaimed(request).dismiss(session_id, staff.id)
    return JsonResponse(OneUnclaimedAnswer(shown_unclaimed(money)), media_type="application/json")


def _unclaimed(request: Request[Any, Any, Any]) -> Unclaimed:
    unclaimed: Unclaimed = request.app.state["unclaimed"]
    return unclaimed


HANDLERS = (unclaimed_money, dismiss_unclaimed)
