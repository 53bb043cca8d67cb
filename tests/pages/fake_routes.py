"""The fake shop's HTTP side: thin handlers over `FakeShop`, as a list to be mounted beside the pages."""

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from litestar import Response, Router, delete, get, post, put
from litestar.params import FromPath

from tests.pages.fake_asking import Ask, admin_of, body_of, is_let_in, listed, note_call, shop_of, user_of
from tests.pages.fake_customers import customers
from tests.pages.fake_disputes import DISPUTE_ROUTES
from tests.pages.fake_families import FAMILY_ROUTES, collapsed, variant_like
from tests.pages.fake_health import checks, system
from tests.pages.fake_import import import_products
from tests.pages.fake_links import LINK_ROUTES
from tests.pages.fake_mails import MAIL_ROUTES
from tests.pages.fake_notices import NOTICE_ROUTES
from tests.pages.fake_shop import NOW, Json, Refused, answer, refusal


@post("/auth/register")
async def register(request: Ask) -> Response[bytes]:
    shop, body = shop_of(request), body_of(request)
    if body["email"] in shop.users:
        raise Refused(409, "email_taken")
    if len(body["password"]) < 8:
        raise Refused(
            422, "validation_failed", "x", errors=[{"field": "password", "message": "must have at least 8 characters"}]
        )
    shop.sign_up(body["email"], body["password"])
    return answer(shop.session(body["email"]), 201)


@post("/auth/login")
async def login(request: Ask) -> Response[bytes]:
    shop, body = shop_of(request), body_of(request)
    user = shop.users.get(body["email"])
    if user is None or user["password"] != body["password"]:
        raise Refused(401, "wrong_credentials")
    return answer(shop.session(body["email"]))


@post("/auth/refresh")
async def refresh(request: Ask) -> Response[bytes]:
    shop = shop_of(request)
    email = shop.refreshable.pop(body_of(request)["refreshToken"], None)
    if email is None:
        raise Refused(401, "invalid_refresh_token")
    return answer(shop.session(email))


@post("/auth/logout")
async def logout(request: Ask) -> Response[None]:
    shop_of(request).refreshable.pop(body_of(request)["refreshToken"], None)
    return Response(None, status_code=204)


@post("/auth/password")
async def change_password(request: Ask) -> Response[None]:
    shop, user, body = shop_of(request), user_of(request), body_of(request)
    if body["current"] != user["password"]:
        raise Refused(401, "wrong_credentials")
    user["password"] = body["new"]
    shop.refreshable.clear()
    return Response(None, status_code=204)


@post("/auth/account/export", status_code=200)
async def export_account(request: Ask) -> Response[bytes]:
    user = confirmed(request)
    return answer({"account": {"email": user["email"]}, "orders": []})


@post("/auth/account/erase", status_code=204)
async def erase_account(request: Ask) -> None:
    user = confirmed(request)
    if user["role"] != "user":
        raise Refused(409, "staff_account", detail="administrators become buyers first")
    del shop_of(request).users[user["email"]]


def confirmed(request: Ask) -> Any:
    user = user_of(request)
    if body_of(request)["password"] != user["password"]:
        raise Refused(401, "wrong_credentials")
    return user


@get("/auth/verify")
async def verify(request: Ask) -> Response[bytes]:
    user = user_of(request)
    return answer({"valid": True, "user": {"sub": user["id"], "email": user["email"], "role": user["role"], "exp": 1}})


@get("/auth/sessions")
async def sessions(request: Ask) -> Response[bytes]:
    user_of(request)
    return answer({"sessions": shop_of(request).places})


@delete(["/auth/sessions", "/auth/sessions/{session_id:str}"])
async def end_sessions(request: Ask) -> None:
    user_of(request)
    shop, named = shop_of(request), request.path_params.get("session_id")
    kept = [each for each in shop.places if (each["id"] != named if named else each["isCurrent"])]
    if kept == shop.places:
        raise Refused(404, "not_found")
    shop.places = kept


@get("/products")
async def product_list(request: Ask) -> Response[bytes]:
    category, q = request.query_params.get("category"), request.query_params.get("q", "").lower()
    active = request.query_params.get("active") != "false"
    if "active" in request.query_params:
        admin_of(request)
    found = [each for each in shop_of(request).products.values() if each["isActive"] is active]
    within = request.query_params.get("within")
    found = [each for each in found if q in each["name"].lower() and category in (None, each["category"])]
    found = [each for each in found if within is None or f"{each['category']} / ".startswith(f"{within} / ")]
    if request.query_params.get("collapse") == "family":
        found = collapsed(shop_of(request), found)
    return listed(request, "products", found)


