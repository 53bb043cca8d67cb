"""The catalogue as a CSV file."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.kit.problem import Invalid
from kassa.product.catalogue_csv import Row, read, write

from .world import World

SAMPLE = (
    "name,description,category,price,stock,images\n"
    "Mug,Holds tea,kitchen,12.50,7,/mug.png https://example.com/mug.png\n"
    '"Tea, green","Two\nlines",tea,4,,/a.png|/b.png\n'
)


def mistakes(content: bytes | str) -> dict[str, str]:
    """Place and message of each mistake that is found."""
    with pytest.raises(Invalid) as caught:
        read(content)
    return {error.field: error.message for error in caught.value.errors}


def lines(*rows: str) -> str:
    """A file with these lines under the usual first one."""
    return "\n".join(("id,name,description,category,price,stock,images", *rows))


def test_a_file_is_read_as_rows() -> None:
    assert read(SAMPLE) == [
        Row(
            name="Mug",
            description="Holds tea",
            category="kitchen",
            price=Decimal("12.50"),
            stock=7,
            images=("/mug.png", "https://example.com/mug.png"),
            line=2,
        ),
        Row(
            name="Tea, green",
            description="Two\nlines",
            category="tea",
            price=Decimal(4),
            stock=None,
            images=("/a.png", "/b.png"),
            line=3,
        ),
    ]


def test_the_first_line_may_have_a_byte_order_mark_and_any_case_and_order() -> None:
    rows = read(b"\xef\xbb\xbfPrice, Category ,NAME,description\r\n4,tea,Sencha,Green\r\n\r\n")
    assert rows == [Row(name="Sencha", description="Green", category="tea", price=Decimal(4), line=2)]


def test_every_mistake_is_named_by_line_and_column() -> None:
    found = mistakes(lines(",Mug,,kitchen,cheap,many,", ",Cup,,kitchen", ',"Two\nlines",,tea,"12,50",,'))
    assert set(found) == {"line 2, column price", "line 2, column stock", "line 3", "line 4, column price"}
    assert "12.50" in found["line 4, column price"]
    assert "4 cells" in found["line 3"]


@pytest.mark.parametrize("price", ["", "1_000", "1,000", "1e3", "-1", "NaN", "$5", "٣", "1.", ".5"])
def test_a_price_is_plain_digits_with_a_point(price: str) -> None:
    assert list(mistakes(lines(f',Mug,,kitchen,"{price}",,'))) == ["line 2, column price"]


def test_a_missing_unknown_or_doubled_column_is_named() -> None:
    found = mistakes("name,name,description,price,colour\n")
    assert list(found) == ["line 1"]
    with pytest.raises(Invalid, match=r"'category' is missing.*'colour' is not one of.*'name' is there twice"):
        read("name,name,description,price,colour\n")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("", "line 1"),
        (b"name,description,category,price\nCaf\xe9,,tea,4\n", "line 2"),
        (lines(',"Mug,,kitchen,4,,', ",Cup,,kitchen,4,,"), "line 2"),
    ],
)
def test_a_file_that_is_no_csv_is_refused_with_the_place(content: bytes | str, place: str) -> None:
    assert list(mistakes(content)) == [place]


def test_of_very_many_mistakes_the_first_hundred_are_listed() -> None:
    with pytest.raises(Invalid, match="and 400 more") as caught:
        read(lines(*[",Mug,,kitchen,cheap,,"] * 500))
    assert len(caught.value.errors) == 100


CELLS = st.text(st.characters(codec="utf-8"), max_size=40)
IMAGES = st.lists(st.from_regex(r"/[a-z]{1,9}\.png", fullmatch=True), max_size=3).map(tuple)
ROWS = st.builds(
    Row,
    name=CELLS,
    description=CELLS,
    category=CELLS,
    price=st.decimals(0, 10**6, places=2),
    stock=st.none() | st.integers(0, 10**9),
    images=IMAGES,
    id=st.none() | st.from_regex(r"prd_[0-9a-z]{26}", fullmatch=True),
)


@given(st.lists(ROWS, max_size=5))
def test_what_is_written_is_read_again_as_it_was(rows: list[Row]) -> None:
    again = [_without_line(row) for row in read(write(rows).encode())]
    assert again == rows


def _without_line(row: Row) -> Row:
    return Row(**{name: getattr(row, name) for name in row.__struct_fields__ if name != "line"})


async def test_an_import_makes_the_products_with_their_stock(world: World) -> None:
    done: list[int] = []
    outcome = await world.service.import_rows(read(SAMPLE), "operator", done.append)

    assert (outcome.created, outcome.updated, outcome.unchanged, outcome.stock_ignored) == (2, 0, 0, ())
    assert done == [2]
    products = (await world.ask("GET", "/products")).json()["products"]
    assert {(product["name"], product["stock"]) for product in products} == {("Mug", 7), ("Tea, green", 0)}


async def test_importing_an_export_changes_nothing(world: World) -> None:
    await world.service.import_rows(read(SAMPLE), "operator")
    before = (await world.ask("GET", "/products")).content

    exported = write([row async for row in world.service.export_rows()])
    outcome = await world.service.import_rows(read(exported), "operator")

    assert (outcome.created, outcome.updated, outcome.unchanged, outcome.stock_ignored) == (0, 0, 2, ())
    assert (await world.ask("GET", "/products")).content == before
    assert exported == write([row async for row in world.service.export_rows()])


async def test_an_export_into_another_shop_can_be_repeated(world: World) -> None:
    rows = read(lines("prd_0123456789abcdefghjkmnpqrs,Mug,,kitchen,4,7,"))
    for expected in ("created", "unchanged"):
        outcome = await world.service.import_rows(rows, "operator")
        assert getattr(outcome, expected) == 1
    assert world.shelf.stock == {"prd_0123456789abcdefghjkmnpqrs": 7}


async def test_a_row_with_a_known_id_changes_that_product_but_not_its_stock(world: World) -> None:
    product = await world.create(images=["/mug.png"], stock=7)
    rows = read(f"id,name,description,category,price,stock\n{product['id']},Cup,Holds tea,kitchen,9.99,50\n")

    outcome = await world.service.import_rows(rows, "operator")

    assert (outcome.updated, outcome.stock_ignored) == (1, (product["id"],))
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
        await world.service.import_rows(rows, "operator")
    assert [error.field for error in caught.value.errors] == [
        "line 4, column id",
        "line 5, column id",
        "line 6, column name",
        "line 6, column category",
        "line 6, column price",
        "line 6, column stock",
        "line 6, column images",
    ]
    assert await world.names() == ["Plate"]


async def test_a_large_catalogue_goes_out_and_in_by_parts(world: World) -> None:
    rows = [Row(name=f"Mug {n}", description="", category="kitchen", price=Decimal(n + 1), stock=n) for n in range(250)]
    done: list[int] = []
    await world.service.import_rows(rows, "operator", done.append)
    assert done == [100, 200, 250]
    exported = [row async for row in world.service.export_rows()]
    assert {(row.name, row.price, row.stock) for row in exported} == {(row.name, row.price, row.stock) for row in rows}


async def test_withdrawn_products_are_not_exported(world: World) -> None:
    product = await world.create()
    await world.ask("DELETE", f"/products/{product['id']}", role="admin")
    assert [row async for row in world.service.export_rows()] == []
