"""The fake shop's customers."""

from litestar import Response, get

from tests.pages.fake_asking import Ask, admin_of, shop_of
from tests.pages.fake_shop import Json, answer


@get("/orders/admin/customers")
async def customers(request: Ask) -> Response[bytes]:
    admin_of(request)
    asked = request.query_params
    found: dict[str, Json] = {}
    for order in shop_of(request).orders.values():
        told = _told(order)
        found.setdefault(told["userId"] or told["email"], told)
        found[told["userId"] or told["email"]]["orders"] += 1
    q, user_id, email = (asked.get(name) for name in ("q", "userId", "email"))
    listed = [each for each in found.values() if not q or q in each["email"]]
    listed = [each for each in listed if user_id in (None, each["userId"]) and email in (None, each["email"])]
    return answer({"customers": listed, **({"nextCursor": "61"} if q == "more" or not asked else {})})


def _told(order: Json) -> Json:
    is_guest = order["userId"].startswith("gst_")
    place = order.get("destination") or {}
    return {
        "userId": None if is_guest else order["userId"],
        "email": order.get("email", ""),
        "name": place.get("name", ""),
        "orders": 0,
        "spentMinor": 2850,
        "currency": "usd",
        "firstOrderedAt": order["createdAt"],
        "lastOrder": {"id": order["id"], "number": 1042, "createdAt": order["createdAt"]},
    }
