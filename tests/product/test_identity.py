"""By what a product and its category are found again: SKUs, spellings, versions."""

import asyncio

import pytest

from .world import World, mug

SAME_CATEGORY = ["Café", "Cafe\u0301", "\ufeffCafé", "Ca\u200bfé ", "Café\u00a0"]


async def test_categories_that_look_the_same_are_one(world: World) -> None:
    for number, spelling in enumerate(SAME_CATEGORY):
        await world.create(name=f"Mug {number}", category=spelling)
    assert (await world.ask("GET", "/products/categories")).json() == {
        "categories": [{"category": "Café", "products": len(SAME_CATEGORY)}]
    }
    for spelling in SAME_CATEGORY:
        assert len(await world.names(f"?category={spelling}")) == len(SAME_CATEGORY)
        assert len(await world.names(f"?q={spelling}")) == len(SAME_CATEGORY)


async def test_a_search_finds_a_description_however_it_is_spelled(world: World) -> None:
    for number, spelling in enumerate(SAME_CATEGORY):
        await world.create(name=f"Mug {number}", description=f"For the {spelling} in the morning")
    for spelling in SAME_CATEGORY:
        assert len(await world.names(f"?q={spelling}")) == len(SAME_CATEGORY)


async def test_every_category_on_sale_is_listed_however_many_products_there_are(world: World) -> None:
    await world.create(name="First", category="rare")
    gone = await world.create(name="Gone", category="gone")
    await world.ask("DELETE", f"/products/{gone['id']}", role="admin")
    for number in range(3):
        await world.create(name=f"Mug {number}", category="kitchen")
    assert (await world.ask("GET", "/products/categories")).json()["categories"] == [
        {"category": "kitchen", "products": 3},
        {"category": "rare", "products": 1},
    ]


async def test_a_sku_is_one_products_on_sale_or_not(world: World) -> None:
    first = await world.create(sku=" M-1 ")
    assert first["sku"] == "M-1"
    await world.ask("DELETE", f"/products/{first['id']}", role="admin")
    second = await world.create(name="Cup")
    for answer in (
        await world.ask("POST", "/products", mug(sku="M-1"), role="admin"),
        await world.ask("POST", "/products", mug(sku="Ｍ－１\u200b"), role="admin"),
        await world.ask("PUT", f"/products/{second['id']}", {"sku": "M-1"}, role="admin"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "sku_taken")
        assert answer.json()["productId"] == first["id"]
    assert (await world.ask("PUT", f"/products/{first['id']}", {"sku": None}, role="admin")).json()["product"][
        "sku"
    ] is None
    changed = await world.ask("PUT", f"/products/{second['id']}", {"sku": "M-1"}, role="admin")
    assert changed.json()["product"]["sku"] == "M-1"
    assert await world.names("?q=m-1") == ["Cup"]


async def test_of_many_who_take_one_sku_at_once_one_gets_it(world: World) -> None:
    asked = [world.ask("POST", "/products", mug(name=f"Mug {number}", sku="M-1"), role="admin") for number in range(8)]
    statuses = [answer.status_code for answer in await asyncio.gather(*asked)]
    assert sorted(statuses) == [201] + [409] * 7


async def test_a_repeated_request_with_a_sku_makes_one_product(world: World) -> None:
    answers = [await world.ask("POST", "/products", mug(sku="M-1"), role="admin", key="one") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("sku", ["", " ", "\u200b", "x" * 65, "a\nb", "\ufdfa" * 4, "e\u0301" * 100_000, 7])
async def test_a_sku_is_one_line_of_some_characters(world: World, sku: object) -> None:
    answer = await world.ask("POST", "/products", mug(sku=sku), role="admin")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "sku")


async def test_a_change_of_what_was_changed_meanwhile_is_refused(world: World) -> None:
    product = await world.create()
    path = f"/products/{product['id']}"
    read = {"expectedUpdatedAt": product["updatedAt"]}
    first = await world.ask("PUT", path, {"price": 13, **read}, role="admin")
    assert first.status_code == 200
    second = await world.ask("PUT", path, {"name": "Cup", "price": 12.5, **read}, role="admin")
    assert (second.status_code, second.json()["code"]) == (409, "product_changed")
    assert second.json()["updatedAt"] == first.json()["product"]["updatedAt"]
    now = (await world.ask("GET", path)).json()["product"]
    assert (now["name"], now["price"]) == ("Mug", 13)
    again = await world.ask("PUT", path, {"name": "Cup", "expectedUpdatedAt": now["updatedAt"]}, role="admin")
    assert again.status_code == 200
    assert (await world.ask("PUT", path, read, role="admin")).status_code == 422, "nothing to replace"


async def test_administrators_see_what_is_off_sale(world: World) -> None:
    kept, gone = await world.create(name="Kept"), await world.create(name="Gone")
    path = f"/products/{gone['id']}"
    await world.ask("DELETE", path, role="admin")
    assert await world.names("?active=false", role="admin") == ["Gone"]
    assert await world.names("?active=true", role="admin") == ["Kept"]
    assert await world.names("?includeInactive=true", role="admin") == ["Gone", "Kept"]
    assert (await world.ask("GET", f"{path}?includeInactive=true", role="admin")).json()["product"]["isActive"] is False
    for query in (f"{path}?includeInactive=true", "/products?active=false"):
        assert (await world.ask("GET", query)).status_code == 401
        assert (await world.ask("GET", query, role="user")).status_code == 403
    assert (await world.ask("GET", path, role="admin")).status_code == 404
    assert kept["isActive"]
