"""What a product is as goods: GTIN, weight, tax class, whether anything is sent."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.contracts.product import Snapshot
from kassa.kit.problem import Invalid
from kassa.kit.wire import encode
from kassa.product.catalogue_csv import Row, Sheet, read, write
from kassa.product.domain import Product
from kassa.product.exchange import export_rows, import_sheet
from kassa.product.goods import gtin_of

from .world import World, stored_product

GOODS = {"gtin": "4006381333931", "weightGrams": 350, "taxClass": "reduced", "isDigital": True}
PRINTED = ["96385074", "036000291452", "4006381333931", "10614141000415"]
"""A GTIN of each length, as they stand on goods: EAN-8, UPC-A, EAN-13, and the carton of a twelve-digit one."""


@pytest.mark.parametrize("gtin", PRINTED)
def test_gtins_of_all_four_lengths_are_taken(gtin: str) -> None:
    assert gtin_of(gtin) == gtin


@given(st.sampled_from(PRINTED), st.integers(0, 13), st.integers(1, 9))
def test_one_mistyped_digit_is_noticed(gtin: str, at: int, by: int) -> None:
    at %= len(gtin)
    mistyped = gtin[:at] + str((int(gtin[at]) + by) % 10) + gtin[at + 1 :]
    with pytest.raises(ValueError, match="mistyped"):
        gtin_of(mistyped)


async def test_what_a_product_is_as_goods_is_kept_and_answered(world: World) -> None:
    product = await world.create(**GOODS)
    assert {name: product[name] for name in GOODS} == GOODS
    path = f"/products/{product['id']}"
    changed = {"gtin": None, "weightGrams": None, "taxClass": "standard", "isDigital": False}
    await world.ask("PUT", path, changed, role="admin")
    stored = (await world.ask("GET", path)).json()["product"]
    assert {name: stored[name] for name in GOODS} == changed


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("gtin", "", "must have 8, 12, 13 or 14 digits"),
        ("gtin", "12345678901", "must have 8, 12, 13 or 14 digits"),
        ("gtin", "40063813339 1", "must have 8, 12, 13 or 14 digits"),
        ("gtin", "４００６３８１３３３９３１", "must have 8, 12, 13 or 14 digits"),
        ("gtin", "4006381333932", "its last digit must be 1"),
        ("gtin", 4006381333931, "str"),
        ("weightGrams", -1, "must be from 0 to 100000000"),
        ("weightGrams", 100_000_001, "must be from 0 to 100000000"),
        ("weightGrams", 0.5, "int"),
        ("taxClass", "", "must be 1 to 40 lower-case letters"),
        ("taxClass", "Reduced", "must be 1 to 40 lower-case letters"),
        ("taxClass", "reduced-", "must be 1 to 40 lower-case letters"),
        ("taxClass", "x" * 41, "must be 1 to 40 lower-case letters"),
        ("taxClass", "a\n", "must be 1 to 40 lower-case letters"),
        ("taxClass", None, "str"),
        ("isDigital", "yes", "bool"),
    ],
)
async def test_what_is_wrong_with_them_is_named(world: World, field: str, value: Any, told: str) -> None:
    product = await world.create()
    body = {"name": "Mug", "description": "", "category": "tea", "price": 1, field: value}
    for answer in (
        await world.ask("POST", "/products", body, role="admin"),
        await world.ask("PUT", f"/products/{product['id']}", {field: value}, role="admin"),
    ):
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["field"] == field
        assert told in error["message"]


async def test_an_order_sees_what_its_product_is_as_goods(world: World) -> None:
    mug, song = await world.create(), await world.create(name="Song", **GOODS)
    found = await world.service.snapshot([mug["id"], song["id"]])
    assert sorted(found, key=lambda each: each.id) == [
        Snapshot(mug["id"], "Mug", 1250, "usd", "kitchen", 0, "standard", is_digital=False),
        Snapshot(song["id"], "Song", 1250, "usd", "kitchen", 350, "reduced", is_digital=True),
    ]


def test_what_is_usual_is_not_said_on_the_way_to_an_order() -> None:
    plain = Snapshot("prd_1", "Mug", 1250, "usd")
    assert json.loads(encode(plain)) == {"id": "prd_1", "name": "Mug", "priceMinor": 1250, "currency": "usd"}
    assert msgspec.json.decode(encode(plain), type=Snapshot) == plain


def test_a_product_of_a_former_release_is_read_with_what_is_usual() -> None:
    stored = msgspec.to_builtins(stored_product("prd_1", "M-1"))
    for name in ("gtin", "weight_grams", "tax_class", "is_digital"):
        del stored[name]
    assert msgspec.convert(stored, Product) == stored_product("prd_1", "M-1")


HEAD = "sku,name,description,category,price,gtin,weight_grams,TAXCLASS,Is_Digital\n"


async def test_they_go_out_into_a_file_and_come_in_as_they_were(world: World) -> None:
    content = HEAD + "M-1,Mug,,kitchen,4,96385074,350,reduced,no\nS-1,Song,,music,1,,,,YES\n"
    await import_sheet(world.service, read(content), "operator")
    rows = {row.sku: row for row in read(write([row async for row in export_rows(world.service)])).rows}
    mug, song = rows["M-1"], rows["S-1"]
    assert (mug.gtin, mug.weight_grams, mug.tax_class, mug.is_digital) == ("96385074", 350, "reduced", False)
    assert (song.gtin, song.weight_grams, song.tax_class, song.is_digital) == (None, None, "standard", True)
    again = await import_sheet(world.service, Sheet(list(rows.values())), "operator")
    assert again.unchanged == 2


async def test_an_empty_cell_takes_gtin_and_weight_away_and_a_column_that_is_not_there_does_not(world: World) -> None:
    await world.create(sku="M-1", **GOODS)
    plain = Row(sku="M-1", name="Mug", description="", category="kitchen", price=Decimal("12.50"))
    await import_sheet(world.service, Sheet([plain]), "operator")
    kept = (await world.ask("GET", "/products")).json()["products"][0]
    assert {name: kept[name] for name in GOODS} == GOODS

    await import_sheet(world.service, read(HEAD + "M-1,Mug,,kitchen,4,,,,\n"), "operator")
    taken = (await world.ask("GET", "/products")).json()["products"][0]
    assert {name: taken[name] for name in GOODS} == GOODS | {"gtin": None, "weightGrams": None}


async def test_every_wrong_cell_of_them_is_told(world: World) -> None:
    content = HEAD + "M-1,Mug,,kitchen,4,4.00638E+12,1.5,Reduced rate,perhaps\nM-2,Cup,,kitchen,4,96385075,,,\n"
    with pytest.raises(Invalid) as caught:
        await import_sheet(world.service, read(content), "operator")
    told = {error.field: error.message for error in caught.value.errors}
    assert list(told) == [
        "row 2, column gtin",
        "row 2, column weightGrams",
        "row 2, column taxClass",
        "row 2, column isDigital",
        "row 3, column gtin",
    ]
    assert "format the column as text" in told["row 2, column gtin"]
    assert "neither true nor false" in told["row 2, column isDigital"]
