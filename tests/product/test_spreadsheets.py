"""A spreadsheet stands between: what it writes is read, and all that is wrong with it is told at once."""

from decimal import Decimal

import pytest

from kassa.kit.problem import Invalid
from kassa.product.catalogue_csv import Row, Sheet, read, write
from kassa.product.exchange import Imported, export_rows, import_sheet

from .world import World

TABLE = 'sku,name,description,category,price,stock\nM-1,Mug,"Blue, large",kitchen,12.50,7\nT-1,Tea,,tea,4,\n'


def rows(content: bytes | str) -> list[Row]:
    sheet = read(content)
    assert sheet.faults == []
    return sheet.rows


def faults(content: bytes | str) -> dict[str, str]:
    return {fault.place: fault.message for fault in read(content).faults}


def priced(price: str, separator: str) -> str:
    cells = ("name", "description", "category", "price"), ("Mug", "", "kitchen", f'"{price}"')
    return "\n".join(separator.join(row) for row in cells)


async def imported(world: World, content: str | Sheet) -> Imported:
    return await import_sheet(world.service, read(content) if isinstance(content, str) else content, "operator")


async def refused(world: World, content: str) -> dict[str, str]:
    before = (await world.ask("GET", "/products")).content
    with pytest.raises(Invalid, match="nothing was imported") as caught:
        await imported(world, content)
    assert (await world.ask("GET", "/products")).content == before
    return {error.field: error.message for error in caught.value.errors}


async def exported(world: World) -> str:
    return write([row async for row in export_rows(world.service)])


@pytest.mark.parametrize(
    "content",
    [
        TABLE.replace("\n", "\r\n").encode("utf-8-sig"),
        TABLE.replace("\n", ",,\n").encode(),
        TABLE.replace("T-1", ",,,,,\n\n \nT-1").replace("\n\n", "\n"),
        TABLE.replace(",", ";").replace("Blue;", "Blue,").replace("12.50", "12,50"),
        TABLE.replace(",", "\t").replace("Blue\t", "Blue,").encode("utf-16"),
        "sep=;\r\n" + TABLE.replace(",", ";").replace("Blue;", "Blue,"),
        TABLE.replace("sku,", '" SKU ",').replace("M-1", '"M-1"'),
    ],
    ids=["mark", "trailing commas", "empty rows", "semicolons", "UTF-16 with tabs", "sep=", "quotes"],
)
def test_what_spreadsheets_write_is_read_as_the_same_rows(content: bytes | str) -> None:
    plain = [(row.sku, row.name, row.description, row.price, row.stock) for row in rows(content)]
    assert plain == [("M-1", "Mug", "Blue, large", Decimal("12.50"), 7), ("T-1", "Tea", "", Decimal(4), None)]


def test_rows_are_counted_as_a_spreadsheet_counts_them() -> None:
    content = 'name,description,category,price\n,,,\nMug,"Two\nlines",kitchen,4\n\nCup,,kitchen,cheap\n'
    assert list(faults(content)) == ["row 5, column price"]