@get("/products/facets")
async def facets(request: Ask) -> Response[bytes]:
    counts = Counter(each["category"] for each in shop_of(request).products.values() if each["isActive"])
    categories = [{"category": name, "products": counts[name]} for name in sorted(counts) if name]
    return answer({"categories": categories, "options": shop_of(request).options})


@get("/products/{product_id:str}")
async def one_product(request: Ask, product_id: FromPath[str]) -> Response[bytes]:
    if request.query_params.get("includeInactive") == "true":
        admin_of(request)
        return answer({"product": shop_of(request).products[product_id]})
    return answer({"product": shop_of(request).product(product_id)})


@get("/products/{product_id:str}/prices")
async def prices(request: Ask, product_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    return listed(request, "prices", shop_of(request).prices.get(product_id, []))


@post("/products")
async def create_product(request: Ask) -> Response[bytes]:
    admin_of(request)
    body, shop = body_of(request), shop_of(request)
    if not body["name"]:
        raise Refused(422, "validation_failed", "x", errors=[{"field": "name", "message": "must not be empty"}])
    minor = int(Decimal(body["price"]) * 100)
    more = {name: body[name] for name in ("description", "category", "images")} | shop.reduced(body)
    return answer({"product": shop.product(shop.add(body["name"], minor, body.get("stock"), **more))}, 201)


@post("/pictures")
async def add_picture(request: Ask) -> Response[bytes]:
    admin_of(request)
    content = await request.body()
    if not content.startswith(b"\x89PNG"):
        raise Refused(422, "picture_refused", "send a picture that is whole, as JPEG, PNG or WebP")
    return answer({"picture": {"address": f"/pictures/{len(content):032x}-1280x960.webp"}}, 201)


@put("/products/{product_id:str}")
async def change_product(request: Ask, product_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    product, body = shop_of(request).products[product_id], body_of(request)
    expected = body.pop("expectedUpdatedAt", None)
    if expected is not None and datetime.fromisoformat(expected) != product["updatedAt"]:
        raise Refused(409, "product_changed")
    owner = next((each for each in shop_of(request).products.values() if each.get("sku") == body.get("sku", "")), None)
    if body.get("sku") and owner is not None and owner is not product:
        raise Refused(409, "sku_taken", productId=owner["id"])
    if taken := variant_like(shop_of(request), body, product):
        raise Refused(409, "variant_taken", productId=taken["id"])
    if "price" in body:
        body |= {"price": Decimal(body["price"]), "priceMinor": int(Decimal(body["price"]) * 100)}
    body |= shop_of(request).reduced(body)
    product.update(body, updatedAt=product["updatedAt"] + timedelta(seconds=1))
    return answer({"product": product})


@delete("/products/{product_id:str}", status_code=200)
async def remove_product(request: Ask, product_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    shop_of(request).product(product_id)["isActive"] = False
    return answer({"product": shop_of(request).products[product_id]})


@post("/inventory/adjust")
async def adjust(request: Ask) -> Response[bytes]:
    admin_of(request)
    body = body_of(request)
    product = shop_of(request).product(body["productId"])
    if product["stock"] + body["change"] < 0:
        raise Refused(409, "insufficient_stock", available=product["stock"])
    product["stock"] += body["change"]
    return answer({"productId": product["id"], "stock": product["stock"]})


@post("/quotes", status_code=200)
async def quote(request: Ask) -> Response[bytes]:
    return answer({"quote": shop_of(request).quote(body_of(request))})


@get("/selling")
async def selling(request: Ask) -> Response[bytes]:
    return answer({"selling": shop_of(request).selling.selling})


@get("/events/endpoints")
async def endpoints(request: Ask) -> Response[bytes]:
    return answer({"endpoints": shop_of(request).endpoints})


@get("/shop-profile")
async def shop_profile(request: Ask) -> Response[bytes]:
    return answer({"shopProfile": shop_of(request).profile})


@put("/shop-profile")
async def change_shop_profile(request: Ask) -> Response[bytes]:
    admin_of(request)
    body, refused = body_of(request), shop_of(request).refuse_profile
    if refused is not None:
        raise refused
    body.pop("expectedUpdatedAt", None)
    shop_of(request).profile = body | {"updatedAt": NOW.isoformat()}
    return answer({"shopProfile": shop_of(request).profile})


@get("/selling/destinations")
async def destinations(request: Ask) -> Response[bytes]:
    return answer({"countries": shop_of(request).selling.countries, "isAnywhere": False})


@post("/orders")
async def place(request: Ask) -> Response[bytes]:
    shop, body, key = shop_of(request), body_of(request), request.headers.get("Idempotency-Key")
    if request.headers.get("Authorization") is None and "email" in body:
        order = shop.place("gst_1", body, key)
        token = f"guest_{int(order['id'].removeprefix('ord_')):064x}"
        shop.guests[token] = order["id"]
        return answer({"order": order, "guestToken": token}, 201)
    return answer({"order": shop.place(user_of(request)["id"], body, key)}, 201)


@post("/orders/{order_id:str}/claim", status_code=200)
async def claim(request: Ask, order_id: FromPath[str]) -> Response[bytes]:
    shop, user = shop_of(request), user_of(request)
    if shop.guests.pop(body_of(request)["guestToken"], None) != order_id:
        raise Refused(404, "not_found")
    shop.orders[order_id]["userId"] = user["id"]
    return answer({"order": shop.orders[order_id]})


@get("/orders")
async def my_orders(request: Ask) -> Response[bytes]:
    user = user_of(request)
    found = [order for order in shop_of(request).orders.values() if order["userId"] == user["id"]]
    return listed(request, "orders", found)


def visible(request: Ask, order_id: str) -> Json:
    shop, token = shop_of(request), request.headers.get("Authorization", "").removeprefix("Bearer ")
    order = shop.orders.get(order_id)
    if token.startswith("guest_"):
        if order is None or shop.guests.get(token) != order_id:
            raise Refused(404, "not_found")
        return order
    user = user_of(request)
    if order is None or (order["userId"] != user["id"] and not is_let_in(request, user)):
        raise Refused(404, "not_found")
    return order


@get("/orders/{order_id:str}")
async def one_order(request: Ask, order_id: FromPath[str]) -> Response[bytes]:
    return answer({"order": visible(request, order_id)})


@post("/orders/{order_id:str}/cancel")
async def cancel(request: Ask, order_id: FromPath[str]) -> Response[bytes]:
    order = visible(request, order_id)
    if order["status"] != "PENDING":
        raise Refused(409, "order_not_cancellable")
    order.update(status="CANCELLED", reason="cancelled_by_buyer")
    return answer({"order": order})


@get("/orders/{order_id:str}/timeline")
async def timeline(request: Ask, order_id: FromPath[str]) -> Response[bytes]:
    visible(request, order_id)
    placed = {"at": NOW, "service": "order", "kind": "placed", "text": "Placed", "data": {}}
    return answer({"entries": [placed, *shop_of(request).stuck]})


@get("/orders/admin/all")
async def all_orders(request: Ask) -> Response[bytes]:
    admin_of(request)
    status = request.query_params.get("status")
    ids = request.query_params.getall("id", [])
    found = [order for order in shop_of(request).orders.values() if status in (None, order["status"])]
    found = [order for order in found if not ids or order["id"] in ids]
    return listed(request, "orders", found)


@post("/payments/create-session")
async def create_session(request: Ask) -> Response[bytes]:
    order = visible(request, body_of(request)["orderId"])
    if order["status"] != "PENDING":
        raise Refused(400, "order_not_payable")
    return answer({"checkoutUrl": shop_of(request).payment_page + order["id"], "sessionId": "cs_1"})


@get("/payments/status/{order_id:str}")
async def payment_status(request: Ask, order_id: FromPath[str]) -> Response[bytes]:
    visible(request, order_id)
    stage = shop_of(request).payments.get(order_id)
    if stage is None:
        raise Refused(404, "not_found")
    status = {"orderId": order_id, "status": "INITIATED", "stage": stage, "currency": "usd", "amountMinor": 3000}
    return answer({**status, **shop_of(request).money_back.get(order_id, {})})


@post("/payments/{order_id:str}/refund")
async def refund(request: Ask, order_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    return answer({"refund": {"id": "rfd_1", "status": shop_of(request).refund_status}}, 201)


@get("/payments/{order_id:str}/refunds")
async def refunds(request: Ask, order_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    items = [
        {"productId": item["productId"], "quantity": item["quantity"]} for item in visible(request, order_id)["items"]
    ]
    return answer({"refunds": [], "left": 12.5, "leftMinor": 1250, "currency": "usd", "leftItems": items})


@post(["/orders/{order_id:str}/effects/{number:str}/retry", "/payments/{order_id:str}/effects/{number:str}/retry"])
async def retry_effect(request: Ask, order_id: FromPath[str], number: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    _stuck(request, number)
    return answer({"waiting": {"effect": number} if shop_of(request).is_stuck else None}, 200)


@post("/orders/{order_id:str}/effects/{number:str}/give-up")
async def give_up_effect(request: Ask, order_id: FromPath[str], number: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    if not _stuck(request, number)["data"]["todo"].startswith("mail_"):
        raise Refused(409, "not_given_up", "It is tried until it is done.")
    return answer({"waiting": None}, 200)


def _stuck(request: Ask, number: str) -> Any:
    for each in shop_of(request).stuck:
        if each["data"]["effect"].split(":")[1] == number:
            return each
    raise Refused(404, "not_found")


@get("/payments/{order_id:str}/fee")
async def fee(request: Ask, order_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    return answer({"fee": shop_of(request).fees[visible(request, order_id)["id"]]})


@get("/payments/admin/events")
async def events(request: Ask) -> Response[bytes]:
    admin_of(request)
    status = request.query_params.get("status")
    order_id = request.query_params.get("orderId")
    found = [event for event in shop_of(request).events if status in (None, event["status"])]
    found = [event for event in found if order_id in (None, event.get("orderId"))]
    return listed(request, "events", found)


@get(["/orders/admin/attention", "/payments/admin/attention"])
async def attention(request: Ask) -> Response[bytes]:
    admin_of(request)
    service = request.url.path.split("/")[1]
    notices = {"notices": shop_of(request).notices} if service == "payments" else {"overdue": shop_of(request).overdue}
    return listed(request, "waiting", shop_of(request).waiting[service], **notices)


@get("/payments/admin/unclaimed")
async def unclaimed(request: Ask) -> Response[bytes]:
    admin_of(request)
    return listed(request, "unclaimed", shop_of(request).unclaimed)


@post("/payments/admin/unclaimed/{session_id:str}/dismiss")
async def dismiss(request: Ask, session_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    (money,) = (each for each in shop_of(request).unclaimed if each["sessionId"] == session_id)
    shop_of(request).unclaimed.remove(money)
    return answer({"unclaimed": {**money, "status": "dismissed"}})


@get("/payments/admin/disputes")
async def disputes(request: Ask) -> Response[bytes]:
    admin_of(request)
    return listed(request, "disputes", shop_of(request).disputes)


@post("/payments/admin/events/{event_id:str}/replay")
async def replay(request: Ask, event_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    return answer({"event": {"id": event_id}})


@get("/orders/admin/analytics/orders")
async def order_numbers(request: Ask) -> Response[bytes]:
    admin_of(request)
    trend = [{"date": f"2026-02-{day:02d}", "count": day * 7 % 11} for day in range(1, 29)]
    by_status = {"PENDING": 3, "CONFIRMED": 128, "CANCELLED": 17, "FAILED": 0, "REFUNDED": 4}
    numbers = {"totalOrders": shop_of(request).order_count, "ordersByStatus": by_status, "dailyOrderTrend": trend}
    return answer({**numbers, "averageOrderValue": Decimal("61.375"), "currency": "usd"})


@get("/orders/admin/analytics/sales")
async def sales(request: Ask) -> Response[bytes]:
    admin_of(request)
    asked = request.query_params
    first, last = date.fromisoformat(asked["since"]), date.fromisoformat(asked["until"])
    dates = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    days = [{"date": day.isoformat(), "orders": day.day % 3, "amountMinor": day.day * 100} for day in dates]
    period = {"since": asked["since"], "until": asked["until"], "orders": 128, "netMinor": 785612, "refundedMinor": 150}
    before = {**period, "orders": 100, "netMinor": 1_000_000}
    best = [{"productId": "prd_1", "name": "Mug", "pieces": 7, "amountMinor": 13993}]
    told = {"currency": "usd", "period": period, "before": before, "days": days, "best": best, "bestOf": 100}
    return answer(told)


@get("/payments/admin/analytics/payments")
async def payment_numbers(request: Ask) -> Response[bytes]:
    admin_of(request)
    return answer(
        {"success": 132, "failed": 14, "initiated": 3, "failureReasons": {"payment_declined": 9}, "recentTrend": []}
    )


@get("/inventory/admin/analytics/inventory")
async def stock_numbers(request: Ask) -> Response[bytes]:
    admin_of(request)
    return answer({"totalProductsTracked": 42, "lowStock": 3, "outOfStock": 1, "lowStockThreshold": 10})


def api_router() -> Router:
    handlers = [
        register, login, refresh, logout, change_password, verify, sessions, end_sessions,
        export_account, erase_account, product_list,
        facets, one_product, prices,
        create_product, add_picture, change_product, remove_product, adjust, place, claim, quote, selling, destinations,
        shop_profile, change_shop_profile,
        my_orders, one_order, cancel, timeline,
        all_orders, customers, create_session, payment_status, refund, refunds, fee, retry_effect,
        give_up_effect, events, attention, disputes, replay,
        *DISPUTE_ROUTES, unclaimed, dismiss, endpoints, *FAMILY_ROUTES, *LINK_ROUTES, *MAIL_ROUTES,
        *NOTICE_ROUTES,
        import_products, system, checks, order_numbers, sales, payment_numbers, stock_numbers,
    ]  # fmt: skip
    return Router(
        "/",
        route_handlers=handlers,
        before_request=note_call,
        exception_handlers={Refused: refusal},
    )
