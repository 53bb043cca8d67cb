"""WooCommerce's product export as rows of the catalogue.

Each row is of a type. `simple` is a product; `variable` says what its `variation` rows have in common, which name it as
their parent, by id or SKU (WooCommerce's Product CSV Import Schema). Columns have their names in English.
"""

from collections.abc import Container
from decimal import Decimal

from msgspec import UNSET, UnsetType

from kassa.product.catalogue_csv import Row, Sheet
from kassa.product.cells import price_of
from kassa.product.csv_file import Table
from kassa.product.families import Value
from kassa.product.foreign import NO_CATEGORY, Reading, Record, plain_text
from kassa.product.goods import STANDARD

_TAKEN = {
    "id", "type", "sku", "name", "published", "description", "short description", "regular price", "sale price",
    "date sale price starts", "date sale price ends", "categories", "images", "in stock?", "stock", "parent",
    "is featured?", "visibility in catalog", "tax status", "backorders allowed?", "sold individually?",
    "allow customer reviews?", "position", "tax class", "gtin, upc, ean, or isbn",
    "weight (g)", "weight (kg)", "weight (lbs)", "weight (oz)",
}  # fmt: skip

_GTIN = ("gtin, upc, ean, or isbn",)
_GRAMS = {
    "weight (g)": Decimal(1), "weight (kg)": Decimal(1000),
    "weight (lbs)": Decimal("453.59237"), "weight (oz)": Decimal("28.349523125"),
}  # fmt: skip
"""The column of the weight is named after the shop's unit."""
_STANDARD_TAX = ("", "standard", "parent")
_ATTRIBUTES = 20
_COLUMNS_OF_ATTRIBUTE = ("name", "value(s)", "visible", "global", "default")
_KINDS = ("simple", "variable", "variation")


def is_woocommerce(header: Container[str]) -> bool:
    """Whether these are the columns of such a file."""
    return all(each in header for each in ("type", "name", "published", "regular price"))


def read_woocommerce(table: Table) -> Sheet:
    """The products and variations as rows, what is wrong with the file, and what of it is not taken over."""
    reading = Reading(table)
    parents = {name: each for each in reading.records if _kind(each) == "variable" for name in _names(each)}
    rows = _rows(reading, parents)
    attributes = (
        f"attribute {number} {what}" for number in range(1, _ATTRIBUTES + 1) for what in _COLUMNS_OF_ATTRIBUTE
    )
    reading.leave_columns(_TAKEN, attributes)
    return Sheet(rows, reading.faults, "WooCommerce", reading.left)


def _rows(reading: Reading, parents: dict[str, Record]) -> list[Row]:
    """The rows in the order of the file, but variations beside each other."""
    groups: dict[int, list[Row]] = {}
    firsts: dict[int, Record] = {}
    for record in reading.records:
        if (row := _row(reading, record, parents)) is not None:
            common = parents[record["parent"]] if _kind(record) == "variation" else record
            groups.setdefault(common.number, []).append(row)
            firsts[common.number] = common
    return [
        row
        for number, rows in groups.items()
        for row in reading.tied(firsts[number], firsts[number]["name"], firsts[number]["sku"] or str(number), rows)
    ]


def _kinds_of(record: Record) -> list[str]:
    return [each.strip().lower() for each in record["type"].split(",")]


def _kind(record: Record) -> str:
    """Its type, which `virtual` and `downloadable` may stand beside."""
    return next((each for each in _kinds_of(record) if each not in ("virtual", "downloadable")), "simple")


def _names(record: Record) -> list[str]:
    """What its variations call it."""
    return [name for name in (f"id:{record['id']}" if record["id"] else "", record["sku"]) if name]


