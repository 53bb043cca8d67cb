"""What administrators and buyers see of the stock."""

from typing import Any

import pytest

from kassa.contracts.inventory import Line
from kassa.kit.clock import DAY, day_of, rfc3339
from tests.inventory.world import ADMIN, LOW, USER, World


async def test_an_administrator_begins_to_track_a_product(world: World) -> None:
    product_id = world.product()
    answer = await world.post("/inventory/init", {"productId": product_id, "quantity": 7})
    assert answer.status_code == 201
    assert answer.json() == {"productId": product_id, "stock": 7, "reserved": 0, "sold": 0, "received": 7}


async def test_a_second_init_of_a_product_is_a_conflict(world: World) -> None:
    product_id = await world.stocked(7)
    answer = await world.post("/inventory/init", {"productId": product_id, "quantity": 9})
    assert (answer.status_code, answer.json()["code"]) == (409, "stock_exists")
    assert (await world.service.level(product_id)).available == 7


async def test_stock_is_adjusted_up_and_down(world: World) -> None:
    product_id = await world.stocked(7)
    up = await world.post("/inventory/adjust", {"productId": product_id, "change": 5, "reason": "delivery"})
    down = await world.post("/inventory/adjust", {"productId": product_id, "change": -12})
    assert (up.status_code, up.json()["stock"]) == (200, 12)
    assert (down.status_code, down.json()["stock"]) == (200, 0)


async def test_stock_is_never_adjusted_below_zero(world: World) -> None:
    product_id = await world.stocked(7)
    await world.service.reserve("ord_1.1", [Line(product_id, 3)])
    answer = await world.post("/inventory/adjust", {"productId": product_id, "change": -5})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["productId"]) == ("insufficient_stock", product_id)
    assert (problem["asked"], problem["available"]) == (5, 4)


async def test_what_was_never_initialised_cannot_be_adjusted(world: World) -> None:
    for product_id in (world.product(), "prd_nonsense", ""):
        answer = await world.post("/inventory/adjust", {"productId": product_id, "change": 1})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_stock")


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        ("init", {"quantity": -1}, "quantity"),
        ("init", {"quantity": 1_000_000_001}, "quantity"),
        ("init", {"quantity": 1.5}, "quantity"),
        ("init", {"quantity": "5"}, "quantity"),
        ("init", {"quantity": None}, "quantity"),
        ("init", {"colour": "red"}, "colour"),
        ("init", {"productId": 7}, "productId"),
        ("adjust", {"change": 0}, "change"),
        ("adjust", {"change": 1_000_000_001}, "change"),
        ("adjust", {"change": -1_000_000_001}, "change"),
        ("adjust", {"change": 10**30}, "change"),
        ("adjust", {"change": True}, "change"),
        ("adjust", {"reason": "r" * 201}, "reason"),
        ("adjust", {"reason": 5}, "reason"),
    ],
)
async def test_what_is_wrong_is_named(world: World, path: str, change: dict[str, Any], field: str) -> None:
    product_id = await world.stocked(7)
    good = {"init": {"productId": product_id, "quantity": 1}, "adjust": {"productId": product_id, "change": 1}}
    answer = await world.post(f"/inventory/{path}", good[path] | change)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await world.service.level(product_id)).available == 7


@pytest.mark.parametrize("path", ["init", "adjust"])
@pytest.mark.parametrize("body", [b"", b"{", b"productId=1", b"\xff"])
async def test_a_body_that_is_no_json_is_refused(world: World, path: str, body: bytes) -> None:
    assert (await world.post(f"/inventory/{path}", body)).status_code == 400


@pytest.mark.parametrize("product_id", ["", "prd_1", "../../etc", "prd_" + "0" * 27])
async def test_a_product_that_cannot_be_is_not_initialised(world: World, product_id: str) -> None:
    answer = await world.post("/inventory/init", {"productId": product_id, "quantity": 1})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "/inventory/init"),
        ("POST", "/inventory/adjust"),
        ("GET", "/inventory/admin/analytics/inventory"),
        ("GET", "/inventory/admin/analytics/inventory/movements"),
    ],
)
async def test_only_administrators_may(world: World, verb: str, path: str) -> None:
    assert (await world.send(verb, path, {})).status_code == 401
    assert (await world.send(verb, path, {}, USER)).status_code == 403


