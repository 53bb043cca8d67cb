"""All pages as one router, to be mounted beside the API."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, Router
from litestar.di import Provide

from kassa.pages import errors, forgery
from kassa.pages.account import ACCOUNT
from kassa.pages.cart_pages import CART_PAGES
from kassa.pages.checkout import CHECKOUT
from kassa.pages.console import CONSOLE
from kassa.pages.own_data import DATA_PAGES
from kassa.pages.render import make_renderer
from kassa.pages.second_factor import SECOND_FACTOR
from kassa.pages.settings import PageSettings
from kassa.pages.statics import Statics, static_route
from kassa.pages.storefront import STOREFRONT, KnownCategories
from kassa.pages.visit import ClientFactory, Visit, make_visit, open_visit

_MAX_FORM = 256 * 1024


def pages_router(client_factory: ClientFactory, settings: PageSettings) -> Router:
    """`client_factory(caller)` makes the `ShopClient` of one visit; it is first called with the first visit,
    so it may name the very application that this router is mounted in."""
    statics = Statics()
    renderer = make_renderer(settings, statics)
    known = KnownCategories()

    async def visit(request: Request[Any, Any, Any]) -> Visit:
        return await open_visit(request, client_factory, renderer)

    def categories() -> KnownCategories:
        return known

    async def refuse_forgery(request: Request[Any, Any, Any]) -> None:
        await forgery.refuse_forgery(request, settings)

    return Router(
        path="/",
        route_handlers=[
            static_route(statics),
            *STOREFRONT,
            *CART_PAGES,
            *CHECKOUT,
            *ACCOUNT,
            *DATA_PAGES,
            *SECOND_FACTOR,
            *CONSOLE,
        ],
        dependencies={"visit": Provide(visit), "categories": Provide(categories, sync_to_thread=False)},
        before_request=refuse_forgery,
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
