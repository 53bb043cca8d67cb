"""The public endpoints of the catalogue."""

from typing import Any, cast

from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath, FromQuery

from kassa.contracts.product import ProductChanged, SkuTaken, VariantTaken
from kassa.kit.clock import SECOND
from kassa.kit.ids import PRODUCT
from kassa.kit.lists import paging
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, new_id, once, principal_of, read_body, takes
from kassa.product import family_routes, import_routes, list_routes, picture_routes
from kassa.product.domain import Product
from kassa.product.family_routes import products_shown, service_of
from kassa.product.family_wire import values_given
from kassa.product.list_routes import WithInactive
from kassa.product.service import ProductService
from kassa.product.showing import ProductBody, price_shown
from kassa.product.wire import (
    REPLACEABLE,
    CategoriesAnswer,
    CategoryOut,
    NewProduct,
    PricesAnswer,
    ProductAnswer,
    ProductChange,
    given,
)

_TAGS = ["products"]
_STOCK_ELSEWHERE = "cannot be set here; change it with POST /inventory/adjust"


@get("/products/categories", tags=_TAGS)
async def list_categories(request: Request[Any, Any, Any]) -> Response[CategoriesAnswer]:
    """The categories of all products on sale, by name."""
    counts = await service_of(request).listing.categories()
    answer = CategoriesAnswer([CategoryOut(name, counts[name]) for name in sorted(counts)])
    return JsonResponse(answer, media_type="application/json")


@get("/products/{product_id:str}", tags=_TAGS)
async def get_product(
    request: Request[Any, Any, Any], product_id: FromPath[str], with_inactive: WithInactive = False
) -> Response[ProductAnswer]:
    """One product on sale."""
    if with_inactive:
        await principal_of(request)
    service = service_of(request)
    return _response(await _body(service, await service.get(product_id, with_inactive=with_inactive)))


@get("/products/{product_id:str}/prices", tags=_TAGS)
async def list_prices(
    request: Request[Any, Any, Any],
    product_id: FromPath[str],
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[PricesAnswer]:
    """What a product costs and has cost, on sale or not, the newest price first. Of what was made by a release without
    this list, it begins before the first change since."""
    await principal_of(request)
    found, pagination = await service_of(request).prices(product_id, paging(limit, skip, cursor))
    return cast(Response[PricesAnswer], JsonResponse(PricesAnswer([price_shown(each) for each in found], pagination)))


@post(
    "/products",
    operation_class=takes(NewProduct, anyOf=[{"required": ["name"]}, {"required": ["familyId"]}]),
    tags=_TAGS,
    refuses=(SkuTaken, VariantTaken),
)
async def create_product(request: Request[Any, Any, Any]) -> Response[ProductAnswer]:
    """Put a new product on sale. With `stock` its stock is initialised, too: at once, or as soon
    as the inventory can be reached."""
    staff = await principal_of(request)
    body = await read_body(request, NewProduct)
    service = service_of(request)

    async def work(product_id: str) -> ProductBody:
        return await _body(service, await service.create(product_id, _given(body), staff.id))

    return await once(request, staff.id, 201, new_id(request, PRODUCT), work)


@put(
    "/products/{product_id:str}",
    operation_class=takes(ProductChange, anyOf=[{"required": [name]} for name in REPLACEABLE]),
    tags=_TAGS,
    refuses=(SkuTaken, VariantTaken, ProductChanged),
)
async def update_product(request: Request[Any, Any, Any], product_id: FromPath[str]) -> Response[ProductAnswer]:
    """Replace the given fields. `stock` is changed by POST /inventory/adjust."""
    staff = await principal_of(request)
    fields = _given(await _read_change(request))
    read_at = fields.pop("expected_updated_at", None)
    expected = None if read_at is None else round(read_at.timestamp() * SECOND)
    if not fields:
        raise Invalid("name at least one field to replace")
    service = service_of(request)
    return _response(await _body(service, await service.update(product_id, fields, staff.id, expected)))


@delete("/products/{product_id:str}", status_code=200, tags=_TAGS)
async def withdraw_product(request: Request[Any, Any, Any], product_id: FromPath[str]) -> Response[ProductAnswer]:
    """Take a product off sale. It stays in old orders, and `isActive` puts it back on sale."""
    staff = await principal_of(request)
    service = service_of(request)
    return _response(await _body(service, await service.withdraw(product_id, staff.id)))


HANDLERS = (
    *list_routes.HANDLERS,
    list_categories,
    get_product,
    list_prices,
    create_product,
    update_product,
    withdraw_product,
    *family_routes.HANDLERS,
    *picture_routes.HANDLERS,
    *import_routes.HANDLERS,
)


async def _body(service: ProductService, product: Product) -> ProductBody:
    return ProductBody((await products_shown(service, [product]))[0])


def _given(body: NewProduct | ProductChange) -> dict[str, Any]:
    fields = given(body)
    return fields | ({"option_values": values_given(fields["option_values"])} if "option_values" in fields else {})


def _response(body: ProductBody) -> Response[ProductAnswer]:
    return cast(Response[ProductAnswer], JsonResponse(body))


async def _read_change(request: Request[Any, Any, Any]) -> ProductChange:
    try:
        return await read_body(request, ProductChange)
    except Invalid as invalid:
        if [error.field for error in invalid.errors] == ["stock"]:
            raise Invalid.field("stock", _STOCK_ELSEWHERE) from invalid
        raise
