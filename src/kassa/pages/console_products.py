"""The console's catalogue: products and their stock."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages.admins import require_staff
from kassa.pages.catalogue_models import OneProduct, Product, Products
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.console_models import StockNumbers
from kassa.pages.formats import major_text, typed_amount
from kassa.pages.price_models import PriceChange, Prices
from kassa.pages.product_form import GOODS, MOST_OPTIONS, VALUES, families_known, goods_of, goods_sent
from kassa.pages.stock_notices import waiting_for
from kassa.pages.storefront import paging, uncounted
from kassa.pages.sure import Step, asked_first
from kassa.pages.visit import Visit, Visiting, number, safe_next
from kassa.pages.words import trouble

_SHOWN = 50
_FIELDS = (
    "name", "description", "price", "compareAtPrice", "category", "sku", "images", "stock", "updated",
    *GOODS, "familyId", *VALUES,
)  # fmt: skip
_PRICES = 5
"""Of a product's history: how many are shown."""


_TAKE_OFF = Step(
    "Take {who} off sale?",
    (
        "Buyers can no longer find or buy it.",
        "Orders that have it stay as they are, and so does its stock.",
        "It can be put back on sale at any time.",
    ),
    "Take it off sale",
)


@get("/console/products", include_in_schema=False)
async def products(visit: Visiting) -> Response[str]:
    await require_staff(visit)
    asked = visit.request.query_params
    q, skip = asked.get("q", "").strip()[:200], max(0, number(asked.get("skip")))
    sale, scarce = asked.get("sale", ""), asked.get("stock", "")
    filters = {"q": q, "sale": "off" if sale == "off" else "", "stock": scarce if scarce in ("low", "out") else ""}
    params = {"q": q, "active": "false" if filters["sale"] else "true", "limit": _SHOWN, "skip": skip}
    found = await visit.api.get("/products", Products, {**params, **await _by_stock(visit, filters["stock"])})
    is_counted = not filters["stock"]
    pages = paging(skip, _SHOWN, found.pagination.total) if is_counted else uncounted(skip, _SHOWN, found)
    return visit.page("console/products.html", products=found.products, filters=filters, paging=pages)


async def _by_stock(visit: Visit, scarce: str) -> dict[str, str | int]:
    """What finds the products of which there are few, as the shop has set it, or none."""
    if scarce == "out":
        return {"maxStock": 0}
    if scarce == "low":
        few = await visit.api.get("/inventory/admin/analytics/inventory", StockNumbers)
        return {"maxStock": few.low_stock_threshold, "inStock": "true"}
    return {}


@post("/console/products", include_in_schema=False)
async def press_nothing(visit: Visiting) -> Response[str]:
    """The list is one form, of which each button has a page of its own: without one there is nothing to do."""
    await require_staff(visit)
    return visit.redirect("/console/products")


async def product_form(
    visit: Visit,
    values: dict[str, str],
    product: Product | None = None,
    problem: ApiProblem | None = None,
    status: int = 200,
) -> Response[str]:
    """The page of a product with these values in its form, and what is wrong with them."""
    errors = problem.errors if problem else {}
    if problem and problem.code == "sku_taken":
        errors = {"sku": f"Product {problem.members.get('productId')} has this SKU already."}
    if problem and problem.code == "variant_taken":
        errors = {"familyId": f"Product {problem.members.get('productId')} is this variant already."}
    is_told = errors and problem and problem.code != "product_changed"
    wrong = trouble(problem) if problem and not is_told else ""
    shown: dict[str, Any] = {
        "product": product,
        "prices": await _last_prices(visit, product) if product else (),
        "waiting": await waiting_for(visit, product) if product else 0,
        "families": await families_known(visit, product),
        "OPTIONS": MOST_OPTIONS,
    }
    return visit.page("console/product.html", status, values=values, errors=errors, trouble=wrong, **shown)


async def _last_prices(visit: Visit, product: Product) -> tuple[PriceChange, ...]:
    """They are shown beside: without them a product can be changed all the same."""
    try:
        return (await visit.api.get(path_of("products", product.id, "prices"), Prices, {"limit": _PRICES})).prices
    except ApiProblem:
        visit.is_partial = True
        return ()


def values_of(product: Product) -> dict[str, str]:
    """What stands in the fields for a product."""
    return {
        "name": product.name,
        "description": product.description,
        "price": major_text(product.price_minor, product.currency),
        "compareAtPrice": _typed(product.compare_at_price_minor, product.currency),
        "category": product.category,
        "sku": product.sku or "",
        "images": "\n".join(product.images),
        "stock": "",
        "updated": product.updated_at.isoformat() if product.updated_at else "",
        **goods_of(product),
    }


def _typed(minor: int | None, currency: str) -> str:
    return "" if minor is None else major_text(minor, currency)


async def _body(visit: Visit) -> dict[str, object]:
    """What was typed, as the API takes it: prices as text, so that they stay exact. ApiProblem if one is none."""
    body: dict[str, object] = {name: visit.field(name) for name in ("name", "description", "price", "category")}
    body["compareAtPrice"] = None
    currency, errors = visit.renderer.settings.currency, {}
    for name in ("price", "compareAtPrice"):
        if typed := visit.field(name):
            try:
                body[name] = major_text(typed_amount(typed, currency), currency)
            except ValueError as error:
                errors[name] = str(error)
    if errors:
        raise ApiProblem(422, "validation_failed", errors=errors)
    body["sku"] = visit.field("sku") or None
    body |= await goods_sent(visit)
    body["images"] = [line.strip() for line in visit.field("images").splitlines() if line.strip()]
    return body


