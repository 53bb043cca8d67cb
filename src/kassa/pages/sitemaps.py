"""Which pages there are (sitemaps.org 0.9). However many products: each sitemap begins behind a product, and costs the
same as the first."""

import asyncio
from typing import Any, TypeAlias
from xml.sax.saxutils import escape

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, SkipValidation

from kassa.pages.catalogue_models import Product, Products
from kassa.pages.client import ApiProblem, Params, ShopClient
from kassa.pages.seo import kept
from kassa.pages.visit import Visiting

_AT_ONCE, _CALLS = 100, 5
OF_A_FILE = _AT_ONCE * _CALLS
MOST_FILES = 50_000
"""Of an index of sitemaps (sitemaps.org): 25 million products."""
FIRST = "1"
_URLS = '<?xml version="1.0" encoding="UTF-8"?>\n<{0} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{1}</{0}>\n'


class SitemapStarts:
    """Behind which product each sitemap begins, the newest being first: as it was an hour ago at most. To find out, a
    thousandth of the catalogue is read, and the rest is passed over in an index."""

    KEPT_FOR = 3600.0

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def read(self, api: ShopClient) -> tuple[str, ...]:
        """The name of each sitemap: the API's cursor, which it is asked with; of the first one 1."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if now >= self._until:
                self._known, self._until = await _starts(api), now + self.KEPT_FOR
            return self._known


async def _starts(api: ShopClient) -> tuple[str, ...]:
    starts, cursor = [FIRST], ""
    while len(starts) < MOST_FILES:
        last_of_a_file: Params = {"limit": 1, "skip": OF_A_FILE - 1, "cursor": cursor}
        found = (await api.get("/products", Products, last_of_a_file)).pagination.next_cursor
        if found is None:
            break
        cursor = found
        starts.append(cursor)
    return tuple(starts)


KnowingStarts: TypeAlias = NamedDependency[SkipValidation[SitemapStarts]]


@get("/sitemap.xml", include_in_schema=False)
async def sitemap_index(visit: Visiting, starts: KnowingStarts) -> Response[str]:
    """The sitemaps: each has so many products."""
    names = await starts.read(visit.api)
    parts = (f"<sitemap><loc>{escape(visit.site)}/sitemap/{name}</loc></sitemap>" for name in names)
    return kept(_URLS.format("sitemapindex", "".join(parts)), "application/xml")


@get("/sitemap/{start:str}", include_in_schema=False)
async def sitemap(visit: Visiting, start: FromPath[str]) -> Response[str]:
    """The addresses of some products, and when each was changed; the first one has the shop itself, too, and what
    the law has it say."""
    urls = []
    if start == FIRST:
        brand = visit.renderer.settings.brand
        pages = ("", *(f"legal/{page}" for page in brand.legal(visit.language.tag)))
        urls = [f"<url><loc>{escape(visit.site)}/{page}</loc></url>" for page in pages]
    cursor: str | None = "" if start == FIRST else start
    for _call in range(_CALLS):
        try:
            found = await visit.api.get("/products", Products, {"limit": _AT_ONCE, "cursor": cursor})
        except ApiProblem as problem:
            if "cursor" in problem.errors:
                raise NotFoundException from problem
            raise
        urls += [_url(visit.site, each) for each in found.products]
        cursor = found.pagination.next_cursor
        if cursor is None:
            break
    return kept(_URLS.format("urlset", "".join(urls)), "application/xml")


def _url(site: str, product: Product) -> str:
    changed = f"<lastmod>{product.updated_at.isoformat()}</lastmod>" if product.updated_at else ""
    return f"<url><loc>{escape(site)}/shop/products/{product.id}</loc>{changed}</url>"


SITEMAPS: tuple[Any, ...] = (sitemap_index, sitemap)
