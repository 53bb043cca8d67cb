"""Shopify's product export as rows of the catalogue.

A product is all rows with one handle. The first has what is said of the product; each row with a price is a variant;
others only add a picture. Of the columns both generations of names are known (Shopify Help: Using CSV files to import
and export products; the names were changed in 2025).
"""

from collections.abc import Container, Iterable
from decimal import Decimal

from kassa.product.catalogue_csv import Row, Sheet
from kassa.product.cells import price_of
from kassa.product.csv_file import Table
from kassa.product.families import Value, variant_name
from kassa.product.foreign import NO_CATEGORY, Reading, Record, plain_text

_HANDLE = ("handle", "url handle")
_PRICE = ("variant price", "price")
_COMPARE_AT = ("variant compare at price", "compare-at price")
_SKU = ("variant sku", "sku")
_BODY = ("body (html)", "description")
_STOCK = ("variant inventory qty", "inventory quantity")
_TRACKER = ("variant inventory tracker", "inventory tracker")
_BARCODE = ("variant barcode", "barcode")
_GRAMS = ("variant grams", "weight value (grams)")
_SHIPPING = ("variant requires shipping", "requires shipping")
_TAXABLE = ("variant taxable", "charge tax")
_IMAGE = ("image src", "product image url")
_VARIANT_IMAGE = ("variant image", "variant image url")
_OPTIONS = tuple((f"option{number} name", f"option{number} value") for number in (1, 2, 3))
_TAKEN = {
    *_HANDLE, *_PRICE, *_COMPARE_AT, *_SKU, *_BODY, *_STOCK, *_TRACKER, *_IMAGE, *_VARIANT_IMAGE,
    *_BARCODE, *_GRAMS, *_SHIPPING, *_TAXABLE,
    *(column for option in _OPTIONS for column in option),
    "title", "type", "product category", "status", "published", "published on online store", "image position",
    "gift card", "variant fulfillment service", "fulfillment service", "variant weight unit", "weight unit for display",
}  # fmt: skip
"""The last of them say the same in every row."""
_TRUE, _FALSE = "true", "false"


def is_shopify(header: Container[str]) -> bool:
    """Whether these are the columns of such a file."""
    return "title" in header and any(each in header for each in _HANDLE) and any(each in header for each in _PRICE)


def read_shopify(table: Table) -> Sheet:
    """The variants as rows, what is wrong with the file, and what of it is not taken over."""
    reading = Reading(table)
    products: dict[str, list[Record]] = {}
    for record in reading.records:
        handle = record.one_of(_HANDLE)
        if handle:
            products.setdefault(handle, []).append(record)
        else:
            reading.faults.append(record.fault("handle", "is missing; it tells which rows are one product"))
    rows = [
        row
        for handle, records in products.items()
        for row in reading.tied(records[0], records[0]["title"], handle, list(_rows(reading, records)))
    ]
    reading.leave_columns(_TAKEN)
    return Sheet(rows, reading.faults, "Shopify", reading.left)


def _rows(reading: Reading, records: list[Record]) -> Iterable[Row]:
    first = records[0]
    if why := _why_not(first):
        reading.left.append(first.fault("", f"{first['title'] or first.one_of(_HANDLE)} is {why}; left out"))
        return
    if not first["title"]:
        reading.faults.append(first.fault("title", "is missing; the first row of a product has it"))
        return
    category = first["type"] or first["product category"].rpartition(">")[2].strip()
    if not category:
        category = NO_CATEGORY
        reading.left.append(first.fault("type", f"is empty, and so is the category; put under {NO_CATEGORY!r}"))
    images = _images(records)
    variants = [record for record in records if record.one_of(_PRICE) or record.one_of(_SKU)]
    if not variants:
        reading.faults.append(first.fault("price", "is missing; no row of this product has one"))
    for record in variants:
        if record.one_of(_TAXABLE).lower() == _FALSE:
            reading.left.append(record.fault(_TAXABLE[-1], "is false, which Kassa has not: give it a taxClass"))
        price = _price(reading, record)
        compare_at = reading.compared(record, _COMPARE_AT, price)
        own, values = record.one_of(_VARIANT_IMAGE), _values(first, record)
        yield Row(
            name=variant_name(first["title"], [each.value for each in values]),
            description=plain_text(first.one_of(_BODY)),
            category=category,
            price=price,
            compare_at_price=compare_at,
            sku=record.one_of(_SKU) or None,
            stock=_stock(reading, record),
            images=tuple(dict.fromkeys((own, *images) if own else images)),
            gtin=reading.gtin(record, _BARCODE),
            weight_grams=reading.grams(record, _GRAMS[-1], record.one_of(_GRAMS), Decimal(1)),
            is_digital=_is_digital(record),
            values=values,
            number=record.number,
        )


def _why_not(first: Record) -> str:
    """Why a product is not sold, in Shopify's words; empty if it is."""
    if first["gift card"].lower() == _TRUE:
        return "a gift card"
    if first["status"].lower() not in ("", "active"):
        return f"{'an' if first['status'].lower() == 'archived' else 'a'} {first['status'].lower()}"
    published = first.one_of(("published", "published on online store")).lower()
    return "" if published in ("", _TRUE) else "not published"


def _values(first: Record, record: Record) -> tuple[Value, ...]:
    """The values that tell the variant from others, of the options that the first row names; a product without
    variants has one with this value."""
    values = tuple(
        Value(first[name] or name.removesuffix(" name").capitalize(), record[value])
        for name, value in _OPTIONS
        if record[value]
    )
    return () if [each.value for each in values] == ["Default Title"] else values


def _is_digital(record: Record) -> bool | None:
    return {_TRUE: False, _FALSE: True}.get(record.one_of(_SHIPPING).lower())


def _images(records: list[Record]) -> list[str]:
    def position(record: Record) -> int:
        text = record["image position"]
        return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0

    found = [record for record in records if record.one_of(_IMAGE)]
    return [record.one_of(_IMAGE) for record in sorted(found, key=position)]


def _price(reading: Reading, record: Record) -> Decimal | None:
    try:
        return price_of(record.one_of(_PRICE))
    except ValueError as error:
        reading.faults.append(record.fault("price", str(error)))
        return None


def _stock(reading: Reading, record: Record) -> int | None:
    text = record.one_of(_STOCK)
    if not text:
        return None
    if not record.one_of(_TRACKER):
        reading.left.append(record.fault("inventory tracker", "is empty, so Shopify does not count it: set its stock"))
        return None
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        reading.faults.append(record.fault("inventory quantity", f"{text[:30]!r} is no number of pieces"))
        return None
    if text != digits:
        reading.left.append(record.fault("inventory quantity", f"{text}: sold beyond the stock; set to 0"))
        return 0
    return int(text)
