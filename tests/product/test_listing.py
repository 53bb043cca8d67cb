"""Lists of products, and what the order service sees of them."""

import time
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from kassa.contracts.product import Product, Snapshot
from kassa.gateway.description import described
from kassa.kit.clock import SECOND
from kassa.kit.patience import deadline
from kassa.product import showing
from kassa.product.catalogue_csv import Row, Sheet
from kassa.product.exchange import import_sheet
from kassa.product.routes import HANDLERS
from kassa.storage.documents_sqlite import SqliteDatabase

from .world import World


async def test_products_are_listed_newest_first_with_stock_from_one_call(world: World) -> None:
    for number in range(3):
        await world.create(name=f"Mug {number}", stock=number)
    world.shelf.calls.clear()

    answer = (await world.ask("GET", "/products")).json()

    assert [(product["name"], product["stock"]) for product in answer["products"]] == [
        ("Mug 2", 2),
        ("Mug 1", 1),
        ("Mug 0", 0),
    ]
    assert answer["pagination"] == {"total": 3, "limit": 20, "skip": 0, "nextCursor": None}
    assert world.shelf.calls == ["levels"]


async def test_an_empty_catalogue_is_an_empty_list(world: World) -> None:
    answer = (await world.ask("GET", "/products")).json()
    assert answer == {"products": [], "pagination": {"total": 0, "limit": 20, "skip": 0, "nextCursor": None}}
    assert world.shelf.calls == []


async def test_a_product_whose_stock_was_never_initialised_has_none(world: World) -> None:
    assert (await world.create())["stock"] == 0


async def test_without_the_inventory_the_stock_is_null(world: World) -> None:
    product = await world.create(stock=7)
    world.shelf.is_down = True
    [listed] = (await world.ask("GET", "/products")).json()["products"]
    assert listed["stock"] is None
    assert (await world.ask("GET", f"/products/{product['id']}")).json()["product"]["stock"] is None


async def test_who_looks_around_waits_two_seconds_at_most_for_the_stock(world: World) -> None:
    await world.create()
    for before in (None, time.monotonic() + 60):
        deadline.set(before)
        begun = time.monotonic()
        await world.service.stocks(await world.service.products.find({}, limit=1))
        until = world.shelf.waited_for_until
        assert until is not None
        assert begun < until <= time.monotonic() + 2
        assert deadline.get() == before


async def test_cursors_lead_through_all_products_once(world: World) -> None:
    for number in range(7):
        await world.create(name=f"Mug {number}")
    seen: list[str] = []
    cursor = ""
    while True:
        answer = (await world.ask("GET", f"/products?limit=3{cursor}")).json()
        seen += [product["name"] for product in answer["products"]]
        assert answer["pagination"]["total"] == 7
        if answer["pagination"]["nextCursor"] is None:
            break
        cursor = f"&cursor={answer['pagination']['nextCursor']}"
    assert seen == [f"Mug {number}" for number in reversed(range(7))]


async def test_skip_leaves_out_the_first_ones(world: World) -> None:
    for number in range(5):
        await world.create(name=f"Mug {number}")
    answer = (await world.ask("GET", "/products?limit=2&skip=2")).json()
    assert [product["name"] for product in answer["products"]] == ["Mug 2", "Mug 1"]
    assert (answer["pagination"]["total"], answer["pagination"]["skip"]) == (5, 2)
    assert (await world.ask("GET", "/products?skip=9")).json()["pagination"]["total"] == 5


async def test_a_category_and_a_text_narrow_the_list(world: World) -> None:
    await world.create(name="Red mug", category="kitchen", description="Holds TEA")
    await world.create(name="Teapot", category="kitchen", description="Pours")
    await world.create(name="Tea towel", category="linen", description="Dries")
    await world.create(name="Spoon", category="kitchen", description="Stirs")

    assert await world.names("?category=kitchen") == ["Spoon", "Teapot", "Red mug"]
    assert await world.names("?q=tEa") == ["Tea towel", "Teapot", "Red mug"]
    assert await world.names("?category=kitchen&q=tea") == ["Teapot", "Red mug"]
    assert await world.names("?q=linen") == ["Tea towel"]
    assert await world.names("?q=%25") == []
    assert await world.names("?category=Kitchen") == []


