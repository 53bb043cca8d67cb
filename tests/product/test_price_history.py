"""What products cost and have cost: on both stores, over crashes, through the API and files."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from kassa.contracts.inventory import Inventory
from kassa.kit.audit import Cause
from kassa.kit.clock import DAY, MINUTE, SECOND, rfc3339
from kassa.kit.problem import Invalid
from kassa.product import domain
from kassa.product.catalogue_csv import read, write
from kassa.product.effects import ProductEffects
from kassa.product.exchange import export_rows, import_sheet
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.storage.worlds import DATABASES

from .world import World, mug, stored_product


@pytest.fixture(params=DATABASES)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """An empty catalogue, on each store."""
    async with DATABASES[request.param](tmp_path) as database:
        world = await World.on(database)
        yield world
        await world.outbox.settle()


async def change(world: World, product: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The product with other fields, as the wire shows it."""
    answer = await world.ask("PUT", f"/products/{product['id']}", fields, role="admin")
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()["product"]
    return changed


async def listed(world: World, product_id: str, query: str = "") -> list[tuple[Any, ...]]:
    """The price history, as the wire shows it."""
    answer = await world.ask("GET", f"/products/{product_id}/prices{query}", role="admin")
    assert answer.status_code == 200, answer.text
    return [(each["price"], each["compareAtPrice"], each["at"], each["who"]) for each in answer.json()["prices"]]


async def test_every_price_is_in_the_history_with_who_set_it_and_when(world: World) -> None:
    made_at = rfc3339(world.clock.now())
    product = await world.create(price=20, stock=3)
    world.clock.advance(DAY)
    reduced_at = rfc3339(world.clock.now())
    await change(world, product, price=15, compareAtPrice=20)
    await change(world, product, name="Blue mug")
    await change(world, product, price=15, compareAtPrice=20)

    assert await listed(world, product["id"]) == [
        (15, 20, reduced_at, "usr_admin"),
        (20, None, made_at, "usr_admin"),
    ]
    [newest] = (await world.ask("GET", f"/products/{product['id']}/prices?limit=1", role="admin")).json()["prices"]
    assert (newest["priceMinor"], newest["compareAtPriceMinor"], newest["currency"]) == (1500, 2000, "usd")


async def test_a_long_history_is_gone_through_by_pages_and_reckoned_with_as_a_whole(world: World) -> None:
    """It is longer than what the product itself remembers, and than what is read of it at once."""
    product = await world.create(price=3)
    for price in range(100, 260):
        world.clock.advance(SECOND)
        await world.service.update(product["id"], {"price": Decimal(price)}, "usr_1")
    seen: list[Any] = []
    cursor = ""
    while True:
        path = f"/products/{product['id']}/prices?limit=60{cursor}"
        page = (await world.ask("GET", path, role="admin")).json()
        seen += [each["price"] for each in page["prices"]]
        assert page["pagination"]["total"] == 161
        if (following := page["pagination"]["nextCursor"]) is None:
            break
        cursor = f"&cursor={following}"
    assert seen == [*reversed(range(100, 260)), 3]
    stored = await world.store.products.get(product["id"])
    assert stored is not None
    assert min(each.price_minor for each in domain.entered(stored)) > 300
    assert (await change(world, product, price=150, compareAtPrice=170))["priorPrice"] == 3


async def test_the_history_is_for_who_sees_withdrawn_products(world: World) -> None:
    product = await world.create()
    await world.ask("DELETE", f"/products/{product['id']}", role="admin")
    path = f"/products/{product['id']}/prices"
    assert [(await world.ask("GET", path, role=role)).status_code for role in ("", "user", "admin")] == [401, 403, 200]
    for unknown in ("prd_0123456789abcdefghjkmnpqrs", "x", "%00"):
        assert (await world.ask("GET", f"/products/{unknown}/prices", role="admin")).status_code == 404
    assert (await world.ask("GET", f"{path}?limit=0", role="admin")).status_code == 422


