"""The catalogue's pages: the list with its filters, and one product."""

import asyncio
from typing import Any, TypeAlias

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from kassa.pages.catalogue_models import Categories, FamilyVariants, OneProduct, Product, Products
from kassa.pages.choosing import Choices, choices
from kassa.pages.client import ApiProblem, Params, ShopClient, path_of
from kassa.pages.visit import Visit, Visiting, number

FEW = 5
"""From this number down, a buyer is told how many are left."""


class KnownCategories:
    """The categories of what is on sale, kept a minute."""

    _KEPT_FOR = 60.0

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._until = 0.0

    async def names(self, api: ShopClient) -> tuple[str, ...]:
        now = asyncio.get_running_loop().time()
        if now >= self._until:
            answer = await api.get("/products/categories", Categories)
            self._names = tuple(each.category for each in answer.categories)
            self._until = now + self._KEPT_FOR
        return self._names


KnowingCategories: TypeAlias = NamedDependency[SkipValidation[KnownCategories]]


@get(["/", "/shop"], include_in_schema=False)
async def product_list(visit: Visiting, categories: KnowingCategories) -> Response[str]:
    asked = visit.request.query_params
    q, category = asked.get("q", "").strip()[:200], asked.get("category", "").strip()[:200]
    skip, limit = max(0, number(asked.get("skip"))), visit.renderer.settings.page_size
    found = await _page(visit, {"q": q, "category": category, "limit": limit, "skip": skip})
    return visit.page(
        "products.html",
        products=found.products,
        categories=await _categories_or_none(visit.api, categories),
        few=FEW,
        filters={"q": q, "category": category},
        paging=paging(skip, limit, found.pagination.total),
    )


async def _page(visit: Visit, asked: Params) -> Products:
    """Each family once; nothing where the list goes no further."""
    try:
        return await visit.api.get("/products", Products, {**asked, "collapse": "family"})
    except ApiProblem as problem:
        if "skip" not in problem.errors:
            raise
        first = await visit.api.get("/products", Products, {**asked, "collapse": "family", "skip": 0, "limit": 1})
        return Products(products=(), pagination=first.pagination)


async def _categories_or_none(api: ShopClient, categories: KnownCategories) -> tuple[str, ...]:
    """The filter is a convenience: without it the list is still shown."""
    try:
        return await categories.names(api)
    except ApiProblem:
        return ()


@get("/shop/products/{product_id:str}", include_in_schema=False)
async def product_page(visit: Visiting, product_id: FromPath[str]) -> Response[str]:
    answer = await visit.api.get(path_of("products", product_id), OneProduct)
    product = answer.product
    return visit.page("product.html", product=product, choices=await _choices(visit, product), few=FEW)


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


STOREFRONT: tuple[Any, ...] = (product_list, product_page)
