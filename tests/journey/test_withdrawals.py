"""A withdrawal on a phone, without JavaScript and without an account: by an order's number and email address; and what
staff sees of it.

With KASSA_SHOTS set to a directory, a picture of every step is left there.
"""

from collections.abc import AsyncIterator
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.journey.running import Buyer, RunningShop, until
from tests.journey.test_parcels import TO, page_of, shots
from tests.servers.chromium import follow, shot

pytestmark = [pytest.mark.browser, pytest.mark.slow]
EMAIL = "ada@mail.example"
NOT_SENT = "What we have not sent yet will not be sent."
PHONE = ViewportSize(width=390, height=844)
_WITHOUT_NAME = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
    .filter(each => !each.labels.length && !each.ariaLabel).map(each => each.outerHTML)"""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[RunningShop]:
    async with RunningShop(tmp_path / "data") as running:
        yield running


async def _product(admin: Buyer, name: str, **more: Any) -> str:
    body = {"name": name, "description": "", "price": "19.99", "category": "things", "stock": 9, **more}
    return str((await admin.call("POST", "/products", body)).body["product"]["id"])


async def ordered(shop: RunningShop, buyer: Buyer, admin: Buyer) -> str:
    """Two mugs, of which one was sent; and a ring that is made to order."""
    mug = await _product(admin, "Enamel mug")
    ring = await _product(admin, "Engraved ring", withdrawalExcluded="made_to_order")
    items = [{"productId": mug, "quantity": 2}, {"productId": ring, "quantity": 1}]
    body: dict[str, Any] = {"items": items, "destination": TO, "email": EMAIL, "locale": "de"}
    order_id = str((await buyer.call("POST", "/orders", body)).body["order"]["id"])
    session = await buyer.call("POST", "/payments/create-session", {"orderId": order_id})
    await buyer.pay(session.body["sessionId"])
    await buyer.becomes(order_id, "CONFIRMED")
    await admin.call("POST", f"/orders/{order_id}/shipments", {"items": [{"productId": mug, "quantity": 1}]})
    return order_id


async def seen(page: Page, name: str) -> None:
    """On phones of two widths nothing leads sideways, and each field has a name."""
    for width in (320, 390):
        await page.set_viewport_size({"width": width, "height": 844})
        await shot(page, f"withdraw-{name}-{width}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(_WITHOUT_NAME) == []


def _mails(shop: RunningShop) -> list[Any]:
    found = [BytesParser(policy=policy.default).parsebytes(path.read_bytes()) for path in shop.data.rglob("*.eml")]
    return [mail for mail in found if "Widerruf" in mail["subject"]]


async def test_on_a_phone_without_scripts_and_without_an_account(browser: Browser, shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    order_id = await ordered(shop, buyer, admin)
    context = await browser.new_context(viewport=PHONE, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(shop.base)
    await page.get_by_test_id("foot-withdraw").click()
    await page.fill("#order", order_id)
    await page.fill("#email", "somebody@else.example")
    await page.fill("#name", "Ada Lovelace")
    await page.get_by_test_id("find-order").click()
    await expect(page.get_by_test_id("trouble")).to_contain_text("We found no order with this number")
    assert await page.input_value("#name") == "Ada Lovelace"
    await page.fill("#email", EMAIL)
    await page.get_by_test_id("find-order").click()
    await expect(page.get_by_test_id("excluded")).to_contain_text("Engraved ring: made to order")
    (mugs,) = await page.get_by_test_id("pick").locator("input").all()
    assert await mugs.input_value() == "2"
    await mugs.fill("0")
    await page.get_by_test_id("check").click()
    await expect(page.get_by_test_id("errors")).to_contain_text("at least one item")
    await page.get_by_test_id("pick").locator("input").fill("2")
    await page.fill("#remark", "<b>Too large</b>")
    await page.get_by_test_id("check").click()
    await expect(page.get_by_test_id("statement")).to_contain_text("2 × Enamel mug")
    assert await page.get_by_text(NOT_SENT).count() == 1
    assert "withdrawals" not in (await buyer.call("GET", f"/orders/{order_id}")).body["order"]
    await page.get_by_test_id("confirm-withdrawal").click()
    await expect(page.get_by_test_id("withdrawn")).to_contain_text("We have received your withdrawal")
    await page.reload()  # The same form once more.
    await expect(page.get_by_test_id("withdrawn")).to_be_visible()
    order = (await buyer.call("GET", f"/orders/{order_id}")).body["order"]
    (made,) = order["withdrawals"]
    assert (made["name"], made["email"], made["remark"]) == ("Ada Lovelace", EMAIL, "<b>Too large</b>")
    assert [each["status"] for each in order["returns"]] == ["approved"]

    async def has_come() -> bool:
        return len(_mails(shop)) == 1

    await until(has_come, "the acknowledgement")
    (mail,) = _mails(shop)
    assert (mail["to"], str(order["number"]) in mail["subject"]) == (EMAIL, True)
    assert "2 × Enamel mug" in mail.get_body(("plain",)).get_content()
    await page.goto(f"{shop.base}/shop/withdraw?order={order_id}")
    await page.fill("#email", EMAIL)
    await page.fill("#name", "Ada Lovelace")
    await page.get_by_test_id("find-order").click()
    await expect(page.get_by_test_id("not-withdrawable")).to_be_visible()


async def test_each_step_fits_a_phone_and_staff_refunds_it(browser: Browser, shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    order_id = await ordered(shop, buyer, admin)
    page, staff = await page_of(browser, shop, buyer), await page_of(browser, shop, admin)
    await page.goto(f"{shop.base}/shop/withdraw")
    await seen(page, "1-find")
    await page.goto(f"{shop.base}/account/orders/{order_id}")
    await seen(page, "2-order")
    await follow(page.get_by_test_id("withdraw"))
    assert await page.input_value("#name") == "Ada Lovelace"
    await seen(page, "3-choose")
    await follow(page.get_by_test_id("check"))
    await seen(page, "4-statement")
    await follow(page.get_by_test_id("confirm-withdrawal"))
    await seen(page, "5-done")
    await page.goto(f"{shop.base}/account/orders/{order_id}")
    await expect(page.get_by_test_id("withdrawal")).to_have_attribute("data-status", "received")
    await seen(page, "6-order-after")
    await page.goto(f"{shop.base}/shop/withdraw?order={order_id}")
    await expect(page.get_by_test_id("not-withdrawable")).to_have_text(
        "You have already withdrawn from everything you could withdraw from."
    )
    await seen(page, "7-not")
    await staff.goto(f"{shop.base}/console/withdrawals")
    await shots(staff, "withdraw-8-list")
    await follow(staff.get_by_test_id("withdrawal-row").get_by_role("link"))
    await shots(staff, "withdraw-9-console")
    await follow(staff.get_by_test_id("withdrawals").get_by_role("button", name="Refund it"))
    await shots(staff, "withdraw-10-refund")
    # Of the mugs one was sent: the other is on the shelf all along, and can be sold again.
    assert await staff.get_by_label("Enamel mug").input_value() == "1"
    await follow(staff.get_by_role("button", name="Refund these goods"))
    await expect(staff.get_by_test_id("withdrawal")).to_have_attribute("data-status", "settled")
    mug = (await buyer.call("GET", f"/orders/{order_id}")).body["order"]["items"][0]["productId"]

    async def is_shelved() -> bool:
        return await buyer.stock(mug) == 8

    await until(is_shelved, "the mug that was not sent on the shelf")
    await staff.reload()
    # When the other one comes its money is back already, so that no refund is offered.
    await follow(staff.get_by_role("button", name="Mark as received"))
    await expect(staff.get_by_test_id("return")).to_have_attribute("data-status", "received")
    assert await staff.get_by_role("button", name="Refund it").count() == 0
    await staff.goto(f"{shop.base}/console/withdrawals")
    assert await staff.get_by_test_id("withdrawal-row").count() == 0
    await page.goto(f"{shop.base}/account/orders/{order_id}")
    await expect(page.get_by_test_id("withdrawal")).to_contain_text("Your money has been sent back")


async def test_who_withdraws_from_what_is_never_sent_is_not_told_that_it_will_not_be(
    browser: Browser, shop: RunningShop
) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    order_id, session_id = await buyer.checkout(await _product(admin, "Field guide, as an e-book", isDigital=True))
    await buyer.pay(session_id)
    await buyer.becomes(order_id, "CONFIRMED")
    page = await page_of(browser, shop, buyer)
    await page.goto(f"{shop.base}/shop/withdraw?order={order_id}")
    await page.fill("#name", "Ada Lovelace")
    await follow(page.get_by_test_id("check"))
    await expect(page.get_by_test_id("statement")).to_contain_text("1 × Field guide, as an e-book")
    await expect(page.get_by_text("We pay you back")).to_contain_text("$19.99")
    assert await page.get_by_text(NOT_SENT).count() == 0
    assert await page.get_by_text("send back").count() == 0
