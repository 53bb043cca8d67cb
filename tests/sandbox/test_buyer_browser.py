"""The card page with an address, shipping and tax in a real browser: the total follows what is typed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.sandbox.test_buyer_page import EMAIL, OPTIONS
from tests.sandbox.test_card_browser import LARGE, SMALL, at, fits
from tests.sandbox.test_taxes import TAX, TO_DE, line
from tests.sandbox.world import World
from tests.servers import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium.opened() as opened:
        yield opened


@pytest.mark.parametrize("size", [LARGE, SMALL])
async def test_the_total_follows_the_address_and_the_way_of_shipping(browser: Browser, world: World, size: Any) -> None:
    back = f"{world.sandbox.url}/health?paid"
    given: Any = {**TAX, **TO_DE, **OPTIONS, **EMAIL, "billing_address_collection": "required"}
    session = await world.open_session(line_items=[line(10_000)], success_url=back, **given)
    page = await at(browser, size, session.url)
    assert await fits(page)
    await expect(page.locator("#update")).to_be_hidden()
    await expect(page.locator("#billingCountry")).to_be_hidden()
    await page.get_by_label("Full name").fill("Ada Lovelace")
    await page.get_by_label("Country").first.select_option("DE")
    await expect(page.locator("#total")).to_have_text("$124.83")
    await page.get_by_role("radio", name="Courier").check()
    await expect(page.locator("#pay")).to_have_text("Pay $136.85")
    await page.get_by_label("Street and number").first.fill("Unter den Linden 1")
    await page.get_by_label("City").first.fill("Berlin")
    await page.get_by_role("button", name="4242 4242 4242 4242").click()
    await page.locator("#pay").click()
    await page.wait_for_url(back)
    paid = await world.session(session.id)
    assert (paid.amount_total, paid.customer_details.email) == (13_685, "buyer@example.com")
    assert paid.collected_information.shipping_details.address.city == "Berlin"


async def test_without_javascript_the_total_is_asked_for_with_a_button(browser: Browser, world: World) -> None:
    session = await world.open_session(line_items=[line(10_000)], **TAX, **EMAIL)
    page = await browser.new_page(viewport=LARGE, java_script_enabled=False)
    await page.goto(session.url)
    await page.get_by_label("Country").select_option("GB")
    await page.locator("#update").click()
    await expect(page.locator("#total")).to_have_text("$120.00")
    await expect(page.get_by_label("Country")).to_have_value("GB")