@get("/console/products/new", include_in_schema=False)
async def new_product(visit: Visiting) -> Response[str]:
    await require_staff(visit, "POST /products")
    chosen = visit.request.query_params.get("family", "")[:64]
    return await product_form(visit, dict.fromkeys(_FIELDS, "") | {"familyId": chosen})


@post("/console/products/new", include_in_schema=False)
async def create_product(visit: Visiting) -> Response[str]:
    await require_staff(visit)
    try:
        body = await _body(visit)
        if not visit.field("familyId"):
            body.pop("familyId")
        elif not body["name"]:
            body.pop("name")
        if visit.field("stock"):
            body["stock"] = number(visit.field("stock"), -1, most=1_000_000_000)
        await visit.api.send("POST", "/products", OneProduct, body, key=visit.field("key") or None)
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        return await product_form(
            visit, {name: visit.field(name) for name in _FIELDS}, problem=problem, status=problem.status
        )
    return visit.redirect("/console/products", "product-saved")


async def read_product(visit: Visit, product_id: str) -> Product:
    """The product, on sale or not."""
    path = path_of("products", product_id)
    return (await visit.api.get(path, OneProduct, {"includeInactive": "true"})).product


@get("/console/products/{product_id:str}", include_in_schema=False)
async def edit_product(visit: Visiting, product_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    product = await read_product(visit, product_id)
    return await product_form(visit, values_of(product), product)


@post("/console/products/{product_id:str}", include_in_schema=False)
async def save_product(visit: Visiting, product_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    product = await read_product(visit, product_id)
    try:
        path = path_of("products", product_id)
        body = await _body(visit) | {"expectedUpdatedAt": visit.field("updated")}
        await visit.api.send("PUT", path, OneProduct, body, key=visit.field("key") or None)
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        values = {name: visit.field(name) for name in _FIELDS}
        if problem.code == "product_changed":
            product = await read_product(visit, product_id)
            values, problem = _overtaken(values, values_of(product))
        return await product_form(visit, values, product, problem, problem.status)
    return visit.redirect("/console/products", "product-saved")


def _overtaken(typed: dict[str, str], now: dict[str, str]) -> tuple[dict[str, str], ApiProblem]:
    """What was typed, and beside it what somebody else has made of it: saved again, it replaces that."""
    errors = {
        name: f"Somebody else has changed this to: {now[name] or 'nothing'}"
        for name in _FIELDS
        if name != "updated" and typed[name].split() != now[name].split()
    }
    text = "Somebody else has changed this product. Nothing was saved; save again if that is right all the same."
    return typed | {"updated": now["updated"]}, ApiProblem(409, "product_changed", text, errors)


@post("/console/products/{product_id:str}/deactivate", include_in_schema=False)
async def deactivate(visit: Visiting, product_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    product = await read_product(visit, product_id)
    if asking := asked_first(visit, _TAKE_OFF, product.name, f"/console/products/{product_id}", "deactivate"):
        return asking
    await visit.api.send("DELETE", path_of("products", product_id), Any)
    return visit.redirect("/console/products", "product-off")


@post("/console/products/{product_id:str}/activate", include_in_schema=False)
async def activate(visit: Visiting, product_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    await visit.api.send("PUT", path_of("products", product_id), OneProduct, {"isActive": True})
    return visit.redirect(_back(visit, product_id), "product-on")


def _back(visit: Visit, product_id: str) -> str:
    """The list that the button was in, or else the product."""
    address = safe_next(visit.field("back"))
    is_list = address.partition("?")[0] == "/console/products"
    return address if is_list else f"/console/products/{product_id}"


@post("/console/products/{product_id:str}/stock", include_in_schema=False)
async def adjust_stock(visit: Visiting, product_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    product = await read_product(visit, product_id)
    try:
        await _adjust(visit, product)
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        typed = {name: visit.field(name) for name in ("change", "reason")}
        return await product_form(visit, values_of(product) | typed, product, problem, problem.status)
    return visit.redirect(_back(visit, product_id), "stock-saved")


async def _adjust(visit: Visit, product: Product) -> None:
    """Add to the stock or take away from it. A product that never had a stock gets its first one."""
    change, key = number(visit.field("change"), most=1_000_000_000), visit.field("key") or None
    if key and visit.field("back"):
        key = f"{key}:{product.id}:{change}"  # a list has one key for all of its buttons
    if change == 0:
        raise ApiProblem(422, "no_change", errors={"change": "Give a number other than 0, such as 25 or -3."})
    body = {"productId": product.id, "change": change, "reason": visit.field("reason") or "adjusted in the console"}
    try:
        await visit.api.send("POST", "/inventory/adjust", Any, body, key=key)
    except ApiProblem as problem:
        if problem.status != 404:
            raise
        first = {"productId": product.id, "quantity": change}
        await visit.api.send("POST", "/inventory/init", Any, first, key=key)


CONSOLE_PRODUCTS: tuple[Any, ...] = (
    press_nothing,
    products,
    new_product,
    create_product,
    edit_product,
    save_product,
    deactivate,
    activate,
    adjust_stock,
)
