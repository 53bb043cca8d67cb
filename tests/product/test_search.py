"""A search finds what people mean, and the best first: the same on every store."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from kassa.kit.documents import Database
from kassa.product.domain import Product
from kassa.product.search import questions, text_of, words_of
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.storage.test_documents_sqlite import listening
from tests.storage.worlds import DATABASES

from .world import World, stored_product

GOODS = {
    "Cast-iron skillet": ("Pans", "Heavy, and it holds the heat. Wipe it with a towel."),
    "Chef's knife": ("Knives", "A blade for everything, of one piece of steel."),
    "Enamel mug": ("Cups", "For camping. Holds tea or soup."),
    "Cotton towel": ("Linen", "Dries dishes without lint."),
    "Teapot": ("Tea", "Pours without a drop beside the cup."),
    "Tea pot warmer": ("Tea", "Keeps it hot for hours."),
    "Café crème bowl": ("Cups", "From Brittany, with two handles."),
    "Bratpfanne": ("Pfannen", "Für Eier und Gemüse."),
    "Weingläser": ("Gläser", "Sechs Stück, mundgeblasen."),
    "T-shirt": ("Clothes", "Soft, and washed once already."),
    "Steamer": ("Pans", "Steams vegetables."),
    "茶壺": ("Tea", "陶器"),
}

FOUND: dict[str, list[str]] = {
    # What real tries did not find.
    "cast iron": ["Cast-iron skillet"],
    "chefs knife": ["Chef's knife"],
    "mugs": ["Enamel mug"],
    "towel cotton": ["Cotton towel"],
    "tea pot": ["Tea pot warmer", "Teapot"],
    # And the other way round.
    "teapot": ["Tea pot warmer", "Teapot"],
    "cast-iron": ["Cast-iron skillet"],
    "castiron skillets": ["Cast-iron skillet"],
    "chef\u2019s KNIFE": ["Chef's knife"],
    "tshirts": ["T-shirt"],
    "t shirt": ["T-shirt"],
    "skillet of cast iron": ["Cast-iron skillet"],
    # Accents, case, other languages.
    "CAFE CREME": ["Café crème bowl"],
    "crème": ["Café crème bowl"],
    "weinglas": ["Weingläser"],
    "pfanne": ["Bratpfanne"],
    "茶": ["茶壺"],
    # A slip in each word.
    "tepot": ["Teapot"],
    "teapto": ["Teapot"],
    "skilet": ["Cast-iron skillet"],
    "coton towl": ["Cotton towel"],
    "enammel mug": ["Enamel mug"],
    # What is not finished yet.
    "enam": ["Enamel mug"],
    "te": ["Tea pot warmer", "Teapot", "茶壺"],
    # The name before the category, and that before the description; nothing in the middle of words.
    "tea": ["Tea pot warmer", "Teapot", "茶壺", "Enamel mug"],
    "towel": ["Cotton towel", "Cast-iron skillet"],
    "cup": ["Café crème bowl", "Enamel mug", "Teapot"],
    # Nothing.
    "zebra": [],
    "mug zebra": [],
    "tea zzzzzzzz": [],
    "%": [],
    '"OR* NOT (': [],
}


@pytest.fixture(params=DATABASES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with DATABASES[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
async def world(database: Database) -> World:
    """A shop with some goods, on each store."""
    world = await World.on(database)
    for name, (category, description) in GOODS.items():
        await world.create(name=name, category=category, description=description)
    return world


async def test_a_search_finds_what_is_meant_the_best_first(world: World) -> None:
    assert {q: await world.names(f"?q={quote(q)}") for q in FOUND} == FOUND


async def test_one_pages_through_what_is_found_in_its_order(world: World) -> None:
    q = "tea"
    whole = await world.names(f"?q={q}")
    by_skip = [await world.names(f"?q={q}&limit=1&skip={skip}") for skip in range(len(whole) + 1)]
    assert by_skip == [[name] for name in whole] + [[]]
    for collapse in ("", "&collapse=family"):
        by_cursor, cursor = [], ""
        for _ in range(len(whole)):
            page = (await world.ask("GET", f"/products?q={q}&limit=1{collapse}{cursor}")).json()
            assert page["pagination"]["total"] == len(whole)
            by_cursor += [each["name"] for each in page["products"]]
            cursor = f"&cursor={page['pagination']['nextCursor']}"
        assert by_cursor == whole
        assert page["pagination"]["nextCursor"] is None


async def test_a_cursor_of_nothing_that_is_there_is_refused(world: World) -> None:
    answer = await world.ask("GET", f"/products?q=tea&cursor={b'prd_x'.hex()}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


async def test_what_a_former_release_stored_is_found(database: Database) -> None:
    world = await World.on(database)
    await world.store.products.insert(stored_product("prd_1", "M-1"))
    assert await world.names("?q=teas") == []
    world = await World.on(database)
    assert await world.names("?q=teas") == ["Tea\u200b"]


async def test_what_is_folded_is_not_written_again(database: Database) -> None:
    world = await World.on(database)
    made = await world.create()
    await world.outbox.settle()
    before = await world.store.products.get(made["id"])
    again = await World.on(database)
    assert await again.store.products.get(made["id"]) == before


async def test_no_search_looks_through_all_products(tmp_path: Path) -> None:
    async with DATABASES["sqlite"](tmp_path) as opened:
        assert isinstance(opened, SqliteDatabase)
        world = await World.on(opened)
        plans = listening(opened)
        for q in ("m", "mu", "mug", "mug tea", "tepot"):
            await world.names(f"?q={q}")
        assert len(plans) >= 10
        assert [plan for plan in plans if "products__text VIRTUAL TABLE INDEX" not in plan and "products" in plan] == []


def test_words_are_folded_in_one_way() -> None:
    assert words_of("Chef\u2019s  CRÈME-brûlée, Größe 10½ ŒUFS") == [
        "chefs",
        "creme",
        "brulee",
        "grosse",
        "101",
        "2",
        "oeufs",
    ]
    assert words_of("\u200b!") == []


def test_each_question_is_wider_than_the_one_before() -> None:
    for q in ("mug", "tea pot", "m", "10", "red cast iron"):
        best, begun, good, fair = questions(q)
        for name, (category, description) in GOODS.items():
            text = text_of(name, category, None, description)
            assert not best.passes(text) or begun.passes(text)
            assert not begun.passes(text) or good.passes(text)
            assert not good.passes(text) or fair.passes(text)


def test_what_a_product_is_found_by_has_its_limits() -> None:
    """The longest name and description there may be, and a search of the most words, are a matter of kilobytes."""
    text = text_of("donaudampfschifffahrt " * 9, "Boats", None, "unverwechselbar " * 300)
    assert len(text) < 8_000
    assert sum(len(group) for group in questions("teapots " * 25)[-1].groups) < 400


def test_the_product_keeps_what_it_is_found_by() -> None:
    assert "1mug" in text_of("Mugs", "", None, "").split()
    assert Product.__struct_fields__.count("search") == 1
