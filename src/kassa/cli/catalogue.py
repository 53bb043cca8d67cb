"""`kassa import` and `kassa export`: the catalogue, with its stock, as a CSV file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kassa.cli.running import DataOption, opened, progress, run, settings_for
from kassa.cli.trouble import Refusal

if TYPE_CHECKING:
    from kassa.app.shop import Shop

WHO = "operator"


def import_(
    file: Annotated[Path, typer.Argument(help="CSV file: id, name, description, category, price, stock, images.")],
    data: DataOption = None,
) -> None:
    """Make and change products as a CSV file says: all of it, or nothing if a line is wrong. A line with the id of a
    product changes that one; stock is given to new products only."""
    settings = settings_for(data)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}") from None

    async def load() -> None:
        from kassa.app.shop import present
        from kassa.product.catalogue_csv import read

        rows = read(content)
        async with opened(settings) as shop:
            with progress() as shown:
                task = shown.add_task("Importing", total=len(rows))
                done = await present(shop.product, "product").import_rows(
                    rows, WHO, lambda count: shown.update(task, completed=count)
                )
        print(f"{done.created} made, {done.updated} changed, {done.unchanged} as they were.")
        if done.stock_ignored:
            print(f"The stock of {len(done.stock_ignored)} products was left as it is; change it with adjust.")

    run(load())


def export(
    out: Annotated[Path | None, typer.Option(help="File to write; the terminal if left out.")] = None,
    data: DataOption = None,
) -> None:
    """Write the catalogue, with its stock, as CSV; importing that file changes nothing."""
    settings = settings_for(data)

    async def write() -> str:
        from kassa.app.shop import present
        from kassa.product import catalogue_csv

        async with opened(settings) as shop:
            rows: list[Any] = [row async for row in present(shop.product, "product").export_rows()]
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
    from importlib.resources import files

    from kassa.app.shop import present
    from kassa.product.catalogue_csv import read
    from kassa.product.service import Wanted

    product = present(shop.product, "product")
    _, known = await product.page(Wanted(limit=1, with_inactive=True))
    if known:
        return False
    await product.import_rows(read((files("kassa.pages") / "sample" / "catalogue.csv").read_bytes()), "sample")
    return True
