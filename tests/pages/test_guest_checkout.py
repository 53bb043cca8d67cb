"""The checkout's form: where the order goes, how, what it costs; with an account and without one."""

from typing import Any

import httpx
import pytest

from tests.pages.conftest import Browser, fields, text_of
from tests.pages.fake_shop import FakeShop, Json, Refused

POST: Json = {"id": "post", "name": "Parcel", "kind": "delivery", "priceMinor": 490}
EXPRESS: Json = {"id": "express", "name": "Express", "kind": "delivery", "priceMinor": 1290}
PICKUP: Json = {"id": "shop", "name": "At our shop", "kind": "pickup", "priceMinor": 0}
ADDRESS = {"country": "DE", "name": "Ada", "line1": "Deich 1", "city": "Oldenburg", "postalCode": "26133"}
WHOLE = {"email": "guest@example.com", **ADDRESS}


@pytest.fixture
async def mug(browser: Browser, shop: FakeShop) -> str:
    """A guest with two mugs in the cart of a shop that sends them."""
    shop.selling.offers = [EXPRESS, POST]
    product_id = shop.add("Mug", 1000, stock=7)
    await browser.put_in_cart(product_id, 2)
    return product_id


async def send(browser: Browser, page: httpx.Response, **typed: str) -> httpx.Response:
    return await browser.submit(page, "/checkout", **{"do": "order", **typed})


async def checked(browser: Browser, **more: str) -> tuple[httpx.Response, dict[str, Any]]:
    """The form with the whole address and the cheapest way, which shows its total; and what is in it."""
    typed = {**WHOLE, **more}
    page = await send(browser, await browser.get("/checkout"), **typed)
    return page, {**typed, "shippingMethod": more.get("shippingMethod", "post")}


async def ordered(browser: Browser, shop: FakeShop) -> Json:
    page, typed = await checked(browser)
    answer = await send(browser, page, **typed)
    (order,) = shop.orders.values()
    assert answer.headers["Location"] == f"http://sandbox.test/c/{order['id']}"
    return order