async def test_a_reduction_is_answered_with_its_prior_price_until_it_ends(world: World) -> None:
    product = await world.create(price="20.00")
    world.clock.advance(10 * DAY)
    await change(world, product, price="18.00")
    world.clock.advance(10 * DAY)
    await change(world, product, price="19.00")
    world.clock.advance(10 * DAY)

    for price in ("15.00", "12.50"):
        reduced = await change(world, product, price=price, compareAtPrice="20.00")
        assert (reduced["compareAtPrice"], reduced["compareAtPriceMinor"]) == (20, 2000)
        assert (reduced["priorPrice"], reduced["priorPriceMinor"]) == (18, 1800)
        shown = (await world.ask("GET", f"/products/{product['id']}")).json()["product"]
        assert shown == reduced
        world.clock.advance(40 * DAY)

    ended = await change(world, product, price="20.00", compareAtPrice=None)
    assert {ended[name] for name in ended if name.startswith(("compareAt", "prior"))} == {None}


async def test_a_price_that_would_end_a_reduction_unsaid_is_refused(world: World) -> None:
    product = await world.create(price=15, compareAtPrice=20)
    path = f"/products/{product['id']}"
    for price in (20, 25):
        refused = await world.ask("PUT", path, {"price": price}, role="admin")
        [error] = refused.json()["errors"]
        assert (refused.status_code, error["field"]) == (422, "price")
        assert "another compareAtPrice" in error["message"]
        assert "null" in error["message"]
    assert (await world.ask("GET", path)).json()["product"] == product
    assert len(await listed(world, product["id"])) == 1


@pytest.mark.parametrize("compare_at", [0, -1, 12.5, 12, "20.001", "1000000", "NaN", "much", True])
async def test_what_is_wrong_with_a_price_to_compare_at_is_named(world: World, compare_at: Any) -> None:
    product = await world.create()
    for method, path, body in (
        ("POST", "/products", mug(compareAtPrice=compare_at)),
        ("PUT", f"/products/{product['id']}", {"compareAtPrice": compare_at}),
    ):
        answer = await world.ask(method, path, body, role="admin")
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["compareAtPrice"])
    assert await world.names() == ["Mug"]


@pytest.mark.parametrize(
    ("currency", "price", "compare_at", "too_fine"),
    [("jpy", "500", "650", "650.5"), ("usd", "5.25", "6.50", "6.505"), ("kwd", "1.250", "1.500", "1.505")],
)
async def test_the_decimals_are_those_of_the_currency(
    database: SqliteDatabase, currency: str, price: str, compare_at: str, too_fine: str
) -> None:
    world = await World.on(database, currency)
    product = await world.create(price=compare_at)
    world.clock.advance(DAY)
    reduced = await change(world, product, price=price, compareAtPrice=compare_at)
    for name in ("compareAtPrice", "priorPrice"):
        assert Decimal(str(reduced[name])) == Decimal(compare_at)
        assert reduced[f"{name}Minor"] == product["priceMinor"]
    body = {"compareAtPrice": too_fine}
    assert (await world.ask("PUT", f"/products/{product['id']}", body, role="admin")).status_code == 422


async def test_after_a_crash_between_product_and_history_both_are_whole(world: World) -> None:
    """What a process leaves that dies after it has stored the product; another one comes by."""
    good, _ = domain.checked({**mug(price=Decimal(20)), "images": []}, "usd")
    product_id = world.service.new_id()
    made_at = world.clock.now()
    left = await world.store.products.insert(domain.made(product_id, good, Cause("req_1", "usr_1"), made_at))
    assert await listed(world, product_id) == []

    world.clock.advance(DAY)
    reduced = await world.service.update(product_id, {"price": Decimal(15), "compare_at_price": Decimal(20)}, "usr_1")
    assert reduced.prior_minor == 2000  # What waits to be entered counts.
    effects = ProductEffects(cast(Inventory, world.shelf), world.store.prices)
    await effects.enter_price(left, left.effects[0])  # And dies again, before it is noted.
    await world.outbox.run_due()

    assert [price for price, *_ in await listed(world, product_id)] == [15, 20]
    assert await world.store.products.due(world.clock.now() + DAY, 10) == []


