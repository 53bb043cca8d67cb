"""Product exports of other shops, with their true columns: what is taken over, what is told, what is refused."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from kassa.kit.problem import Invalid
from kassa.product.catalogue_csv import Row, Sheet
from kassa.product.catalogue_file import read
from kassa.product.exchange import import_sheet
from kassa.product.families import Value
from kassa.product.foreign import plain_text

from .world import World

DATA = Path(__file__).with_name("data")
CDN = "https://cdn.example.com"


def sheet_of(name: str) -> Sheet:
    return read((DATA / name).read_bytes())


def left(sheet: Sheet) -> dict[str, str]:
    return {each.place: each.message for each in sheet.left}


def changed(name: str, before: str, after: str) -> Sheet:
    text = (DATA / name).read_text(encoding="utf-8")
    assert before in text
    return read(text.replace(before, after))


def test_a_variant_of_shopify_is_a_product_with_what_its_first_row_says() -> None:
    sheet = sheet_of("shopify.csv")
    assert (sheet.source, sheet.faults) == ("Shopify", [])
    pictures = (f"{CDN}/shirt-1.jpg", f"{CDN}/shirt-2.jpg", f"{CDN}/shirt-3.jpg")
    shirt: dict[str, Any] = {"description": "Light & cool.\nWashed once\nMade in Porto", "category": "Shirts"}
    shirt |= {"family": "Linen shirt", "is_digital": False}
    assert sheet.rows == [
        Row(
            name="Linen shirt, S, Sand",
            sku="LS-S-SAND",
            price=Decimal("59.90"),
            compare_at_price=None,
            stock=12,
            images=(f"{CDN}/sand.jpg", *pictures),
            gtin="4006381333931",
            weight_grams=180,
            values=(Value("Size", "S"), Value("Colour", "Sand")),
            number=2,
            **shirt,
        ),
        Row(
            name="Linen shirt, M, Sand",
            sku="0042",
            price=Decimal("59.90"),
            compare_at_price=None,
            stock=0,
            images=pictures,
            values=(Value("Size", "M"), Value("Colour", "Sand")),
            number=3,
            **shirt,
        ),
        Row(
            name="Linen shirt, M, Night, blue",
            sku="LS-M-NIGHT",
            price=Decimal("64.90"),
            compare_at_price=Decimal("79.90"),
            images=pictures,
            values=(Value("Size", "M"), Value("Colour", "Night, blue")),
            number=4,
            **shirt,
        ),
        Row(
            name="Tea tin",
            description="Holds 100 g.\nAirtight.",
            category="Other",
            sku="TT-1",
            price=Decimal(7),
            compare_at_price=None,
            stock=40,
            images=(),
            is_digital=False,
            number=6,
        ),
    ]


def test_what_shopify_has_and_kassa_has_not_is_told() -> None:
    told = left(sheet_of("shopify.csv"))
    assert told["row 3, column inventory quantity"] == "-3: sold beyond the stock; set to 0"
    assert told["row 6, column compare-at price"] == "7.00 is not above the price: no reduction"
    assert told["row 4, column inventory tracker"].endswith("set its stock")
    assert told["row 6, column type"].endswith("put under 'Other'")
    assert told["row 7"] == "Voucher is a gift card; left out"
    assert told["row 8"] == "Winter coat is a draft; left out"
    assert told["row 1, column tags"] == "is not taken over; 1 row says something there"
    assert told["row 6, column barcode"].startswith("'1234' is no GTIN")
    assert told["row 6, column charge tax"] == "is false, which Kassa has not: give it a taxClass"
    assert not {each for each in told if "image" in each or "option" in each}


def test_the_columns_that_shopify_has_since_2025_are_known_too() -> None:
    sheet = sheet_of("shopify-2025.csv")
    assert sheet.faults == []
    assert [(row.name, row.sku, row.price, row.stock, row.category) for row in sheet.rows] == [
        ("Oak stool, 45 cm", "OS-45", Decimal("89.00"), 4, "Stools"),
        ("Oak stool, 65 cm", "OS-65", Decimal("99.00"), 0, "Stools"),
    ]
    assert {row.images for row in sheet.rows} == {(f"{CDN}/stool.jpg",)}


def test_a_variation_of_woocommerce_is_a_product_with_what_its_parent_says() -> None:
    sheet = sheet_of("woocommerce.csv")
    assert (sheet.source, sheet.faults) == ("WooCommerce", [])
    hoodie: dict[str, Any] = {"description": "Warm.\nBrushed inside.", "category": "Hoodies", "family": "Hoodie"}
    hoodie |= {"tax_class": "reduced-rate", "is_digital": False}
    assert sheet.rows == [
        Row(
            name="Hoodie - Red, S",
            sku="HOOD-R-S",
            price=Decimal(45),
            compare_at_price=None,
            stock=8,
            images=(f"{CDN}/hood-red.jpg",),
            gtin="4006381333931",
            weight_grams=700,
            values=(Value("Colour", "Red"), Value("Size", "S")),
            number=3,
            **hoodie,
        ),
        Row(
            name="Hoodie, Green, M",
            sku="HOOD-G-M",
            price=Decimal("39.50"),
            compare_at_price=Decimal("45.50"),
            stock=2,
            images=(f"{CDN}/hood-1.jpg", f"{CDN}/hood-2.jpg"),
            weight_grams=650,
            values=(Value("Colour", "Green"), Value("Size", "M")),
            number=4,
            **hoodie,
        ),
        Row(
            name="Cap",
            description="One size.",
            category="Hats, caps",
            sku="CAP-1",
            price=Decimal("19.00"),
            compare_at_price=None,
            stock=0,
            images=(),
            tax_class="standard",
            is_digital=False,
            number=5,
        ),
        Row(
            name="Album",
            description="",
            category="Other",
            sku="ALBUM",
            price=Decimal(15),
            compare_at_price=None,
            images=(),
            tax_class="standard",
            is_digital=True,
            number=6,
        ),
    ]


def test_what_woocommerce_has_and_kassa_has_not_is_told() -> None:
    told = left(sheet_of("woocommerce.csv"))
    assert told["row 5, column sale price"] == "15.00 holds for a time only; the regular price is taken"
    assert told["row 6, column stock"] == "is not counted: set how many there are"
    assert told["row 6, column categories"] == "are none; put under 'Other'"
    assert told["row 5, column gtin, upc, ean, or isbn"].startswith("'3-16-148410-X' is no GTIN")
    assert told["row 6, column tax status"] == "none is what Kassa has not: give it a taxClass"
    assert told["row 7"] == "'Set of two' is of the type 'grouped'; left out"
    assert told["row 8, column published"] == "'Old cap' is not; left out"
    assert told["row 1, column tags"].startswith("is not taken over")
    assert "row 1, column attribute 1 name" not in told


@pytest.mark.parametrize(
    ("name", "before", "after", "place", "message"),
    [
        ("shopify.csv", ",64.90,", ",dear,", "row 4, column price", "is no price"),
        ("shopify.csv", "tea-tin,", ",", "row 6, column handle", "is missing"),
        ("shopify.csv", "tea-tin,Tea tin", "tea-tin,", "row 6, column title", "is missing"),
        ("shopify.csv", ",shopify,40,", ",shopify,many,", "row 6, column inventory quantity", "no number of pieces"),
        (
            "shopify.csv",
            "TT-1,,shopify,40,deny,manual,7,7.00",
            ",,shopify,40,deny,manual,,",
            "row 6, column price",
            "no row",
        ),
        ("shopify.csv", ",79.90,", ",more,", "row 4, column compare-at price", "is no price"),
        ("woocommerce.csv", ",id:10,", ",id:99,", "row 4, column parent", "'id:99' is no variable product"),
        ("woocommerce.csv", ",id:10,", ",,", "row 4, column parent", "is missing"),
        ("woocommerce.csv", ',"39,50",', ",1.234,", "row 4, column regular price", "thousands or decimals"),
        ("woocommerce.csv", ",1,8,,", ",1,8.5,,", "row 3, column stock", "no number of pieces"),
        ("woocommerce.csv", "10,variable", "10 variable", "row 2", "needs quotation marks"),
    ],
)
def test_a_bad_row_is_told_by_its_place(name: str, before: str, after: str, place: str, message: str) -> None:
    told = {each.place: each.message for each in changed(name, before, after).faults}
    assert message in told[place]


@pytest.mark.parametrize("name", ["shopify.csv", "woocommerce.csv"])
async def test_a_file_of_another_shop_is_taken_over_once_however_often_it_is_imported(world: World, name: str) -> None:
    sheet = sheet_of(name)
    done = await import_sheet(world.service, sheet, "operator")
    assert (done.created, done.updated) == (len(sheet.rows), 0)
    again = await import_sheet(world.service, sheet_of(name), "operator")
    assert (again.created, again.updated, again.unchanged) == (0, 0, len(sheet.rows))


async def test_all_that_is_wrong_with_another_shop_s_file_is_told_at_once_and_nothing_is_imported(world: World) -> None:
    text = (DATA / "shopify.csv").read_text(encoding="utf-8")
    bad = read(text.replace(",64.90,", ",dear,").replace("TT-1", "LS-S-SAND").replace("tea-tin,Tea tin", "tea-tin,"))
    with pytest.raises(Invalid, match="nothing was imported") as caught:
        await import_sheet(world.service, bad, "operator")
    assert {error.field for error in caught.value.errors} == {"row 4, column price", "row 6, column title"}
    assert (await world.ask("GET", "/products")).json()["pagination"]["total"] == 0


@pytest.mark.parametrize(
    ("name", "before", "after", "place", "why"),
    [
        ("shopify.csv", ',,M,,"Night, blue",', ",,M,,,", "row 2", "not all of its variants have a value"),
        ("shopify.csv", ',,M,,"Night, blue",', ",,M,,Sand,", "row 2", "two of its variants have the same values"),
        ("woocommerce.csv", "Colour,Green,", "Colour,,", "row 2", "not all of its variants have a value"),
    ],
)
def test_variants_that_cannot_be_told_apart_become_products_of_no_family_and_that_is_told(
    name: str, before: str, after: str, place: str, why: str
) -> None:
    sheet = changed(name, before, after)
    assert why in left(sheet)[place]
    assert all((row.family, row.values) == (UNSET, ()) for row in sheet.rows)
    assert sheet.faults == []


async def test_what_is_taken_over_of_variants_is_a_family(world: World) -> None:
    await import_sheet(world.service, sheet_of("shopify.csv"), "operator")
    (family,) = (await world.ask("GET", "/families")).json()["families"]
    assert family["name"] == "Linen shirt"
    assert family["options"] == [
        {"name": "Size", "values": ["S", "M"]},
        {"name": "Colour", "values": ["Sand", "Night, blue"]},
    ]
    listed = (await world.ask("GET", "/products?collapse=family")).json()["products"]
    assert {(each["name"], each.get("variants")) for each in listed} == {
        ("Linen shirt, M, Night, blue", 3),
        ("Tea tin", None),
    }


def test_two_things_of_one_name_are_two_families() -> None:
    text = (DATA / "shopify-2025.csv").read_text(encoding="utf-8")
    head, *rows = text.splitlines()
    again = [row.replace("oak-stool", "oak-stool-2").replace("OS-", "OT-") for row in rows]
    sheet = read("\n".join([head, *rows, *again]))
    assert [row.family for row in sheet.rows] == ["Oak stool"] * 2 + ["Oak stool (oak-stool-2)"] * 2


@pytest.mark.parametrize(
    ("unit", "text", "grams"),
    [
        ("g", "250", 250),
        ("kg", "0.25", 250),
        ("lbs", "1", 454),
        ("oz", "8,5", 241),
        ("kg", "0", UNSET),
        ("kg", "", UNSET),
    ],
)
def test_a_weight_is_read_in_the_unit_of_its_column(unit: str, text: str, grams: Any) -> None:
    row = f'Type,SKU,Name,Published,Regular price,Weight ({unit})\nsimple,C-1,Cup,1,5,"{text}"\n'
    assert [each.weight_grams for each in read(row).rows] == [grams]


def test_a_weight_that_is_none_is_told() -> None:
    sheet = read("Type,SKU,Name,Published,Regular price,Weight (kg)\nsimple,C-1,Cup,1,5,light\n")
    assert [(each.place, each.message) for each in sheet.faults] == [
        ("row 2, column weight (kg)", "'light' is no weight; write it like 1.25")
    ]


def test_a_file_of_nobody_s_is_refused_with_the_columns_of_ours() -> None:
    with pytest.raises(Invalid, match="the columns are id, sku, name"):
        read("Nom,Prix\nThé,4\n")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("<p>One.</p>\n<p>Two &lt;3</p>", "One.\nTwo <3"),
        ("a<br/>b<br>c", "a\nb\nc"),
        ("<b>bold</b> word", "bold word"),
        ("<style>p{}</style>seen<script>not</script>", "seen"),
        ("1 < 2 & 3", "1 < 2 & 3"),
        ("<table><tr><td>cell</td></tr></table>", "cell"),
        ("", ""),
    ],
)
def test_a_description_is_the_text_of_its_html(html: str, text: str) -> None:
    assert plain_text(html) == text