async def test_anybody_may_see_what_can_still_be_bought(world: World) -> None:
    product_id = await world.stocked(7)
    await world.service.reserve("ord_1.1", [Line(product_id, 3)])
    answer = await world.get(f"/inventory/{product_id}")
    assert (answer.status_code, answer.json()) == (200, {"productId": product_id, "stock": 4})


@pytest.mark.parametrize("name", ["prd_1", "levels", "init", "%00", "%2e%2e", "prd_" + "0" * 26, "é"])
async def test_stock_that_is_not_there_is_not_found(world: World, name: str) -> None:
    answer = await world.get(f"/inventory/{name}")
    expected = 405 if name == "init" else 404
    assert (answer.status_code, answer.headers["content-type"]) == (expected, "application/problem+json")


async def test_a_repeated_adjustment_is_made_once(world: World) -> None:
    product_id = await world.stocked(7)
    body = {"productId": product_id, "change": 5}
    first = await world.post("/inventory/adjust", body, key="k")
    await world.post("/inventory/adjust", body)
    again = await world.post("/inventory/adjust", body, key="k")
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert (await world.service.level(product_id)).available == 17
    other = await world.post("/inventory/adjust", body | {"change": 6}, key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_repeated_init_is_answered_as_the_first(world: World) -> None:
    body = {"productId": world.product(), "quantity": 5}
    first = await world.post("/inventory/init", body, key="k")
    again = await world.post("/inventory/init", body, key="k")
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert (await world.post("/inventory/init", body, key="l")).status_code == 409


async def test_the_stock_in_numbers(world: World) -> None:
    ids = [await world.stocked(quantity) for quantity in (0, LOW, LOW + 1, 100)]
    await world.service.reserve("ord_1.1", [Line(ids[3], 3)])
    await world.post("/inventory/adjust", {"productId": ids[3], "change": -7, "reason": "broken"})
    answer = await world.get("/inventory/admin/analytics/inventory", ADMIN)
    numbers = answer.json()
    changes = numbers.pop("recentChanges")
    assert numbers == {
        "totalProductsTracked": 4,
        "lowStock": 1,
        "outOfStock": 1,
        "averageStockLevel": 27.75,
        "totalStock": 111,
        "lowStockThreshold": LOW,
    }
    at, who = rfc3339(world.clock.now()), changes[0]["who"]
    assert who.startswith("usr_")
    assert changes[0] == {
        "productId": ids[3], "kind": "adjust", "quantity": -7, "change": -7, "reason": "broken", "who": who, "at": at,
    }  # fmt: skip
    assert (changes[1]["kind"], changes[1]["quantity"], changes[1]["change"]) == ("reserve", 3, -3)


async def test_an_empty_inventory_has_numbers_too(world: World) -> None:
    numbers = (await world.get("/inventory/admin/analytics/inventory", ADMIN)).json()
    assert (numbers["totalProductsTracked"], numbers["averageStockLevel"], numbers["recentChanges"]) == (0, 0, [])


async def test_movements_by_day_kind_and_reason(world: World) -> None:
    product_id = await world.stocked(10)
    first_day = day_of(world.clock.now())
    world.clock.advance(DAY)
    for change in (-1, -2):
        await world.service.adjust(product_id, change, "broken", world.service.new_operation_id(), "usr_admin")
    second_day = day_of(world.clock.now())
    path = "/inventory/admin/analytics/inventory/movements"
    both = (await world.get(path, ADMIN)).json()
    today = (await world.get(f"{path}?days=1", ADMIN)).json()
    broken = {"date": second_day, "kind": "adjust", "reason": "broken", "count": 2, "quantity": -3}
    assert both == {
        "days": 30,
        "movements": [
            {"date": first_day, "kind": "init", "reason": "first stock", "count": 1, "quantity": 10},
            broken,
        ],
    }
    assert today == {"days": 1, "movements": [broken]}


@pytest.mark.parametrize("days", ["0", "366", "-1", "many", "1.5", ""])
async def test_the_span_of_movements_is_bounded(world: World, days: str) -> None:
    answer = await world.get(f"/inventory/admin/analytics/inventory/movements?days={days}", ADMIN)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"][0]["field"] == "days"
