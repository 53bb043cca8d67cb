"""The catalogue's pages: the list with its filters, and one product."""

import asyncio
from typing import Any, TypeAlias

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from kassa.pages.client import ApiProblem, ShopClient, path_of
from kassa.pages.models import Categories, OneProduct, Products
from kassa.pages.visit import Visiting, number

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
    found = await visit.api.get("/products", Products, {"q": q, "category": category, "limit": limit, "skip": skip})
    return visit.page(
        "products.html",
        products=found.products,
        categories=await _categories_or_none(visit.api, categories),
        few=FEW,
        filters={"q": q, "category": category},
        paging=paging(skip, limit, found.pagination.total),
    )


async def _categories_or_none(api: ShopClient, categories: KnownCategories) -> tuple[str, ...]:
    """The filter is a convenience: without it the list is still shown."""
    try:
        return await categories.names(api)
    except ApiProblem:
        return ()


@get("/shop/products/{product_id:str}", include_in_schema=False)
async def product_page(visit: Visiting, product_id: FromPath[str]) -> Response[str]:
    answer = await visit.api.get(path_of("products", product_id), OneProduct)
    return visit.page("product.html", product=answer.product, few=FEW)


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