def _row(reading: Reading, record: Record, parents: dict[str, Record]) -> Row | None:
    kind = _kind(record)
    if kind == "variable":
        return None
    if kind not in _KINDS:
        reading.left.append(record.fault("", f"{record['name']!r} is of the type {kind!r}; left out"))
        return None
    common = record
    if kind == "variation":
        parent = parents.get(record["parent"])
        if parent is None:
            told = f"{record['parent']!r} is no variable product of this file" if record["parent"] else "is missing"
            reading.faults.append(record.fault("parent", told))
            return None
        common = parent
    if any(each["published"] not in ("", "1") for each in (record, common)):
        reading.left.append(record.fault("published", f"{record['name'] or common['name']!r} is not; left out"))
        return None
    price, compare_at = _prices(reading, record)
    return Row(
        name=_name(record, common),
        description=_description(record, common),
        category=_category(reading, common),
        price=price,
        compare_at_price=compare_at,
        sku=record["sku"] or None,
        stock=_stock(reading, record),
        images=_images(record) or _images(common),
        gtin=reading.gtin(record, _GTIN),
        weight_grams=_weight(reading, record, common),
        tax_class=_tax_class(reading, record, common),
        is_digital="virtual" in _kinds_of(record),
        values=() if record is common else _values(record),
        number=record.number,
    )


def _name(record: Record, common: Record) -> str:
    """A variation's own name has its values in it, unless they are many."""
    if record is common or record["name"] not in ("", common["name"]):
        return record["name"]
    values = (record[f"attribute {number} value(s)"] for number in range(1, _ATTRIBUTES + 1))
    return ", ".join((common["name"], *(value for value in values if value)))


def _values(record: Record) -> tuple[Value, ...]:
    """What tells a variation from others; an attribute of which it may have any value is empty."""
    pairs = (
        Value(record[f"attribute {number} name"], record[f"attribute {number} value(s)"])
        for number in range(1, _ATTRIBUTES + 1)
    )
    return tuple(each for each in pairs if each.name and each.value)


def _weight(reading: Reading, record: Record, common: Record) -> int | UnsetType:
    """Its own weight, or that of its parent."""
    for each in (record, common):
        for column, grams in _GRAMS.items():
            if each[column]:
                return reading.grams(each, column, each[column], grams)
    return UNSET


def _tax_class(reading: Reading, record: Record, common: Record) -> str | None:
    """Its own tax class, or that of its parent."""
    if record["tax status"] not in ("", "taxable"):
        told = f"{record['tax status']} is what Kassa has not: give it a taxClass"
        reading.left.append(record.fault("tax status", told))
    said = record["tax class"] if record["tax class"] != "parent" else common["tax class"]
    return STANDARD if said in _STANDARD_TAX else said


def _description(record: Record, common: Record) -> str:
    html = record["description"] or common["description"] or common["short description"]
    return plain_text(html.replace("\\n", "<br>"))  # A line break is written as these two characters.


def _category(reading: Reading, record: Record) -> str:
    """The innermost of the first path."""
    first = next(iter(_parts(record["categories"])), "").rpartition(">")[2].strip()
    if not first:
        reading.left.append(record.fault("categories", f"are none; put under {NO_CATEGORY!r}"))
    return first or NO_CATEGORY


def _images(record: Record) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_parts(record["images"])))


def _parts(cell: str) -> list[str]:
    """What is between commas; one within a name is written behind a backslash."""
    parts = (part.replace("\0", ",").strip() for part in cell.replace("\\,", "\0").split(","))
    return [part for part in parts if part]


def _prices(reading: Reading, record: Record) -> tuple[Decimal | None, Decimal | None]:
    """The price, and the regular one that it is reduced from."""
    regular, sale = record["regular price"], record["sale price"]
    if sale and (record["date sale price starts"] or record["date sale price ends"]):
        reading.left.append(record.fault("sale price", f"{sale} holds for a time only; the regular price is taken"))
        sale = ""
    try:
        price = price_of(sale or regular)
    except ValueError as error:
        reading.faults.append(record.fault("regular price", str(error)))
        return None, None
    return price, reading.compared(record, ("regular price",), price) if sale else None


def _stock(reading: Reading, record: Record) -> int | None:
    text = record["stock"]
    if not text or text == "parent":
        if record["in stock?"] == "0":
            return 0
        why = "is that of all variations together" if text else "is not counted"
        reading.left.append(record.fault("stock", f"{why}: set how many there are"))
        return None
    whole = text.removeprefix("-").partition(".")
    if not (whole[0].isascii() and whole[0].isdigit() and len(whole[0]) <= 10 and not whole[2].strip("0")):
        reading.faults.append(record.fault("stock", f"{text[:30]!r} is no number of pieces"))
        return None
    if text.startswith("-"):
        reading.left.append(record.fault("stock", f"{text}: sold beyond the stock; set to 0"))
        return 0
    return int(whole[0])
