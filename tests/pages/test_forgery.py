"""Forms that another site sends in a buyer's name are refused."""

import re

import pytest

from kassa.pages.account import ACCOUNT
from kassa.pages.cart_pages import CART_PAGES
from kassa.pages.checkout import CHECKOUT
from kassa.pages.console import CONSOLE
from kassa.pages.own_data import DATA_PAGES
from kassa.pages.second_factor import SECOND_FACTOR
from kassa.pages.storefront import STOREFRONT
from tests.pages.conftest import Browser, fields
from tests.pages.fake_shop import FakeShop

FORMS = (*CART_PAGES, *CHECKOUT, *ACCOUNT, *DATA_PAGES, *SECOND_FACTOR, *CONSOLE, *STOREFRONT)
POSTED = sorted(path for each in FORMS for path in each.paths if "POST" in each.http_methods)
POSTS = [re.sub(r"\{\w+:\w+\}", "x_1", path) for path in POSTED]


@pytest.mark.parametrize("path", POSTS)
async def test_every_form_needs_the_token(browser: Browser, shop: FakeShop, path: str) -> None:
    await browser.get("/account/login")
    answer = await browser.http.post(path, data={"product": "prd_1"})
    assert answer.status_code == 403
    assert "reload it" in answer.text
    assert not [each for each in shop.calls if each.path != "/shop-profile"]


async def test_a_foreign_token_is_refused(browser: Browser, shop: FakeShop) -> None:
    page = await browser.get(f"/shop/products/{shop.add('Mug')}")
    for token in ("", "x", "A" * 43, "é" * 43):
        answer = await browser.submit(page, "/cart/add", csrf=token)
        assert answer.status_code == 403


async def test_a_body_that_is_no_form_is_refused(browser: Browser, shop: FakeShop) -> None:
    await browser.get("/account/login")
    for kind in ("multipart/form-data", "application/json", "text/plain", "multipart/form-data; boundary=x"):
        answer = await browser.http.post("/cart/add", content=b"\xff{", headers={"Content-Type": kind})
        assert 400 <= answer.status_code < 500, kind


async def test_no_cookie_is_no_token(browser: Browser, shop: FakeShop) -> None:
    page = await browser.get(f"/shop/products/{shop.add('Mug')}")
    browser.http.cookies.clear()
    assert (await browser.submit(page, "/cart/add")).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://shop.test"}, 303),
        ({"Origin": "http://shop.test"}, 303),
        ({"Origin": "http://shop.test", "Host": "SHOP.test:80"}, 303),
        ({"Origin": "https://shop.test", "Host": "shop.test:443"}, 303),
        ({"Origin": "http://xn--mnchen-3ya.test", "Host": "evil.test"}, 303),
        ({"Origin": "http://shop.test:8080"}, 403),
        ({"Origin": "http://shop.test@evil.test"}, 403),
        ({"Origin": "http://shop.test:99999"}, 403),
        ({}, 303),
    ],
)
async def test_the_browser_says_where_a_form_comes_from(
    browser: Browser, shop: FakeShop, headers: dict[str, str], status: int
) -> None:
    page = await browser.get(f"/shop/products/{shop.add('Mug')}")
    answer = await browser.http.post("/cart/add", data=fields(page, "/cart/add"), headers=headers)
    assert answer.status_code == status
