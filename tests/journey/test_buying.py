"""Buying with a real browser, as hurried people do it: so few clicks, whatever goes wrong on the way.

With KASSA_SHOTS set to a directory, a picture of every step is left there.
"""

import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Frame, Page, expect

from tests.journey.running import DECLINED, GOOD, RunningShop
from tests.journey.running import Buyer as Account
from tests.servers import chromium
from tests.servers.chromium import follow, shot

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SELLING = {
    "zones": [{"id": "home", "name": "Home", "places": [{"country": "DE"}, {"country": "AT"}]}],
    "shippingMethods": [{"id": "post", "name": "Parcel", "zone": "home", "price": "4.90"}],
    "home": "DE",
}
ADDRESS = {"email": "guest@shop.example", "name": "Ada", "line1": "Markt 1", "postalCode": "26133", "city": "Oldenburg"}
CARD = {"cardNumber": GOOD, "expiry": "12 / 34", "cvc": "123"}
SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
"""As developers' tools have it (Chromium, `throttling_presets`: 400 ms, 400 kbit/s)."""
GONE = {**SLOW_3G, "offline": True}
NOTES_BUSY = (
    """addEventListener("submit", (event) => setTimeout(() => sessionStorage.busy = event.submitter.ariaBusy))"""
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium.opened() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningShop]:
    async with RunningShop(tmp_path_factory.mktemp("shop") / "data") as running:
        admin = await running.admin()
        assert (await admin.call("PUT", "/selling", SELLING)).status == 200
        yield running


@dataclass
class Buyer:
    """Counts what a buyer has to do, and how often the shop has them wait for another page."""

    page: Page
    site: str
    clicks: int = 0
    fields: int = 0
    loads: list[str] = field(default_factory=list)

    def watch(self, frame: Frame) -> None:
        path = frame.url.removeprefix(self.site).partition("?")[0]
        self.loads.append(path if frame.url.startswith(self.site) else "Stripe")

    async def press(self, testid: str) -> None:
        """Click on something."""
        self.clicks += 1
        await self.page.get_by_test_id(testid).first.click()

    async def fill(self, values: dict[str, str]) -> None:
        for name, value in values.items():
            self.fields += 1
            await self.page.fill(f"#{name}", value)

    async def order(self, product_id: str) -> None:
        """From a product's page to Stripe's, as a guest."""
        await self.page.goto(f"{self.site}/shop/products/{product_id}")
        await self.press("add-to-cart")
        await self.press("checkout")
        await self.fill(ADDRESS)
        await self.press("place-order")

    async def pay(self, number: str = GOOD) -> None:
        """On Stripe's page."""
        for name, value in {**CARD, "cardNumber": number}.items():
            await self.page.fill(f"input[name={name}]", value)
        self.clicks += 1
        await self.page.locator("#pay").click()

    async def is_confirmed(self) -> None:
        status = self.page.get_by_test_id("order-status")
        await expect(status).to_have_attribute("data-status", "CONFIRMED", timeout=30_000)


async def buyer(browser: Browser | BrowserContext, shop: RunningShop) -> Buyer:
    made = Buyer(await browser.new_page(), shop.base.replace("127.0.0.1", "localhost"))
    made.page.on("framenavigated", made.watch)
    return made


