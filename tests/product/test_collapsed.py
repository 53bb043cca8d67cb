"""Lists in which each family is once, against a plain reckoning over all that there is."""

import random
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kassa.product import listing
from tests.storage.worlds import DATABASES

from .family_world import COLOURS, SIZES, make_family, variant
from .world import World

Json = dict[str, Any]


@pytest.fixture(params=DATABASES)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """An empty catalogue, on each store."""
    async with DATABASES[request.param](tmp_path) as database:
        world = await World.on(database)
        yield world
        await world.outbox.settle()


async def listed(world: World, query: str) -> Json:
    answer = await world.ask("GET", f"/products?{query}")
    assert answer.status_code == 200, answer.text
    page: Json = answer.json()
    return page


async def filled(world: World, seed: int) -> list[Json]:
    """A catalogue of single products and families, made in any order, some withdrawn; what is on sale, newest first."""
    chance = random.Random(seed)
    families = [await make_family(world, name=f"Shirt {number}") for number in range(4)]
    wanted = [(family, colour, size) for family in families for colour in COLOURS for size in SIZES]
    made = []
    for _ in range(22):
        category, price = chance.choice(["Clothes", "Sale"]), str(Decimal(chance.randint(10, 99)))
        if chance.random() < 0.7:
            family, colour, size = wanted.pop(chance.randrange(len(wanted)))
            made.append(await variant(world, family, colour, size, category=category, price=price))
        else:
            made.append(await world.create(name=chance.choice(["Red hat", "Cup"]), category=category, price=price))
    for each in chance.sample(made, 5):
        await world.ask("DELETE", f"/products/{each['id']}", role="admin")
        made.remove(each)
    return sorted(made, key=lambda each: str(each["id"]), reverse=True)


def expected(products: list[Json], category: str, text: str) -> list[Json]:
    """Slowly and plainly: the first that matches of each family, with what all of the family cost."""
    entries: dict[str, Json] = {}
    for product in products:
        matches = category in ("", product["category"]) and text.lower() in product["name"].lower()
        if not matches:
            continue
        if product["family"] is None:
            entries[product["id"]] = product
            continue
        costs = [each["price"] for each in products if each["family"] == product["family"]]
        minors = [each["priceMinor"] for each in products if each["family"] == product["family"]]
        entries.setdefault(
            product["family"]["id"],
            product
            | {
                "priceRange": {
                    "min": min(costs),
                    "max": max(costs),
                    "minMinor": min(minors),
                    "maxMinor": max(minors),
                },
                "variants": len(costs),
            },
        )
    return list(entries.values())


@pytest.mark.parametrize("seed", range(4))
async def test_each_family_is_there_once_however_one_pages_and_filters(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_AT_ONCE", 3)
    products = await filled(world, seed)
    for category in ("", "Clothes", "Sale", "Tea"):
        for text in ("", "red", "shirt 1", ", M", "nothing"):
            wanted = expected(products, category, text)
            query = f"collapse=family&q={text}" + (f"&category={category}" if category else "")
            whole = await listed(world, f"{query}&limit=100")
            assert whole["products"] == wanted
            assert whole["pagination"]["total"] == len(wanted)
            by_skip = [await listed(world, f"{query}&limit=2&skip={skip}") for skip in range(0, len(wanted) + 1, 2)]
            assert [each for page in by_skip for each in page["products"]] == wanted
            assert await by_cursor(world, query) == wanted


async def by_cursor(world: World, query: str) -> list[Json]:
    found: list[Json] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await listed(world, f"{query}&limit=3" + (f"&cursor={cursor}" if cursor else ""))
        found += page["products"]
        cursor = page["pagination"]["nextCursor"]
    return found


async def test_what_is_no_variant_is_shown_as_ever(world: World) -> None:
    mug = await world.create()
    assert (await listed(world, "collapse=family"))["products"] == [mug]


@pytest.mark.parametrize(
    ("query", "field"),
    [("collapse=sku", "collapse"), ("collapse=", "collapse"), ("collapse=family&skip=1001", "skip")],
)
async def test_what_is_wrong_with_such_a_list_is_named(world: World, query: str, field: str) -> None:
    family = await make_family(world)
    await variant(world, family, "Red", "S")
    answer = await world.ask("GET", f"/products?{query}")
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, [field])


async def test_withdrawn_variants_are_collapsed_for_who_may_see_them(world: World) -> None:
    family = await make_family(world)
    red, blue = [await variant(world, family, colour, "S", price=price) for colour, price in (("Red", 9), ("Blue", 5))]
    await world.ask("DELETE", f"/products/{blue['id']}", role="admin")
    for query, id, variants, least in (
        ("", red["id"], 1, 9),
        ("&active=false", blue["id"], 1, 5),
        ("&includeInactive=true", blue["id"], 2, 5),
    ):
        answer = await world.ask("GET", f"/products?collapse=family{query}", role="admin")
        (entry,) = answer.json()["products"]
        assert (entry["id"], entry["variants"], entry["priceRange"]["min"]) == (id, variants, least)


async def test_where_there_are_no_families_as_much_may_be_skipped_as_ever(world: World) -> None:
    await world.create()
    assert (await listed(world, "collapse=family&skip=5000"))["pagination"]["total"] == 1
