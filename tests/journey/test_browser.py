"""A buyer with a real browser: from the list of products to CONFIRMED, and to CANCELLED with the stock back.

With KASSA_SHOTS set to a directory, a picture of every step is left there.
"""

import io
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Browser, FilePayload, Page, expect

from kassa.kit.web import MAX_BODY
from tests.journey.running import DECLINED, GOOD, RunningShop
from tests.servers.chromium import follow, shot

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[RunningShop]:
    async with RunningShop(tmp_path / "data") as running:
        yield running


async def add(page: Page) -> None:
    """To the cart, with or without a script."""
    await page.get_by_test_id("add-to-cart").click()
    await expect(page.get_by_test_id("cart-count")).to_have_text("1")


async def fill_cart(page: Page, shop: RunningShop) -> int:
    """From the list of products to the cart; the stock of the product before."""
    await page.goto(f"{shop.base.replace('127.0.0.1', 'localhost')}/shop?q=mug")
    await shot(page, "1-list")
    await follow(page.get_by_test_id("product-card").first.get_by_role("link").first)
    await shot(page, "2-product")
    stock = int(await page.get_by_test_id("stock").first.get_attribute("data-stock") or 0)
    await add(page)
    await page.goto(f"{shop.base.replace('127.0.0.1', 'localhost')}/cart")
    await shot(page, "3-cart")
    return stock


async def register(page: Page) -> None:
    await page.get_by_test_id("checkout").click()
    await page.get_by_role("link", name="create an account").click()
    await page.locator("input[name=email]").fill(f"{secrets.token_hex(6)}@shop.example")
    await page.locator("input[name=password]").fill("correct horse battery")
    await follow(page.get_by_test_id("register"))


async def enter_card(page: Page, number: str, button: str = "place-order") -> None:
    await page.get_by_test_id(button).click()
    await page.locator("input[name=cardNumber]").fill(number)
    await page.locator("input[name=expiry]").fill("12 / 34")
    await page.locator("input[name=cvc]").fill("123")
    await shot(page, f"4-card-{number[-4:]}")
    await page.locator("#pay").click()


async def test_a_buyer_pays_and_sees_the_order_confirmed(browser: Browser, shop: RunningShop) -> None:
    page = await browser.new_page()
    await fill_cart(page, shop)
    await register(page)
    await enter_card(page, GOOD)
    await expect(page.get_by_test_id("order-status")).to_have_attribute("data-status", "CONFIRMED", timeout=20_000)
    await shot(page, "5-confirmed")
    await page.goto(f"{shop.base.replace('127.0.0.1', 'localhost')}/account/orders")
    await expect(page.get_by_test_id("order-row")).to_have_attribute("data-status", "CONFIRMED")
    await shot(page, "6-orders")


async def test_a_declined_card_cancels_the_order_and_gives_the_stock_back(browser: Browser, shop: RunningShop) -> None:
    page = await browser.new_page()
    stock = await fill_cart(page, shop)
    await register(page)
    await enter_card(page, DECLINED)
    await expect(page.locator("#error")).to_contain_text("declined")
    await shot(page, "7-declined")
    # The shop ends the order for a decline: the page takes no other card, unless that took it longer than a second.
    await page.locator("#continue, #cancel").click()
    await expect(page.get_by_test_id("order-status")).to_have_attribute("data-status", "CANCELLED", timeout=20_000)
    await shot(page, "8-cancelled")
    await page.goto(f"{shop.base.replace('127.0.0.1', 'localhost')}/shop?q=mug")
    await follow(page.get_by_test_id("product-card").first.get_by_role("link").first)
    await expect(page.get_by_test_id("stock").first).to_have_attribute("data-stock", str(stock))


async def test_the_pages_tell_the_buyer_what_has_changed(browser: Browser, shop: RunningShop) -> None:
    """A raised price is agreed to anew, coming back unpaid is no waiting, a partial refund is seen."""
    admin = await shop.admin()
    mug = await admin.product(stock=5, price="20.00")
    page = await browser.new_page()
    site = shop.base.replace("127.0.0.1", "localhost")
    await page.goto(f"{site}/shop/products/{mug}")
    await add(page)
    await page.goto(f"{site}/cart")
    await register(page)
    await page.goto(f"{site}/cart")
    await admin.call("PUT", f"/products/{mug}", {"price": "40.00"})
    await page.get_by_test_id("checkout").click()
    await expect(page.get_by_test_id("trouble")).to_contain_text("from $20.00 to $40.00")
    await shot(page, "10-price-changed")
    await page.get_by_test_id("checkout").click()
    await page.locator("#cancel").click()
    await expect(page.get_by_test_id("order-status")).to_contain_text("You have not paid yet")
    await expect(page.locator(".working")).to_have_count(0)
    await shot(page, "11-unpaid")
    order_id = page.url.partition("order=")[2].partition("&")[0]
    await page.get_by_test_id("pay").click()
    await page.locator("input[name=cardNumber]").fill(GOOD)
    await page.locator("input[name=expiry]").fill("12 / 34")
    await page.locator("input[name=cvc]").fill("123")
    await page.locator("#pay").click()
    await expect(page.get_by_test_id("order-status")).to_have_attribute("data-status", "CONFIRMED", timeout=20_000)
    assert (await admin.call("POST", f"/payments/{order_id}/refund", {"amount": "10.00"})).status == 201
    await admin.refunded(order_id, 1000)
    await page.goto(f"{site}/account/orders/{order_id}")
    await expect(page.get_by_test_id("refund")).to_contain_text("$10.00 of $40.00 sent back to you")
    await shot(page, "12-partly-refunded")