async def test_a_guest_buys_in_four_clicks_and_one_form(browser: Browser, shop: RunningShop) -> None:
    admin = await shop.admin()
    mug = await admin.product(stock=5, price="20.00")
    ada = await buyer(browser, shop)
    await ada.page.goto(f"{ada.site}/shop/products/{mug}")
    await ada.press("add-to-cart")
    await expect(ada.page.locator("dialog.drawer")).to_be_visible()
    await expect(ada.page.locator("#drawer-title")).to_be_focused()
    await shot(ada.page, "buying-1-drawer")
    await ada.press("checkout")
    await expect(ada.page.get_by_test_id("place-order")).to_have_text("Order and pay $24.90")
    await ada.fill(ADDRESS)
    await shot(ada.page, "buying-2-form")
    await ada.press("place-order")
    await ada.pay()
    await ada.is_confirmed()
    await expect(ada.page.get_by_test_id("order-number")).to_have_text("1001")
    await shot(ada.page, "buying-3-confirmed")
    # The last click is Stripe's Pay; the pages are the product, the form, Stripe's and the order.
    assert (ada.clicks, ada.fields) == (4, 5)
    assert ada.loads == [f"/shop/products/{mug}", "/checkout", "Stripe", "/checkout/return"]


async def test_without_a_script_it_takes_one_click_more(browser: Browser, shop: RunningShop) -> None:
    admin = await shop.admin()
    mug = await admin.product(stock=5, price="20.00")
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    ada = await buyer(context, shop)
    await ada.page.goto(f"{ada.site}/shop/products/{mug}")
    await ada.press("add-to-cart")
    await follow(ada.page.get_by_test_id("note").get_by_role("link"))
    ada.clicks += 1
    await ada.press("checkout")
    await ada.fill(ADDRESS)
    await ada.press("place-order")
    await ada.pay()
    await ada.page.wait_for_url("**/checkout/return**")
    assert (ada.clicks, ada.fields) == (5, 5)


async def test_adding_from_a_list_keeps_the_place_and_the_focus(browser: Browser, shop: RunningShop) -> None:
    ada = await buyer(browser, shop)
    await ada.page.set_viewport_size({"width": 390, "height": 700})
    await ada.page.goto(f"{ada.site}/")
    button = ada.page.get_by_test_id("add-to-cart").last
    await button.scroll_into_view_if_needed()
    before = await ada.page.evaluate("scrollY")
    assert before > 500
    await button.click()
    await expect(ada.page.get_by_test_id("cart-count")).to_have_text("1")
    await ada.page.get_by_test_id("close-drawer").click()
    await expect(button).to_be_focused()
    assert abs(await ada.page.evaluate("scrollY") - before) < 50
    assert len(ada.loads) == 1
    plain = await buyer(await browser.new_context(java_script_enabled=False), shop)
    await plain.page.goto(f"{plain.site}/")
    card = plain.page.get_by_test_id("product-card").last
    product_id = await card.get_attribute("data-product")
    await card.get_by_test_id("add-to-cart").click()
    await plain.page.wait_for_url(f"**/#{product_id}")
    await expect(plain.page.locator(f"[id='{product_id}']")).to_be_in_viewport()


async def test_what_is_scarce_is_said_in_the_cart_and_taken_with_one_click(browser: Browser, shop: RunningShop) -> None:
    admin = await shop.admin()
    mug = await admin.product(stock=5, price="20.00")
    ada = await buyer(browser, shop)
    await ada.page.goto(f"{ada.site}/shop/products/{mug}")
    await ada.page.fill("#quantity", "4")
    await ada.press("add-to-cart")
    await admin.call("POST", "/inventory/adjust", {"productId": mug, "change": -3})
    await ada.page.get_by_label("One more: Mug").click()
    await expect(ada.page.get_by_test_id("scarce")).to_have_text("Only 2 left.")
    await expect(ada.page.get_by_test_id("checkout")).to_have_count(0)
    await shot(ada.page, "buying-4-scarce")
    await ada.press("fit")
    await expect(ada.page.get_by_test_id("cart-total")).to_have_text("$40.00")
    await expect(ada.page.get_by_test_id("checkout")).to_be_visible()
    assert len(ada.loads) == 1


