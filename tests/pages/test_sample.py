"""The sample catalogue and its pictures."""

import csv
import re
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from kassa.pages import sample
from kassa.pages.sample.draw import FOLDER, pictures

CATALOGUE = Path(sample.__file__).parent / "catalogue.csv"


def rows() -> list[dict[str, str]]:
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_picture_is_as_the_script_draws_it() -> None:
    drawn = pictures()
    assert {path.name for path in FOLDER.iterdir()} == set(drawn)
    for name, text in drawn.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"{name}: run python -m kassa.pages.sample.draw"


@pytest.mark.parametrize("text", pictures().values(), ids=list(pictures()))
def test_a_picture_is_plain_small_svg(text: str) -> None:
    ElementTree.fromstring(text)
    assert len(text) < 12_000
    assert not re.search(r"script|href|onload|url\(", text)


def test_every_product_has_a_picture_of_its_own() -> None:
    alone = [row for row in rows() if not row["family"]]
    images = [row["images"].removeprefix("/shop/static/products/") for row in alone]
    dressed = {row["images"].removeprefix("/shop/static/products/") for row in rows() if row["family"]}
    assert sorted([*images, *dressed]) == sorted(pictures())


def test_there_is_a_family_with_all_that_a_family_can_be() -> None:
    shirts = [row for row in rows() if row["family"]]
    assert {(row["family"], row["option1Name"], row["option2Name"]) for row in shirts} == {
        ("Linen shirt", "Colour", "Size")
    }
    assert len({row["price"] for row in shirts}) > 1
    assert {row["stock"] == "0" for row in shirts} == {True, False}
    colours, sizes = ({row[f"option{number}Value"] for row in shirts} for number in (1, 2))
    assert len(shirts) < len(colours) * len(sizes)


def test_the_catalogue_is_varied() -> None:
    products = rows()
    assert {"name", "description", "category", "price", "stock", "images", "family"} <= set(products[0])
    assert len({row["name"] for row in products}) == len(products) >= 40
    assert 5 <= len({row["category"] for row in products}) <= 8
    assert all(Decimal(row["price"]) == Decimal(row["price"]).quantize(Decimal("0.01")) for row in products)
    stock = [int(row["stock"]) for row in products]
    assert min(stock) == 0
    assert max(stock) >= 1000
    assert {"0.99", "12", "199.98", "1249.00"} <= {row["price"] for row in products}
