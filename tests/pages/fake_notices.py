"""The fake shop's stock notices: all are of one address, which has this token."""

from litestar import Response, delete, get, post
from litestar.params import FromPath

from tests.pages.fake_asking import Ask, admin_of, body_of, shop_of
from tests.pages.fake_shop import NOW, FakeShop, Json, Refused, answer

TOKEN = "a1" * 32


def add_notice(shop: FakeShop, product_id: str, *, is_confirmed: bool = True) -> Json:
    """Somebody waits for a product."""
    name = shop.products[product_id]["name"]
    known = {"productId": product_id, "productName": name, "isConfirmed": is_confirmed, "askedAt": NOW}
    notice = {"id": f"stn_{len(shop.stock_notices)}", **known}
    shop.stock_notices.append(notice)
    return notice


@post("/stock-notices", status_code=202)
async def ask_for_notice(request: Ask) -> Response[bytes]:
    shop, body = shop_of(request), body_of(request)
    if "@" not in body["email"]:
        error = {"field": "email", "message": "must be an email address such as ada@example.com"}
        raise Refused(422, "validation_failed", "x", errors=[error])
    if shop.products[body["productId"]]["stock"]:
        raise Refused(409, "in_stock", "it can be bought")
    is_known = body["email"] in shop.users and request.headers.get("Authorization") is not None
    return answer({"message": "sent, perhaps", "needsConfirmation": not is_known}, 202)


@get("/stock-notices/{token:str}")
async def stock_notices(request: Ask, token: FromPath[str]) -> Response[bytes]:
    if len(token) != len(TOKEN):
        raise Refused(404, "not_found")
    return answer({"notices": shop_of(request).stock_notices if token == TOKEN else []})


@post("/stock-notices/{token:str}/confirm", status_code=204)
async def confirm_notice(request: Ask, token: FromPath[str]) -> None:
    wanted = body_of(request)["id"]
    found = [each for each in shop_of(request).stock_notices if token == TOKEN and each["id"] == wanted]
    if not found:
        raise Refused(404, "not_found")
    found[0]["isConfirmed"] = True


@delete("/stock-notices/{token:str}/{notice_id:str}")
async def end_notice(request: Ask, token: FromPath[str], notice_id: FromPath[str]) -> None:
    shop = shop_of(request)
    shop.stock_notices = [each for each in shop.stock_notices if token != TOKEN or each["id"] != notice_id]


@delete("/stock-notices/{token:str}")
async def end_notices(request: Ask, token: FromPath[str]) -> None:
    if token == TOKEN:
        shop_of(request).stock_notices = []


@get("/stock-notices/admin/products/{product_id:str}")
async def waiting(request: Ask, product_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    count = sum(each["productId"] == product_id for each in shop_of(request).stock_notices)
    return answer({"productId": product_id, "waiting": count})


NOTICE_ROUTES = [ask_for_notice, stock_notices, confirm_notice, end_notice, end_notices, waiting]
