"""The catalogue's pages."""

import re

import pytest

from tests.pages.conftest import Browser, text_of
from tests.pages.fake_shop import FakeShop, Refused

HOSTILE = "<script>alert('x')</script>\" onload=\"x"


async def test_the_list_shows_name_price_picture_and_stock(browser: Browser, shop: FakeShop) -> None:
    shop.add("Mug", 19998, images=["/shop/static/products/stoneware-mug.svg"])
    page = await browser.get("/")
    assert page.status_code == 200
    assert page.text.count('data-testid="product-card"') == 1
    assert "Mug" in page.text
    assert "$199.98" in page.text
    assert 'src="/shop/static/products/stoneware-mug.svg"' in page.text
    assert "In stock" in page.text


@pytest.mark.parametrize(
    ("stock", "words"),
    [(0, "Sold out"), (1, "Only 1 left"), (5, "Only 5 left"), (6, "In stock"), (None, "Availability unknown")],
)
async def test_stock_is_said_in_words(browser: Browser, shop: FakeShop, stock: int | None, words: str) -> None:
    product_id = shop.add("Mug", stock=stock)
    assert words in (await browser.get("/")).text
    assert words in (await browser.get(f"/shop/products/{product_id}")).text


async def test_what_is_sold_out_cannot_be_added(browser: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug", stock=0)
    assert "add-to-cart" not in (await browser.get(f"/shop/products/{product_id}")).text
    assert "add-to-cart" not in (await browser.get("/")).text


async def test_search_and_category_narrow_the_list(browser: Browser, shop: FakeShop) -> None:
    shop.add("Green tea", category="Tea")
    shop.add("Black tea", category="Tea")
    shop.add("Chair", category="Home & garden")
    found = await browser.get("/?q=green")
    assert "Green tea" in found.text
    assert "Black tea" not in found.text
    assert "1 product" in found.text
    narrowed = await browser.get("/", params={"category": "Home & garden"})
    assert "Chair" in narrowed.text
    assert "Green tea" not in narrowed.text
    assert '<a href="/?category=Home+%26+garden" aria-current="true">Home &amp; garden</a>' in narrowed.text


async def test_nothing_found_leads_back_to_all(browser: Browser, shop: FakeShop) -> None:
    shop.add("Mug")
    page = await browser.get("/?q=zebra")
    assert "Nothing matches “zebra”." in page.text
    assert "Show all products" in page.text


async def test_an_empty_shop_says_so(browser: Browser) -> None:
    assert "no products yet" in (await browser.get("/")).text


async def test_pages_lead_to_each_other(browser: Browser, shop: FakeShop) -> None:
    for number in range(8):
        shop.add(f"Mug {number}")
    first = await browser.get("/?q=mug")
    assert "1–3 of 8" in first.text
    assert 'rel="next" href="/?q=mug&amp;skip=3"' in first.text
    assert 'rel="prev"' not in first.text
    last = await browser.get("/?q=mug&skip=6")
    assert "7–8 of 8" in last.text
    assert 'rel="next"' not in last.text
    assert 'rel="prev" href="/?q=mug&amp;skip=3"' in last.text


@pytest.mark.parametrize("skip", ["-4", "x", "", "99999999999999999999", "²"])
async def test_a_nonsensical_skip_is_the_first_page(browser: Browser, shop: FakeShop, skip: str) -> None:
    shop.add("Mug")
    page = await browser.get("/", params={"skip": skip})
    assert page.status_code == 200
    assert "Mug" in page.text


async def test_hostile_texts_are_shown_not_run(browser: Browser, shop: FakeShop) -> None:
    product_id = shop.add(
        HOSTILE, description=HOSTILE, category=HOSTILE, images=["javascript:alert(1)", "//evil.test/x"]
    )
    await browser.put_in_cart(product_id)
    for path in ("/", f"/shop/products/{product_id}", "/cart", "/?q=" + HOSTILE, "/?category=" + HOSTILE):
        page = await browser.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert '" onload="' not in page.text
        assert "javascript:" not in page.text
        assert "evil.test" not in page.text


async def test_every_page_forbids_inline_scripts_and_framing(browser: Browser) -> None:
    for path in ("/", "/cart", "/account/login", "/shop/products/none"):
        page = await browser.get(path)
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", page.text)


async def test_an_unknown_product_is_a_page_not_found(browser: Browser) -> None:
    for product_id in ("prd_none", "a%20b", "%00", "%C3%A9"):
        page = await browser.get(f"/shop/products/{product_id}")
        assert page.status_code == 404
        assert "Page not found" in page.text


async def test_an_address_that_no_route_knows_is_a_page_not_found(browser: Browser) -> None:
    page = await browser.get("/no/such/page")
    assert page.status_code == 404
    assert "Page not found" in page.text
    assert page.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_broken_shop_says_what_to_do_and_gives_the_request_id(browser: Browser, shop: FakeShop) -> None:
    shop.broken["/products"] = Refused(503, "unavailable", "secret internals")
    page = await browser.get("/", headers={"X-Request-Id": "req-42"})
    assert page.status_code == 503
    assert "try again" in page.text
    assert 'data-testid="request-id">req-42<' in page.text
    assert page.headers["X-Request-Id"] == "req-42"
    assert page.headers["Retry-After"] == "7"
    assert "secret internals" not in page.text


async def test_too_many_requests_say_when_to_come_back(browser: Browser, shop: FakeShop) -> None:
    shop.broken["/products"] = Refused(429, "too_many_requests")
    page = await browser.get("/")
    assert page.status_code == 429
    assert "try again in 7 seconds" in text_of(page)


async def test_the_shop_is_asked_in_the_buyers_name(browser: Browser, shop: FakeShop) -> None:
    await browser.get("/", headers={"X-Request-Id": "req-7", "X-Forwarded-For": "198.51.100.4"})
    call = shop.called("GET", "/products")[0]
    assert call.ip == "203.0.113.9"
    assert call.headers["x-request-id"] == "req-7"
    assert call.headers["x-forwarded-for"] == "198.51.100.4"
    assert "cookie" not in call.headers


async def test_the_oldest_of_many_products_has_its_category_in_the_shop(browser: Browser, shop: FakeShop) -> None:
    shop.add("Rare", category="Antiques")
    for number in range(600):
        shop.add(f"Mug {number}", category="Kitchen")
    page = await browser.get("/")
    assert 'href="/?category=Antiques"' in page.text
    assert len(shop.called("GET", "/products/facets")) == 1
    assert len(shop.called("GET", "/products")) == 1 + 2  # For the pictures of the categories.
    await browser.get("/")
    assert len(shop.called("GET", "/products/facets")) == 1
    assert len(shop.called("GET", "/products")) == 1 + 2 + 1


async def test_without_categories_the_list_is_still_shown(browser: Browser, shop: FakeShop) -> None:
    shop.add("Mug", category="")
    page = await browser.get("/")
    assert "Mug" in page.text
    assert 'aria-label="Categories"' not in page.text


async def test_static_files_are_kept_by_browsers_until_they_change(browser: Browser) -> None:
    page = await browser.get("/")
    found = re.search(r'href="(/shop/static/shop\.css\?v=\w+)"', page.text)
    assert found is not None
    sheet = await browser.get(found[1])
    assert sheet.status_code == 200
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert "max-age=31536000" in sheet.headers["Cache-Control"]
    picture = await browser.get("/shop/static/no-picture.svg")
    assert [file.headers["Content-Type"].partition("; ")[2] for file in (sheet, picture)] == ["charset=utf-8"] * 2
    again = await browser.get(found[1], headers={"If-None-Match": sheet.headers["ETag"]})
    assert again.status_code == 304
    for path in ("/shop/static/../router.py", "/shop/static/%2e%2e/router.py", "/shop/static/none.css"):
        assert (await browser.get(path)).status_code == 404


async def test_a_reduction_is_announced_from_the_prior_price_with_the_name_of_each(
    browser: Browser, shop: FakeShop
) -> None:
    """Directive 98/6/EC, Article 6a; Court of Justice, C-330/23."""
    prices = {"compareAtPriceMinor": 2499, "priorPriceMinor": 1999}
    product_id = shop.add("Mug", 1599, **prices)
    for path in ("/", f"/shop/products/{product_id}"):
        page = await browser.get(path)
        assert re.findall(r"<s>(.*?)</s>", page.text) == ["$19.99"]
        told = text_of(page)
        assert "Reduced price: $15.99" in told
        assert "Lowest price in the 30 days before the reduction: $19.99" in told
        assert "Regular price: $24.99" in told
        assert "%" not in told


async def test_a_regular_price_that_is_the_prior_one_is_not_said_twice(browser: Browser, shop: FakeShop) -> None:
    shop.add("Mug", 1599, compareAtPriceMinor=1999, priorPriceMinor=1999)
    shop.add("Cup", 1599, compareAtPriceMinor=1899, priorPriceMinor=1999)
    told = text_of(await browser.get("/"))
    assert told.count("Lowest price in the 30 days before the reduction: $19.99") == 2
    assert "Regular price" not in told


@pytest.mark.parametrize("prior", [None, 1599, 1299])
async def test_what_is_no_reduction_beside_the_prior_price_is_not_called_one(
    browser: Browser, shop: FakeShop, prior: int | None
) -> None:
    product_id = shop.add("Mug", 1599, compareAtPriceMinor=1999, priorPriceMinor=prior)
    for path in ("/", f"/shop/products/{product_id}"):
        page = await browser.get(path)
        assert re.findall(r"[$][0-9.]+", text_of(page)) == ["$15.99"]
        assert "educ" not in text_of(page)


async def test_a_card_shows_what_its_product_is_now(browser: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug", 100)
    assert "$1.00" in (await browser.get("/")).text
    for changed, is_shown in (
        ({"priceMinor": 250}, "$2.50"),
        ({"name": "Cup & co."}, "Cup &amp; co."),
        ({"stock": 0}, "Sold out"),
    ):
        shop.products[product_id].update(changed)
        assert is_shown in (await browser.get("/")).text
    browser.http.headers["Accept-Language"] = "de"
    assert "Ausverkauft" in (await browser.get("/")).text
