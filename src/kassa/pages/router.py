"""All pages as one router, to be mounted beside the API."""

import uuid
from collections.abc import Callable
from typing import Any

from litestar import Request, Response, Router
from litestar.di import Provide

from kassa.pages import errors, forgery
from kassa.pages.account import ACCOUNT
from kassa.pages.cart_pages import CART_PAGES
from kassa.pages.checkout import CHECKOUT
from kassa.pages.checkout_pages import CHECKOUT_PAGES
from kassa.pages.choosing_language import CHOOSING_LANGUAGE
from kassa.pages.client import Caller
from kassa.pages.console import CONSOLE
from kassa.pages.destinations import KnownDestinations
from kassa.pages.guest_pages import GUEST_PAGES
from kassa.pages.invoices import INVOICES
from kassa.pages.legal import LEGAL_PAGES
from kassa.pages.mailed_links import MAILED_LINKS
from kassa.pages.numbers import Numbers
from kassa.pages.ordering_again import ORDERING_AGAIN
from kassa.pages.own_data import DATA_PAGES
from kassa.pages.parcels import PARCELS
from kassa.pages.render import make_renderer
from kassa.pages.second_factor import SECOND_FACTOR
from kassa.pages.seo import SEO
from kassa.pages.settings import PageSettings
from kassa.pages.shelves import Shelves
from kassa.pages.sitemaps import SITEMAPS, SitemapStarts
from kassa.pages.statics import Statics, static_route
from kassa.pages.stock_notices import STOCK_NOTICES
from kassa.pages.storefront import STOREFRONT
from kassa.pages.visit import ClientFactory, Visit, answer_in_language, make_visit, open_visit
from kassa.pages.watching import WATCHING, Streams
from kassa.pages.withdraw import WITHDRAW

_MAX_FORM = 256 * 1024
PAGES: tuple[Any, ...] = (
    *STOREFRONT,
    *STOCK_NOTICES,
    *CHOOSING_LANGUAGE,
    *SEO,
    *SITEMAPS,
    *LEGAL_PAGES,
    *CART_PAGES,
    *CHECKOUT,
    *CHECKOUT_PAGES,
    *ORDERING_AGAIN,
    *WATCHING,
    *GUEST_PAGES,
    *ACCOUNT,
    *PARCELS,
    *WITHDRAW,
    *INVOICES,
    *MAILED_LINKS,
    *DATA_PAGES,
    *SECOND_FACTOR,
    *CONSOLE,
)


def pages_router(client_factory: ClientFactory, settings: PageSettings, streams: Streams | None = None) -> Router:
    """`client_factory(caller)` makes the `ShopClient` of one visit; it is first called with the first visit,
    so it may name the very application that this router is mounted in."""
    statics = Statics()
    renderer = make_renderer(settings, statics)
    shelves, places, watched = Shelves(), KnownDestinations(), streams or Streams()
    starts, figures = SitemapStarts(), Numbers()

    async def visit(request: Request[Any, Any, Any]) -> Visit:
        return await open_visit(request, client_factory, renderer)

    async def receive(request: Request[Any, Any, Any]) -> None:
        ip = request.client.host if request.client else "127.0.0.1"
        await settings.brand.refresh(lambda: client_factory(Caller(ip, uuid.uuid4().hex)))
        answer_in_language(request, settings)
        await forgery.refuse_forgery(request, settings)

    return Router(
        path="/",
        route_handlers=[
            static_route(statics),
            *PAGES,
        ],
        dependencies={
            "visit": Provide(visit),
            "shelves": Provide(lambda: shelves, sync_to_thread=False),
            "streams": Provide(lambda: watched, sync_to_thread=False),
            "numbers": Provide(lambda: figures, sync_to_thread=False),
            "destinations": Provide(lambda: places, sync_to_thread=False),
            "starts": Provide(lambda: starts, sync_to_thread=False),
        },
        before_request=receive,
        exception_handlers=errors.handlers(client_factory, renderer),
        include_in_schema=False,
        request_max_body_size=_MAX_FORM,
    )


def not_found_page(
    client_factory: ClientFactory, settings: PageSettings
) -> Callable[[Request[Any, Any, Any]], Response[str]]:
    """The 404 page for addresses that no route knows; the application decides who gets a page and who JSON."""
    renderer = make_renderer(settings, Statics())

    def page(request: Request[Any, Any, Any]) -> Response[str]:
        return errors.missing_page(make_visit(request, client_factory, renderer))

    return page
