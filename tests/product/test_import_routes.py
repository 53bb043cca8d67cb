"""A catalogue comes in from a file by the API: looked at first, then carried out, or refused with all that is wrong."""

from typing import Any

import pytest

from kassa.product import import_routes
from tests.product.world import World

HEAD = "sku,name,description,category,price,stock\n"
GOOD = f"{HEAD}MUG,Mug,Blue,Kitchen,12.50,7\nPOT,Teapot,Round,Kitchen,30.00,2\n"


async def sent(world: World, content: str, query: str = "?dryRun=true", status: int = 200) -> Any:
    answer = await world.ask("POST", f"/products/import{query}", content=content.encode(), role="admin")
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_what_would_be_done_is_told_and_not_done_and_then_done(world: World) -> None:
    told = await sent(world, GOOD)
    assert (told["isDone"], told["created"], told["changed"], told["kept"]) == (False, 2, 0, 0)
    assert [(each["row"], each["name"], each["what"]) for each in told["rows"]] == [
        (2, "Mug", "create"),
        (3, "Teapot", "create"),
    ]
    assert await world.store.products.count({}) == 0
    done = await sent(world, GOOD, "")
    assert (done["isDone"], done["created"]) == (True, 2)
    assert await world.store.products.count({}) == 2
    again = await sent(world, GOOD.replace("12.50", "13.00"))
    assert [each["what"] for each in again["rows"]] == ["change", "keep"]
    assert all(each["productId"] for each in again["rows"])
    same = await sent(world, GOOD, "")
    assert (same["created"], same["changed"], same["kept"]) == (0, 0, 2)


async def test_a_file_with_a_wrong_row_is_refused_whole_with_each_fault(world: World) -> None:
    bad = GOOD + "CUP,Cup,Small,Kitchen,cheap,1\n,,,,,\nBOX,,Box,Kitchen,1.00,x\n"
    for query in ("?dryRun=true", ""):
        refused = await sent(world, bad, query, 422)
        assert refused["code"] == "catalogue_refused"
        places = [each["field"] for each in refused["errors"]]
        assert {"row 4, column price", "row 6, column name", "row 6, column stock"} <= set(places)
    assert await world.store.products.count({}) == 0


@pytest.mark.parametrize("content", ["", "no,columns\n", "\0", "a" * (512 * 1024 + 1)])
async def test_what_is_no_such_file_is_refused(world: World, content: str) -> None:
    assert (await sent(world, content, status=422))["code"] == "catalogue_refused"


async def test_a_long_file_is_for_the_command_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_routes, "MOST_ROWS", 1)
    assert "kassa import" in (await sent(world, GOOD, status=422))["detail"]
    monkeypatch.setattr(import_routes, "MOST_ROWS", 2)
    monkeypatch.setattr(import_routes, "MOST_TOLD", 1)
    told = await sent(world, GOOD)
    assert (told["created"], len(told["rows"])) == (2, 1)


async def test_an_export_of_another_shop_is_known_and_says_what_it_leaves(world: World) -> None:
    header = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Variant SKU,Variant Price,Variant Inventory Qty\n"
    told = await sent(world, f"{header}mug,Mug,<p>Blue</p>,Us,Kitchen,,true,MUG,12.50,7\n")
    assert (told["source"], told["created"]) == ("Shopify", 1)


async def test_only_who_changes_products_imports_them(world: World) -> None:
    for role, status in (("user", 403), ("", 401)):
        answer = await world.ask("POST", "/products/import", content=GOOD.encode(), role=role)
        assert answer.status_code == status
