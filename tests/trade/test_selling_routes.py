"""Quotes, guests, how the shop sells, and discounts, as the API takes them."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from kassa.kit.idempotency import RECORDS, Idempotency
from kassa.kit.identity import GUEST_PREFIX, Principal, guest
from kassa.kit.web import EXCEPTION_HANDLERS
from kassa.order.guests import GuestTokens
from kassa.order.routes import HANDLERS
from kassa.payment.routes import HANDLERS as PAYMENT_HANDLERS
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.trade.stores import SQLITE
from tests.trade.test_attention import Doorman
from tests.trade.world import World, world

EMAIL = "guest@mail.example"
PARCEL = {"id": "parcel", "name": "Parcel", "zone": "world", "price": "4.90"}
ZONE = {"id": "world", "name": "World", "places": [{"country": "*"}]}
TO = {"name": "A Buyer", "country": "DE", "lines": ["Street 1"], "city": "Berlin", "postalCode": "10115"}


class WithGuests(Doorman):
    """Knows guests by their tokens, too."""

    async def principal(self, authorization: str | None) -> Principal:
        scheme, _, token = (authorization or "").partition(" ")
        return guest(token) if token.startswith(GUEST_PREFIX) else await super().principal(scheme)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, form=SQLITE) as opened:
        yield opened


@pytest.fixture
async def door(shop: World, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Anybody before the shop's orders and payments."""
    database = await SqliteDatabase.open(tmp_path / "keys.db")
    keys = Idempotency(await database.collection(RECORDS), shop.clock, "test", is_alone=True)
    handlers = [*HANDLERS, *PAYMENT_HANDLERS]
    app: Any = Litestar(handlers, openapi_config=None, exception_handlers=EXCEPTION_HANDLERS)
    app.state.update(
        order=shop.order,
        offering=shop.offering,
        payment=shop.payment,
        guests=GuestTokens("a secret of the shop's"),
        verifier=WithGuests(),
        ids=shop.ids,
        idempotency=keys,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as http:
        yield http
    await database.close()


def wish(product_id: str, **more: Any) -> dict[str, Any]:
    return {"items": [{"productId": product_id, "quantity": 2}], "email": EMAIL, **more}


async def test_a_guest_gets_the_same_token_when_the_answer_was_lost(
    shop: World, door: httpx.AsyncClient, tmp_path: Path
) -> None:
    mug = await shop.sell()
    key = {"idempotency-key": "one"}
    first, again = [await door.post("/orders", json=wish(mug), headers=key) for _ in range(2)]
    assert (first.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert first.json() == again.json()
    assert again.headers["cache-control"] == "no-store"
    token, order_id = first.json()["guestToken"], first.json()["order"]["id"]
    assert token.encode() not in b"".join(each.read_bytes() for each in tmp_path.iterdir() if each.is_file())
    headers = {"authorization": f"Bearer {token}"}
    assert (await door.get(f"/orders/{order_id}", headers=headers)).json()["order"] == first.json()["order"]
    session = await door.post("/payments/create-session", json={"orderId": order_id}, headers=headers)
    assert session.status_code == 200
    assert (await door.get(f"/payments/status/{order_id}", headers=headers)).json()["status"] == "INITIATED"
    more = await door.post("/orders", json=wish(mug), headers=headers)
    assert (more.json()["order"]["userId"], "guestToken" in more.json()) == (first.json()["order"]["userId"], False)
    listed = await door.get("/orders", headers=headers)
    assert listed.json()["pagination"]["total"] == 2


async def test_a_guest_gets_to_nothing_of_others(shop: World, door: httpx.AsyncClient) -> None:
    mug = await shop.sell()
    order_id = (await door.post("/orders", json=wish(mug))).json()["order"]["id"]
    other = {"authorization": f"Bearer guest_{'0' * 64}"}
    for path in (f"/orders/{order_id}", f"/orders/{order_id}/timeline", f"/payments/status/{order_id}"):
        assert (await door.get(path, headers=other)).status_code == 404, path
    assert (await door.post(f"/orders/{order_id}/cancel", headers=other)).status_code == 404
    for path in ("/orders/admin/all", "/discounts"):
        assert (await door.get(path, headers=other)).status_code == 401, path
    claim = await door.post(f"/orders/{order_id}/claim", json={"guestToken": "x"}, headers=other)
    assert claim.status_code == 401


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({"email": None}, 401, "order as a guest, with an email"),
        ({"email": "nobody"}, 422, "must be an email address"),
        ({"destination": TO | {"country": "XX"}}, 422, "destination.country"),
        ({"destination": TO | {"postalCode": "1"}}, 422, "destination.postalCode"),
        ({"destination": {"name": "A", "country": "US"}}, 422, "destination.region"),
        ({"billing": TO | {"name": ""}}, 422, "billing.name"),
        ({"discountCode": "NONE"}, 422, "is not known here"),
        ({"discountCode": "x" * 500}, 422, "discountCode"),
        ({"note": "x" * 1001}, 422, "note"),
        ({"note": "Ring\x00twice"}, 422, "control characters"),
        ({"note": "Ring \x1b[2Jtwice"}, 422, "control characters"),
        ({"shippingMethod": "rocket"}, 422, "shippingMethod"),
        ({"expectedTotalMinor": 1}, 409, "the order would cost"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_held(
    shop: World, door: httpx.AsyncClient, more: dict[str, Any], status: int, said: str
) -> None:
    mug = await shop.sell()
    answer = await door.post("/orders", json=wish(mug, **more))
    assert answer.status_code == status, answer.text
    assert said in answer.text
    assert (await shop.level(mug)).reserved == 0


async def test_a_note_reads_as_it_looks(shop: World, door: httpx.AsyncClient) -> None:
    mug = await shop.sell()
    written = "\n  Ring \u202etwice\u202c,\u200b please.\r\nA\u0308rzte\t haus\u2028Thanks  \n"
    answer = await door.post("/orders", json=wish(mug, note=written))
    assert answer.json()["order"]["note"] == "Ring twice, please.\nÄrzte haus\nThanks"


async def test_a_shop_sells_as_it_is_told(shop: World, door: httpx.AsyncClient) -> None:
    mug, admin = await shop.sell(price_minor=1000), {"authorization": "admin"}
    given = {"zones": [ZONE], "shippingMethods": [PARCEL], "needsDestination": True}
    assert (await door.put("/selling", json=given, headers={"authorization": "user"})).status_code == 403
    first = (await door.put("/selling", json=given, headers=admin)).json()["selling"]
    shop.clock.advance(5)
    changed = await door.put("/selling", json=given | {"expectedUpdatedAt": first["updatedAt"]}, headers=admin)
    assert changed.status_code == 200, changed.text
    late = await door.put("/selling", json=given | {"expectedUpdatedAt": first["updatedAt"]}, headers=admin)
    assert (late.status_code, late.json()["code"]) == (409, "selling_changed")
    assert (await door.get("/selling")).json() == changed.json()
    there = {each["code"]: each for each in (await door.get("/selling/destinations")).json()["countries"]}
    assert (len(there) > 240, there["DE"]["needs"]) == (True, ["city", "lines", "postalCode"])
    quoted = (await door.post("/quotes", json=wish(mug, destination=TO, shippingMethod="parcel"))).json()["quote"]
    assert (quoted["totalAmountMinor"], quoted["totalAmount"]) == (2490, 24.9)
    assert (await door.post("/orders", json=wish(mug))).json()["errors"][0]["field"] == "destination"
    for currency, status in (("usd", 200), ("eur", 422)):
        body = {"items": wish(mug)["items"], "currency": currency}
        assert (await door.post("/quotes", json=body)).status_code == status


async def test_orders_are_found_by_their_address(shop: World, door: httpx.AsyncClient) -> None:
    mug, admin = await shop.sell(), {"authorization": "admin"}
    for email in (EMAIL, f"x{EMAIL}"):
        await door.post("/orders", json=wish(mug, email=email))
    found = await door.get("/orders/admin/all", params={"email": EMAIL.upper()}, headers=admin)
    assert [order["email"] for order in found.json()["orders"]] == [EMAIL]
    assert found.json()["pagination"]["total"] == 1


async def test_a_discount_is_made_changed_and_ended(shop: World, door: httpx.AsyncClient) -> None:
    mug, admin = await shop.sell(price_minor=1000), {"authorization": "admin"}
    new = {"name": "Ten", "kind": "percentage", "percent": "10", "code": "ten", "limit": 3}
    made = await door.post("/discounts", json=new, headers=admin | {"idempotency-key": "one"})
    again = await door.post("/discounts", json=new, headers=admin | {"idempotency-key": "one"})
    assert (made.status_code, again.json()) == (201, made.json())
    discount = made.json()["discount"]
    assert (discount["code"], discount["usesLeft"], discount["percent"]) == ("TEN", 3, 10)
    taken = await door.post("/discounts", json=new | {"code": " Ten "}, headers=admin)
    assert (taken.status_code, taken.json()["code"]) == (409, "discount_code_taken")
    ordered = await door.post("/orders", json=wish(mug, discountCode="ten"))
    assert ordered.json()["order"]["totalAmountMinor"] == 1800
    path = f"/discounts/{discount['id']}"
    assert (await door.get(path, headers=admin)).json()["discount"]["usesLeft"] == 2
    ended = await door.put(path, json={"isActive": False}, headers=admin)
    assert ended.json()["discount"]["isActive"] is False
    refused = await door.post("/orders", json=wish(mug, discountCode="ten"))
    assert (refused.status_code, refused.json()["code"]) == (422, "discount_not_valid")
    listed = (await door.get("/discounts", headers=admin)).json()
    assert [each["id"] for each in listed["discounts"]] == [discount["id"]]
    for body in ({}, {"limit": 1}, {"startsAt": "2026-01-02T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"}):
        assert (await door.put(path, json=body, headers=admin)).status_code == 422, body
    assert (await door.put("/discounts/dsc_x", json={"name": "A"}, headers=admin)).status_code == 404


async def test_the_average_is_over_orders_that_were_paid(shop: World, door: httpx.AsyncClient) -> None:
    mug, admin = await shop.sell(price_minor=1000), {"authorization": "admin"}
    await shop.pay(await shop.open(await shop.place((mug, 1))))
    await shop.discount(code="GIFT", percent=Decimal(100))
    free = await door.post("/orders", json=wish(mug, discountCode="GIFT"))
    assert (free.status_code, free.json()["order"]["status"]) == (201, "CONFIRMED")
    figures = (await door.get("/orders/admin/analytics/orders", headers=admin)).json()
    assert (figures["averageOrderValue"], figures["ordersByStatus"]["CONFIRMED"]) == (10.0, 2)


async def test_a_quote_tells_nobody_but_the_account_itself_which_codes_it_has_used(
    shop: World, door: httpx.AsyncClient
) -> None:
    mug, user = await shop.sell(price_minor=1000), {"authorization": "user"}
    email = (await Doorman().principal("user")).email
    await shop.discount(code="ONCE", limit_per_buyer=1)
    asked = wish(mug, discountCode="ONCE", email=email)
    assert (await door.post("/orders", json=asked, headers=user)).status_code == 201
    for headers in ({}, {"authorization": f"Bearer guest_{'0' * 64}"}, {"authorization": "admin"}):
        others = await door.post("/quotes", json=asked, headers=headers)
        assert (others.status_code, others.json()["quote"]["totalAmountMinor"]) == (200, 1800)
    for own in (asked, {name: asked[name] for name in asked if name != "email"}):
        told = await door.post("/quotes", json=own, headers=user)
        assert (told.status_code, told.json()["code"], told.json()["per"]) == (409, "discount_used_up", "buyer")
    at_last = await door.post("/orders", json=asked)
    assert (at_last.status_code, at_last.json()["code"]) == (409, "discount_used_up")


async def test_a_country_is_enough_for_a_quote_and_not_for_an_order(shop: World, door: httpx.AsyncClient) -> None:
    mug, admin = await shop.sell(price_minor=1000), {"authorization": "admin"}
    coast = {"id": "coast", "name": "Coast", "places": [{"country": "US", "regions": ["CA"]}]}
    islands = {"id": "islands", "name": "Islands", "places": [{"country": "DE", "postalPrefixes": ["259"]}]}
    germany = {"id": "germany", "name": "Germany", "places": [{"country": "DE"}]}
    ways = [
        {"id": each["id"], "name": "Parcel", "zone": each["id"], "price": price}
        for price, each in enumerate((coast, islands, germany), 1)
    ]
    given = {"zones": [coast, islands, germany], "shippingMethods": ways}
    assert (await door.put("/selling", json=given, headers=admin)).status_code == 200

    async def ways_to(**to: str) -> list[str] | str:
        asked = wish(mug, destination=to)
        answer = await door.post("/quotes", json=asked)
        assert (await door.post("/orders", json=asked)).status_code == 422
        if answer.status_code != 200:
            return str(answer.json()["detail"])
        return [each["id"] for each in answer.json()["quote"]["shippingMethods"]]

    assert await ways_to(country="DE") == ["germany"]
    assert await ways_to(country="DE", postalCode="25980") == ["islands"]
    assert await ways_to(country="US", region="California") == ["coast"]
    assert "say the region, too" in await ways_to(country="US")
    assert "the shop does not send there" in await ways_to(country="US", region="OR")
    assert "cannot be one of DE" in await ways_to(country="DE", postalCode="1")
    quoted = await door.post("/quotes", json=wish(mug, destination={"country": "DE"}, shippingMethod="germany"))
    assert quoted.json()["quote"]["totalAmountMinor"] == 2300


@pytest.mark.parametrize("change", ["ended", "limited"])
async def test_what_was_held_before_a_crash_is_released_where_discounts_have_changed_since(
    shop: World, door: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    async def crash(_: object) -> None:
        raise RuntimeError("the process dies between what it holds and what it stores")

    mug, key = await shop.sell(5, price_minor=1000), {"idempotency-key": "one"}
    limits = {"limit": 3, "limit_per_buyer": 1} if change == "ended" else {}
    discount = await shop.discount(name="Spring", **limits)
    with monkeypatch.context() as patched:
        patched.setattr(shop.order.outbox, "insert", crash)
        assert (await door.post("/orders", json=wish(mug), headers=key)).status_code == 500
    assert (await shop.level(mug)).reserved == 2
    await shop.offering.edit(discount.id, {"is_active": False} if change == "ended" else {"limit": 3}, "usr_admin")
    again = await door.post("/orders", json=wish(mug), headers=key)
    assert (again.status_code, again.json()["code"]) == (503, "abandoned")
    made = await door.post("/orders", json=wish(mug), headers=key)
    assert (made.status_code, made.json()["order"]["totalAmountMinor"]) == (201, 2000 if change == "ended" else 1800)
    await shop.relay()
    assert (await shop.level(mug)).reserved == 2
    assert await shop.offering.left(await shop.offering.discount(discount.id)) == {
        discount.id: 3 if change == "ended" else 2
    }
    assert await shop.audit() == []


async def test_staff_finds_an_order_by_its_number(shop: World, door: httpx.AsyncClient) -> None:
    mug, admin = await shop.sell(), {"authorization": "admin"}
    first, second = [(await door.post("/orders", json=wish(mug))).json()["order"] for _ in range(2)]
    assert second["number"] == first["number"] + 1
    found = await door.get("/orders/admin/all", params={"number": second["number"]}, headers=admin)
    assert [each["id"] for each in found.json()["orders"]] == [second["id"]]
    assert found.json()["pagination"]["total"] == 1
    nobody = await door.get("/orders/admin/all", params={"number": 1}, headers=admin)
    assert nobody.json()["orders"] == []
    assert (await door.get("/orders/admin/all?number=1042a", headers=admin)).status_code == 422
