"""A buyer's invoice and credit note in a shop that runs: by the API, as pages, as PDFs, and for the bookkeeper.

With KASSA_SHOTS set to a directory, a picture of every step is left there.
"""

import asyncio
import csv
import io
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.journey.running import Buyer, RunningShop, until
from tests.journey.test_parcels import page_of, shots
from tests.servers import chromium
from tests.servers.chromium import follow

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BERLIN = {"country": "DE", "lines": ["Lindenstraße 12"], "city": "Berlin", "postalCode": "10969"}
SELLING: dict[str, Any] = {
    "zones": [{"id": "eu", "name": "Europe", "places": [{"country": "*"}]}],
    "shippingMethods": [{"id": "dhl", "name": "DHL parcel", "zone": "eu", "price": "4.90"}],
    "taxRates": [{"country": "DE", "name": "USt.", "percent": 19, "isIncluded": True}],
    "seller": {
        "address": {"name": "Becher & Söhne GmbH", **BERLIN}, "taxId": "DE123456789",
        "email": "kontakt@becher.example", "notice": "HRB 123456, Amtsgericht Charlottenburg",
    },
}  # fmt: skip
BUYER = {"name": "Łukasz Żółć", "country": "DE", "lines": ["Weg 1"], "city": "Köln", "postalCode": "50667"}


async def bought(shop: RunningShop, admin: Buyer, buyer: Buyer, price: str = "19.99") -> str:
    mug = await admin.product(stock=9, price=price)
    body = {
        "items": [{"productId": mug, "quantity": 2}], "destination": BUYER, "shippingMethod": "dhl",
        "email": "lukasz@mail.example", "locale": "de",
    }  # fmt: skip
    order_id = str((await buyer.call("POST", "/orders", body)).body["order"]["id"])
    session = await buyer.call("POST", "/payments/create-session", {"orderId": order_id})
    await buyer.pay(session.body["sessionId"])
    await buyer.becomes(order_id, "CONFIRMED")
    return order_id


async def test_a_buyer_and_a_bookkeeper_have_it_in_writing(browser: Browser, tmp_path: Path) -> None:
    async with RunningShop(tmp_path / "shop", CURRENCY="eur", TAX="rates", SHOP_NAME="Becher") as shop:
        admin, buyer, other = await shop.admin(), await shop.buyer(), await shop.buyer()
        assert (await admin.call("PUT", "/selling", SELLING)).status == 200
        order_id = await bought(shop, admin, buyer)
        path = f"/orders/{order_id}/invoices"
        [invoice] = (await buyer.call("GET", path)).body["invoices"]
        assert (invoice["kind"], invoice["typeCode"], invoice["isReceipt"]) == ("invoice", "380", False)
        assert (invoice["amountMinor"], invoice["taxes"][0]["percent"]) == (4488, 19)
        refund = {"amount": "10.00"}
        assert (await admin.call("POST", f"/payments/{order_id}/refund", refund)).status == 201
        await buyer.refunded(order_id, 1000)

        async def is_credited() -> bool:
            return len((await buyer.call("GET", path)).body["invoices"]) == 2

        await until(is_credited, "a credit note")
        note = (await buyer.call("GET", path)).body["invoices"][1]
        assert (note["corrects"], note["amountMinor"], note["typeCode"]) == (invoice["number"], 1000, "381")
        shown = await buyer.call("GET", f"/invoices/{note['number']}")
        assert shown.body["sheet"]["title"] == "Rechnungskorrektur"
        # Of money that goes back for no goods there is neither a quantity nor a price.
        assert shown.body["sheet"]["heads"] == ["Bezeichnung", "Betrag"]
        assert shown.body["sheet"]["rows"][0]["columns"] == ["10,00\xa0€"]
        for who, status in ((buyer, 200), (admin, 200), (other, 404)):
            assert (await who.call("GET", f"/invoices/{invoice['number']}")).status == status
        assert (await other.call("GET", path)).status == 404
        await _looked_at(browser, shop, admin, buyer, order_id, invoice["number"])
        status, said = await shop.command("audit")
        assert status == 0, said


