"""Putting products on sale, changing and withdrawing them."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from kassa.kit.clock import SECOND, rfc3339
from kassa.kit.ids import is_id
from kassa.storage.documents_sqlite import SqliteDatabase

from .world import World, mug


async def test_a_new_product_is_answered_as_it_is_on_sale(world: World) -> None:
    answer = await world.ask("POST", "/products", mug(images=["/mug.png"], stock=7), role="admin")

    assert answer.status_code == 201
    product = answer.json()["product"]
    assert is_id("prd", product.pop("id"))
    made_at = rfc3339(world.clock.now())
    assert product == {
        "sku": None,
        "gtin": None,
        "name": "Mug",
        "description": "Holds tea",
        "price": 12.5,
        "priceMinor": 1250,
        "compareAtPrice": None,
        "compareAtPriceMinor": None,
        "priorPrice": None,
        "priorPriceMinor": None,
        "currency": "usd",
        "category": "kitchen",
        "images": ["/mug.png"],
        "weightGrams": None,
        "taxClass": "standard",
        "isDigital": False,
        "family": None,
        "optionValues": [],
        "isActive": True,
        "stock": 7,
        "createdAt": made_at,
        "updatedAt": made_at,
    }


@pytest.mark.parametrize(("method", "path"), [("POST", "/products"), ("PUT", "/products/x"), ("DELETE", "/products/x")])
async def test_only_administrators_change_the_catalogue(world: World, method: str, path: str) -> None:
    assert (await world.ask(method, path, {})).status_code == 401
    assert (await world.ask(method, path, {}, role="user")).status_code == 403


async def test_blanks_around_name_and_category_are_dropped(world: World) -> None:
    product = await world.create(name="  Mug ", category="\tkitchen ")
    assert (product["name"], product["category"]) == ("Mug", "kitchen")


@pytest.mark.parametrize("price", [b"199.98", b'"199.98"', b"199.980", b"1.9998e2"])
async def test_a_price_is_read_from_its_text_never_through_a_float(world: World, price: bytes) -> None:
    content = json.dumps(mug(price=0)).encode().replace(b'"price": 0', b'"price": ' + price)
    answer = await world.ask("POST", "/products", content=content, role="admin")
    assert answer.status_code == 201
    assert answer.json()["product"]["priceMinor"] == 19998
    assert b'"price":199.98,' in answer.content


async def test_yen_have_no_decimals_and_dinars_three(database: SqliteDatabase) -> None:
    yen = await (await World.on(database, "jpy")).create(price=500)
    dinar = await (await World.on(database, "kwd")).create(price="1.250")
    assert (yen["price"], yen["priceMinor"], yen["currency"]) == (500, 500, "jpy")
    assert (dinar["price"], dinar["priceMinor"], dinar["currency"]) == (1.25, 1250, "kwd")


async def test_a_price_may_be_as_high_as_stripe_takes(world: World, database: SqliteDatabase) -> None:
    assert (await world.create(price="999999.99"))["priceMinor"] == 99_999_999
    # Eight digits of króna, which Stripe counts in hundredths, are not much: cards take twelve.
    krona = await World.on(database, "isk")
    assert (await krona.create(price=9_999_999_999))["priceMinor"] == 9_999_999_999
    assert (await krona.ask("POST", "/products", mug(price=10_000_000_000), role="admin")).status_code == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 201),
        ("name", "two\nlines"),
        ("name", 5),
        ("description", "x" * 5001),
        ("description", "nul\u0000"),
        ("category", ""),
        ("category", "x" * 101),
        ("price", 0),
        ("price", -1),
        ("price", "12.345"),
        ("price", "1000000"),
        ("price", "NaN"),
        ("price", "1e400"),
        ("price", "free"),
        ("price", True),
        ("images", ["/x"] * 11),
        ("images", ["ftp://example.com/x.png"]),
        ("images", ["javascript:alert(1)"]),
        ("images", ["//example.com/x.png"]),
        ("images", ["x.png"]),
        ("images", ["/two parts.png"]),
        ("images", ["https://"]),
        ("images", ["/" + "x" * 2000]),
        ("stock", -1),
        ("stock", 1_000_000_001),
        ("stock", 1.5),
        ("stock", None),
        ("currency", "eur"),
        ("isActive", False),
    ],
)
async def test_what_is_wrong_with_a_product_is_named_and_nothing_is_made(world: World, field: str, value: Any) -> None:
    answer = await world.ask("POST", "/products", mug(**{field: value}), role="admin")
    assert answer.status_code == 422
    assert [error["field"].partition("[")[0] for error in answer.json()["errors"]] == [field]
    assert await world.names() == []
    assert world.shelf.calls == []


async def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    answer = await world.ask("POST", "/products", mug(name="", price=0, stock=-1), role="admin")
    assert {error["field"] for error in answer.json()["errors"]} == {"name", "price", "stock"}


@pytest.mark.parametrize("missing", ["name", "description", "price", "category"])
async def test_what_a_product_needs_must_be_given(world: World, missing: str) -> None:
    body = {field: value for field, value in mug().items() if field != missing}
    answer = await world.ask("POST", "/products", body, role="admin")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, missing)


async def test_what_is_no_json_is_400(world: World) -> None:
    assert (await world.ask("POST", "/products", content=b"{", role="admin")).status_code == 400


async def test_when_the_inventory_is_down_a_product_is_made_and_gets_its_stock_later(world: World) -> None:
    world.shelf.is_down = True
    product = await world.create(stock=7)
    assert product["stock"] is None

    world.shelf.is_down = False
    assert (await world.ask("GET", f"/products/{product['id']}")).json()["product"]["stock"] is None
    world.clock.advance(60 * SECOND)
    await world.outbox.run_due()

    assert (await world.ask("GET", f"/products/{product['id']}")).json()["product"]["stock"] == 7
    assert await world.store.products.due(world.clock.now() + 10**9, 10) == []


async def test_a_stock_that_was_initialised_by_hand_meanwhile_counts(world: World) -> None:
    world.shelf.is_down = True
    product = await world.create(stock=7)
    world.shelf.is_down = False
    await world.shelf.open_stock("by hand", product["id"], 3)
    world.clock.advance(60 * SECOND)
    await world.outbox.run_due()
    assert world.shelf.stock == {product["id"]: 3}
    assert await world.store.products.due(world.clock.now() + 10**9, 10) == []


async def test_the_same_key_makes_one_product_and_replays_the_answer(world: World) -> None:
    first = await world.ask("POST", "/products", mug(stock=7), role="admin", key="k1")
    second = await world.ask("POST", "/products", mug(stock=7), role="admin", key="k1")
    other = await world.ask("POST", "/products", mug(stock=8), role="admin", key="k1")

    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await world.names() == ["Mug"]


async def test_making_a_product_that_is_there_already_answers_that_one(world: World) -> None:
    product = await world.create(stock=7)
    fields = mug(price=Decimal("12.50"), images=[], stock=7)
    again = await world.service.create(product["id"], fields, "usr_admin")
    assert again.id == product["id"]
    assert world.shelf.calls.count("open_stock") == 1


async def test_given_fields_are_replaced_and_the_others_stay(world: World) -> None:
    product = await world.create(images=["/mug.png"], stock=7)
    answer = await world.ask("PUT", f"/products/{product['id']}", {"price": "9.99", "name": "Big mug"}, role="admin")

    assert answer.status_code == 200
    changed = answer.json()["product"]
    assert changed == product | {
        "name": "Big mug",
        "price": 9.99,
        "priceMinor": 999,
        "updatedAt": rfc3339(world.clock.now()),
    }
    assert (await world.ask("GET", f"/products/{product['id']}")).json()["product"] == changed


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"colour": "blue"}, "colour"),
        ({"stock": 5}, "stock"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"price": 0}, "price"),
        ({"isActive": "yes"}, "isActive"),
    ],
)
async def test_what_is_wrong_with_a_change_is_named(world: World, change: dict[str, Any], field: str) -> None:
    product = await world.create()
    answer = await world.ask("PUT", f"/products/{product['id']}", change, role="admin")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_change_of_stock_says_where_it_is_done(world: World) -> None:
    product = await world.create()
    answer = await world.ask("PUT", f"/products/{product['id']}", {"stock": 5}, role="admin")
    assert "/inventory/adjust" in answer.json()["detail"]


async def test_a_change_must_change_something(world: World) -> None:
    product = await world.create()
    assert (await world.ask("PUT", f"/products/{product['id']}", {}, role="admin")).status_code == 422


async def test_the_same_values_again_write_nothing(world: World) -> None:
    product = await world.create()
    await world.outbox.settle()
    before = await world.store.products.get(product["id"])
    answer = await world.ask("PUT", f"/products/{product['id']}", {"name": "Mug", "price": "12.50"}, role="admin")
    assert answer.json()["product"] == product
    await world.outbox.settle()
    assert await world.store.products.get(product["id"]) == before


async def test_two_changes_at_once_both_count(world: World) -> None:
    product = await world.create()
    path = f"/products/{product['id']}"
    await asyncio.gather(
        world.ask("PUT", path, {"name": "Big mug"}, role="admin"),
        world.ask("PUT", path, {"category": "tea"}, role="admin"),
    )
    stored = (await world.ask("GET", path)).json()["product"]
    assert (stored["name"], stored["category"]) == ("Big mug", "tea")


async def test_a_withdrawn_product_is_off_sale_and_withdrawing_again_is_harmless(world: World) -> None:
    product = await world.create(stock=7)
    path = f"/products/{product['id']}"
    answers = [await world.ask("DELETE", path, role="admin") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["product"]["isActive"] is False
    assert answers[0].content == answers[1].content
    assert (await world.ask("GET", path)).status_code == 404
    assert await world.names() == []


async def test_a_withdrawn_product_can_be_put_back_on_sale(world: World) -> None:
    product = await world.create()
    path = f"/products/{product['id']}"
    await world.ask("DELETE", path, role="admin")
    assert (await world.ask("PUT", path, {"isActive": True}, role="admin")).status_code == 200
    assert (await world.ask("GET", path)).status_code == 200


async def test_each_change_has_an_entry_in_the_audit(world: World) -> None:
    product = await world.create()
    path = f"/products/{product['id']}"
    for body in ({"name": "Big mug"}, {"name": "Big mug"}, {"isActive": False}, {"isActive": True}):
        await world.ask("PUT", path, body, role="admin")
    stored = await world.store.products.get(product["id"])
    assert stored is not None
    assert [(entry.what, entry.from_state, entry.to_state, entry.who) for entry in stored.audit] == [
        ("created", "", "active", "usr_admin"),
        ("edited", "active", "active", "usr_admin"),
        ("withdrawn", "active", "inactive", "usr_admin"),
        ("put on sale", "inactive", "active", "usr_admin"),
    ]


@pytest.mark.parametrize("product_id", ["prd_0123456789abcdefghjkmnpqrs", "snapshot", "x", "%00", "🫖", "x" * 500])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_or_malformed_id_is_404(world: World, method: str, product_id: str) -> None:
    answer = await world.ask(method, f"/products/{product_id}", {"name": "Mug"}, role="admin")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