def test_text_in_a_column_without_a_name_is_told() -> None:
    assert list(faults("name,description,category,price,\nMug,,kitchen,4,blue\n")) == ["row 2, column 5"]
    assert list(faults("name,description,category,price\nMug,,kitchen,4,blue\n")) == ["row 2"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_decimal_comma_is_read_where_it_can_be_nothing_else(separator: str) -> None:
    for price in ("12,50", "12,5", "12.50", "12"):
        assert rows(priced(price, separator))[0].price == Decimal(price.replace(",", "."))
    for price in ("1,234", "1.234", "12.345"):
        assert "thousands or decimals" in faults(priced(price, separator))["row 2, column price"]
    for price in ("1.234,50", "1,234.50", "12,3456", "12,"):
        assert "is no price" in faults(priced(price, separator))["row 2, column price"]


@pytest.mark.parametrize(
    ("cell", "images"),
    [
        ("/a.jpg, /b.jpg", ("/a.jpg", "/b.jpg")),
        ("/a.jpg; /b.jpg;", ("/a.jpg", "/b.jpg")),
        ("/a.jpg,/b.jpg", ("/a.jpg", "/b.jpg")),
        ("https://a.example/1,https://a.example/2", ("https://a.example/1", "https://a.example/2")),
        ("https://a.example/w_1,h_2/c.jpg", ("https://a.example/w_1,h_2/c.jpg",)),
        ("/a.jpg,\n/b.jpg", ("/a.jpg", "/b.jpg")),
        ("/a,/b|/c.jpg", ("/a,/b", "/c.jpg")),
        (" , ", ()),
    ],
)
def test_images_are_separated_as_people_do(cell: str, images: tuple[str, ...]) -> None:
    assert rows(f'name,description,category,price,images\nMug,,kitchen,4,"{cell}"\n')[0].images == images


@pytest.mark.parametrize("content", [b"\x00n\x00a", b"PK\x03\x04\x00", b"\xff\xfea", "what is this\n1\n", ""])
def test_what_is_no_catalogue_is_refused_with_the_place(content: bytes | str) -> None:
    with pytest.raises(Invalid) as caught:
        read(content)
    assert all(error.field == "row 1" for error in caught.value.errors)


async def test_all_faults_of_all_kinds_are_told_at_once(world: World) -> None:
    known = await world.create(name="Plate", sku="P-1")
    content = f"""sku,id,name,descripton,category,price,stock,images
A-1,,Mug,,kitchen,"12,50",many,a.jpg
A-1,prd_1,Cup,,,4,,
P-1,{world.service.new_id()},Bowl,,kitchen,4.999,1,
,,Plate,,kitchen,4,,
,,plate,,Kitchen,4,,
,,Jug,,kitchen,4
"""
    found = await refused(world, content)
    assert list(found) == [
        "row 1",
        "row 2, column price",
        "row 2, column stock",
        "row 2, column images",
        "row 3, column id",
        "row 3, column sku",
        "row 3, column category",
        "row 4, column sku",
        "row 4, column price",
        "row 5, column name",
        "row 6, column name",
        "row 7",
    ]
    assert known["id"] in found["row 4, column sku"]


async def test_the_second_import_of_a_file_with_skus_is_an_update(world: World) -> None:
    assert (await imported(world, TABLE)).created == 2
    outcome = await imported(world, TABLE.replace("12.50", "13").replace("Mug", "Cup").replace(",7", ",9"))
    assert (outcome.created, outcome.updated, outcome.unchanged) == (0, 1, 1)
    assert await world.names() == ["Tea", "Cup"]
    assert list(outcome.stock_differs.values()) == [9]
    assert sorted(world.shelf.stock.values()) == [7]


async def test_the_second_import_of_a_file_without_skus_makes_no_twins(world: World) -> None:
    content = "name,description,category,price\nMug,Blue,kitchen,12.50\nTea,,tea,4\n"
    assert (await imported(world, content)).created == 2
    assert (await imported(world, content)).unchanged == 2
    found = await refused(world, content.replace("12.50", "13"))
    assert list(found) == ["row 2, column name"]
    assert "is there already, prd_" in found["row 2, column name"]


async def test_a_file_that_gets_skus_later_makes_no_twins(world: World) -> None:
    mug = await world.create(name="Mug", category="kitchen")
    with_sku = "sku,name,description,category,price\nM-1,Mug,Holds tea,kitchen,12.50\n"
    assert mug["id"] in (await refused(world, with_sku))["row 2, column name"]
    by_id = with_sku.replace("sku", "id,sku").replace("M-1", f"{mug['id']},M-1")
    assert (await imported(world, by_id)).updated == 1
    assert (await imported(world, with_sku)).unchanged == 1
    assert (await imported(world, with_sku.replace("M-1", "M-2"))).created == 1, "two of one name, told apart by SKU"


async def test_an_export_from_elsewhere_meets_what_is_here_by_its_sku(world: World) -> None:
    await imported(world, TABLE)
    elsewhere = (await exported(world)).splitlines()
    elsewhere[1] = elsewhere[1].replace(elsewhere[1].split(",")[0], world.service.new_id())
    assert "leave the id empty" in (await refused(world, "\n".join(elsewhere)))["row 2, column sku"]


@pytest.mark.parametrize("content", [TABLE, TABLE.replace("sku,", "").replace("M-1,", "").replace("T-1,", "")])
async def test_an_import_that_was_interrupted_is_gone_on_with(world: World, content: str) -> None:
    many = Sheet([row for each in range(60) for row in _renamed(read(content).rows, each)])

    def break_off(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await import_sheet(world.service, many, "operator", break_off)
    outcome = await imported(world, many)
    assert (outcome.created, outcome.unchanged) == (20, 100)
    assert (await world.ask("GET", "/products")).json()["pagination"]["total"] == 120


def _renamed(rows: list[Row], number: int) -> list[Row]:
    return [
        Row(
            name=f"{row.name} {number}",
            sku=row.sku and f"{row.sku}-{number}",
            description="",
            category=row.category,
            price=row.price,
        )
        for row in rows
    ]


async def test_out_in_and_out_again_is_the_same_file(world: World) -> None:
    await world.create(sku="M-1", images=["/a,/b", "https://a.example/x,"], description='Two\r\nlines; "quoted"')
    await world.create(sku=None, name="Tea", images=["/a.png"])
    before = await exported(world)
    for content in (before, before.replace("\r\n", "\n"), "\ufeff" + before):
        outcome = await imported(world, content.replace("Two\nlines", "Two\r\nlines"))
        assert (outcome.created, outcome.updated, outcome.unchanged) == (0, 0, 2)
        assert await exported(world) == before


async def test_an_empty_sku_leaves_the_one_that_is_there(world: World) -> None:
    mug = await world.create(sku="M-1")
    await imported(world, f"id,sku,name,description,category,price\n{mug['id']},,Cup,,kitchen,4\n")
    product = (await world.ask("GET", f"/products/{mug['id']}")).json()["product"]
    assert (product["name"], product["sku"]) == ("Cup", "M-1")


async def test_what_is_off_sale_is_changed_and_told(world: World) -> None:
    mug = await world.create(sku="M-1")
    await world.ask("DELETE", f"/products/{mug['id']}", role="admin")
    outcome = await imported(world, TABLE)
    assert (outcome.created, outcome.updated, outcome.off_sale) == (1, 1, (mug["id"],))