async def test_a_guest_on_a_phone_orders_pays_and_comes_back_by_the_link(browser: Browser, shop: RunningShop) -> None:
    admin, site = await shop.admin(), shop.base.replace("127.0.0.1", "localhost")
    selling = {
        "zones": [{"id": "home", "name": "Home", "places": [{"country": "DE"}, {"country": "US"}]}],
        "shippingMethods": [
            {"id": "post", "name": "Parcel", "zone": "home", "price": "4.90"},
            {"id": "express", "name": "Express", "zone": "home", "price": "12.90"},
            {"id": "shop", "name": "At our shop", "kind": "pickup", "price": "0"},
        ],
        "home": "DE",
    }
    assert (await admin.call("PUT", "/selling", selling)).status == 200
    half = {"name": "Half", "kind": "percentage", "percent": 50, "code": "HALF"}
    assert (await admin.call("POST", "/discounts", half)).status == 201
    mug = await admin.product(stock=5, price="20.00")
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    await page.goto(f"{site}/shop/products/{mug}")
    await add(page)
    await page.goto(f"{site}/cart")
    await follow(page.get_by_test_id("checkout"))
    await page.select_option("#country", "US")
    await expect(page.locator("#region")).to_be_visible()
    typed = {
        "email": "guest@example.com",
        "name": "Ada",
        "line1": "1 Main St",
        "postalCode": "97201",
        "city": "Portland",
    }
    for name, value in typed.items():
        await page.fill(f"#{name}", value)
    await page.select_option("#region", "OR")
    await expect(page.get_by_test_id("way")).to_have_count(3)
    await page.get_by_text("Express").click()
    await expect(page.get_by_test_id("place-order")).to_have_text("Order and pay $32.90")
    await page.fill("#discountCode", "NIX")
    await page.fill("#note", "Ring twice")
    await expect(page.locator("#discountCode-error")).to_have_text(
        "We do not know this code. Please check it or remove it."
    )
    await page.fill("#discountCode", "half")
    await page.locator("#note").focus()
    await expect(page.get_by_test_id("place-order")).to_have_text("Order and pay $22.90")
    await shot(page, "16-checkout")
    await enter_card(page, GOOD)
    await expect(page.get_by_test_id("order-status")).to_have_attribute("data-status", "CONFIRMED", timeout=20_000)
    link = await page.get_by_test_id("order-link").input_value()
    await expect(page.locator(".facts")).to_contain_text("Portland")
    await shot(page, "17-guest-order")
    elsewhere = await (await browser.new_context(java_script_enabled=False)).new_page()
    await elsewhere.goto(link)
    assert elsewhere.url == link.rpartition("/")[0]
    await expect(elsewhere.get_by_test_id("order-total")).to_have_text("$22.90")
    assert (await (await shop.buyer()).call("GET", f"/orders/{link.split('/')[-2]}")).status == 404


def photo(colour: str) -> bytes:
    """Larger than any other body may be."""
    content = io.BytesIO()
    noise = Image.effect_noise((1600, 1200), 80)
    Image.merge("RGB", (noise, noise, Image.new("L", noise.size, colour))).save(content, "JPEG", quality=97)
    assert len(content.getvalue()) > MAX_BODY
    return content.getvalue()


async def adds_pictures(page: Page, shop: RunningShop, product: str) -> None:
    """From files; buyers are shown them in the size that they need."""
    files = [FilePayload(name=f"{each}.jpg", mimeType="image/jpeg", buffer=photo(each)) for each in ("black", "white")]
    await page.get_by_label("Add pictures").set_input_files(files)
    await expect(page.locator("[data-preview] canvas")).to_have_count(2)
    await shot(page, "13-product-pictures-chosen")
    await follow(page.get_by_test_id("add-pictures"))
    await expect(page.get_by_test_id("own-picture")).to_have_count(2)
    await shot(page, "13-product-pictures")
    buyer = await page.context.new_page()
    await buyer.goto(f"{shop.base}/shop/products/{product}")
    shown = buyer.get_by_test_id("gallery").locator("img").first
    await shown.evaluate("each => each.decode()")  # Raises if it is none.
    assert re.search(r"/pictures/[0-9a-f]{32}-640x480\.webp$", await shown.evaluate("each => each.currentSrc"))
    await buyer.close()


