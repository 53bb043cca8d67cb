"""`kassa import` and `kassa export`: the catalogue, with its stock, as a CSV file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kassa.cli.running import DataOption, opened, progress, run, settings_for
from kassa.cli.trouble import Refusal
from kassa.kit.text import counted

if TYPE_CHECKING:
    from kassa.app.shop import Shop
    from kassa.inventory.service import InventoryService
    from kassa.product.catalogue_csv import Sheet

WHO = "operator"
_MOST_LEFT = 100

_COLUMNS = (
    "id, sku, name, description, category, price, stock, images, compareAtPrice, gtin, weightGrams, taxClass, "
    "isDigital, family, option1Name, option1Value to option3Value, withdrawalExcluded"
)
_FILES = f"CSV file, or - for what is piped in: {_COLUMNS}; or a product export of Shopify or WooCommerce."
CatalogueFile = Annotated[Path, typer.Argument(help=_FILES, readable=False)]


def import_(
    file: CatalogueFile,
    data: DataOption = None,
    set_stock: Annotated[
        bool, typer.Option("--set-stock", help="Also of products that are there already, make the stock the file's.")
    ] = False,
) -> None:
    """Make and change products as a CSV file says: all of it, or nothing if a row is wrong. A row with the id or the
    SKU of a product changes that one. The stock of a product that is there already is left as it is, for some may have
    been sold since, unless --set-stock says that the file's figure is what can be bought now."""
    settings = settings_for(data)
    content = _content(file)

    async def load() -> None:
        from kassa.app.shop import present
        from kassa.product.catalogue_file import read
        from kassa.product.exchange import import_sheet

        with _told(file):
            sheet = read(content)
        async with opened(settings) as shop:
            with progress() as shown, _told(file):
                task = shown.add_task("Importing", total=len(sheet.rows))
                done = await import_sheet(
                    present(shop.product, "product"), sheet, WHO, lambda count: shown.update(task, completed=count)
                )
            for product_id, figure in done.stock_differs.items() if set_stock else ():
                await _set_stock(present(shop.inventory, "inventory"), product_id, figure)
        if sheet.source:
            _tell_left(sheet)
        print(f"{done.created} made, {done.updated} changed, {done.unchanged} as they were.")
        if done.off_sale:
            print(f"{len(done.off_sale)} of them off sale; put back in the console what is to be sold.")
        if done.stock_differs:
            said = "set to what the file says" if set_stock else "left as it is; --set-stock would set it"
            print(f"The stock of {counted(len(done.stock_differs), 'product')} was {said}.")

    run(load())


def _tell_left(sheet: Sheet) -> None:
    """What of another shop's file was not taken over, a line each."""
    print(f"Read as a product export of {sheet.source}." + (" Not taken over as it is:" if sheet.left else ""))
    for each in sheet.left[:_MOST_LEFT]:
        print(f"  {each.place}: {each.message}")
    if len(sheet.left) > _MOST_LEFT:
        print(f"  and {len(sheet.left) - _MOST_LEFT} more")


def _content(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}") from None


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Shows each fault of the file in a line of its own."""
    from kassa.kit.problem import Invalid

    try:
        yield
    except Invalid as invalid:
        count = invalid.members.get("faults", len(invalid.errors))
        for error in invalid.errors:
            print(f"{error.field}: {error.message}", file=sys.stderr)
        if count > len(invalid.errors):
            print(f"and {count - len(invalid.errors)} more", file=sys.stderr)
        name = "the input" if str(file) == "-" else file
        raise Refusal(f"nothing was imported: mend what is told above in {name}, and import it again") from None


async def _set_stock(inventory: InventoryService, product_id: str, figure: int) -> None:
    """By adding or taking away the difference, so that what is sold meanwhile is sold once."""
    from kassa.contracts.inventory import InsufficientStock, UnknownStock

    while True:
        operation_id = inventory.new_operation_id()
        try:
            level = await inventory.level(product_id)
            if level.available != figure:
                await inventory.adjust(product_id, figure - level.available, "imported", operation_id, WHO)
            return
        except UnknownStock:
            await inventory.init(product_id, figure, operation_id, WHO)
        except InsufficientStock:
            continue  # It was bought in between.


def export(
    out: Annotated[Path | None, typer.Option(help="File to write; the terminal if left out.", readable=False)] = None,
    data: DataOption = None,
) -> None:
    """Write the catalogue, with its stock, as CSV; importing that file changes nothing."""
    settings = settings_for(data)

    async def write() -> str:
        from kassa.app.shop import present
        from kassa.product import catalogue_csv
        from kassa.product.exchange import export_rows

        async with opened(settings, reads_only=True) as shop:
            rows = [row async for row in export_rows(present(shop.product, "product"))]
        return catalogue_csv.write(rows)

    text = run(write())
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise Refusal(f"{out} cannot be written: {error.strerror}") from None
    print(f"Wrote {out}.")


async def load_sample(shop: Shop) -> bool:
    """Load the sample catalogue into a shop that never had a product; whether that was done."""
    from kassa.app.shop import present
    from kassa.product.catalogue_csv import read
    from kassa.product.course import Wanted
    from kassa.product.exchange import import_sheet

    product = present(shop.product, "product")
    known = (await product.listing.page(Wanted(limit=1, is_active=None))).total
    if known:
        return False
    await import_sheet(product, read(_sample(product.currency)), "sample")
    return True


def _sample(currency: str) -> bytes:
    """The sample catalogue. Where a currency has no decimals, what costs 18.50 elsewhere costs 1850."""
    import csv
    from decimal import Decimal
    from importlib.resources import files
    from io import StringIO

    from kassa.kit.money import EXPONENTS

    text = (files("kassa.pages") / "sample" / "catalogue.csv").read_text("utf-8")
    if EXPONENTS[currency]:
        return text.encode()
    rows = csv.DictReader(StringIO(text, newline=""))
    written = StringIO(newline="")
    writer = csv.DictWriter(written, list(rows.fieldnames or ()))
    writer.writeheader()
    for row in rows:
        prices = {name: f"{Decimal(row[name]) * 100:.0f}" for name in row if "price" in name and row[name]}
        writer.writerow(row | prices)
    return written.getvalue().encode()
