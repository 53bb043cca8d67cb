"""A shop in memory with the pages before it, and a browser without scripts to walk through them."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, Response
from litestar.types import ASGIApp

from kassa.pages.client import Caller, ShopClient
from kassa.pages.router import not_found_page, pages_router
from kassa.pages.settings import PageSettings
from tests.pages.fake_routes import api_router
from tests.pages.fake_shop import NOW, FakeShop


@dataclass
class FixedClock:
    at: datetime = NOW

    def now(self) -> int:
        return int(self.at.timestamp() * 1000)

    async def sleep(self, duration: int) -> None:
        raise AssertionError("pages do not wait")


class Forms(HTMLParser):
    """The forms of a page: for each its action and the values that its inputs have."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((given.get("action", ""), {}))
        elif tag == "input" and self.found and "name" in given and _is_sent(given):
            self.found[-1][1][given["name"]] = given.get("value", "")


@dataclass
class Browser:
    """Keeps cookies, follows redirects inside the shop when told to, and sends forms as a page has them."""

    http: httpx.AsyncClient

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(path, **more)

    async def submit(self, page: httpx.Response, action: str, **typed: str) -> httpx.Response:
        return await self.http.post(action, data={**fields(page, action), **typed})

    async def log_in(self, email: str, password: str = "a long password") -> None:
        page = await self.get("/account/login")
        answer = await self.submit(page, "/account/login", email=email, password=password)
        assert answer.status_code == 303

    async def put_in_cart(self, product_id: str, quantity: int = 1) -> None:
        page = await self.get(f"/shop/products/{product_id}")
        await self.submit(page, "/cart/add", quantity=str(quantity))


def _is_sent(given: Mapping[str, str | None]) -> bool:
    return given.get("type") != "checkbox" or "checked" in given


def fields(page: httpx.Response, action: str) -> dict[str, str]:
    forms = Forms()
    forms.feed(page.text)
    return next(values for address, values in forms.found if address == action)


def text_of(page: httpx.Response) -> str:
    """The page's text without its marks, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


@pytest.fixture
def shop() -> FakeShop:
    return FakeShop()


@pytest.fixture
def settings() -> PageSettings:
    return PageSettings("Corner Shop", "usd", True, "http://münchen.test:80", page_size=3, clock=FixedClock())


@pytest.fixture
def app(shop: FakeShop, settings: PageSettings) -> ASGIApp:
    return make_app(shop, settings)


def make_app(shop: FakeShop, settings: PageSettings) -> Litestar:
    def client_factory(caller: Caller) -> ShopClient:
        return ShopClient(app, caller)

    missing = not_found_page(client_factory, settings)

    def on_not_found(request: Request[Any, Any, Any], _: Exception) -> Response[str]:
        return missing(request)

    routes = [api_router(), pages_router(client_factory, settings)]
    app = Litestar(routes, openapi_config=None, exception_handlers={404: on_not_found})
    app.state["shop"] = shop
    return app


@pytest.fixture
async def browser(app: Litestar) -> AsyncIterator[Browser]:
    transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 1))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        yield Browser(http)