async def test_a_document_of_large_amounts_fits_a_small_phone(browser: Browser, tmp_path: Path) -> None:
    async with RunningShop(tmp_path / "shop", CURRENCY="eur", TAX="rates", SHOP_NAME="Becher") as shop:
        admin, buyer = await shop.admin(), await shop.buyer()
        assert (await admin.call("PUT", "/selling", SELLING)).status == 200
        order_id = await bought(shop, admin, buyer, "123456.78")
        [invoice] = (await buyer.call("GET", f"/orders/{order_id}/invoices")).body["invoices"]
        page = await page_of(browser, shop, buyer)
        await page.goto(f"{shop.base}/account/orders/{order_id}/invoices/{invoice['number']}")
        table = page.get_by_test_id("sheet").locator(".lines")
        for width in (1280, 390, 320):
            await page.set_viewport_size({"width": width, "height": 900})
            await chromium.shot(page, f"invoices-large-{width}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            name = await table.locator("tbody td").first.bounding_box()
            assert name is not None
            assert name["width"] >= 90, width
            sizes = "cells => [...new Set(cells.map(each => getComputedStyle(each).fontSize))]"
            assert len(await table.locator("tbody td").evaluate_all(sizes)) == 1, "no column is larger than another"
            # Each once, whether in a column or below the name.
            shown = await table.inner_text()
            assert [shown.count(each) for each in ("123.456,78", "246.913,56", "Einzelpreis")] == [1, 1, 1], shown
        await page.emulate_media(media="print")
        assert await table.locator("th").count() == await table.locator("th:visible").count() == 4


async def _looked_at(
    browser: Browser, shop: RunningShop, admin: Buyer, buyer: Buyer, order_id: str, number: str
) -> None:
    mine, staff = await page_of(browser, shop, buyer), await page_of(browser, shop, admin)
    await mine.goto(f"{shop.base}/account/orders/{order_id}")
    await mine.get_by_test_id("invoices").click()
    await mine.get_by_test_id("invoice-row").first.wait_for()
    await shots(mine, "invoices-1-mine")
    await mine.get_by_test_id("invoice-row").first.get_by_role("link").first.click()
    await mine.get_by_test_id("sheet").wait_for()
    assert await mine.get_by_test_id("sheet").get_attribute("lang") == "de"
    await shots(mine, "invoices-2-sheet")
    assert await mine.get_by_test_id("sheet").locator("th").count() == 4
    pdf = await mine.context.request.get(f"{mine.url}/pdf")
    content = await pdf.body()
    assert (pdf.headers["content-type"], content[:5]) == ("application/pdf", b"%PDF-")
    await asyncio.to_thread(_kept, "invoice.pdf", content)
    again = await mine.context.request.get(f"{mine.url}/pdf")
    assert await again.body() == content
    await mine.goto(f"{shop.base}/account/orders/{order_id}/invoices")
    await mine.get_by_test_id("invoice-row").last.get_by_role("link").first.click()
    await mine.get_by_test_id("sheet").wait_for()
    assert await mine.get_by_test_id("sheet").locator("th").all_inner_texts() == ["Bezeichnung", "Betrag"]
    await shots(mine, "invoices-2-credit-note")
    await staff.goto(f"{shop.base}/console/invoices?month={number[:4]}-{await _month(staff, shop)}")
    await staff.get_by_test_id("invoice-row").first.wait_for()
    await shots(staff, "invoices-3-console")
    address = await staff.get_by_test_id("csv").get_attribute("href")
    file = await staff.context.request.get(f"{shop.base}{address}")
    lines = list(csv.DictReader(io.StringIO(await file.text())))
    assert [(each["kind"], each["gross"], each["percent"]) for each in lines] == [
        ("invoice", "44.88", "19"), ("credit_note", "-10.00", "19"),
    ]  # fmt: skip
    assert lines[0]["buyer"] == "Łukasz Żółć"

    await _seller_is_changed(staff, shop, admin)


async def _seller_is_changed(staff: Any, shop: RunningShop, admin: Buyer) -> None:
    await staff.goto(f"{shop.base}/console/selling")
    assert await staff.locator("input[name=sellerName]").input_value() == "Becher & Söhne GmbH"
    await shots(staff, "invoices-4-seller")
    await staff.locator("input[name=sellerTaxId]").fill("DE987654321")
    await follow(staff.get_by_role("button", name="Save who sells"))
    changed = (await admin.call("GET", "/selling")).body["selling"]
    assert changed["seller"]["taxId"] == "DE987654321"
    assert changed["seller"]["address"]["lines"] == ["Lindenstraße 12"]
    assert (len(changed["zones"]), len(changed["shippingMethods"]), len(changed["taxRates"])) == (1, 1, 1)


async def _month(staff: Any, shop: RunningShop) -> str:
    await staff.goto(f"{shop.base}/console/invoices")
    issued = await staff.get_by_test_id("invoice-row").first.locator("td").first.text_content()
    return str(issued)[5:7]


def _kept(name: str, content: bytes) -> None:
    if directory := os.environ.get("KASSA_SHOTS"):
        (Path(directory) / name).write_bytes(content)
