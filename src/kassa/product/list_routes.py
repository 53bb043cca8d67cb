"""Lists of products: sorted, narrowed, searched, and what they can be narrowed by."""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Any, TypeAlias, cast

from litestar import Request, Response, get
from litestar.params import FromQuery, QueryParameter
from msgspec.structs import replace

from kassa.kit.documents import Between
from kassa.kit.lists import Pagination, encode_cursor, paging
from kassa.kit.money import EXPONENTS
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, principal_of
from kassa.product.course import Sort, Wanted
from kassa.product.domain import LONGEST_CATEGORY
from kassa.product.families import LONGEST_OPTION, LONGEST_VALUE, MOST_OPTIONS
from kassa.product.family_routes import products_shown, service_of
from kassa.product.listing import Page
from kassa.product.service import ProductService
from kassa.product.showing import ProductsBody, entry_shown
from kassa.product.suggesting import SuggestionsAnswer, suggested
from kassa.product.wire import CategoryOut, FacetsAnswer, OptionFacet, ProductsAnswer, ValueFacet

COLLAPSED = "family"
LONGEST_SEARCH = 200
PRICE = r"^[0-9]{1,12}(\.[0-9]{1,10})?$"
MOST_SUGGESTED = 10
MOST_PIECES = 1_000_000_000
_TAGS = ["products"]
WithInactive = Annotated[
    bool, QueryParameter(name="includeInactive", description="Withdrawn ones too: needs `products:read`")
]
_Category: TypeAlias = Annotated[str | None, QueryParameter(description="Only products of exactly this category")]
_Within: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        description="Only products of this category and of those below it: `Kitchen / Pots` is below `Kitchen`",
        schema_extra={"maxLength": LONGEST_CATEGORY},
    ),
]
_Text: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        description="Only products that have these words, in any order and form, in name, category, SKU or "
        "description: the best first. If there are none, a slip is forgiven in each word",
        schema_extra={"maxLength": LONGEST_SEARCH},
    ),
]
_Sort: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        description="`newest`, `price` (the cheapest first), `-price` or `name`. Without it the newest is first, and "
        "with `q` the best",
        schema_extra={"enum": [each.value for each in Sort]},
    ),
]
_MinPrice: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="minPrice",
        description="Only what costs so much at least, in major units",
        schema_extra={"pattern": PRICE},
    ),
]
_MaxPrice: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="maxPrice",
        description="Only what costs no more, in major units",
        schema_extra={"pattern": PRICE},
    ),
]
_InStock: TypeAlias = Annotated[
    bool,
    QueryParameter(
        name="inStock", description="Without what is known to be sold out at this moment; `total` counts that, too"
    ),
]
_MaxStock: TypeAlias = Annotated[
    int | None,
    QueryParameter(
        name="maxStock",
        description="Only what has at most so many pieces at this moment; `total` counts the others, too",
        schema_extra={"minimum": 0, "maximum": MOST_PIECES},
    ),
]
_Few: TypeAlias = Annotated[
    int, QueryParameter(description="How many at most", schema_extra={"minimum": 1, "maximum": MOST_SUGGESTED})
]
_Option: TypeAlias = Annotated[
    list[str] | None,
    QueryParameter(
        name="option",
        description="Only variants that have this value of this option, as `Size:M`; of several options each",
        schema_extra={"maxItems": MOST_OPTIONS, "items": {"type": "string", "pattern": r"^[^:]+:[\s\S]+$"}},
    ),
]
_Collapse: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        description="`family`: each family once, as the first of its variants that match",
        schema_extra={"enum": [COLLAPSED]},
    ),
]


@get("/products", tags=_TAGS)
async def list_products(
    request: Request[Any, Any, Any],
    category: _Category = None,
    within: _Within = None,
    q: _Text = None,
    sort: _Sort = None,
    min_price: _MinPrice = None,
    max_price: _MaxPrice = None,
    in_stock: _InStock = False,
    max_stock: _MaxStock = None,
    option: _Option = None,
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
    with_inactive: WithInactive = False,
    active: Annotated[bool, QueryParameter(description="`false`: only withdrawn ones: needs `products:read`")] = True,
    collapse: _Collapse = None,
) -> Response[ProductsAnswer]:
    """The products on sale, the newest first if nothing else is asked for."""
    if with_inactive or not active:
        await principal_of(request)
    service, part = service_of(request), paging(limit, skip, cursor)
    wanted = replace(
        _wanted(service, q, within, (min_price, max_price), option or []),
        limit=part.limit,
        skip=part.skip,
        after=part.after,
        category=category,
        is_active=None if with_inactive and active else active,
        in_stock=in_stock,
        max_stock=_pieces(max_stock),
        sort=_sort(sort),
    )
    if collapse is None:
        return await _listed(service, wanted)
    if collapse != COLLAPSED:
        raise Invalid.field("collapse", f"must be {COLLAPSED}")
    return await _collapsed(service, wanted)


