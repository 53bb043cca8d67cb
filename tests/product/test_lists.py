"""Lists that are sorted and narrowed, and what they can be narrowed by, against a plain reckoning; on each store."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from kassa.product import listing
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.storage.test_documents_sqlite import listening
from tests.storage.worlds import DATABASES

from .family_world import COLOURS, SIZES, make_family, variant
from .test_collapsed import by_cursor, listed
from .world import World

Json = dict[str, Any]
CATEGORIES = ("Kitchen", "Kitchen / Pots", "Kitchen / Pots / Lids", "Kitchenware", "Linen > Towels")


@pytest.fixture(params=DATABASES)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """An empty catalogue, on each store."""
    async with DATABASES[request.param](tmp_path) as database:
        yield await World.on(database)


async def filled(world: World) -> list[Json]:
    """Single products and variants of two families, with prices in common, some sold out; the newest first."""
    chance = random.Random(5)
    shirts, hats = [await make_family(world, name=name) for name in ("Shirt", "Hat")]
    wanted = [(family, colour, size) for family in (shirts, hats) for colour in COLOURS for size in SIZES]
    made = []
    for number in range(16):
        fields = {"category": chance.choice(CATEGORIES), "price": chance.choice(["5", "7.50", "12"])}
        if chance.random() < 0.6:
            family, colour, size = wanted.pop(chance.randrange(len(wanted)))
            made.append(await variant(world, family, colour, size, **fields))
        else:
            made.append(await world.create(name=chance.choice(["zinc cup", "Äpfel", "apple"]) + f" {number}", **fields))
        world.shelf.stock[made[-1]["id"]] = made[-1]["stock"] = chance.choice([0, 3])
    return made[::-1]


def in_order(products: list[Json], sort: str) -> list[Json]:
    match sort:
        case "price":
            return sorted(products, key=lambda each: (each["priceMinor"], each["id"]))
        case "-price":
            return sorted(products, key=lambda each: (each["priceMinor"], each["id"]), reverse=True)
        case "name":
            return sorted(
                products, key=lambda each: (each["name"].lower().replace("ä", "a").replace(",", ""), each["id"])
            )
        case _:
            return products


def first_of_each(products: list[Json]) -> list[str]:
    found: dict[str, str] = {}
    for each in products:
        found.setdefault(each["family"]["id"] if each["family"] else each["id"], each["id"])
    return list(found.values())


def is_chosen(product: Json, choice: str) -> bool:
    options = {each["name"]: each["value"] for each in product["optionValues"]}
    match choice.partition("="):
        case ("within", _, within):
            return bool(
                product["category"] == within or product["category"].startswith((f"{within} / ", f"{within} > "))
            )
        case ("minPrice", _, price):
            return bool(product["priceMinor"] >= float(price) * 100)
        case ("maxPrice", _, price):
            return bool(product["priceMinor"] <= float(price) * 100)
        case ("maxStock", _, count):
            return bool(product["stock"] <= int(count))
        case ("option", _, option):
            name, _, value = option.partition(":")
            return options.get(name) == value
        case _:
            return choice == "inStock=false" or product["stock"] > 0


CHOICES: tuple[list[str], ...] = (
    [],
    ["within=Kitchen"],
    ["within=Kitchen / Pots", "inStock=true"],
    ["within=Nowhere"],
    ["minPrice=7.5"],
    ["minPrice=5.01", "maxPrice=7.50", "inStock=false"],
    ["option=Colour:Red"],
    ["option=Colour:Red", "option=Size:M", "maxPrice=12"],
    ["option=Colour:None"],
    ["inStock=true"],
    ["maxStock=0"],
    ["inStock=true", "maxStock=3", "within=Kitchen"],
)


async def test_lists_are_sorted_and_narrowed_however_one_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_AT_ONCE", 3)
    products = await filled(world)
    for choice in CHOICES:
        fitting = [each for each in products if all(is_chosen(each, one) for one in choice)]
        for sort in ("newest", "price", "-price", "name"):
            wanted = in_order(fitting, sort)
            query = "&".join(
                f"{each.partition('=')[0]}={quote(each.partition('=')[2])}" for each in [f"sort={sort}", *choice]
            )
            assert [each["id"] for each in await by_cursor(world, query)] == [each["id"] for each in wanted], query
            once = first_of_each(wanted)
            assert [each["id"] for each in await by_cursor(world, f"{query}&collapse=family")] == once, query
            behind = await listed(world, f"{query}&collapse=family&limit=2&skip=1")
            assert [each["id"] for each in behind["products"]] == once[1:3]
            if not any("tock=" in each for each in choice if each != "inStock=false"):
                assert behind["pagination"]["total"] == len(once)


async def test_what_is_found_can_be_sorted_and_narrowed(world: World) -> None:
    products = await filled(world)
    shirts = [each for each in products if "Shirt" in each["name"]]
    assert [each["id"] for each in await by_cursor(world, "q=shirts&sort=price")] == [
        each["id"] for each in in_order(shirts, "price")
    ]
    red = [each["id"] for each in shirts if is_chosen(each, "option=Colour:Red")]
    assert [each["id"] for each in await by_cursor(world, "q=shirts&option=Colour:Red")] == red
    assert await world.names("?q=zebra&option=Colour:Red") == []


async def test_each_facet_counts_entries_as_if_nothing_of_it_was_chosen(world: World) -> None:
    products = await filled(world)
    for choice in (["within=Kitchen"], ["option=Colour:Red"], ["option=Colour:Red", "option=Size:M"], ["minPrice=7"]):
        query = "&".join(f"{each.partition('=')[0]}={quote(each.partition('=')[2])}" for each in choice)
        told = (await world.ask("GET", f"/products/facets?{query}")).json()
        elsewhere = [one for one in choice if not one.startswith("within")]
        counted: dict[str, set[str]] = {}
        for each in products:
            if all(is_chosen(each, one) for one in elsewhere):
                counted.setdefault(each["category"], set()).add((each["family"] or each)["id"])
        assert {each["category"]: each["products"] for each in told["categories"]} == {
            name: len(ids) for name, ids in counted.items()
        }
        for option in told["options"]:
            others = [one for one in choice if not one.startswith(f"option={option['name']}")]
            fitting = [each for each in products if all(is_chosen(each, one) for one in others)]
            for value in option["values"]:
                has = [each for each in fitting if is_chosen(each, f"option={option['name']}:{value['value']}")]
                assert value["products"] == len({each["family"]["id"] for each in has}) > 0


async def test_of_too_many_variants_no_options_are_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kassa.product.facets.MOST_COUNTED", 2)
    shirts = await make_family(world, name="Shirt")
    for size in SIZES[:3]:
        await variant(world, shirts, COLOURS[0], size, category="Clothes")
    told = (await world.ask("GET", "/products/facets")).json()
    assert told == {"categories": [{"category": "Clothes", "products": 3}], "options": []}


async def test_what_may_be_meant_is_offered_in_few_words(world: World) -> None:
    shirts = await make_family(world, name="Shirt")
    for size, price in zip(SIZES, ("9", "12"), strict=False):
        made = await variant(world, shirts, COLOURS[0], size, category="Clothes", price=price)
    await world.create(name="Shirt press", images=["/press.png"])
    told = (await world.ask("GET", "/products/suggest?q=shi")).json()["suggestions"]
    assert [(each["name"], each["priceMinor"], each["isFrom"]) for each in told] == [
        ("Shirt press", 1250, False),
        ("Shirt", 900, True),
    ]
    assert (told[0]["image"], told[1]["id"]) == ("/press.png", made["id"])
    assert (await world.ask("GET", "/products/suggest?q=shi&limit=1")).json()["suggestions"] == told[:1]
    for nothing in ("", "?q=", "?q=%20", "?q=zebra"):
        assert (await world.ask("GET", f"/products/suggest{nothing}")).json() == {"suggestions": []}


async def test_while_the_stock_is_not_known_nothing_is_left_out(world: World) -> None:
    await world.create(name="Mug", stock=0)
    assert await world.names("?inStock=true") == []
    world.shelf.is_down = True
    assert await world.names("?inStock=true") == ["Mug"]
    assert await world.names("?maxStock=5") == []


async def test_a_page_passes_over_so_much_and_the_next_one_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_AT_ONCE", 1)
    monkeypatch.setattr(listing, "MOST_SOLD_OUT", 3)
    for number in range(8):
        await world.create(name=f"Mug {number}", stock=3 if number == 0 else 0)
    first = await listed(world, "inStock=true&limit=1")
    assert first["products"] == []
    assert [each["name"] for each in await by_cursor(world, "inStock=true")] == ["Mug 0"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sort=best", "sort"),
        ("minPrice=x", "minPrice"),
        ("minPrice=1e3", "minPrice"),
        (f"within={'x' * 101}", "within"),
        ("maxPrice=-1", "maxPrice"),
        ("maxPrice=NaN", "maxPrice"),
        (f"maxPrice={'9' * 21}", "maxPrice"),
        ("option=Size", "option"),
        ("option=:M", "option"),
        (f"option=Size:{'M' * 151}", "option"),
        ("option=A:1&option=B:1&option=C:1&option=D:1", "option"),
        ("inStock=true&skip=1001", "skip"),
        ("maxStock=-1", "maxStock"),
        ("sort=price&cursor=7070", "cursor"),
    ],
)
async def test_what_is_wrong_with_a_query_is_named(tmp_path: Path, query: str, field: str) -> None:
    async with DATABASES["sqlite"](tmp_path) as database:
        answer = await (await World.on(database)).ask("GET", f"/products?{query}")
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_sorted_page_is_read_in_the_order_of_an_index(tmp_path: Path) -> None:
    async with DATABASES["sqlite"](tmp_path) as database:
        assert isinstance(database, SqliteDatabase)
        world = await World.on(database)
        mug = await world.create()
        plans = listening(database)
        cursor = str(mug["id"]).encode().hex()
        for sort, index in (("price", "by_price"), ("-price", "by_price"), ("name", "by_name")):
            plans.clear()
            await world.names(f"?sort={sort}&cursor={cursor}")
            (page,) = [plan for plan in plans if f"products__{index}" in plan]
            assert "SEARCH" in page
            assert "TEMP B-TREE" not in page
            assert not page.startswith("beside: ")