async def test_an_operator_takes_a_product_off_sale_and_puts_it_back(browser: Browser, shop: RunningShop) -> None:
    admin = await shop.admin()
    mug = await admin.product(stock=5)
    site = shop.base.replace("127.0.0.1", "localhost")
    context = await browser.new_context()
    await context.add_cookies([{"name": "kassa_token", "value": admin.token, "url": site}])
    page = await context.new_page()
    await page.goto(f"{site}/console/products/{mug}")
    await shot(page, "13-product")
    await adds_pictures(page, shop, mug)
    await follow(page.get_by_role("button", name="Stop selling"))
    await shot(page, "13-product-sure")
    await follow(page.get_by_role("button", name="Take it off sale"))
    assert (await shop.call("GET", f"/products/{mug}")).status == 404
    await follow(page.get_by_role("link", name="Off sale"))
    await expect(page.get_by_test_id("product-row")).to_have_count(1)
    await shot(page, "14-off-sale")
    await follow(page.get_by_role("link", name="Mug"))
    await shot(page, "15-off-sale-product")
    await follow(page.get_by_role("button", name="Put back on sale"))
    await expect(page.get_by_role("button", name="Stop selling")).to_be_visible()
    assert (await shop.call("GET", f"/products/{mug}")).status == 200


async def test_what_is_typed_is_completed_and_the_list_sorted_and_narrowed(browser: Browser, shop: RunningShop) -> None:
    """By the keyboard alone."""
    page = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
    base = shop.base.replace("127.0.0.1", "localhost")
    await page.goto(base)
    box = page.get_by_role("combobox", name="Search products")
    await box.fill("teap")
    options = page.get_by_role("listbox").get_by_role("option")
    await expect(options).to_have_count(1)
    await expect(box).to_have_attribute("aria-expanded", "true")
    await shot(page, "search-1-suggestions")
    await box.press("Escape")
    await expect(page.get_by_role("listbox")).to_be_hidden()
    await box.press_sequentially("o")
    await expect(options).to_have_count(1)
    await box.press("ArrowDown")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    assert await box.get_attribute("aria-activedescendant") == await options.first.get_attribute("id")
    await box.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Teapot")

    await box.fill("chefs knife")
    await box.press("Enter")
    await expect(page.get_by_test_id("total")).to_have_text("1 product")

    await page.goto(f"{base}/?category=Kitchen")
    await page.get_by_test_id("sort").select_option("price")
    await page.wait_for_url("**/?category=Kitchen&sort=price")
    prices = [float(each.lstrip("$")) for each in await page.get_by_test_id("price").all_inner_texts()]
    assert len(prices) > 3
    assert prices == sorted(prices)
    await page.get_by_text("Filter", exact=True).click()
    await page.get_by_label("Up to").fill("20")
    await shot(page, "search-2-filters")
    await follow(page.get_by_test_id("narrow"))
    assert await page.get_by_test_id("product-card").count() == sum(price <= 20 for price in prices)
    await follow(page.get_by_test_id("chosen").get_by_role("link", name="Up to 20"))
    await expect(page.get_by_test_id("product-card")).to_have_count(len(prices))


async def test_the_shop_works_without_javascript(browser: Browser, shop: RunningShop) -> None:
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = await context.new_page()
    await fill_cart(page, shop)
    await register(page)
    await enter_card(page, GOOD)
    await page.wait_for_url("**/checkout/return**")
    await page.goto(f"{shop.base.replace('127.0.0.1', 'localhost')}/account/orders")
    await shot(page, "9-orders-360")
    await expect(page.get_by_test_id("order-row")).to_have_attribute("data-status", re.compile("CONFIRMED|PENDING"))


async def test_a_shop_wears_its_own_colour_and_speaks_its_own_languages(browser: Browser, shop: RunningShop) -> None:
    admin = await shop.admin()
    texts = [{"language": "de", "imprint": "Becher GmbH\nBremen"}]
    profile = {"accentLight": "#7a1f5c", "accentDark": "#e59ccb", "languages": ["de", "en"], "texts": texts}
    assert (answer := await admin.call("PUT", "/shop-profile", profile)).status == 200, answer.body
    page = await (await browser.new_context(locale="fr-FR")).new_page()
    await page.emulate_media(color_scheme="light")
    await page.goto(f"{shop.base.replace('127.0.0.1', 'localhost')}/account/login")
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    log_in = page.locator("main form button").first
    await expect(log_in).to_have_css("background-color", "rgb(122, 31, 92)")
    await page.emulate_media(color_scheme="dark")
    await expect(log_in).to_have_css("background-color", "rgb(229, 156, 203)")
    await follow(page.get_by_role("link", name="Impressum"))
    await expect(page.get_by_test_id("legal")).to_contain_text("Becher GmbH Bremen")
    await shot(page, "16-imprint")
    await follow(page.get_by_role("button", name="English"))
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Legal notice")
    await expect(page.get_by_test_id("legal")).to_have_attribute("lang", "de")
