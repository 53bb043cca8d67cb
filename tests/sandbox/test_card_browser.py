"""The card page and the control page in a real browser: by keyboard, on a small screen, in each of their states."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.sandbox.world import World
from tests.servers import chromium
from tests.servers.chromium import shot

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SMALL: Any = {"width": 360, "height": 740}
LARGE: Any = {"width": 1280, "height": 900}
DECLINED, CHALLENGED = "4000000000000002", "4000002760003184"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium.opened() as opened:
        yield opened


async def at(browser: Browser, size: Any, url: str) -> Page:
    page = await browser.new_page(viewport=size)
    await page.goto(url)
    return page


async def fits(page: Page) -> bool:
    """Whether nothing sticks out sideways."""
    return bool(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


async def tab_to(page: Page, id: str) -> None:
    """Press Tab until the element is reached."""
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == id:
            return
    raise AssertionError(f"#{id} cannot be reached by keyboard")


async def open_session(world: World, **more: Any) -> Any:
    back = f"{world.sandbox.url}/health"
    return await world.open_session(success_url=f"{back}?paid", cancel_url=f"{back}?cancelled", **more)


async def test_a_buyer_with_a_keyboard_and_a_small_screen_is_declined_and_then_pays(
    browser: Browser, world: World
) -> None:
    page = await at(browser, SMALL, (await open_session(world)).url)
    assert await fits(page)
    await tab_to(page, "cardNumber")
    await page.keyboard.type(DECLINED)
    await tab_to(page, "expiry")
    await page.keyboard.type("1234")
    await tab_to(page, "cvc")
    await page.keyboard.type("123")
    await page.keyboard.press("Enter")
    await expect(page.locator("#error")).to_have_text("Your card was declined.")
    await shot(page, "sandbox-declined-360")
    await tab_to(page, "cardNumber")
    await page.keyboard.press("Control+A")
    await page.keyboard.type(CHALLENGED)
    await expect(page.locator("#cardNumber")).to_have_value("4000 0027 6000 3184")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Confirm it is you")
    assert await fits(page)
    await shot(page, "sandbox-3ds-360")
    await tab_to(page, "complete")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/health?paid")


async def test_what_is_typed_wrong_is_marked_where_it_is(browser: Browser, world: World) -> None:
    page = await at(browser, LARGE, (await open_session(world)).url)
    await page.locator("#cardNumber").fill("4242 4242 4242 4241")
    await page.locator("#expiry").fill("13 / 34")
    await page.locator("#pay").click()
    await expect(page.locator("#error")).to_have_text("Please check the marked fields.")
    await expect(page.locator("#cardNumber")).to_be_focused()
    assert await page.locator("[aria-invalid=true]").count() == 3
    await shot(page, "sandbox-wrong")


async def test_a_test_card_is_filled_in_by_choosing_it(browser: Browser, world: World) -> None:
    page = await at(browser, LARGE, (await open_session(world)).url)
    await shot(page, "sandbox-card")
    await page.get_by_role("button", name="Insufficient funds").click()
    await page.locator("#pay").click()
    await expect(page.locator("#error")).to_have_text("Your card has insufficient funds.")
    await page.locator("#cancel").click()
    await page.wait_for_url("**/health?cancelled")


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["360", "1280"])
async def test_each_state_has_a_page_that_fits_the_screen(browser: Browser, world: World, size: Any) -> None:
    paid, expired, by_bank, only_bank = [await open_session(world) for _ in range(3)] + [
        await open_session(world, allowed_payment_method_types=["sepa_debit"])
    ]
    await world.pay(paid.id)
    await world.stripe.v1.checkout.sessions.expire_async(expired.id)
    await world.control("POST", f"sessions/{by_bank.id}/pay", {"method": "bank"})
    await world.control("POST", f"charges/{(await world.charge()).id}/dispute")
    await world.control("POST", "faults", {"match": "POST /v1/refunds", "kind": "slow", "seconds": 2})
    for name, url, text in (
        ("paid", f"{world.sandbox.url}/c/pay/{paid.id}", "This order is paid"),
        ("expired", expired.url, "This checkout has expired"),
        ("by-bank", f"{world.sandbox.url}/c/pay/{by_bank.id}", "This order is to be paid by bank"),
        ("only-bank", only_bank.url, "Pay by bank"),
        ("missing", f"{world.sandbox.url}/c/pay/cs_none", "There is no such checkout"),
        ("control", f"{world.sandbox.url}/sandbox", "Stripe sandbox"),
    ):
        page = await at(browser, size, url)
        await expect(page.get_by_role("heading", name=text)).to_be_visible()
        assert await fits(page), name
        await shot(page, f"sandbox-{name}-{size['width']}")


async def test_an_operator_presses_buttons(browser: Browser, world: World) -> None:
    session = await open_session(world)
    page = await at(browser, LARGE, f"{world.sandbox.url}/sandbox")
    await page.get_by_role("button", name="Pay", exact=True).click()
    await expect(page.get_by_text("complete, paid")).to_be_visible()
    await page.get_by_label("goes wrong by").select_option("429")
    await page.get_by_role("button", name="Order").click()
    await expect(page.get_by_text("429, 1 time")).to_be_visible()
    await page.get_by_role("button", name="Roll the secret").click()
    await expect(page.locator("#message")).to_contain_text("The new signing secret is whsec_")
    assert (await world.session(session.id)).payment_status == "paid"
