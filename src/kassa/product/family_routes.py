"""The public endpoints of families."""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import FromPath, FromQuery

from kassa.contracts.product import FamilyChanged, FamilyNameTaken, OptionInUse
from kassa.kit.clock import SECOND
from kassa.kit.ids import FAMILY
from kassa.kit.lists import paging
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, new_id, once, principal_of, read_body, takes
from kassa.product.domain import Product
from kassa.product.families import in_order
from kassa.product.family_wire import (
    FamiliesAnswer,
    FamilyAnswer,
    FamilyChange,
    NewFamily,
    family_shown,
    options_given,
)
from kassa.product.service import ProductService
from kassa.product.showing import VariantsBody, shown
from kassa.product.wire import VariantsAnswer, given

_TAGS = ["families"]


@get("/families", tags=_TAGS)
async def list_families(
    request: Request[Any, Any, Any],
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[FamiliesAnswer]:
    """All families, the newest first."""
    found, pagination = await service_of(request).families.page(paging(limit, skip, cursor))
    return JsonResponse(FamiliesAnswer([family_shown(each) for each in found], pagination))


@get("/families/{family_id:str}", tags=_TAGS)
async def get_family(request: Request[Any, Any, Any], family_id: FromPath[str]) -> Response[VariantsAnswer]:
    """One family, with its variants on sale in the order of its values."""
    service = service_of(request)
    family = await service.families.get(family_id)
    found = (await service.listing.variants_of([family.id]))[family.id]
    variants = in_order(family, found, lambda product: product.option_values)
    body = VariantsBody(family_shown(family), await products_shown(service, variants))
    return cast(Response[VariantsAnswer], JsonResponse(body))


@post("/families", operation_class=takes(NewFamily), tags=_TAGS, refuses=(FamilyNameTaken,))
async def create_family(request: Request[Any, Any, Any]) -> Response[FamilyAnswer]:
    """Make a family. Its variants are products: POST /products with its id as `familyId`."""
    staff = await principal_of(request)
    body = await read_body(request, NewFamily)
    service = service_of(request)

    async def work(family_id: str) -> FamilyAnswer:
        cause = service.cause(staff.id, "created")
        return FamilyAnswer(family_shown(await service.families.create(family_id, _given(body), cause)))

    return await once(request, staff.id, 201, new_id(request, FAMILY), work)


@put(
    "/families/{family_id:str}",
    operation_class=takes(FamilyChange, anyOf=[{"required": ["name"]}, {"required": ["options"]}]),
    tags=_TAGS,
    refuses=(FamilyNameTaken, FamilyChanged, OptionInUse),
)
async def update_family(request: Request[Any, Any, Any], family_id: FromPath[str]) -> Response[FamilyAnswer]:
    """Replace the given fields. The names of its variants, which are products, stay as they are. An option is renamed
    where it stands; a value that a variant has stays."""
    staff = await principal_of(request)
    fields = _given(await read_body(request, FamilyChange))
    read_at = fields.pop("expected_updated_at", None)
    if not fields:
        raise Invalid("name at least one field to replace")
    service = service_of(request)
    expected = None if read_at is None else round(read_at.timestamp() * SECOND)
    cause = service.cause(staff.id, "edited")
    changed = await service.families.update(family_id, fields, cause, expected)
    return JsonResponse(FamilyAnswer(family_shown(changed)))


HANDLERS = (list_families, get_family, create_family, update_family)


def service_of(request: Request[Any, Any, Any]) -> ProductService:
    """The catalogue that a request asks."""
    service: ProductService = request.app.state["product"]
    return service


async def products_shown(service: ProductService, products: Sequence[Product]) -> list[msgspec.Raw]:
    """Products as the wire shows them, each with its stock and its family."""
    stocks, families = await service.stocks(products), await service.families.of(products)
    if not families:
        return [shown(each, stocks[each.id]) for each in products]
    return [shown(each, stocks[each.id], families.get(each.family_id or "")) for each in products]


def _given(body: NewFamily | FamilyChange) -> dict[str, Any]:
    fields = given(body)
    return fields | ({"options": options_given(fields["options"])} if "options" in fields else {})