async def test_a_history_that_cannot_be_written_keeps_nobody_from_changing_a_price(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = await world.create(price=20)

    async def full(_: Any) -> Any:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(world.store.prices, "insert", full)
        assert (await change(world, product, price=15))["price"] == 15
    assert [price for price, *_ in await listed(world, product["id"])] == [20]
    world.clock.advance(MINUTE)
    await world.outbox.run_due()
    assert [price for price, *_ in await listed(world, product["id"])] == [15, 20]


async def test_a_first_stock_is_waited_for_and_a_price_is_not(world: World) -> None:
    world.shelf.is_down = True
    product = await world.create(stock=7)
    world.shelf.is_down = False
    await change(world, product, price=3)
    assert (await world.ask("GET", f"/products/{product['id']}")).json()["product"]["stock"] is None
    assert len(await listed(world, product["id"])) == 2


async def test_the_first_change_of_a_former_products_price_enters_both(world: World) -> None:
    former = await world.store.products.insert(stored_product(world.service.new_id(), "T-1"))
    assert await listed(world, former.id) == []
    await change(world, {"id": former.id}, price="0.50", compareAtPrice="1.00")
    assert await listed(world, former.id) == [
        (0.5, 1, rfc3339(world.clock.now()), "usr_admin"),
        (1, None, rfc3339(0), "product"),
    ]
    assert (await world.ask("GET", f"/products/{former.id}")).json()["product"]["priorPrice"] == 1


async def test_a_file_takes_prices_to_compare_at_out_and_in_and_away(world: World) -> None:
    product = await world.create(price=20)
    await world.create(name="Cup", price=8)
    world.clock.advance(DAY)
    head = "id,name,description,category,price,compareatprice \n"
    row = f"{product['id']},Mug,Holds tea,kitchen,"
    await import_sheet(world.service, read(f"{head}{row}15,20.00\n"), "operator")
    shown = (await world.ask("GET", f"/products/{product['id']}")).json()["product"]
    assert (shown["compareAtPrice"], shown["priorPrice"]) == (20, 20)

    exported = write([each async for each in export_rows(world.service)])
    assert "compareAtPrice" in exported.splitlines()[0].split(",")
    outcome = await import_sheet(world.service, read(exported), "operator")
    assert (outcome.updated, outcome.unchanged) == (0, 2)
    assert (await world.ask("GET", f"/products/{product['id']}")).json()["product"] == shown

    without = head.replace(",compareatprice ", "")
    assert (await import_sheet(world.service, read(f"{without}{row}14\n"), "operator")).updated == 1
    shown = (await world.ask("GET", f"/products/{product['id']}")).json()["product"]
    assert (shown["price"], shown["compareAtPrice"], shown["priorPrice"]) == (14, 20, 20)

    await import_sheet(world.service, read(f"{head}{row}20,\n"), "operator")
    shown = (await world.ask("GET", f"/products/{product['id']}")).json()["product"]
    assert (shown["price"], shown["compareAtPrice"]) == (20, None)


async def test_a_decimal_comma_is_understood_in_both_prices(world: World) -> None:
    sheet = read("name;description;category;price;COMPAREATPRICE\nMug;;kitchen;12,50;15,00\n")
    assert (sheet.rows[0].price, sheet.rows[0].compare_at_price) == (Decimal("12.50"), Decimal("15.00"))
    assert read("name;description;category;price;compareAtPrice\nMug;;x;1;1.234\n").faults[0].column == "compareAtPrice"


async def test_all_that_is_wrong_with_the_prices_of_a_file_is_told_at_once(world: World) -> None:
    product = await world.create(price=15, compareAtPrice=20)
    head = "id,name,description,category,price"
    rows = "\n,Cup,,kitchen,5,5\n,Pot,,kitchen,5,4.999\n,Pan,,kitchen,5,cheap\n"
    with pytest.raises(Invalid) as refused:
        await import_sheet(world.service, read(f"{head},compareAtPrice{rows}"), "operator")
    assert [error.field for error in refused.value.errors] == [f"row {row}, column compareAtPrice" for row in (2, 3, 4)]
    with pytest.raises(Invalid, match="an empty cell") as refused:
        await import_sheet(world.service, read(f"{head}\n{product['id']},Mug,,kitchen,25\n"), "operator")
    assert [error.field for error in refused.value.errors] == ["row 2, column price"]
    assert await world.names() == ["Mug"]
