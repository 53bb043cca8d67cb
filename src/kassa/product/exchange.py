"""The catalogue goes out into a file and comes in from one: all of it, or nothing if a row is wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from kassa.kit.documents import In
from kassa.kit.ids import PRODUCT, is_id
from kassa.kit.money import major
from kassa.product import domain
from kassa.product.catalogue_csv import COLUMNS, Row, Sheet
from kassa.product.csv_file import Fault, refusal
from kassa.product.domain import Product
from kassa.product.families import values_of
from kassa.product.family_import import Families, by_variant, carry_out, families_of
from kassa.product.prices import at_odds
from kassa.product.service import ProductService

CHUNK = 100

_SAID = ("sku", "name", "description", "category", "price", "stock", "images", "tax_class", "is_digital",
         "withdrawal_excluded")  # fmt: skip
_CLEARED = ("compare_at_price", "gtin", "weight_grams")
"""What a row may take away."""

Good = dict[str, Any]
Known = Mapping[str, Product]
Look = tuple[str, str]


class Imported(msgspec.Struct, frozen=True):
    """What an import did. `stock_differs` are the products that were there already and of which another number can be
    bought than the file says, with the file's figure; `off_sale` those of the file that nobody can buy."""

    created: int
    updated: int
    unchanged: int
    stock_differs: dict[str, int]
    off_sale: tuple[str, ...]


class Planned(msgspec.Struct, frozen=True):
    """A row that can be carried out: the product it is about, and what it gives it."""

    product_id: str
    good: Good
    known: Product | None


class RowPreview(msgspec.Struct, frozen=True):
    """What becomes of a row: a product is made, changed, or stays as it is."""

    row: int
    name: str
    what: Literal["create", "change", "keep"]
    product_id: str | None


class Preview(msgspec.Struct, frozen=True):
    """What an import would do, row by row. `stock_kept`: of so many products that are there already the stock is
    another one than the file's."""

    rows: list[RowPreview]
    stock_kept: int


async def preview_of(service: ProductService, sheet: Sheet) -> Preview:
    """What `import_sheet` would do; Invalid as it. Nothing is done."""
    planned = await _plan(service, sheet, await families_of(service, sheet.rows))
    differs = 0
    for start in range(0, len(planned), CHUNK):
        differs += len(await _other_stock(service, planned[start : start + CHUNK]))
    return Preview([_previewed(row, each) for row, each in zip(sheet.rows, planned, strict=True)], differs)


def _previewed(row: Row, planned: Planned) -> RowPreview:
    known = planned.known
    name = str(planned.good.get("name") or (known.name if known else ""))
    if known is None:
        return RowPreview(row.number, name, "create", None)
    told = {field: value for field, value in planned.good.items() if field != "stock"}
    is_same = all(getattr(known, field, value) == value for field, value in told.items())
    return RowPreview(row.number, name, "keep" if is_same else "change", known.id)


async def import_sheet(
    service: ProductService, sheet: Sheet, who: str, on_progress: Callable[[int], object] = lambda done: None
) -> Imported:
    """Make and change products as the rows say; Invalid, which names all faults, with nothing done if there is one.

    A row is about the product with its id; without an id, about the one with its SKU; without both, about the variant
    of its family that has its values, or about one that is all that the row says. If there is none it makes one. So an
    import that was interrupted is gone on with by importing the file again. `on_progress` hears how many rows are done.
    """
    families = await families_of(service, sheet.rows)
    planned = await _plan(service, sheet, families)
    await carry_out(service, families, who)
    after: list[Product] = []
    differs: dict[str, int] = {}
    for start in range(0, len(planned), CHUNK):
        chunk = planned[start : start + CHUNK]
        after += await asyncio.gather(*(service.put(each.product_id, each.good, who, each.known) for each in chunk))
        differs |= await _other_stock(service, chunk)
        on_progress(len(after))
    # Not by their versions: that an effect is done is noted in them, too.
    pairs = [(each.known and each.known.audit[-1:], now.audit[-1:]) for each, now in zip(planned, after, strict=True)]
    return Imported(
        created=sum(before is None for before, _ in pairs),
        updated=sum(before not in (None, now) for before, now in pairs),
        unchanged=sum(before == now for before, now in pairs),
        stock_differs=differs,
        off_sale=tuple(product.id for product in after if not product.is_active),
    )


async def export_rows(service: ProductService) -> AsyncIterator[Row]:
    """All products on sale, the oldest first, with their stock; importing them changes nothing."""
    after: str | None = None
    while found := await service.products.find({"is_active": True}, limit=CHUNK, after=after, order="oldest"):
        stocks, families = await service.stocks(found), await service.families.of(found)
        for product in found:
            family = families.get(product.family_id or "")
            compare_at = product.compare_at_minor
            yield Row(
                id=product.id,
                sku=product.sku,
                name=product.name,
                description=product.description,
                category=product.category,
                price=major(product.price_minor, product.currency),
                stock=stocks[product.id],
                images=product.images,
                compare_at_price=None if compare_at is None else major(compare_at, product.currency),
                gtin=product.gtin,
                weight_grams=product.weight_grams,
                tax_class=product.tax_class,
                is_digital=product.is_digital,
                withdrawal_excluded=product.withdrawal_excluded or None,
                family=None if family is None else family.name,
                values=() if family is None else tuple(values_of(family, product.option_values)),
            )
        after = found[-1].id


