"""The public endpoint by which a catalogue comes in from a file: looked at first, or carried out."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, post
from litestar.params import QueryParameter

from kassa.contracts.product import CatalogueRefused
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, principal_of
from kassa.product.catalogue_file import read
from kassa.product.exchange import Preview, import_sheet, preview_of
from kassa.product.family_routes import service_of

LARGEST = 512 * 1024
MOST_ROWS = 2_000
"""So many are done in a few seconds. Larger files are for the command line."""
MOST_TOLD = 200
_DryRun = Annotated[bool, QueryParameter(name="dryRun", description="Tell what would be done, and do nothing")]
What = Literal["create", "change", "keep"]


class RowOut(msgspec.Struct, frozen=True, rename="camel"):
    """A row of the file, as spreadsheets count them: what it is about, and what becomes of it."""

    row: int
    name: str
    what: What
    product_id: str | None


class LeftOut(msgspec.Struct, frozen=True):
    """Something of another shop's file that is not taken over as it is, and where."""

    place: str
    message: str


class ImportOut(msgspec.Struct, frozen=True, rename="camel"):
    """What was done, or would be: how many products are created, changed and kept as they are. `rows` and `left` name
    the first two hundred. `source` is the other shop whose export it is; empty for Kassa's own. `stockKept`: of so many
    products that were there already the stock is another one than the file's, and stays."""

    is_done: bool
    source: str
    created: int
    changed: int
    kept: int
    stock_kept: int
    rows: list[RowOut]
    left: list[LeftOut]


@post("/products/import", status_code=200, tags=["products"], refuses=(CatalogueRefused,), takes_bytes=True)
async def import_products(request: Request[Any, Any, Any], dry_run: _DryRun = False) -> Response[ImportOut]:
    """Make and change products as a CSV file says, the body: Kassa's own columns, or a product export of Shopify or
    WooCommerce; of at most 512 KiB and 2,000 rows. All of it, or nothing if a row is wrong: 422 `catalogue_refused`,
    with each fault. An import that was interrupted is gone on with by sending the file again."""
    staff = await principal_of(request)
    content = await request.body()
    if len(content) > LARGEST:
        raise CatalogueRefused("the file is larger than 512 kB; split it, or import it with kassa import")
    service = service_of(request)
    try:
        sheet = read(content)
        if len(sheet.rows) > MOST_ROWS:
            raise CatalogueRefused("the file has more than 2,000 rows; split it, or import it with kassa import")
        before = await preview_of(service, sheet)
        if not dry_run:
            await import_sheet(service, sheet, staff.id)
    except Invalid as invalid:
        raise CatalogueRefused(invalid.detail, errors=invalid.errors, **invalid.members) from invalid
    left = [LeftOut(each.place, each.message) for each in sheet.left[:MOST_TOLD]]
    return JsonResponse(_shown(before, sheet.source, left, is_done=not dry_run), media_type="application/json")


def _shown(preview: Preview, source: str, left: list[LeftOut], *, is_done: bool) -> ImportOut:
    rows = [RowOut(each.row, each.name, each.what, each.product_id) for each in preview.rows]
    created, changed = (sum(each.what == what for each in rows) for what in ("create", "change"))
    kept = len(rows) - created - changed
    return ImportOut(is_done, source, created, changed, kept, preview.stock_kept, rows[:MOST_TOLD], left)


HANDLERS = (import_products,)