async def test_the_page_of_an_order_follows_it_by_events_alone(browser: Browser, shop: RunningShop) -> None:
    admin = await shop.admin()
    mug = await admin.product(stock=5, price="20.00")
    ada = await buyer(browser, shop)
    await ada.order(mug)
    status = ada.page.get_by_test_id("order-status")
    await ada.page.locator("#cancel").click()
    await expect(status).to_contain_text("You have not paid yet")
    await ada.page.route("**/checkout/status/**", lambda route: route.abort())
    order_id = ada.page.url.partition("order=")[2].partition("&")[0]
    assert (await admin.call("POST", f"/orders/{order_id}/cancel")).status in (200, 202)
    await expect(status).to_have_attribute("data-status", "CANCELLED", timeout=20_000)
    assert len(ada.loads) == 4


async def test_a_declined_card_leads_to_another_card_with_one_click(browser: Browser, shop: RunningShop) -> None:
    admin = await shop.admin()
    mug = await admin.product(stock=5, price="20.00")
    ada = await buyer(browser, shop)
    await ada.order(mug)
    await ada.pay(DECLINED)
    await ada.page.locator("#continue, #cancel").click()
    await expect(ada.page.get_by_test_id("order-status")).to_have_attribute("data-status", "CANCELLED", timeout=20_000)
    await shot(ada.page, "buying-4-declined")
    before = ada.clicks
    await ada.press("other-card")
    await ada.pay()
    await ada.is_confirmed()
    assert ada.clicks - before == 2
    await expect(ada.page.get_by_test_id("next")).to_contain_text("getting your order ready")
    await admin.has_stock(mug, 4)


async def test_going_back_or_a_second_tab_makes_no_second_order(browser: Browser, shop: RunningShop) -> None:
    admin = await shop.admin()
    mug = await admin.product(stock=5, price="20.00")
    context = await browser.new_context()
    ada, other = await buyer(context, shop), await buyer(context, shop)
    await ada.page.goto(f"{ada.site}/shop/products/{mug}")
    await ada.press("add-to-cart")
    await ada.press("checkout")
    await ada.page.wait_for_url("**/checkout")
    await other.page.goto(f"{ada.site}/checkout")
    await ada.fill(ADDRESS)
    await other.fill(ADDRESS)
    await ada.press("place-order")
    await expect(ada.page.locator("#pay")).to_be_visible()
    address = ada.page.url
    await ada.page.go_back()
    await expect(ada.page.get_by_test_id("unpaid")).to_contain_text("is waiting for your payment")
    await shot(ada.page, "buying-5-gone-back")
    await ada.press("pay")
    await expect(ada.page.locator("#pay")).to_be_visible()
    await other.press("place-order")
    await expect(other.page.locator("#pay")).to_be_visible()
    assert (ada.page.url, other.page.url) == (address, address), "it is the same order, and the same payment"
    await admin.has_stock(mug, 4)
    await other.pay()
    await other.is_confirmed()
    await ada.page.reload()
    await ada.page.goto(f"{ada.site}/cart")
    await expect(ada.page.locator("main")).to_contain_text("Your cart is empty.")


async def test_an_order_that_nobody_pays_in_time_says_so_while_one_looks(browser: Browser, tmp_path: Path) -> None:
    async with RunningShop(tmp_path / "quick", ORDER_TTL_MINUTES="1") as quick:
        admin = await quick.admin()
        assert (await admin.call("PUT", "/selling", SELLING)).status == 200
        mug = await admin.product(stock=1, price="20.00")
        ada = await buyer(browser, quick)
        await ada.order(mug)
        await follow(ada.page.locator("#cancel"))
        status = ada.page.get_by_test_id("order-status")
        await expect(status).to_contain_text("You have not paid yet")
        await expect(status).to_have_attribute("data-status", "CANCELLED", timeout=120_000)
        await expect(ada.page.get_by_test_id("reason")).to_contain_text("not paid for in time")
        await admin.has_stock(mug, 1)
        await ada.press("again")
        await ada.page.wait_for_url("**/cart")
        await expect(ada.page.locator("main")).to_contain_text("Mug")


