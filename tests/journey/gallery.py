"""`make gallery`: pictures of the shop's pages, and what a phone waits for, written to docs/gallery.md.

A real shop with the sample catalogue, in which things have happened; a real Chromium. Nothing is asserted here: the
pictures are for people to look at.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize

from kassa.pages.visit import ACCESS
from tests.journey.filling import fill
from tests.journey.running import RunningShop
from tests.servers import chromium
from tests.tidy.sources import ROOT

PLACE = ROOT / "docs" / "gallery"
QUALITY = 72
PHONE, DESK = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=860)
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
"""What Lighthouse calls slow 4G (developer.chrome.com, docs: lighthouse, throttling)."""
PAINTED = """() => new Promise((tell) => new PerformanceObserver((list) =>
  tell(list.getEntries().at(-1).startTime)).observe({ type: "largest-contentful-paint", buffered: true }))"""
BYTES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, each) => sum + each.transferSize, 0)"""


class Picture(NamedTuple):
    """What is shown, and how. `adds`: what is put into the cart there, as the drawer shows."""

    name: str
    says: str
    path: str
    size: ViewportSize = DESK
    scheme: Literal["light", "dark"] = "light"
    language: str = "en"
    adds: bool = False


def pictures(product: str, order: str) -> tuple[list[Picture], list[Picture]]:
    """Those of the shop, and those of the console."""
    shop = [
        Picture("home", "The first page: categories, what is new, search as one types", "/"),
        Picture("home-dark", "The same for who likes it dark", "/", scheme="dark"),
        Picture("home-german", "The same for who reads German", "/", PHONE, language="de"),
        Picture("search", "A search, whatever the words' order and form", "/?q=chefs+knife"),
        Picture("product", "A product", f"/shop/products/{product}"),
        Picture("drawer", "Adding leaves the page as it is", f"/shop/products/{product}", adds=True),
        Picture("checkout", "One form, with the total beside it", "/checkout", PHONE),
        Picture("api", "The API's reference, made on the server", "/docs"),
    ]
    console = [
        Picture("console", "What was sold, and what needs attention", "/console"),
        Picture("console-orders", "The orders to work from", "/console/orders"),
        Picture("console-order", "One order: its money, its goods, its story", f"/console/orders/{order}"),
        Picture("console-products", "The products", "/console/products"),
        Picture("console-phone", "The orders on a phone", "/console/orders", PHONE),
    ]
    return shop, console


async def _take(browser: Browser, site: str, taken: list[Picture], token: str = "") -> None:
    for picture in taken:
        context = await browser.new_context(
            viewport=picture.size, color_scheme=picture.scheme, locale=picture.language, reduced_motion="reduce"
        )
        if token:
            await context.add_cookies([{"name": ACCESS, "value": token, "url": site}])
        page = await context.new_page()
        if picture.path == "/checkout":
            await _fill_cart(page, site)
        await page.goto(site + picture.path)
        if picture.adds:
            await page.get_by_test_id("add-to-cart").first.click()
            await page.locator("dialog.drawer").wait_for()
        await page.screenshot(path=PLACE / f"{picture.name}.jpg", type="jpeg", quality=QUALITY)
        await context.close()


async def _fill_cart(page: Page, site: str) -> None:
    await page.goto(site)
    await page.get_by_test_id("add-to-cart").first.click()
    await page.locator("dialog.drawer").wait_for()


async def _waited_for(browser: Browser, address: str) -> tuple[float, int]:
    """When the largest thing of a phone's first visit is seen, in seconds, and how many bytes have come; the best of
    three, for the rest is the machine's."""
    found = []
    for _ in range(3):
        context = await browser.new_context(viewport=PHONE)
        page = await context.new_page()
        await _slow(context, page)
        await page.goto(address, wait_until="networkidle")
        found.append((await page.evaluate(PAINTED) / 1000, await page.evaluate(BYTES)))
        await context.close()
    return min(found)


async def _slow(context: BrowserContext, page: Page) -> None:
    session = await context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", SLOW_4G)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": 4})


async def _sold(shop: RunningShop) -> str:
    """An order that was paid, sent in part and refunded in part: its id."""
    admin, buyer = await shop.admin(), await shop.buyer()
    goods: list[Any] = (await shop.call("GET", "/products?q=kitchen&limit=3")).body["products"]
    items = [{"productId": each["id"], "quantity": 2} for each in goods[:2]]
    place = {"name": "Ada", "country": "DE", "lines": ["Deich 1"], "city": "Oldenburg", "postalCode": "26133"}
    wish = {"items": items, "destination": place, "shippingMethod": "post"}
    order_id: str = (await buyer.call("POST", "/orders", wish)).body["order"]["id"]
    opened = await buyer.call("POST", "/payments/create-session", {"orderId": order_id})
    await buyer.pay(opened.body["sessionId"])
    await buyer.becomes(order_id, "CONFIRMED")
    await admin.call("POST", f"/orders/{order_id}/shipments", {"items": items[:1]})
    lines = [{"productId": goods[1]["id"], "quantity": 1}]
    await admin.call("POST", f"/payments/{order_id}/refund", {"lines": lines, "reason": "scratched"})
    return order_id


async def main() -> None:
    """Write all of it."""
    PLACE.mkdir(exist_ok=True)
    with TemporaryDirectory() as directory:
        async with RunningShop(Path(directory) / "data") as shop, chromium.opened() as browser:
            await fill(shop)
            order = await _sold(shop)
            product = (await shop.call("GET", "/products?q=knife&limit=1")).body["products"][0]["id"]
            site = shop.base.replace("127.0.0.1", "localhost")
            of_shop, of_console = pictures(product, order)
            await _take(browser, site, of_shop)
            await _take(browser, site, of_console, (await shop.admin()).token)
            seen = {path: await _waited_for(browser, site + path) for path in ("/", f"/shop/products/{product}")}
    (ROOT / "docs" / "gallery.md").write_text(_written([*of_shop, *of_console], list(seen.values())))


def _written(taken: list[Picture], seen: list[tuple[float, int]]) -> str:
    rows = zip(("the first page", "a product"), seen, strict=True)
    figures = [f"| {what} | {seconds:.1f} s | {size / 1000:.0f} kB |" for what, (seconds, size) in rows]
    shown = [f"**{each.says}.**\n\n![{each.says}](gallery/{each.name}.jpg)\n" for each in taken]
    return "\n".join(
        [
            "# Gallery",
            "",
            "What the shop and its console look like with the sample catalogue. `make gallery` takes all of it anew.",
            "",
            "A phone's first visit on slow 4G (150 ms, 1.6 Mbit/s, a processor four times slower), the best of three:",
            "",
            "| Page | Largest contentful paint | Bytes, all in all |",
            "| --- | --- | --- |",
            *figures,
            "",
            *shown,
        ]
    )


if __name__ == "__main__":
    asyncio.run(main())
