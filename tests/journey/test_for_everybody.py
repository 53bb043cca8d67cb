"""Every page can be used by everybody: nothing is amiss by the rules of WCAG 2.2 AA that a program can check, light and
dark, and nothing has to be scrolled sideways at 320 px (1.4.10). And none does what its own policy forbids."""

import itertools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from kassa.pages.visit import ACCESS
from tests.journey.filling import fill
from tests.journey.running import Buyer, RunningShop
from tests.journey.walking import Walk, kind
from tests.servers import chromium

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

AXE = Path(__file__).parents[2] / ".venv/clients/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FOUND = f"""async () => (await axe.run({json.dumps({"runOnly": RULES})})).violations
  .flatMap((each) => each.nodes.map((node) => `${{each.id}}: ${{node.target}} ${{node.failureSummary}}`))"""
WIDER = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".scroll"))
  .map((each) => `too wide: ${each.tagName}.${each.className}`).slice(0, 5)"""
FORBIDDEN = """document.addEventListener("securitypolicyviolation", (event) => {
  const found = JSON.parse(sessionStorage.forbidden || "[]");
  const what = `${location.pathname}: ${event.violatedDirective} ${event.blockedURI}`;
  sessionStorage.forbidden = JSON.stringify([...found, what]);
})"""
DATA = """() => JSON.parse(document.querySelector('script[type="application/ld+json"]').textContent)"""
SEEN_AS: list[tuple[Literal["light", "dark"], int]] = [("light", 320), ("dark", 1280)]
APART = ("/account/login", "/account/register", "/account/forgotten", "/shop/withdraw", "/docs")
"""Pages that whoever is logged in is not led to."""


@pytest.fixture(scope="module")
def form() -> str:
    return "sqlite"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def walked(shop: RunningShop) -> tuple[RunningShop, dict[str, Buyer]]:
    """The shop, with who uses it."""
    await fill(shop)
    buyer = await shop.buyer()
    product = (await shop.call("GET", "/products")).body["products"][0]["id"]
    order_id, session_id = await buyer.checkout(product)
    await buyer.pay(session_id)
    await buyer.becomes(order_id, "CONFIRMED")
    assert (await buyer.order(product)).status == 201
    return shop, {"/console": await shop.admin(), "/": buyer}


async def addresses(who: Buyer, start: str) -> list[str]:
    """One page of each kind that links lead to from there."""
    walk = Walk(who)
    await walk.look(start, most=12)
    return [next(same) for _, same in itertools.groupby(sorted(walk.pages, key=kind), key=kind)]


async def faults(browser: Browser, shop: RunningShop, token: str, pages: list[str]) -> list[str]:
    """What is amiss on these pages."""
    found: list[str] = []
    for scheme, width in SEEN_AS:
        context = await browser.new_context(
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": width, "height": 800},
            bypass_csp=True,
        )
        await context.add_cookies([{"name": ACCESS, "value": token, "url": shop.base}])
        page = await context.new_page()
        for address in pages:
            found += [f"{address} ({scheme}, {width} px): {each}" for each in await _amiss(page, shop.base + address)]
        await context.close()
    return found


async def _amiss(page: Page, url: str) -> list[str]:
    await page.goto(url)
    await page.add_script_tag(path=AXE)
    amiss: Any = await page.evaluate(FOUND)
    return [*amiss, *await page.evaluate(WIDER)]


@pytest.mark.parametrize("start", ["/", "/console"])
async def test_nothing_on_any_page_is_amiss(walked: tuple[RunningShop, dict[str, Buyer]], start: str) -> None:
    shop, users = walked
    pages = await addresses(users[start], start)
    assert len(pages) > 10
    async with chromium.opened() as browser:
        assert await faults(browser, shop, users[start].token, pages) == []


async def test_nothing_on_the_pages_of_those_who_are_not_logged_in_is_amiss(
    walked: tuple[RunningShop, dict[str, Buyer]],
) -> None:
    async with chromium.opened() as browser:
        assert await faults(browser, walked[0], "", list(APART)) == []


async def test_no_page_does_what_its_policy_forbids(walked: tuple[RunningShop, dict[str, Buyer]]) -> None:
    shop, users = walked
    async with chromium.opened() as browser:
        page = await _listening(browser, shop, "")
        for address in ("/", *APART, "/?q=mug", "/nowhere"):
            await page.goto(shop.base + address)
        await page.goto(f"{shop.base}/?q=kettle")
        await page.get_by_test_id("add-to-cart").first.click()
        await page.locator("dialog.drawer").wait_for()
        await page.goto(f"{shop.base}/checkout")
        await page.fill("#email", "guest@shop.example")
        await page.fill("input[type=search]", "mu")
        await page.get_by_role("option").first.wait_for()
        await _forbids_nothing(page)
        for start, who in users.items():
            page = await _listening(browser, shop, who.token)
            for address in await addresses(who, start):
                await page.goto(shop.base + address)
            await _forbids_nothing(page)


async def _listening(browser: Browser, shop: RunningShop, token: str) -> Page:
    """A page that notes in its session's storage what was forbidden, over all that it is led to."""
    context = await browser.new_context()
    if token:
        await context.add_cookies([{"name": ACCESS, "value": token, "url": shop.base}])
    await context.add_init_script(FORBIDDEN)
    return await context.new_page()


async def _forbids_nothing(page: Page) -> None:
    assert await page.evaluate("sessionStorage.forbidden") is None
    await page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')")
    await page.wait_for_function("sessionStorage.forbidden")  # What is forbidden would have been noted.


async def test_programs_are_told_what_a_product_is_and_costs(walked: tuple[RunningShop, dict[str, Buyer]]) -> None:
    """What Google wants of a product and its offer (Search Central, merchant listing structured data)."""
    shop, _ = walked
    goods = (await shop.call("GET", "/products?q=linen")).body["products"]
    assert any(each.get("family") for each in goods)
    assert not all(each.get("family") for each in goods)
    async with chromium.opened() as browser:
        page = await browser.new_page()
        for each in goods:
            address = f"{shop.base}/shop/products/{each['id']}"
            await page.goto(address)
            told = await page.evaluate(DATA)
            offer = told["offers"]
            assert (told["@context"], told["@type"], told["name"]) == ("https://schema.org", "Product", each["name"])
            assert (offer["@type"], offer["url"], offer["priceCurrency"]) == ("Offer", address, "USD")
            assert Decimal(offer["price"]) == Decimal(str(each["price"]))
            assert offer["availability"] in ("https://schema.org/InStock", "https://schema.org/OutOfStock")
            assert told["image"]
            for image in told["image"]:
                found = await page.request.get(image)
                assert (found.status, found.headers["content-type"].partition("/")[0]) == (200, "image")
