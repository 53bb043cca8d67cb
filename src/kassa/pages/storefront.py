"""The catalogue's pages: the list with its filters, and one product."""

import asyncio
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from kassa.pages.catalogue_models import FamilyVariants, OneProduct, Product, Products
from kassa.pages.choosing import Choices, choices
from kassa.pages.client import ApiProblem, Params, path_of
from kassa.pages.narrowing import Narrowed, nearest, offered, tree, way_to
from kassa.pages.seo import of_list, of_product
from kassa.pages.shelves import KnownShelves, Shelves
from kassa.pages.visit import Visit, Visiting, number

FEW = 5
"""From this number down, a buyer is told how many are left."""


@get(["/", "/shop"], include_in_schema=False)
async def product_list(visit: Visiting, shelves: KnownShelves) -> Response[str]:
    asked = visit.request.query_params
    narrowed, skip = Narrowed.read(asked), max(0, number(asked.get("skip")))
    limit = visit.renderer.settings.page_size
    found, facets = await asyncio.gather(
        _page(visit, {**narrowed.asked, "limit": limit, "skip": skip}), shelves.facets(visit.api, narrowed.counted)
    )
    pages = uncounted(skip, limit, found) if narrowed.in_stock else paging(skip, limit, found.pagination.total)
    branches = tree(facets.categories)
    is_one_of_many = bool(narrowed.q or narrowed.sort or narrowed.is_filtered)
    return visit.page(
        "products.html",
        products=found.products,
        tiles=await shelves.tiles(visit.api) if narrowed.is_everything and not skip else [],
        branches=branches,
        near=nearest(branches, narrowed.category),
        options=offered(facets.options, narrowed.options),
        narrowed=narrowed,
        few=FEW,
        paging=pages,
        about=None if is_one_of_many else of_list(visit, narrowed.category, skip, found.pagination.total),
    )


async def _page(visit: Visit, asked: Params) -> Products:
    """Each family once; nothing where the list goes no further, and all prices where those asked for are none."""
    asked = {**asked, "collapse": "family"}
    try:
        return await visit.api.get("/products", Products, asked)
    except ApiProblem as problem:
        wrong = problem.errors.keys() & {"skip", "minPrice", "maxPrice"}
        if not wrong:
            raise
        rest = {name: value for name, value in asked.items() if name not in wrong}
        if "skip" not in wrong:
            return await visit.api.get("/products", Products, rest)
        first = await visit.api.get("/products", Products, {**rest, "skip": 0, "limit": 1})
        return Products(products=(), pagination=first.pagination)


@get("/shop/products/{product_id:str}", include_in_schema=False)
async def product_page(visit: Visiting, product_id: FromPath[str], shelves: KnownShelves) -> Response[str]:
    product = (await visit.api.get(path_of("products", product_id), OneProduct)).product
    return await show_product(visit, product, shelves)


async def show_product(
    visit: Visit, product: Product, shelves: Shelves, status: int = 200, **asked: Any
) -> Response[str]:
    """The page of a product; `asked`: what was typed to be told when it is back, and what is wrong with that."""
    choices, related, selling = await asyncio.gather(
        _choices(visit, product), shelves.related(visit.api, product), shelves.selling(visit.api)
    )
    return visit.page(
        "product.html",
        status,
        about=of_product(visit, product),
        product=product,
        choices=choices,
        related=related,
        methods=() if selling is None or product.is_digital else selling.shipping_methods,
        way=way_to(product.category),
        few=FEW,
        **{"values": {"email": visit.claims.email}, "errors": {}, "trouble": "", **asked},
    )


async def _choices(visit: Visit, product: Product) -> list[Choices]:
    """They stand beside: without them this variant can be bought all the same."""
    if product.family is None:
        return []
    try:
        return choices(product, await visit.api.get(path_of("families", product.family.id), FamilyVariants))
    except ApiProblem:
        visit.is_partial = True
        return []


def paging(skip: int, limit: int, total: int) -> dict[str, Any]:
    """`first` to `last` of `total`, and where the pages before and after begin, if there are any."""
    return {
        "first": min(skip + 1, total),
        "last": min(skip + limit, total),
        "total": total,
        "previous": max(0, skip - limit) if skip > 0 else None,
        "next": skip + limit if skip + limit < total else None,
    }


def uncounted(skip: int, limit: int, found: Products) -> dict[str, Any]:
    """As `paging`, of a list of which nobody knows how long it is."""
    more = found.pagination.next_cursor is not None
    known = paging(skip, limit, skip + len(found.products))
    return {**known, "total": None, "next": skip + limit if more else None}


STOREFRONT: tuple[Any, ...] = (product_list, product_page)
