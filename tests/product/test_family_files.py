"""Families in a file: they go out and come in as they were, and every fault is told."""

import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kassa.kit.problem import Invalid
from kassa.product.catalogue_csv import read, write
from kassa.product.exchange import Imported, export_rows, import_sheet
from kassa.storage.documents_sqlite import SqliteDatabase

from .family_world import COLOURS, SHIRT, SIZES, make_family, variant
from .world import World

HEAD = "sku,name,description,category,price,family,option1_name,option1_value,option2_name,option2_value\n"
SHIRTS = (
    HEAD
    + "S-RM,,Linen,Clothes,30,Shirt,Colour,Red,Size,M\n"
    + "S-BM,,Linen,Clothes,30,Shirt,Colour,Blue,Size,M\n"
    + "S-BL,Big blue,Linen,Clothes,35,Shirt,Size,L,Colour,Blue\n"
    + "C-1,Cup,,Kitchen,5,,,,,\n"
)


async def imported(world: World, content: str) -> Imported:
    return await import_sheet(world.service, read(content), "operator")


async def exported(world: World) -> str:
    return write([row async for row in export_rows(world.service)])


async def refused(world: World, *rows: str, head: str = HEAD) -> dict[str, str]:
    before = (await world.ask("GET", "/products")).content, (await world.ask("GET", "/families")).content
    with pytest.raises(Invalid, match="nothing was imported") as caught:
        await imported(world, head + "\n".join(rows))
    assert before == ((await world.ask("GET", "/products")).content, (await world.ask("GET", "/families")).content)
    return {error.field: error.message for error in caught.value.errors}


async def catalogue(world: World) -> dict[str, Any]:
    products = (await world.ask("GET", "/products?limit=100")).json()["products"]
    return {each["name"]: [value["value"] for value in each["optionValues"]] for each in products}


async def test_rows_of_one_family_become_its_variants(world: World) -> None:
    assert (await imported(world, SHIRTS)).created == 4
    (family,) = (await world.ask("GET", "/families")).json()["families"]
    assert (family["name"], family["options"]) == (
        "Shirt",
        [{"name": "Colour", "values": ["Red", "Blue"]}, {"name": "Size", "values": ["M", "L"]}],
    )
    assert await catalogue(world) == {
        "Shirt, Red, M": ["Red", "M"],
        "Shirt, Blue, M": ["Blue", "M"],
        "Big blue": ["Blue", "L"],
        "Cup": [],
    }


async def test_importing_it_again_changes_nothing_and_without_skus_neither(world: World) -> None:
    without = "\n".join(line.partition(",")[2] for line in SHIRTS.splitlines())
    for content in (without, without):
        outcome = await imported(world, content)
    assert (outcome.created, outcome.updated, outcome.unchanged) == (0, 0, 4)


async def test_an_export_comes_in_elsewhere_as_it_was_here(world: World, tmp_path_factory: Any) -> None:
    await imported(world, SHIRTS)
    text = await exported(world)
    assert (await imported(world, text)).unchanged == 4
    assert await exported(world) == text
    database = await SqliteDatabase.open(tmp_path_factory.mktemp("other") / "other.db")
    other = await World.on(database)
    await import_sheet(other.service, read(text), "operator")
    assert await exported(other) == text
    assert await catalogue(other) == await catalogue(world)
    await database.close()


async def test_a_file_gives_a_family_that_is_there_new_values_behind_its_own(world: World) -> None:
    await make_family(world)
    await imported(world, HEAD + "S-GS,,Linen,Clothes,30,Shirt,Colour,Green,Size,S\n")
    (family,) = (await world.ask("GET", "/families")).json()["families"]
    assert family["options"][0]["values"] == ["Red", "Blue", "Green"]
    assert family["options"][1] == SHIRT["options"][1]


async def test_an_empty_cell_takes_a_product_out_of_its_family_and_no_column_leaves_it(world: World) -> None:
    await imported(world, SHIRTS)
    await imported(world, "sku,name,description,category,price\nS-RM,Red shirt,Linen,Clothes,30\n")
    assert (await catalogue(world))["Red shirt"] == ["Red", "M"]
    await imported(world, HEAD + "S-RM,Red shirt,Linen,Clothes,30,,,,,\n")
    assert (await catalogue(world))["Red shirt"] == []


