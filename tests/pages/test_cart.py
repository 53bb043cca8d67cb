"""The cart: its cookie, its sums, its forms."""

import pytest

from kassa.pages.cart import MAX_LINES, MAX_QUANTITY, Cart, read_cart
from tests.pages.conftest import Browser, fields, text_of
from tests.pages.fake_shop import FakeShop


def test_a_cart_is_read_as_it_was_written() -> None:
    cart = Cart().with_more("prd_a", 2).with_more("prd_b", 1).with_more("prd_a", 3)
    assert read_cart(cart.text()) == cart
    assert cart.lines == {"prd_a": 5, "prd_b": 1}
    assert cart.count == 6


@pytest.mark.parametrize(
    "text", [None, "", "x", "...", "id.prd_a:0.prd_b:-1.<b>:1.prd_c:x.prd_d:²", "id." + "a" * 99 + ":1"]
)
def test_nonsense_in_the_cookie_is_an_empty_cart(text: str | None) -> None:
    assert read_cart(text).lines == {}


def test_a_cart_has_bounds() -> None:
    cart = Cart()
    for number in range(MAX_LINES + 5):
        cart = cart.with_more(f"prd_{number}", 5000)
    assert len(cart.lines) == MAX_LINES
    assert set(cart.lines.values()) == {MAX_QUANTITY}
    assert len(Cart().with_more("bad id;", 1).lines) == 0


def test_the_key_is_the_same_for_the_same_cart_only() -> None:
    cart = Cart().with_more("prd_a", 1)
    assert read_cart(cart.text()).key == cart.key
    assert cart.with_more("prd_a", 1).key != cart.key
    assert cart.renewed().key != cart.key
    assert cart.renewed().lines == cart.lines


async def test_the_total_is_the_sum_at_the_shops_prices(browser: Browser, shop: FakeShop) -> None:
    mug, tea = shop.add("Mug", 19998), shop.add("Tea", 99)
    await browser.put_in_cart(mug, 2)
    await browser.put_in_cart(tea, 3)
    page = await browser.get("/cart")
    assert 'data-testid="cart-total">$402.93<' in page.text
    assert 'data-testid="cart-count">5<' in page.text
    shop.products[tea]["priceMinor"] = 100
    assert "$402.96" in (await browser.get("/cart")).text


async def test_adding_stays_where_the_buyer_is_and_says_so_once(browser: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug")
    page = await browser.get(f"/shop/products/{product_id}")
    answer = await browser.submit(page, "/cart/add", quantity="2")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/shop/products/{product_id}"
    assert "Added to your cart." in (await browser.get("/")).text
    assert "Added to your cart." not in (await browser.get("/")).text


@pytest.mark.parametrize(
    ("typed", "left"), [({"step": "1"}, 3), ({"step": "-1"}, 1), ({"quantity": "7"}, 7), ({"quantity": "x"}, 2)]
)
async def test_quantities_change(browser: Browser, shop: FakeShop, typed: dict[str, str], left: int) -> None:
    product_id = shop.add("Mug", 100)
    await browser.put_in_cart(product_id, 2)
    await browser.submit(await browser.get("/cart"), "/cart/change", **typed)
    assert f'data-testid="cart-total">${left}.00<' in (await browser.get("/cart")).text


async def test_removing_the_last_line_empties_the_cart(browser: Browser, shop: FakeShop) -> None:
    await browser.put_in_cart(shop.add("Mug"))
    await browser.submit(await browser.get("/cart"), "/cart/remove")
    page = await browser.get("/cart")
    assert "Your cart is empty." in page.text
    assert "kassa_cart" not in browser.http.cookies


async def test_what_is_no_longer_sold_must_go_first(browser: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug")
    await browser.put_in_cart(product_id)
    shop.products[product_id]["isActive"] = False
    page = await browser.get("/cart")
    assert "No longer sold" in page.text
    assert 'data-testid="checkout"' not in page.text


async def test_a_cart_with_more_than_there_is_says_so(browser: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug", stock=7)
    await browser.put_in_cart(product_id, 6)
    shop.products[product_id]["stock"] = 2
    page = await browser.get("/cart")
    assert "Only 2 left." in text_of(page)
    assert 'data-testid="checkout"' not in page.text
    fitted = await browser.submit(page, "/cart/fit")
    assert fitted.headers["Location"] == "/cart"
    page = await browser.get("/cart")
    assert 'name="quantity" inputmode="numeric" pattern="[0-9]*" size="3"\n        value="2"' in page.text
    assert 'data-testid="checkout"' in page.text


async def test_of_a_cart_of_which_nothing_is_left_nothing_is_kept(browser: Browser, shop: FakeShop) -> None:
    gone, sold_out = shop.add("Mug"), shop.add("Tea")
    for product_id in (gone, sold_out):
        await browser.put_in_cart(product_id)
    shop.products[gone]["isActive"], shop.products[sold_out]["stock"] = False, 0
    page = await browser.get("/cart")
    assert "None of this can be had now." in page.text
    await browser.submit(page, "/cart/fit")
    assert "Your cart is empty." in (await browser.get("/cart")).text


async def test_the_script_gets_the_cart_to_lay_over_the_page(browser: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug", 100)
    page = await browser.get("/")
    typed = {**fields(page, "/cart/add"), "product": product_id}
    drawer = await browser.http.post("/cart/add?drawer=1", data=typed)
    assert (drawer.status_code, "<html" in drawer.text) == (200, False)
    for said in ("Added to your cart.", 'data-count="1"', "Check out", f'data-product="{product_id}"', "$1.00"):
        assert said in drawer.text
    more = await browser.http.post("/cart/change?drawer=1", data={**typed, "step": "1", "quantity": "1"})
    assert 'data-count="2"' in more.text
    empty = await browser.http.post("/cart/remove?drawer=1", data=typed)
    assert "Your cart is empty." in empty.text
    assert "Added" not in (await browser.get("/")).text


async def test_adding_from_a_list_comes_back_to_the_product_in_it(browser: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug")
    page = await browser.get("/?q=mug")
    answer = await browser.submit(page, "/cart/add", product=product_id)
    assert answer.headers["Location"] == f"/?q=mug#{product_id}"
    assert f'id="{product_id}"' in page.text


async def test_yen_have_no_decimals(browser: Browser, shop: FakeShop) -> None:
    shop.currency = "jpy"
    product_id = shop.add("Mug", 500)
    assert "¥500<" in (await browser.get(f"/shop/products/{product_id}")).text