async def _plan(service: ProductService, sheet: Sheet, families: Families) -> list[Planned]:
    faults = [*sheet.faults, *families.faults]
    goods: list[Good] = []
    for row in sheet.rows:
        place = families.places.get(row.number, {})
        good, wrong = domain.checked(_fields(row, place), service.currency)
        goods.append({**place, **good})
        faults += [row.fault(error.field, error.message) for error in wrong]
        if row.id is not None and not is_id(PRODUCT, row.id):
            faults.append(row.fault("id", "is no product id; leave it empty for a new product"))
    faults += _twice(sheet.rows, goods)
    by_id = await _by_id(service, sheet.rows)
    by_sku = await _by_sku(service, [good["sku"] for good in goods if "sku" in good])
    variants = await by_variant(service, goods)
    by_look: dict[Look, list[Product]] | None = None
    planned: list[Planned] = []
    for row, good in zip(sheet.rows, goods, strict=True):
        known, owner = by_id.get(row.id or ""), by_sku.get(good.get("sku", ""))
        if (variant := variants.get(good.get("variant") or "")) is not None:
            owner, told = _same_variant(row, good, known or owner, variant)
            faults += told
        if row.id and owner and owner.id != row.id:
            faults.append(row.fault("sku", f"{owner.sku} is the SKU of {owner.id}; leave the id empty to change that"))
        elif known is None and owner is None and (look := _look_of(good)):
            by_look = await _by_look(service) if by_look is None else by_look
            owner, told = _twin(row, good, by_look.get(look, []))
            faults += told
        known = known or owner
        faults += [row.fault(error.field, error.message) for error in (at_odds(known, good) if known else ())]
        planned.append(Planned(known.id if known else row.id or service.new_id(), good, known))
    if faults:
        raise refusal(faults, COLUMNS)
    return planned


async def _other_stock(service: ProductService, chunk: Sequence[Planned]) -> dict[str, int]:
    asked = [(each.known, each.good["stock"]) for each in chunk if each.known and "stock" in each.good]
    stocks = await service.stocks([known for known, _ in asked])
    return {known.id: figure for known, figure in asked if stocks[known.id] not in (None, figure)}


def _same_variant(row: Row, good: Good, found: Product | None, variant: Product) -> tuple[Product, list[Fault]]:
    """For a row that says of a product that it is a variant which is there: that one, or a fault if it is another."""
    is_free = found is None and row.id is None and (variant.sku is None or "sku" not in good)
    if is_free or (found is not None and found.id == variant.id):
        return variant, []
    told = f"{', '.join(variant.option_values)} of this family is product {variant.id} already; put its id in the row"
    return found or variant, [row.fault("family", told)]


def _fields(row: Row, place: Mapping[str, Any]) -> Good:
    said = {name: value for name in _SAID if (value := getattr(row, name)) is not None}
    if isinstance(row.family, str) and not (row.name or "").strip():  # It is named after its family.
        said = {**said, "name": place["name"]} if "name" in place else {**said, "name": row.family}
    return said | {name: value for name in _CLEARED if (value := getattr(row, name)) is not UNSET}


def _look_of(good: Good) -> Look | None:
    """By what people tell products apart."""
    return _look(good["name"], good["category"]) if "name" in good and "category" in good else None


def _look(name: str, category: str) -> Look:
    return name.casefold(), category.casefold()


def _twice(rows: Sequence[Row], goods: Sequence[Good]) -> list[Fault]:
    faults: list[Fault] = []
    keys: dict[tuple[str, str], int] = {}
    looks: dict[Look, Row] = {}
    for row, good in zip(rows, goods, strict=True):
        sku = good.get("sku")
        for column, key in (("id", row.id), ("sku", sku)):
            first = keys.setdefault((column, key), row.number) if key else row.number
            if first != row.number:
                faults.append(row.fault(column, f"{key} is in row {first} already; leave one of them out"))
        if (look := _look_of(good)) is None or good.get("variant"):
            continue
        other = looks.setdefault(look, row)
        if other is not row and not ((row.id or sku) and (other.id or other.sku)):
            faults.append(row.fault("name", f"is that of row {other.number}, in the same category; give both an SKU"))
    return faults


async def _by_id(service: ProductService, rows: Sequence[Row]) -> Known:
    ids = [row.id for row in rows if row.id is not None and is_id(PRODUCT, row.id)]
    parts = [await service.products.many(ids[start : start + CHUNK]) for start in range(0, len(ids), CHUNK)]
    return {product.id: product for part in parts for product in part}


async def _by_sku(service: ProductService, skus: Sequence[str]) -> Known:
    found: dict[str, Product] = {}
    for start in range(0, len(skus), CHUNK):
        part = In(tuple(skus[start : start + CHUNK]))
        found |= {str(each.sku): each for each in await service.products.find({"sku": part}, limit=CHUNK)}
    return found


async def _by_look(service: ProductService) -> dict[Look, list[Product]]:
    looks: dict[Look, list[Product]] = {}
    after: str | None = None
    while found := await service.products.find({}, limit=CHUNK, after=after, order="oldest"):
        for product in found:
            looks.setdefault(_look(product.name, product.category), []).append(product)
        after = found[-1].id
    return looks


def _twin(row: Row, good: Good, twins: Sequence[Product]) -> tuple[Product | None, list[Fault]]:
    """For a row that no id and no SKU leads to a product: the one that it says nothing new about, or a fault if it
    might be about one that is there."""
    if "sku" in good:
        twins = [twin for twin in twins if twin.sku is None]
    if row.id is None and "sku" not in good:
        told = {name: value for name, value in good.items() if name != "stock"}
        same = next((twin for twin in twins if all(getattr(twin, name) == told[name] for name in told)), None)
        if same is not None:
            return same, []
    if not twins:
        return None, []
    there = f"a product with this name and category is there already, {twins[0].id}"
    return None, [row.fault("name", f"{there}; put its id in the row to change it, or give each an SKU of its own")]