async def test_every_fault_of_families_is_told(world: World) -> None:
    found = await refused(
        world,
        "A,,,Clothes,1,Shirt,Colour,Red,Size,M",
        "B,,,Clothes,1,Shirt,Colour,Red,Size,M",
        "C,,,Clothes,1,Shirt,Colour,Red,Cut,Slim",
        "D,,,Clothes,1,Shirt,Colour,Red,,",
        "E,,,Clothes,1,Shirt,Colour,Red,Size,",
        "F,,,Clothes,1,Shirt,,,,",
        "G,Polo,,Clothes,1,,Colour,Red,,",
        "H,,,Clothes,1,Polo,Colour,red,Colour,Blue",
        "I,,,Clothes,1,Socks,Colour,red,,",
        "J,,,Clothes,1,Socks,Colour,Red,,",
        "K,,,Clothes,cheap,Hat,Colour,Red,,",
    )
    assert {place: message.split(";")[0] for place, message in found.items()} == {
        "row 3, column option1Value": "Red, M of Shirt is in row 2 already",
        "row 4, column option1Name": "must have the options Colour, Size, as row 2 has",
        "row 5, column option1Name": "must have the options Colour, Size, as row 2 has",
        "row 6, column option2Value": "is missing",
        "row 6, column option1Name": "must have the options Colour, Size, as row 2 has",
        "row 7, column option1Name": "is missing: a variant has a value of each option of its family",
        "row 8, column option1Name": "is of a family",
        "row 9, column option1Name": "is there twice in this row",
        "row 10, column family": "options: Colour has the value 'Red' twice",
        "row 12, column price": found["row 12, column price"].split(";")[0],
    }


async def test_a_row_that_is_a_variant_which_another_product_is_already_is_refused(world: World) -> None:
    family = await make_family(world)
    red = await variant(world, family, "Red", "M", sku="S-1")
    blue = await variant(world, family, "Blue", "M", sku="S-2")
    for row in ("S-2,Blue,,Clothes,1,Shirt,Colour,Red,Size,M", "S-3,New,,Clothes,1,Shirt,Colour,Red,Size,M"):
        assert f"is product {red['id']} already" in (await refused(world, row))["row 2, column family"]
    outcome = await imported(world, HEAD + "S-2,Blue,,Clothes,1,Shirt,Colour,Blue,Size,L\n")
    assert (outcome.updated, (await catalogue(world))["Blue"]) == (1, ["Blue", "L"])
    assert blue["id"] in await exported(world)


async def test_options_that_a_family_has_are_those_of_the_file(world: World) -> None:
    await make_family(world)
    found = await refused(world, "A,,,Clothes,1,Shirt,Color,Red,Size,M")
    assert found == {"row 2, column option1Name": "must have the options Colour, Size, as the family has"}


SHIRT_ROWS = st.lists(
    st.tuples(st.sampled_from(["Shirt", "Polo"]), st.sampled_from(COLOURS), st.sampled_from(SIZES)),
    unique=True,
    min_size=1,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=SHIRT_ROWS, swaps=st.randoms(use_true_random=False))
async def test_whatever_families_there_are_an_export_is_read_as_it_was_written(
    tmp_path_factory: Any, rows: list[tuple[str, str, str]], swaps: Any
) -> None:
    file = io.StringIO()
    writer = csv.writer(file)
    for family, colour, size in rows:
        options = [("Colour", colour), ("Size", size)]
        swaps.shuffle(options)
        writer.writerow(["", "", "Linen", "Clothes", "30", family, *(text for each in options for text in each)])
    database = await SqliteDatabase.open(tmp_path_factory.mktemp("shop") / "product.db")
    world = await World.on(database)
    assert (await imported(world, HEAD + file.getvalue())).created == len(rows)
    text = await exported(world)
    assert (await imported(world, text)).unchanged == len(rows)
    assert await exported(world) == text
    await database.close()
