"""The console on a narrow screen, in a real browser: every page reflows at 320 pixels (WCAG 2.2, 1.4.10), and nothing
that is pressed is cut off."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from kassa.pages.console import CONSOLE
from kassa.pages.visit import ACCESS
from tests.journey.running import DECLINED, RunningShop
from tests.servers.chromium import shot

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WIDTHS = (320, 390, 1280)
FILES = {"/console/orders/file", "/console/invoices/month"}
LARGEST = ("$10,000,000.00", "BHD\u00a010,000,000.000", "¥10,000,000", "10.000.000,00\u00a0€", "UGX\u00a010,000,000")
CUT_OFF = """() => [...document.querySelectorAll('main button, main a, main input:not([type=hidden])')]
  .filter((each) => each.checkVisibility() && !each.closest('.chips, .scroll:not(:has(tbody button))'))
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 0.5).map((each) => each.outerHTML.slice(0, 80))"""
OVERFLOWING = """(words) => { for (const each of document.querySelectorAll('a.figure strong')) each.textContent = words;
  return [...document.querySelectorAll('a.figure')].filter((each) => each.scrollWidth > each.clientWidth).length }"""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[RunningShop]:
    async with RunningShop(tmp_path / "data") as running:
        yield running


async def fits(page: Page, name: str) -> None:
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        await shot(page, f"looks-{name}-{width}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        assert await page.evaluate(CUT_OFF) == [], (name, width)


async def test_no_page_is_wider_than_the_screen_and_no_button_is_cut_off(browser: Browser, shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=9)
    paid, session_id = await buyer.checkout(mug)
    await buyer.pay(session_id)
    await buyer.becomes(paid, "CONFIRMED")
    await admin.call("POST", f"/payments/{paid}/refund", {"amount": "1.50", "reason": "scratched " * 9})
    declined, session_id = await buyer.checkout(mug)
    await buyer.pay(session_id, DECLINED)
    await buyer.becomes(declined, "CANCELLED")
    assert (await admin.call("POST", "/auth/keys", {"name": "Shelf", "scopes": ["inventory:read"]})).status == 201
    context = await browser.new_context()
    await context.add_cookies([{"name": ACCESS, "value": admin.token, "url": shop.base}])
    page = await context.new_page()
    lists = {path for each in CONSOLE if "GET" in each.http_methods for path in each.paths if "{" not in path} - FILES
    for path in (*sorted(lists), f"/console/orders/{paid}", f"/console/products/{mug}"):
        await page.goto(f"{shop.base}{path}")
        await fits(page, path.strip("/").replace("/", "-"))
    await page.goto(f"{shop.base}/console")
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        for words in LARGEST:
            assert await page.evaluate(OVERFLOWING, words) == 0, (width, words)
    await context.close()
