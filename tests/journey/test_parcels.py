"""Staff with a browser: a parcel is sent, a buyer asks to send something back, and its money goes back.

With KASSA_SHOTS set to a directory, a picture of every step is left there.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from kassa.pages.visit import ACCESS
from tests.journey.running import Buyer, RunningShop
from tests.servers.chromium import follow, shot

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TO = {"name": "Ada Lovelace", "country": "DE", "lines": ["Lindenstraße 5"], "city": "Berlin", "postalCode": "10969"}
WIDTHS = (1280, 390)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[RunningShop]:
    async with RunningShop(tmp_path / "data") as running:
        yield running


async def page_of(browser: Browser, shop: RunningShop, who: Buyer) -> Page:
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    await context.add_cookies([{"name": ACCESS, "value": who.token, "url": shop.base}])
    return await context.new_page()


async def shots(page: Page, name: str) -> None:
    """A picture at each width; and nothing leads sideways."""
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        await shot(page, f"{name}-{width}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.set_viewport_size({"width": WIDTHS[0], "height": 900})


async def ordered(shop: RunningShop, buyer: Buyer, admin: Buyer) -> str:
    mug, plate = await admin.product(stock=9), await admin.product(stock=9)
    items = [{"productId": mug, "quantity": 2}, {"productId": plate, "quantity": 1}]
    body: dict[str, Any] = {"items": items, "destination": TO, "email": "ada@mail.example", "note": "Ring twice"}
    order_id = str((await buyer.call("POST", "/orders", body)).body["order"]["id"])
    session = await buyer.call("POST", "/payments/create-session", {"orderId": order_id})
    await buyer.pay(session.body["sessionId"])
    await buyer.becomes(order_id, "CONFIRMED")
    return order_id


async def test_a_parcel_goes_out_and_comes_back(browser: Browser, shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    order_id = await ordered(shop, buyer, admin)
    staff, mine = await page_of(browser, shop, admin), await page_of(browser, shop, buyer)
    console = f"{shop.base}/console/orders/{order_id}"
    await staff.goto(console)
    await shots(staff, "parcels-1-console")
    await staff.locator("input[name^=send-]").first.fill("1")
    await staff.locator("input[name=carrier]").fill("DHL")
    await staff.locator("input[name=trackingNumber]").fill("00340434161094042557")
    await follow(staff.get_by_role("button", name="Mark as sent"))
    await expect(staff.get_by_test_id("parcels")).to_have_attribute("data-fulfilment", "partly")
    await shots(staff, "parcels-2-sent")
    await staff.goto(f"{console}/slip?shipment=1")
    await expect(staff.get_by_test_id("slip")).to_contain_text("Lindenstraße 5")
    assert "€" not in await staff.get_by_test_id("slip").inner_text()
    await shots(staff, "parcels-3-slip")
    await mine.goto(f"{shop.base}/account/orders/{order_id}")
    assert "00340434161094042557" in str(await mine.get_by_test_id("tracking").get_attribute("href"))
    await mine.locator("details").evaluate("each => { each.open = true }")
    await shots(mine, "parcels-4-buyer")
    await mine.locator("input[name^=back-]").first.fill("1")
    await mine.locator("textarea[name=why]").fill("It is chipped")
    await follow(mine.get_by_test_id("ask-return"))
    await expect(mine.get_by_test_id("return")).to_have_attribute("data-status", "requested")
    await staff.goto(console)
    await shots(staff, "parcels-5-asked")
    await follow(staff.get_by_role("button", name="Approve"))
    await shots(staff, "parcels-6-approved")
    await follow(staff.get_by_role("button", name="Mark as received"))
    await follow(staff.get_by_role("button", name="Refund it"))
    await shots(staff, "parcels-7-sure")
    await follow(staff.get_by_role("button", name="Refund these goods"))
    await staff.goto(console)
    await expect(staff.get_by_test_id("return")).to_have_attribute("data-status", "refunded")
    await shots(staff, "parcels-8-refunded")
    await mine.reload()
    await expect(mine.get_by_test_id("return")).to_contain_text("your refund is on its way")
    await shots(mine, "parcels-9-buyer")