@get("/products/facets", tags=_TAGS)
async def list_facets(
    request: Request[Any, Any, Any],
    within: _Within = None,
    q: _Text = None,
    min_price: _MinPrice = None,
    max_price: _MaxPrice = None,
    option: _Option = None,
) -> Response[FacetsAnswer]:
    """What a list of products on sale can be narrowed by, each family counted once: how many there are of each
    category, and of each value of an option. Of more than 1,000 variants no options are told: narrow them first."""
    service = service_of(request)
    found = await service.facets.of(_wanted(service, q, within, (min_price, max_price), option or []))
    categories = [CategoryOut(name, count) for name, count in found.categories.items()]
    options = [
        OptionFacet(name, [ValueFacet(value, count) for value, count in values.items()])
        for name, values in found.options.items()
    ]
    return JsonResponse(FacetsAnswer(categories, options), media_type="application/json")


@get("/products/suggest", tags=_TAGS)
async def suggest_products(
    request: Request[Any, Any, Any], q: _Text = None, limit: _Few = 6
) -> Response[SuggestionsAnswer]:
    """What somebody may mean who has typed this much: the first products that a search finds, at most 10."""
    if not 1 <= limit <= MOST_SUGGESTED:
        raise Invalid.field("limit", f"must be from 1 to {MOST_SUGGESTED}")
    service = service_of(request)
    wanted = replace(_wanted(service, q, None, (None, None), []), limit=limit)
    found = (await service.listing.collapsed(wanted)).entries if wanted.looked_for else []
    families = await service.families.of(each.product for each in found)
    answer = SuggestionsAnswer([suggested(each, families) for each in found])
    return JsonResponse(answer, media_type="application/json")


HANDLERS = (list_products, list_facets, suggest_products)


async def _listed(service: ProductService, wanted: Wanted) -> Response[ProductsAnswer]:
    page = await service.listing.page(wanted)
    body = ProductsBody(await products_shown(service, page.products), _pagination(wanted, page))
    return cast(Response[ProductsAnswer], JsonResponse(body))


async def _collapsed(service: ProductService, wanted: Wanted) -> Response[ProductsAnswer]:
    page = await service.listing.collapsed(wanted)
    stocks, families = await service.stocks(page.products), await service.families.of(page.products)
    each = [
        entry_shown(entry, stocks[entry.product.id], families.get(entry.product.family_id or ""))
        for entry in page.entries
    ]
    return cast(Response[ProductsAnswer], JsonResponse(ProductsBody(each, _pagination(wanted, page))))


def _pagination(wanted: Wanted, page: Page) -> Pagination:
    return Pagination(page.total, wanted.limit, wanted.skip, encode_cursor(page.behind) if page.behind else None)


def _wanted(
    service: ProductService, q: str | None, within: str | None, prices: tuple[str | None, str | None], option: list[str]
) -> Wanted:
    if q is not None and len(q) > LONGEST_SEARCH:
        raise Invalid.field("q", f"must have at most {LONGEST_SEARCH} characters")
    if within is not None and len(within) > LONGEST_CATEGORY:
        raise Invalid.field("within", f"must have at most {LONGEST_CATEGORY} characters")
    at_least, at_most = (_price(*each, service.currency) for each in zip(("minPrice", "maxPrice"), prices, strict=True))
    if len(option) > MOST_OPTIONS:
        raise Invalid.field("option", f"must be at most {MOST_OPTIONS}")
    return Wanted(
        text=q,
        within=within,
        prices=Between(at_least, None if at_most is None else at_most + 1),
        options=tuple(_option(each) for each in option),
    )


def _option(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (name and colon and value) or len(text) > LONGEST_OPTION + LONGEST_VALUE + 1:
        raise Invalid.field("option", "must be an option and its value, such as Size:M")
    return name, value


def _price(field: str, text: str | None, currency: str) -> int | None:
    """In minor units: what lies between two of them is bounded by the one inside."""
    if text is None:
        return None
    if not re.fullmatch(PRICE, text):
        raise Invalid.field(field, "must be a number from 0 to 999999999999, such as 19.99")
    inside = ROUND_CEILING if field == "minPrice" else ROUND_FLOOR
    return int(Decimal(text).scaleb(EXPONENTS[currency]).to_integral_value(inside))


def _pieces(count: int | None) -> int | None:
    if count is not None and not 0 <= count <= MOST_PIECES:
        raise Invalid.field("maxStock", f"must be from 0 to {MOST_PIECES}")
    return count


def _sort(text: str | None) -> Sort | None:
    try:
        return Sort(text) if text is not None else None
    except ValueError as error:
        raise Invalid.field("sort", f"must be one of {', '.join(Sort)}") from error
