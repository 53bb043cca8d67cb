"""The fullest screens on a phone and on a desk, in a real browser: nothing leads sideways."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import uvicorn

from kassa.pages.settings import PageSettings
from tests.app.process import free_port
from tests.pages.conftest import FixedClock, make_app
from tests.pages.fake_disputes import add_dispute
from tests.pages.fake_mails import add_mail
from tests.pages.fake_shop import NOW, FakeShop
from tests.servers import chromium

pytestmark = pytest.mark.browser
LONG = "Stripe refuses it: your_account_does_not_have_enough_funds_in_its_balance_for_that"


def fill(shop: FakeShop) -> str:
    """An order with a dispute, and all kinds of what needs attention; the order's id."""
    mug = shop.add("Mug, hand-thrown and blue, with a name that is rather long", 1999)
    order = shop.add_order("usr_1", [shop._hold({"productId": mug, "quantity": 2})], "CONFIRMED")
    order_id = str(order["id"])
    shop.payments[order_id] = "SUCCESS"
    shop.money_back[order_id] = {
        "refundedMinor": 1000,
        "disputes": [{"status": "needs_response", "amount": "19.99", "amountMinor": 1999, "currency": "usd"}],
    }
    step: dict[str, Any] = {"orderId": order_id, "effect": "x", "attempts": 9, "nextAt": NOW, "error": LONG}
    shop.waiting["payments"].append({"id": "pay_1", "kind": "refund_late", **step})
    for kind in ("webhooks_refused", "unclaimed_money"):
        shop.notices.append({"kind": kind, "count": 2, "text": LONG, "advice": f"compare {LONG}"})
    shop.unclaimed.append({"sessionId": f"cs_live_{'x' * 58}", "amount": "1234.30", "currency": "usd", "paidAt": NOW})
    event = {"id": f"evt_{'x' * 24}", "type": "payment_intent.payment_failed", "status": "parked", "receivedAt": NOW}
    shop.events.append({**event, "note": LONG})
    dispute = {"id": "du_1", "orderId": order_id, "status": "needs_response", "amount": "19.99", "currency": "usd"}
    shop.disputes.append({**dispute, "reason": "product_not_received", "answerBy": NOW})
    draft = add_dispute(shop, order_id)
    draft["fields"][0]["text"] = LONG
    return order_id


@pytest.fixture
async def address(shop: FakeShop) -> AsyncIterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = make_app(shop, PageSettings("Corner Shop", "usd", True, url, page_size=3, clock=FixedClock()))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield url
    server.should_exit = True
    await serving


async def boss_s_page(browser: Any, address: str, width: int) -> Any:
    """A page of this width, on which the boss is logged in."""
    page = await browser.new_page(viewport={"width": width, "height": 900})
    await page.goto(f"{address}/account/login")
    await page.fill("#email", "boss@example.com")
    await page.fill("#password", "a long password")
    await chromium.follow(page.locator("main button"))
    return page


async def test_no_screen_of_the_console_leads_sideways(shop: FakeShop, address: str) -> None:
    order_id = fill(shop)
    mail = add_mail(shop, order_id, to=f"{'somebody-with-a-long-name' * 2}@example.com")
    shop.sign_up("boss@example.com", role="admin")
    async with chromium.opened() as browser:
        for width in (1280, 390):
            page = await boss_s_page(browser, address, width)
            paths = ("", f"/orders/{order_id}", "/events", "/orders", "/products", "/mails", f"/mails/{mail['id']}")
            for path in paths:
                await page.goto(f"{address}/console{path}")
                await chromium.shot(page, f"console-{path.split('/')[-1]}-{width}")
                assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, path)
            await page.goto(f"{address}/console/orders/{order_id}/disputes/du_1")
            await chromium.shot(page, f"dispute-{width}")
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, "dispute")
            await chromium.follow(page.locator("text=Go on to what will be sent"))
            await chromium.shot(page, f"dispute-sure-{width}")
            assert (await page.inner_text("h1")) == "Send this to the bank?"
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, "sure")
            await page.goto(f"{address}/console/orders/{order_id}")
            for amount, heading in (("1,234", "Order"), ("1,50", "Refund this order?")):
                await page.fill("#amount", amount)
                await chromium.follow(page.locator("text=Go on to the refund"))
                await chromium.shot(page, f"refund-{amount}-{width}")
                assert (await page.inner_text("h1")).startswith(heading)
                assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, amount)
            await page.close()


async def test_no_screen_with_a_reduction_leads_sideways(shop: FakeShop, address: str) -> None:
    images = ["/shop/static/products/stoneware-mug.svg"]
    reduced: dict[str, Any] = {"compareAtPriceMinor": 123_499, "priorPriceMinor": 119_999, "images": images}
    mug = shop.add("Mug, hand-thrown and blue, with a name that is rather long", 99_999, **reduced)
    shop.add("Bowl", 1999, compareAtPriceMinor=2499, priorPriceMinor=2499, images=images)
    shop.add("Jug", 2999, images=images)
    shop.prices[mug] = [
        {"priceMinor": price, "compareAtPriceMinor": compare_at, "currency": "usd", "at": NOW - timedelta(days=days)}
        for days, price, compare_at in ((3, 99_999, 123_499), (20, 119_999, None), (50, 123_499, None))
    ]
    shop.sign_up("boss@example.com", role="admin")
    async with chromium.opened() as browser:
        for width in (1280, 390):
            page = await boss_s_page(browser, address, width)
            for path in ("/", f"/shop/products/{mug}", f"/console/products/{mug}"):
                await page.goto(f"{address}{path}")
                await chromium.shot(page, f"reduction-{path.split('/')[1] or 'list'}-{width}")
                assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, path)
            await page.close()