async def test_a_guest_sees_the_total_before_ordering_and_is_led_to_the_payment_page(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    shop.selling.vat = 19
    first = await browser.get("/checkout")
    assert ("Continue" in first.text, "Order and pay" in first.text) == (True, False)
    page, typed = await checked(browser)
    assert page.status_code == 200
    assert "Please check the total" in page.text
    assert "Order and pay $24.90" in page.text
    assert "includes VAT 19%" in text_of(page)
    assert 'value="post" checked' in page.text, "the cheapest one is chosen"
    answer = await send(browser, page, note="Ring twice", **typed)
    (call,) = shop.called("POST", "/orders")
    to = {"name": "Ada", "country": "DE", "lines": ["Deich 1"], "city": "Oldenburg", "region": ""}
    assert call.body == {
        "items": [{"productId": mug, "quantity": 2}],
        "email": "guest@example.com",
        "destination": {**to, "postalCode": "26133"},
        "shippingMethod": "post",
        "note": "Ring twice",
        "locale": "en",
        "expectedTotalMinor": 2490,
    }
    assert "authorization" not in call.headers
    assert answer.headers["Location"].startswith("http://sandbox.test/c/")
    assert "Your cart is empty." in (await browser.get("/cart")).text


async def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    typed = {**WHOLE, "email": "guest", "postalCode": "1", "discountCode": "NIX", "note": "Ring twice", "city": ""}
    page = await send(browser, await browser.get("/checkout"), **typed)
    told = text_of(page)
    assert page.status_code == 422
    assert "Please enter an email address such as ada@example.com." in told
    assert "Please enter the town or city." in told
    assert "We do not know this code." in told
    for name in ("email", "city", "discountCode"):
        assert f'aria-describedby="{name}-error"' in page.text
        assert f'href="#{name}"' in page.text
    for value in ("guest", "NIX", "Deich 1", "Ada"):
        assert f'value="{value}"' in page.text
    assert ">Ring twice</textarea>" in page.text
    assert not shop.called("POST", "/orders")
    page = await send(browser, page, **{**typed, "email": "guest@example.com", "discountCode": "", "city": "Oldenburg"})
    assert "This postal code does not match the country. There one looks like 26133 or 53225." in text_of(page)


async def test_reckoning_again_complains_of_nothing_that_is_not_typed_yet(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    page = await send(browser, await browser.get("/checkout"), do="update", country="US", name="Ada", email="gues")
    assert (page.status_code, 'data-testid="errors"' in page.text) == (200, False)
    assert "California" in page.text
    assert ">State" in page.text
    assert ">ZIP code" in page.text
    assert shop.called("POST", "/quotes")[-1].body == {
        "items": [{"productId": mug, "quantity": 2}],
        "destination": {"country": "US"},
        "shippingMethod": "post",
    }


async def test_what_sending_costs_is_shown_as_soon_as_the_country_is_known(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    first = await browser.get("/checkout")
    assert "not known yet" in first.text
    page = await send(browser, first, do="update", country="DE")
    assert "Order and pay $24.90" in page.text
    assert "not known yet" not in page.text
    missing = await send(browser, page, do="order", country="DE", email="guest@shop.example")
    assert missing.status_code == 422
    assert not shop.orders


async def test_a_code_takes_off_what_the_quote_says(browser: Browser, shop: FakeShop, mug: str) -> None:
    shop.selling.codes["SPRING"] = 50
    page, _ = await checked(browser, discountCode="spring")
    assert "-$10.00" in text_of(page)
    assert "Order and pay $14.90" in page.text
    shop.broken["/orders"] = Refused(409, "discount_used_up", "", discount="SPRING", per="buyer")
    page = await send(browser, page, **WHOLE, discountCode="spring", shippingMethod="post")
    assert "You have already used this code." in text_of(page)
    assert 'value="spring"' in page.text


async def test_what_is_picked_up_needs_no_address(browser: Browser, shop: FakeShop, mug: str) -> None:
    shop.selling.offers.append(PICKUP)
    page = await browser.get("/checkout")
    assert "see the options and what they cost" in page.text
    page = await send(browser, page, email="guest@example.com", shippingMethod="shop")
    assert 'id="line1"' not in page.text
    answer = await send(browser, page, email="guest@example.com", shippingMethod="shop")
    assert answer.headers["Location"].startswith("http://sandbox.test/c/")
    (call,) = shop.called("POST", "/orders")
    assert "destination" not in call.body


async def test_what_is_not_sent_needs_nothing_but_an_email_address(browser: Browser, shop: FakeShop, mug: str) -> None:
    shop.selling.is_digital = True
    page = await browser.get("/checkout")
    assert ('id="country"' in page.text, "Order and pay $20.00" in page.text) == (False, True)
    answer = await send(browser, page, email="guest@example.com")
    assert answer.headers["Location"].startswith("http://sandbox.test/c/")


async def test_whoever_is_logged_in_is_asked_where_it_goes(browser: Browser, shop: FakeShop, mug: str) -> None:
    shop.sign_up("ada@example.com")
    await browser.log_in("ada@example.com")
    assert 'href="/checkout" data-testid="checkout"' in (await browser.get("/cart")).text
    page, typed = await checked(browser, email="ada@example.com")
    await send(browser, page, **typed)
    (order,) = shop.orders.values()
    assert order["userId"].startswith("usr_")
    assert "Delivery address Ada Deich 1 26133 Oldenburg Germany" in text_of(
        await browser.get(f"/account/orders/{order['id']}")
    )


async def test_a_raised_price_shows_the_new_total_and_keeps_what_was_typed(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    page, typed = await checked(browser)
    shop.products[mug].update(priceMinor=1500)
    page = await send(browser, page, **typed)
    assert page.status_code == 409
    assert "The total has changed from $24.90 to $34.90. Nothing was ordered" in text_of(page)
    assert 'value="Deich 1"' in page.text
    assert not shop.orders
    assert (await send(browser, page, **typed)).status_code == 303


async def test_the_bill_can_go_to_another_address(browser: Browser, shop: FakeShop, mug: str) -> None:
    page, typed = await checked(browser)
    assert '<details data-testid="bill">' in page.text
    bill = {"billName": "Works Ltd", "billCountry": "DE", "billLine1": "Markt 2", "billPostalCode": "53225"}
    page = await send(browser, page, **typed, **bill)
    assert (page.status_code, '<details open data-testid="bill">' in page.text) == (422, True)
    assert "Please enter the town or city." in text_of(page)
    assert 'href="#billCity"' in page.text
    assert 'value="Works Ltd"' in page.text
    assert "Order and pay $24.90" in page.text, "the total is known all the same"
    assert (await send(browser, page, **typed, **bill, billCity="Bonn")).status_code == 303
    (call,) = shop.called("POST", "/orders")
    to = {
        "name": "Works Ltd",
        "country": "DE",
        "lines": ["Markt 2"],
        "city": "Bonn",
        "region": "",
        "postalCode": "53225",
    }
    assert call.body["billing"] == to
    (order,) = shop.orders.values()
    assert "Billing address Works Ltd Markt 2" in text_of(await browser.get(f"/shop/orders/{order['id']}"))


async def test_a_country_alone_is_no_other_address(browser: Browser, shop: FakeShop, mug: str) -> None:
    page, typed = await checked(browser, billCountry="DE")
    await send(browser, page, **typed)
    (call,) = shop.called("POST", "/orders")
    assert "billing" not in call.body


async def test_what_only_an_order_can_know_is_shown_and_can_be_agreed_to(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    shop.selling.not_known_to_quotes = 200
    page, typed = await checked(browser)
    assert "Order and pay $24.90" in page.text
    page = await send(browser, page, **typed)
    assert "The total has changed from $24.90 to $26.90." in text_of(page)
    assert "Order and pay $26.90" in page.text
    answer = await send(browser, page, **typed)
    assert answer.headers["Location"].startswith("http://sandbox.test/c/")
    assert [order["totalAmountMinor"] for order in shop.orders.values()] == [2690]


async def test_what_the_shop_refuses_is_told_in_the_form_with_a_new_key(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    page, typed = await checked(browser)
    shop.products[mug]["stock"] = 1
    refused = await send(browser, page, **typed)
    assert "Only 1 of Mug left. Nothing was ordered" in text_of(refused)
    assert fields(refused, "/checkout")["cart"] != fields(page, "/checkout")["cart"]
    assert 'value="Deich 1"' in refused.text


async def test_countries_are_called_as_their_visitors_call_them(browser: Browser, shop: FakeShop, mug: str) -> None:
    for language, name in (("en", "Germany"), ("de", "Deutschland"), ("en", "Germany")):
        browser.http.headers["Accept-Language"] = language
        assert f'<option value="DE">{name}</option>' in (await browser.get("/checkout")).text.replace(" selected", "")


@pytest.mark.parametrize("reckons", [False, True], ids=["at once", "after a change was reckoned"])
async def test_a_log_in_that_has_ended_loses_nothing_that_was_typed(
    browser: Browser, shop: FakeShop, mug: str, reckons: bool
) -> None:
    shop.sign_up("ada@example.com")
    await browser.log_in("ada@example.com")
    page, typed = await checked(browser)
    shop.stale.add(browser.http.cookies["kassa_token"])
    shop.refreshable.clear()
    if reckons:  # The script does, while one presses the button of the form as it was.
        part = await send(browser, page, **{**typed, "do": "update"})
        assert "You have been logged out in the meantime." in text_of(part)
        assert 'name="account"' not in part.text
    page = await send(browser, page, **typed)
    assert "You have been logged out in the meantime." in text_of(page)
    assert 'value="Deich 1"' in page.text
    assert not shop.orders
    await send(browser, page, **typed)
    assert len(shop.orders) == 1


async def test_a_guest_follows_pays_and_cancels_the_order(browser: Browser, shop: FakeShop, mug: str) -> None:
    order = await ordered(browser, shop)
    address = f"/shop/orders/{order['id']}"
    page = await browser.get(f"/checkout/return?order={order['id']}&unpaid=1")
    assert f'action="{address}/pay"' in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    assert (await browser.get(f"/checkout/status/{order['id']}")).status_code == 200
    page = await browser.get(address)
    told = text_of(page)
    assert "Parcel $4.90 Total $24.90" in told
    assert "guest@example.com" in told
    assert order["id"] not in (await browser.get("/account/orders")).text
    assert f'href="{address}"' in (await browser.get("/shop/orders")).text
    assert (await browser.submit(page, f"{address}/pay")).headers["Location"].startswith("http://sandbox.test/c/")
    await browser.submit(page, f"{address}/cancel")
    page = await browser.get(address)
    assert 'data-status="CANCELLED"' in page.text
    assert (await browser.submit(page, "/cart/again")).headers["Location"] == "/cart"


async def test_the_link_leads_to_the_order_from_anywhere_and_stays_in_no_address(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    order = await ordered(browser, shop)
    (token,) = shop.guests
    link = f"/shop/orders/{order['id']}/{token}"
    assert f"{link}" in (await browser.get(f"/shop/orders/{order['id']}")).text
    browser.http.cookies.clear()
    elsewhere = await browser.get(f"/shop/orders/{order['id']}")
    assert (elsewhere.status_code, "This browser does not know this order." in elsewhere.text) == (404, True)
    opened = await browser.get(link)
    assert opened.headers["Location"] == f"/shop/orders/{order['id']}"
    assert (opened.headers["Referrer-Policy"], opened.headers["Cache-Control"]) == ("no-referrer", "private, no-store")
    cookie = next(each for each in opened.headers.get_list("set-cookie") if each.startswith("kassa_guest="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Parcel" in (await browser.get(f"/shop/orders/{order['id']}")).text
    for wrong in (f"guest_{0:064x}", "guest_x"):
        assert (await browser.get(f"/shop/orders/{order['id']}/{wrong}")).status_code == 404
        still = await browser.get(f"/shop/orders/{order['id']}")
        assert still.status_code == 200, "a wrong link takes the right token from nobody"


async def test_whoever_logs_in_takes_the_order_into_the_account(browser: Browser, shop: FakeShop, mug: str) -> None:
    order = await ordered(browser, shop)
    address = f"/shop/orders/{order['id']}"
    assert 'data-testid="claim"' not in (await browser.get(address)).text
    shop.sign_up("ada@example.com")
    await browser.log_in("ada@example.com")
    assert 'href="/shop/orders"' in (await browser.get("/account/orders")).text
    answer = await browser.submit(await browser.get(address), f"{address}/claim")
    assert answer.headers["Location"] == f"/account/orders/{order['id']}"
    page = await browser.get(f"/account/orders/{order['id']}")
    assert "The order is now in your account." in page.text
    assert 'data-testid="claim"' not in page.text
    assert (await browser.get(address)).headers["Location"] == f"/account/orders/{order['id']}"


async def test_an_order_that_was_claimed_elsewhere_is_forgotten_here(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    order = await ordered(browser, shop)
    shop.guests.clear()
    assert (await browser.get(f"/shop/orders/{order['id']}")).status_code == 404
    assert "kassa_guest" not in browser.http.cookies


async def test_staff_sees_whom_to_write_to_and_where_it_goes(browser: Browser, shop: FakeShop, mug: str) -> None:
    order = await ordered(browser, shop)
    shop.sign_up("boss@example.com", role="admin")
    await browser.log_in("boss@example.com")
    assert "guest@example.com guest" in text_of(await browser.get("/console/orders"))
    told = text_of(await browser.get(f"/console/orders/{order['id']}"))
    assert "Email guest@example.com Delivery Parcel Delivery address Ada Deich 1 26133 Oldenburg Germany" in told
    assert "Parcel $4.90 Total $24.90" in told


async def test_the_buyer_is_written_to_in_a_language_of_the_browser(browser: Browser, shop: FakeShop, mug: str) -> None:
    browser.http.headers["Accept-Language"] = "de-AT,de;q=0.9"
    await ordered(browser, shop)
    (call,) = shop.called("POST", "/orders")
    assert call.body["locale"] == "de"


async def test_who_orders_from_the_cart_is_written_to_in_a_language_of_the_browser_too(
    browser: Browser, shop: FakeShop
) -> None:
    browser.http.headers["Accept-Language"] = ",".join(["de"] * 100)
    shop.sign_up("ada@example.com")
    await browser.log_in("ada@example.com")
    await browser.put_in_cart(shop.add("Mug", 1000, stock=7))
    await browser.submit(await browser.get("/cart"), "/checkout")
    (call,) = shop.called("POST", "/orders")
    assert call.body["locale"] == "de"


async def test_the_stream_of_an_order_is_its_buyer_s_alone(browser: Browser, shop: FakeShop, mug: str) -> None:
    order = await ordered(browser, shop)
    order["status"] = "CONFIRMED"
    answer = await browser.get(f"/checkout/events/{order['id']}")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.text.startswith("event: last\ndata: ")
    assert 'data-status="CONFIRMED"' in answer.text
    browser.http.cookies.clear()
    stranger = await browser.get(f"/checkout/events/{order['id']}")
    assert (stranger.status_code, stranger.headers["Location"].partition("?")[0]) == (303, "/account/login")
