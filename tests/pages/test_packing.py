"""Pages and files are sent compressed to whoever reads that, and give nothing away by it."""

import gzip
import re

import pytest

from kassa.kit.packing import FILE_LEVEL, is_wanted, packed
from kassa.pages.forgery import masked
from tests.pages.conftest import Browser, fields
from tests.pages.fake_shop import FakeShop


@pytest.mark.parametrize(
    ("accepted", "is_so"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=1", True),
        ("gzip; q=0", False),
        ("gzip;q=0.00", False),
        ("br", False),
        ("", False),
    ],
)
def test_who_wants_it_says_so(accepted: str, is_so: bool) -> None:
    assert is_wanted(accepted) is is_so


def test_the_same_is_packed_the_same() -> None:
    assert packed(b"tea " * 999, FILE_LEVEL) == packed(b"tea " * 999, FILE_LEVEL)
    assert gzip.decompress(packed(b"tea", 1)) == b"tea"


async def test_a_page_and_its_files_are_compressed_for_who_reads_that(browser: Browser, shop: FakeShop) -> None:
    shop.add("Mug")
    page = await browser.get("/")
    style = re.search(r'href="(/shop/static/shop\.css[^"]*)"', page.text)
    assert style
    for address in ("/", style[1]):
        plain = await browser.http.get(address, headers={"Accept-Encoding": "identity"})
        small = await browser.http.get(address, headers={"Accept-Encoding": "br, gzip"})
        assert "Content-Encoding" not in plain.headers
        assert small.headers["Content-Encoding"] == "gzip"
        assert int(small.headers["Content-Length"]) < len(plain.content) / 2
        assert "Accept-Encoding" in plain.headers["Vary"]
        assert "Accept-Encoding" in small.headers["Vary"]
    again = await browser.http.get(style[1], headers={"If-None-Match": small.headers["ETag"]})
    assert again.status_code == 304


async def test_the_token_of_a_form_looks_different_on_every_page(browser: Browser, shop: FakeShop) -> None:
    """What is always the same beside what a visitor sends could be guessed from how long the compressed page is."""
    product_id = shop.add("Mug")
    pages = [await browser.get(f"/shop/products/{product_id}") for _ in range(3)]
    tokens = {fields(page, "/cart/add")["csrf"] for page in pages}
    assert len(tokens) == 3
    kept = browser.http.cookies["kassa_csrf"]
    assert not any(kept in page.text for page in pages)
    for page in pages:
        assert (await browser.submit(page, "/cart/add")).status_code == 303


def test_another_browsers_token_stays_another_one() -> None:
    assert len({masked("a" * 43) for _ in range(9)}) == 9
