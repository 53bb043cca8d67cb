"""The fake shop's import: each line behind the first is a product, wrong if it says so."""

from typing import Any

from litestar import Response, post

from tests.pages.fake_asking import Ask, admin_of, shop_of
from tests.pages.fake_shop import Refused, answer


@post("/products/import", status_code=200)
async def import_products(request: Ask) -> Response[bytes]:
    admin_of(request)
    shop = shop_of(request)
    names = (await request.body()).decode().splitlines()[1:]
    wrong = [{"field": f"row {row}", "message": "is wrong"} for row, name in enumerate(names, 2) if name == "wrong"]
    if wrong:
        raise Refused(422, "catalogue_refused", "nothing was imported", errors=wrong, faults=len(wrong) + 5)
    is_done = request.query_params.get("dryRun") == "false"
    if is_done:
        for name in names:
            shop.add(name)
    what: Any = {"what": "create", "productId": None}
    rows = [{"row": row, "name": name, **what} for row, name in enumerate(names, 2)]
    counts = {"created": len(rows), "changed": 0, "kept": 0, "stockKept": 0}
    return answer({"isDone": is_done, "source": "Shopify", "rows": rows, "left": [], **counts})