async def test_who_is_logged_out_in_between_loses_nothing(browser: Browser, shop: RunningShop) -> None:
    admin = await shop.admin()
    mug = await admin.product(stock=5, price="20.00")
    context = await browser.new_context()
    ada = await buyer(context, shop)
    await ada.page.goto(f"{ada.site}/account/register")
    email = f"{secrets.token_hex(6)}@shop.example"
    await ada.page.fill("input[name=email]", email)
    await ada.page.fill("input[name=password]", "correct horse battery")
    await follow(ada.page.get_by_test_id("register"))
    await ada.page.goto(f"{ada.site}/shop/products/{mug}")
    await ada.press("add-to-cart")
    await ada.press("checkout")
    await ada.fill({**ADDRESS, "email": email})
    await ada.page.locator("#name").focus()
    await ada.page.wait_for_load_state("networkidle")  # What was typed is reckoned.
    account = {"email": email, "password": "correct horse battery"}
    elsewhere = Account(shop, (await shop.call("POST", "/auth/login", account)).body["token"])
    assert (await elsewhere.call("DELETE", "/auth/sessions")).status == 204
    await ada.press("place-order")
    await expect(ada.page.get_by_test_id("trouble").first).to_contain_text("You have been logged out")
    await expect(ada.page.locator("#line1")).to_have_value("Markt 1")
    await ada.press("place-order")
    await ada.pay()
    await ada.is_confirmed()


async def test_on_a_slow_network_two_clicks_make_one_order_and_nothing_is_lost(
    browser: Browser, shop: RunningShop
) -> None:
    admin = await shop.admin()
    mug = await admin.product(stock=5, price="20.00")
    email = f"{secrets.token_hex(6)}@shop.example"
    context = await browser.new_context()
    ada = await buyer(context, shop)
    network = await context.new_cdp_session(ada.page)
    await network.send("Network.enable")
    await network.send("Network.emulateNetworkConditions", SLOW_3G)
    await ada.page.goto(f"{ada.site}/shop/products/{mug}")
    adding = ada.page.get_by_test_id("add-to-cart").first
    await adding.dblclick()
    await expect(adding).to_have_attribute("aria-busy", "true")
    await expect(ada.page.get_by_test_id("cart-count")).to_have_text("1")
    await ada.press("checkout")
    await ada.fill({**ADDRESS, "email": email})
    order = ada.page.get_by_test_id("place-order")
    await network.send("Network.emulateNetworkConditions", GONE)
    await order.click()
    await expect(ada.page.get_by_role("alert")).to_contain_text("You are offline. Nothing was sent")
    await shot(ada.page, "buying-6-offline")
    await network.send("Network.emulateNetworkConditions", SLOW_3G)
    sent: list[str] = []
    ada.page.on("request", lambda each: sent.append(each.url) if each.method == "POST" else None)
    await ada.page.evaluate(NOTES_BUSY)
    await order.dblclick(no_wait_after=True)
    await expect(ada.page.locator("#pay")).to_be_visible(timeout=60_000)
    assert sent == [f"{ada.site}/checkout"]
    await ada.pay()
    await ada.is_confirmed()
    assert await ada.page.evaluate("sessionStorage.busy") == "true"
    found = (await admin.call("GET", f"/orders/admin/all?q={email}")).body
    assert found["pagination"]["total"] == 1
    await admin.has_stock(mug, 4)


async def test_a_shop_that_stops_does_not_wait_for_who_watches(browser: Browser, shop: RunningShop) -> None:
    admin = await shop.admin()
    ada = await buyer(browser, shop)
    await ada.order(await admin.product(stock=5, price="20.00"))
    async with ada.page.expect_response("**/checkout/events/**") as stream:
        await ada.page.locator("#cancel").click()
    assert (await stream.value).headers["content-type"].startswith("text/event-stream")
    began = time.monotonic()
    await shop.stop()
    assert time.monotonic() - began < 10, "a stream is not a request that is waited for"
