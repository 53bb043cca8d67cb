"""What search engines are told of the shop."""

import json
import re
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from kassa.pages.sitemaps import OF_A_FILE
from tests.pages.conftest import Browser
from tests.pages.fake_shop import FakeShop

SITE = "http://münchen.test:80"
MOST_URLS, MOST_BYTES = 50_000, 50 * 1024 * 1024
"""Of a sitemap (sitemaps.org, protocol)."""
NAMES = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
HOSTILE = "</script><script>alert('x')</script>"


async def test_a_product_says_what_it_is_what_it_costs_and_if_it_is_there(browser: Browser, shop: FakeShop) -> None:
    mug = shop.add("Mug", 19998, stock=7, description="Holds\n  tea.", images=["/shop/static/mug.svg"], sku="MUG-1")
    page = await browser.get(f"/shop/products/{mug}")
    address = f"{SITE}/shop/products/{mug}"
    assert f'<link rel="canonical" href="{address}">' in page.text
    assert '<meta name="description" content="Holds tea.">' in page.text
    assert '<meta property="og:type" content="product">' in page.text
    data = _data(page)
    # Google, Product structured data: `name` and `offers`, of which `price` and `priceCurrency`, must be there.
    assert (data["@context"], data["@type"], data["name"]) == ("https://schema.org", "Product", "Mug")
    assert data["image"] == [f"{SITE}/shop/static/mug.svg"]
    assert data["sku"] == "MUG-1"
    assert data["offers"] == {
        "@type": "Offer",
        "url": address,
        "priceCurrency": "USD",
        "price": "199.98",
        "availability": "https://schema.org/InStock",
    }


async def test_what_is_sold_out_says_so(browser: Browser, shop: FakeShop) -> None:
    page = await browser.get(f"/shop/products/{shop.add('Mug', stock=0)}")
    assert _data(page)["offers"]["availability"] == "https://schema.org/OutOfStock"


async def test_a_name_cannot_end_the_data(browser: Browser, shop: FakeShop) -> None:
    page = await browser.get(f"/shop/products/{shop.add(HOSTILE)}")
    assert _data(page)["name"] == HOSTILE
    assert HOSTILE not in page.text


async def test_a_list_has_one_address_whatever_else_was_asked_for(browser: Browser, shop: FakeShop) -> None:
    shop.add("Green tea", category="Tea & more")
    page = await browser.get("/?category=Tea+%26+more&utm_source=letter")
    assert f'<link rel="canonical" href="{SITE}/?category=Tea+%26+more">' in page.text
    assert "noindex" not in page.text


@pytest.mark.parametrize("path", ["/cart", "/account/login", "/?q=tea", "/shop/withdraw", "/nowhere"])
async def test_what_is_of_one_visitor_is_not_found(browser: Browser, path: str) -> None:
    page = await browser.get(path)
    assert '<meta name="robots" content="noindex">' in page.text
    assert "canonical" not in page.text


async def test_programs_are_told_where_they_may_look(browser: Browser) -> None:
    answer = await browser.get("/robots.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert lines[0] == "User-agent: *"
    assert {"Disallow: /console", "Disallow: /account", "Disallow: /cart", "Disallow: /checkout"} <= set(lines)
    assert f"Sitemap: {SITE}/sitemap.xml" in lines


async def test_the_sitemap_has_every_product_once(browser: Browser, shop: FakeShop) -> None:
    known = {shop.add(f"Mug {number}") for number in range(OF_A_FILE + 3)}
    index = await browser.get("/sitemap.xml")
    files = _locations(index, "s:sitemap/s:loc")
    assert files[0] == f"{SITE}/sitemap/1"
    assert len(files) == 2
    found = []
    for file in files:
        part = await browser.get(file.removeprefix(SITE))
        urls = _locations(part, "s:url/s:loc")
        assert len(urls) <= MOST_URLS
        assert len(part.content) <= MOST_BYTES
        found += urls
    assert sorted(found) == sorted([f"{SITE}/", *(f"{SITE}/shop/products/{each}" for each in known)])
    assert all("skip" not in call.query for call in shop.called("GET", "/products")[-len(files) :]), "it costs more"
    assert (await browser.get("/sitemap/0")).status_code == 404


def _locations(answer: httpx.Response, path: str) -> list[str]:
    assert answer.headers["content-type"].startswith("application/xml")
    return [each.text or "" for each in ElementTree.fromstring(answer.content).iterfind(path, NAMES)]


def _data(page: httpx.Response) -> Any:
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page.text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])
