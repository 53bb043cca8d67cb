"""The catalogue as a CSV file."""

import re
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.contracts.withdrawals import Exclusion
from kassa.kit.problem import Invalid
from kassa.product.catalogue_csv import Row, Sheet, read, write
from kassa.product.exchange import export_rows, import_sheet
from kassa.product.families import Value

from .world import World

SAMPLE = (
    "name,description,category,price,stock,images\n"
    "Mug,Holds tea,kitchen,12.50,7,/mug.png https://example.com/mug.png\n"
    '"Tea, green","Two\nlines",tea,4,,/a.png|/b.png\n'
)


def mistakes(content: bytes | str) -> dict[str, str]:
    """Place and message of each fault that is found."""
    try:
        return {fault.place: fault.message for fault in read(content).faults}
    except Invalid as refused:
        return {error.field: error.message for error in refused.errors}


def lines(*rows: str) -> str:
    """A file with these lines under the usual first one."""
    return "\n".join(("id,name,description,category,price,stock,images", *rows))


def test_a_file_is_read_as_rows() -> None:
    assert read(SAMPLE).rows == [
        Row(
            name="Mug",
            description="Holds tea",
            category="kitchen",
            price=Decimal("12.50"),
            stock=7,
            images=("/mug.png", "https://example.com/mug.png"),
            number=2,
        ),
        Row(
            name="Tea, green",
            description="Two\nlines",
            category="tea",
            price=Decimal(4),
            stock=None,
            images=("/a.png", "/b.png"),
            number=3,
        ),
    ]


def test_the_first_line_may_have_a_byte_order_mark_and_any_case_and_order() -> None:
    rows = read(b"\xef\xbb\xbfPrice, Category ,NAME,description\r\n4,tea,Sencha,Green\r\n\r\n")
    assert rows.rows == [Row(name="Sencha", description="Green", category="tea", price=Decimal(4), number=2)]


def test_every_mistake_is_named_by_line_and_column() -> None:
    found = mistakes(lines(",Mug,,kitchen,cheap,many,", ",Cup,,kitchen", ',"Two\nlines",,tea,"12,50",,'))
    assert set(found) == {"row 2, column price", "row 2, column stock", "row 3", "row 4, column price"}
    assert "12.50" in found["row 4, column price"]
    assert "4 cells" in found["row 3"]


@pytest.mark.parametrize("price", ["", "1_000", "1,000", "1e3", "-1", "NaN", "$5", "٣", "1.", ".5"])
def test_a_price_is_plain_digits_with_a_point(price: str) -> None:
    assert list(mistakes(lines(f',Mug,,kitchen,"{price}",,'))) == ["row 2, column price"]


def test_a_missing_unknown_or_doubled_column_is_named() -> None:
    found = [fault.message.split(";")[0] for fault in read("name,name,description,price,colour\n").faults]
    assert found[0] == "column 'category' is missing"
    assert found[1].startswith("column 'colour' is not one of id, sku,")
    assert found[2] == "column 'name' is there twice"


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("", "row 1"),
        (b"name,description,category,price\nCaf\xe9,,tea,4\n", "row 2"),
        (lines(',"Mug,,kitchen,4,,', ",Cup,,kitchen,4,,"), "row 2"),
    ],
)
def test_a_file_that_is_no_csv_is_refused_with_the_place(content: bytes | str, place: str) -> None:
    assert list(mistakes(content)) == [place]


async def test_of_very_many_faults_the_first_hundred_are_listed(world: World) -> None:
    sheet = read(lines(*[f",Mug {number},,kitchen,cheap,," for number in range(500)]))
    with pytest.raises(Invalid, match="and 400 more") as caught:
        await import_sheet(world.service, sheet, "operator")
    assert (len(caught.value.errors), caught.value.members["faults"]) == (100, 500)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
TEXTS = st.from_regex(r"[='A-Zé][a-z;, ]{0,5}[a-z]", fullmatch=True)
IMAGES = st.lists(st.from_regex(r"(https://|/)[a-z,;/]{1,9}", fullmatch=True), max_size=3).map(tuple)
ROWS = st.builds(
    Row,
    name=CELLS,
    description=CELLS,
    category=CELLS,
    price=st.decimals(0, 10**6, places=2),
    stock=st.none() | st.integers(0, 10**9),
    images=IMAGES,
    id=st.none() | st.from_regex(r"prd_[0-9a-z]{26}", fullmatch=True),
    sku=st.none() | st.from_regex(r"[A-Z]{1,3}-[0-9;,]{1,5}", fullmatch=True),
    compare_at_price=st.none() | st.decimals(0, 10**6, places=2),
    gtin=st.none() | st.from_regex(r"[0-9]{8,14}", fullmatch=True),
    weight_grams=st.none() | st.integers(0, 10**9),
    tax_class=st.none() | st.from_regex(r"[a-z]{1,9}(-[0-9a-z]{1,9})?", fullmatch=True),
    is_digital=st.none() | st.booleans(),
    withdrawal_excluded=st.none() | st.sampled_from(["", *(str(each) for each in Exclusion)]),
    family=st.none() | st.from_regex(r"[=A-Z]{1,3}-[a-z;,]{1,5}", fullmatch=True),
    values=st.lists(st.builds(Value, TEXTS, TEXTS), max_size=3).map(tuple),
)


@given(st.lists(ROWS, max_size=5))
def test_what_is_written_is_read_again_as_it_was(rows: list[Row]) -> None:
    sheet = read(write(rows).encode())
    assert sheet.faults == []
    assert [msgspec.structs.replace(row, number=0) for row in sheet.rows] == rows