async def test_a_search_finds_the_new_name_and_not_the_old_one(world: World) -> None:
    product = await world.create(name="Mug")
    await world.ask("PUT", f"/products/{product['id']}", {"name": "Beaker"}, role="admin")
    assert await world.names("?q=beaker") == ["Beaker"]
    assert await world.names("?q=mug") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("skip=-1", "skip"),
        ("cursor=%21", "cursor"),
        (f"q={'x' * 201}", "q"),
    ],
)
async def test_what_is_wrong_with_a_query_is_named(world: World, query: str, field: str) -> None:
    answer = await world.ask("GET", f"/products?{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_withdrawn_products_are_listed_for_administrators_who_ask(world: World) -> None:
    await world.create(name="Mug")
    gone = await world.create(name="Plate")
    await world.ask("DELETE", f"/products/{gone['id']}", role="admin")

    assert await world.names("?includeInactive=true", role="admin") == ["Plate", "Mug"]
    assert await world.names(role="admin") == ["Mug"]
    assert await world.names("?includeInactive=false") == ["Mug"]
    assert (await world.ask("GET", "/products?includeInactive=true", role="user")).status_code == 403
    assert (await world.ask("GET", "/products?includeInactive=true")).status_code == 401


async def test_the_order_service_sees_what_is_on_sale(world: World) -> None:
    mug = await world.create(name="Mug", price="12.50")
    gone = await world.create(name="Plate")
    await world.ask("DELETE", f"/products/{gone['id']}", role="admin")

    catalogue: Product = world.service
    found = await catalogue.snapshot([mug["id"], gone["id"], "prd_unknown", ""])

    assert found == [Snapshot(mug["id"], "Mug", 1250, "usd", "kitchen")]
    assert await world.service.snapshot([]) == []


async def test_the_api_document_says_what_is_taken_and_answered(world: World) -> None:
    document = described(HANDLERS)
    operations = {(method, path) for path, item in document["paths"].items() for method in item}
    assert operations >= {
        ("get", "/products"),
        ("post", "/products"),
        ("get", "/products/categories"),
        ("get", "/products/{product_id}"),
        ("get", "/products/{product_id}/prices"),
        ("put", "/products/{product_id}"),
        ("delete", "/products/{product_id}"),
        ("get", "/families"),
        ("post", "/families"),
        ("get", "/families/{family_id}"),
        ("put", "/families/{family_id}"),
    }
    taken = document["components"]["schemas"]["NewProduct"]
    said = {"name", "description", "category", "images", "price", "compareAtPrice", "stock", "sku"}
    assert set(taken["properties"]) == said | {
        "gtin",
        "weightGrams",
        "taxClass",
        "withdrawalExcluded",
        "isDigital",
        "familyId",
        "optionValues",
    }


async def test_a_text_that_looks_like_the_stock_is_shown_as_it_is(world: World) -> None:
    product = await world.create(name='"stock":null', description='{"stock":null}', stock=7)
    assert (product["name"], product["description"], product["stock"]) == ('"stock":null', '{"stock":null}', 7)


async def test_products_of_two_shops_with_the_same_id_are_not_mixed_up(tmp_path: Path) -> None:
    row = Row(id="prd_0123456789abcdefghjkmnpqrs", name="Mug", description="", category="tea", price=Decimal(4))
    for number, name in enumerate(("Mug", "Cup")):
        database = await SqliteDatabase.open(tmp_path / f"{number}.db")
        world = await World.on(database)
        await import_sheet(world.service, Sheet([msgspec.structs.replace(row, name=name)]), "operator")
        assert await world.names() == [name]
        await database.close()


async def test_more_products_than_are_remembered_are_shown_right(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kassa.product.showing.REMEMBERED", 2)
    for number in range(5):
        await world.create(name=f"Mug {number}")
    for _ in range(2):
        assert await world.names() == [f"Mug {number}" for number in reversed(range(5))]
    assert len(showing._encoded) <= 2


async def test_the_total_follows_other_processes_within_a_second(world: World, database: SqliteDatabase) -> None:
    await world.create()
    other = await World.on(database)
    totals = []
    for _ in range(2):
        await other.create()
        world.clock.advance(SECOND)
        totals.append((await world.ask("GET", "/products?limit=1")).json()["pagination"]["total"])
    assert totals == [2, 3]


async def test_the_total_follows_own_changes_at_once(world: World) -> None:
    product = await world.create()
    totals = []
    for method in ("PUT", "DELETE"):
        totals.append((await world.ask("GET", "/products?limit=1")).json()["pagination"]["total"])
        await world.ask(method, f"/products/{product['id']}", {"name": "Cup"}, role="admin")
    totals.append((await world.ask("GET", "/products?limit=1")).json()["pagination"]["total"])
    assert totals == [1, 1, 0]