async def test_an_import_makes_the_products_with_their_stock(world: World) -> None:
    done: list[int] = []
    outcome = await import_sheet(world.service, read(SAMPLE), "operator", done.append)

    assert (outcome.created, outcome.updated, outcome.unchanged, outcome.stock_differs) == (2, 0, 0, {})
    assert done == [2]
    products = (await world.ask("GET", "/products")).json()["products"]
    assert {(product["name"], product["stock"]) for product in products} == {("Mug", 7), ("Tea, green", 0)}


async def test_importing_an_export_changes_nothing(world: World) -> None:
    await import_sheet(world.service, read(SAMPLE), "operator")
    before = (await world.ask("GET", "/products")).content

    exported = write([row async for row in export_rows(world.service)])
    outcome = await import_sheet(world.service, read(exported), "operator")

    assert (outcome.created, outcome.updated, outcome.unchanged, outcome.stock_differs) == (0, 0, 2, {})
    assert (await world.ask("GET", "/products")).content == before
    assert exported == write([row async for row in export_rows(world.service)])


async def test_an_export_into_another_shop_can_be_repeated(world: World) -> None:
    rows = read(lines("prd_0123456789abcdefghjkmnpqrs,Mug,,kitchen,4,7,"))
    for expected in ("created", "unchanged"):
        outcome = await import_sheet(world.service, rows, "operator")
        assert getattr(outcome, expected) == 1
    assert world.shelf.stock == {"prd_0123456789abcdefghjkmnpqrs": 7}


async def test_a_row_with_a_known_id_changes_that_product_but_not_its_stock(world: World) -> None:
    product = await world.create(images=["/mug.png"], stock=7)
    rows = read(f"id,name,description,category,price,stock\n{product['id']},Cup,Holds tea,kitchen,9.99,50\n")

    outcome = await import_sheet(world.service, rows, "operator")

    assert (outcome.updated, outcome.stock_differs) == (1, {product["id"]: 50})
    changed = (await world.ask("GET", f"/products/{product['id']}")).json()["product"]
    assert (changed["name"], changed["priceMinor"], changed["stock"]) == ("Cup", 999, 7)
    assert changed["images"] == ["/mug.png"]


async def test_one_wrong_row_and_nothing_is_imported(world: World) -> None:
    known = await world.create(name="Plate")
    rows = read(
        lines(
            ",Mug,,kitchen,4,,",
            f"{known['id']},Cup,,kitchen,4,,",
            f"{known['id']},Cup,,kitchen,4,,",
            "prd_1,Cup,,kitchen,4,,",
            ",,,,0.001,2000000000,x.png",
        )
    )
    with pytest.raises(Invalid) as caught:
        await import_sheet(world.service, rows, "operator")
    assert [error.field for error in caught.value.errors] == [
        "row 4, column id",
        "row 5, column id",
        "row 6, column name",
        "row 6, column category",
        "row 6, column price",
        "row 6, column stock",
        "row 6, column images",
    ]
    assert await world.names() == ["Plate"]


async def test_a_large_catalogue_goes_out_and_in_by_parts(world: World) -> None:
    rows = [Row(name=f"Mug {n}", description="", category="kitchen", price=Decimal(n + 1), stock=n) for n in range(250)]
    done: list[int] = []
    await import_sheet(world.service, Sheet(rows), "operator", done.append)
    assert done == [100, 200, 250]
    exported = [row async for row in export_rows(world.service)]
    assert {(row.name, row.price, row.stock) for row in exported} == {(row.name, row.price, row.stock) for row in rows}


async def test_withdrawn_products_are_not_exported(world: World) -> None:
    product = await world.create()
    await world.ask("DELETE", f"/products/{product['id']}", role="admin")
    assert [row async for row in export_rows(world.service)] == []


async def test_what_a_row_must_have(world: World) -> None:
    assert list(mistakes("id,sku,stock,images\n1,2,3,/a.png\n")) == ["row 1"]
    missing = [fault.message.split(";")[0] for fault in read("id,sku,stock,images\n1,2,3,/a.png\n").faults]
    assert missing == [f"column {name!r} is missing" for name in ("name", "description", "category", "price")]
    done = await import_sheet(world.service, read("price,category,description,name\n4,tea,,Sencha\n"), "usr_1")
    assert done.created == 1
    with pytest.raises(Invalid) as refused:
        await import_sheet(world.service, read("price,category,description,name\n , ,,\n,,x,\n"), "usr_1")
    told = {error.field: error.message.split(":")[0].split(";")[0] for error in refused.value.errors}
    assert told == {f"row 3, column {name}": "is missing" for name in ("name", "category", "price")}


@pytest.mark.parametrize("part", [",", ";", ",;", "/,", " ,", "|,", "http:/,"])
def test_a_cell_of_separators_costs_no_more_than_its_length(part: str) -> None:
    """Looked at again from each of its characters, it would take minutes."""
    cell = part * (120_000 // len(part))
    sheet = read(lines(*[f',Mug,,kitchen,1,,"{cell}x"'] * 20))
    assert (len(sheet.rows), sheet.faults) == (20, [])


@given(st.text(alphabet=",;/| ahtps:", max_size=40))
def test_images_are_parted_as_ever(cell: str) -> None:
    between = r"[\s|]+" if "|" in cell else r"[,;]*\s+|[,;]+$|[,;](?=https?://|/)"
    (row,) = read(lines(f',Mug,,kitchen,1,,"{cell}"')).rows
    assert row.images == tuple(part for part in re.split(between, cell) if part)
