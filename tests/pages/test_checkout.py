"""From the cart to the payment page, and back."""

import asyncio

import pytest

from tests.pages.conftest import Browser, fields, text_of
from tests.pages.fake_shop import FakeShop, Json, Refused


@pytest.fixture
async def mug(browser: Browser, shop: FakeShop) -> str:
    """A buyer who is logged in and has two mugs in the cart."""
    shop.sign_up("ada@example.com")
    await browser.log_in("ada@example.com")
    product_id = shop.add("Mug", 19998, stock=7)
    await browser.put_in_cart(product_id, 2)
    return product_id


def order_of(shop: FakeShop) -> Json:
    (order,) = shop.orders.values()
    return order


async def test_checking_out_makes_the_order_and_leads_to_the_payment_page(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    page = await browser.get("/cart")
    assert "form-action 'self' https:" in page.headers["Content-Security-Policy"]
    answer = await browser.submit(page, "/checkout")
    order = order_of(shop)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://sandbox.test/c/{order['id']}"
    (call,) = shop.called("POST", "/orders")
    assert call.body == {"items": [{"productId": mug, "quantity": 2}], "expectedTotalMinor": 39996, "locale": "en"}
    assert call.headers["idempotency-key"]
    assert "Your cart is empty." in (await browser.get("/cart")).text


async def test_a_double_click_makes_one_order(browser: Browser, shop: FakeShop, mug: str) -> None:
    page = await browser.get("/cart")
    one, two = await asyncio.gather(browser.submit(page, "/checkout"), browser.submit(page, "/checkout"))
    assert one.headers["Location"] == two.headers["Location"]
    first, second = shop.called("POST", "/orders")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert len(shop.orders) == 1


async def test_going_back_and_sending_the_old_form_makes_no_second_order(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    page = await browser.get("/cart")
    await browser.submit(page, "/checkout")
    order_of(shop)["status"] = "CONFIRMED"
    answer = await browser.submit(page, "/checkout")
    assert answer.headers["Location"] == f"/account/orders/{order_of(shop)['id']}"
    assert len(shop.orders) == 1


async def test_the_second_click_waits_for_the_first(
    browser: Browser, shop: FakeShop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kassa.pages.checkout._PAUSE", 0.01)
    page = await browser.get("/cart")
    shop.broken["/orders"] = Refused(409, "idempotency_key_in_use")
    clicking = asyncio.create_task(browser.submit(page, "/checkout"))
    while not shop.called("POST", "/orders"):
        await asyncio.sleep(0.001)
    del shop.broken["/orders"]
    assert (await clicking).headers["Location"].startswith("http://sandbox.test/")
    assert len(shop.orders) == 1


async def test_too_little_stock_names_the_product_and_keeps_the_cart(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    page = await browser.get("/cart")
    shop.products[mug]["stock"] = 1
    answer = await browser.submit(page, "/checkout")
    assert answer.status_code == 409
    assert "Only 1 of Mug left. Nothing was ordered" in text_of(answer)
    assert 'value="2"' in answer.text
    assert not shop.orders
    assert 'data-testid="checkout"' not in answer.text, "what cannot be had is not ordered once more"
    assert (await browser.submit(answer, "/cart/fit")).status_code == 303
    fitted = await browser.get("/cart")
    assert "Your cart has what is in stock now." in fitted.text
    assert fields(fitted, "/checkout")["cart"] != fields(page, "/checkout")["cart"], "a new try needs a new key"
    assert (await browser.submit(fitted, "/checkout")).status_code == 303
    assert [item["quantity"] for order in shop.orders.values() for item in order["items"]] == [1]


async def test_a_raised_price_is_shown_and_agreed_to_before_anything_is_ordered(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    page = await browser.get("/cart")
    shop.products[mug].update(priceMinor=29998)
    answer = await browser.submit(page, "/checkout")
    assert answer.status_code == 409
    assert "The total has changed from $399.96 to $599.96. Nothing was ordered" in text_of(answer)
    assert 'data-testid="cart-total">$599.96<' in answer.text
    assert not shop.orders
    assert (await browser.submit(answer, "/checkout")).status_code == 303
    assert order_of(shop)["totalAmountMinor"] == 59996


@pytest.mark.parametrize("total", ["", "-1", "39996.0", "³", "9" * 16])
async def test_a_form_that_shows_no_total_orders_nothing(
    browser: Browser, shop: FakeShop, mug: str, total: str
) -> None:
    answer = await browser.submit(await browser.get("/cart"), "/checkout", total=total)
    assert answer.headers["Location"] == "/cart"
    assert not shop.called("POST", "/orders")


async def test_one_cart_sent_at_two_totals_is_not_ordered_twice(browser: Browser, shop: FakeShop, mug: str) -> None:
    before = await browser.get("/cart")
    shop.products[mug].update(priceMinor=29998)
    after = await browser.get("/cart")
    await browser.submit(after, "/checkout")
    answer = await browser.submit(before, "/checkout")
    assert "This cart has been sent before, with a different total." in text_of(answer)
    assert len(shop.orders) == 1


async def test_a_product_that_is_no_longer_sold_refuses_the_order(browser: Browser, shop: FakeShop, mug: str) -> None:
    page = await browser.get("/cart")
    shop.products[mug]["isActive"] = False
    answer = await browser.submit(page, "/checkout")
    assert "Something in your cart is no longer sold." in answer.text
    assert "No longer sold." in answer.text


async def test_without_a_payment_page_the_order_waits_to_be_paid(browser: Browser, shop: FakeShop, mug: str) -> None:
    shop.broken["/payments/create-session"] = Refused(503, "stripe_unreachable")
    answer = await browser.submit(await browser.get("/cart"), "/checkout")
    address = f"/account/orders/{order_of(shop)['id']}"
    assert answer.headers["Location"] == address
    page = await browser.get(address)
    assert "we cannot open the payment page right now" in page.text
    assert 'data-testid="pay"' in page.text
    del shop.broken["/payments/create-session"]
    paying = await browser.submit(page, f"{address}/pay")
    assert paying.headers["Location"].startswith("http://sandbox.test/")


async def test_an_order_that_may_have_been_made_is_not_called_a_failure(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    page = await browser.get("/cart")
    shop.broken["/orders"] = Refused(504, "timeout")
    answer = await browser.submit(page, "/checkout")
    assert answer.status_code == 504
    assert "Check your orders before you try again" in answer.text
    assert "Mug" in (await browser.get("/cart")).text


async def test_who_logs_in_at_the_checkout_comes_back_to_it(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up("ada@example.com")
    await browser.put_in_cart(shop.add("Mug"))
    assert 'href="/checkout" data-testid="checkout"' in (await browser.get("/cart")).text
    assert 'href="/account/login?next=/checkout"' in (await browser.get("/checkout")).text
    login = await browser.get("/account/login?next=/checkout")
    back = await browser.submit(login, "/account/login", email="ada@example.com", password="a long password")
    assert back.headers["Location"] == "/checkout"
    page = await browser.get("/checkout")
    assert ("Mug" in page.text, 'value="ada@example.com"' in page.text) == (True, True)
    assert not shop.called("POST", "/orders")


async def test_coming_back_claims_nothing_and_watches_the_order(browser: Browser, shop: FakeShop, mug: str) -> None:
    await browser.submit(await browser.get("/cart"), "/checkout")
    order = order_of(shop)
    page = await browser.get(f"/checkout/return?order={order['id']}&session=paid&status=success")
    assert 'data-status="PENDING"' in page.text
    assert "We have not received your payment yet." in page.text
    assert "confirmed" not in page.text.lower()
    assert f'data-watch="/checkout/status/{order["id"]}"' in page.text
    assert '<noscript><meta http-equiv="refresh"' in page.text


async def test_who_comes_back_without_paying_is_told_so_and_can_pay_or_cancel(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    await browser.submit(await browser.get("/cart"), "/checkout")
    order = order_of(shop)
    shop.payments[order["id"]] = "INITIATED"
    for address in (f"/checkout/return?order={order['id']}&unpaid=1", f"/account/orders/{order['id']}"):
        page = await browser.get(address)
        assert "You have not paid yet You have not been charged. We are holding your items: pay" in text_of(page)
        assert 'class="working"' not in page.text
        assert 'data-testid="pay"' in page.text
        assert 'data-testid="cancel"' in page.text
        assert f'data-watch="/checkout/status/{order["id"]}?unpaid=1"' in page.text
    assert "You have not paid yet" in (await browser.get(f"/checkout/status/{order['id']}?unpaid=1")).text
    shop.payments[order["id"]] = "PROCESSING"
    assert "Your bank is still working on it" in (await browser.get(f"/checkout/status/{order['id']}?unpaid=1")).text
    order["status"] = "CONFIRMED"
    assert "Your order is confirmed" in (await browser.get(f"/checkout/return?order={order['id']}&unpaid=1")).text


@pytest.mark.parametrize(
    ("refunded", "head"), [(1000, "$10.00 of $30.00 sent back to you"), (3000, "$30.00 sent back to you")]
)
async def test_the_buyer_sees_what_was_sent_back(
    browser: Browser, shop: FakeShop, mug: str, refunded: int, head: str
) -> None:
    await browser.submit(await browser.get("/cart"), "/checkout")
    order = order_of(shop)
    order["status"] = "CONFIRMED"
    shop.payments[order["id"]] = "SUCCESS"
    for address in (f"/account/orders/{order['id']}", f"/checkout/return?order={order['id']}"):
        assert 'data-testid="refund"' not in (await browser.get(address)).text
        shop.money_back[order["id"]] = {"refundedMinor": refunded}
        assert head in text_of(await browser.get(address))
        del shop.money_back[order["id"]]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("warning_needs_response", "$30.00 questioned by your bank Your bank has asked us about this payment."),
        ("needs_response", "$30.00 disputed by your bank Your bank has taken this amount back until it decides."),
        ("won", "the payment stands"),
        ("lost", "is paying you back"),
        ("something_new", "Your bank is looking into this payment."),
    ],
)
async def test_the_buyer_sees_what_the_bank_does(
    browser: Browser, shop: FakeShop, mug: str, status: str, words: str
) -> None:
    await browser.submit(await browser.get("/cart"), "/checkout")
    order = order_of(shop)
    order["status"] = "CONFIRMED"
    shop.payments[order["id"]] = "SUCCESS"
    dispute = {"status": status, "amountMinor": 3000, "currency": "usd"}
    shop.money_back[order["id"]] = {"disputes": [dispute]}
    page = await browser.get(f"/account/orders/{order['id']}")
    assert words in text_of(page)
    assert f'data-testid="dispute" data-status="{status}"' in page.text


async def test_the_watched_part_follows_the_order(browser: Browser, shop: FakeShop, mug: str) -> None:
    await browser.submit(await browser.get("/cart"), "/checkout")
    order = order_of(shop)
    address = f"/checkout/status/{order['id']}"
    part = await browser.get(address)
    assert "<html" not in part.text
    assert 'data-final="no"' in part.text
    shop.payments[order["id"]] = "PROCESSING"
    part = await browser.get(address)
    assert "Your bank is still working on it" in part.text
    assert 'data-testid="pay"' not in part.text
    order["status"] = "CONFIRMED"
    part = await browser.get(address)
    assert 'data-status="CONFIRMED"' in part.text
    assert 'data-final="yes"' in part.text
    settled = await browser.get(f"/checkout/return?order={order['id']}")
    assert 'data-watch=""' in settled.text
    assert "http-equiv" not in settled.text


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        ("CANCELLED", "payment_declined", "Your payment was declined"),
        ("CANCELLED", "expired", "It was not paid for in time"),
        ("CANCELLED", "cancelled_by_buyer", "You cancelled this order"),
        ("CANCELLED", "something_new", "Something new."),
        ("CANCELLED", None, "This order was cancelled"),
        ("FAILED", "never_placed", "could not be completed"),
        ("REFUNDED", None, "We have sent your money back"),
    ],
)
async def test_an_ended_order_says_why(
    browser: Browser, shop: FakeShop, mug: str, status: str, reason: str | None, words: str
) -> None:
    await browser.submit(await browser.get("/cart"), "/checkout")
    order = order_of(shop)
    order.update(status=status, reason=reason)
    page = await browser.get(f"/checkout/return?order={order['id']}")
    assert words in text_of(page)
    assert '<a class="button quiet" href="/">Back to the shop</a>' in page.text
    assert 'data-testid="cancel"' not in page.text


async def test_after_a_decline_the_goods_go_back_into_the_cart(browser: Browser, shop: FakeShop, mug: str) -> None:
    await browser.submit(await browser.get("/cart"), "/checkout")
    order = order_of(shop)
    order.update(status="CANCELLED", reason="payment_declined")
    answer = await browser.submit(await browser.get(f"/account/orders/{order['id']}"), "/cart/again")
    assert answer.headers["Location"] == "/cart"
    assert "$399.96" in (await browser.get("/cart")).text


async def test_after_a_decline_it_is_ordered_again_and_paid_with_one_click(
    browser: Browser, shop: FakeShop, mug: str
) -> None:
    await browser.submit(await browser.get("/cart"), "/checkout")
    order = order_of(shop)
    assert 'data-testid="other-card"' not in (await browser.get(f"/account/orders/{order['id']}")).text
    order.update(status="CANCELLED", reason="payment_declined")
    page = await browser.get(f"/account/orders/{order['id']}")
    for _ in range(2):  # two clicks
        answer = await browser.submit(page, "/checkout/again")
        assert answer.headers["Location"].startswith(shop.payment_page)
    first, second = shop.orders.values()
    assert first["items"] == second["items"]
    shop.products[mug]["priceMinor"] = 100
    answer = await browser.submit(await browser.get(f"/account/orders/{order['id']}"), "/checkout/again")
    assert answer.headers["Location"] == "/cart", "at another price it is not ordered unseen"
    assert len(shop.orders) == 2


@pytest.mark.parametrize(
    ("fulfilment", "words"),
    [("unfulfilled", "getting your order ready"), ("fulfilled", "is on its way"), ("none", None)],
)
async def test_a_paid_order_says_what_comes_next(
    browser: Browser, shop: FakeShop, mug: str, fulfilment: str, words: str | None
) -> None:
    await browser.submit(await browser.get("/cart"), "/checkout")
    order = order_of(shop)
    order.update(status="CONFIRMED", fulfilment=fulfilment)
    page = await browser.get(f"/account/orders/{order['id']}")
    assert ('data-testid="next"' in page.text) is (words is not None)
    assert (words or "") in text_of(page)


async def test_a_part_that_was_sent_back_says_what_it_was_for(browser: Browser, shop: FakeShop, mug: str) -> None:
    await browser.submit(await browser.get("/cart"), "/checkout")
    order = order_of(shop)
    order["status"] = "CONFIRMED"
    shop.payments[order["id"]] = "SUCCESS"
    lines = [{"productId": mug, "quantity": 1, "amountMinor": 19998}]
    refund = {"amountMinor": 20488, "createdAt": order["createdAt"], "lines": lines, "shippingMinor": 490}
    shop.money_back[order["id"]] = {"refundedMinor": 20488, "refunds": [refund]}
    assert "$204.88: 1 × Mug, shipping" in text_of(await browser.get(f"/account/orders/{order['id']}"))


async def test_others_orders_are_not_found(browser: Browser, shop: FakeShop, mug: str) -> None:
    order = shop.add_order("usr_other", [shop._hold({"productId": mug, "quantity": 1})])
    for path in ("/checkout/return?order=", "/checkout/status/", "/account/orders/"):
        assert (await browser.get(path + order["id"])).status_code == 404
    assert (await browser.get("/checkout/return")).status_code == 404
    assert (await browser.get("/checkout/return?order=../../etc")).status_code == 404


async def test_who_has_too_many_open_orders_is_led_to_them(browser: Browser, shop: FakeShop, mug: str) -> None:
    members = {"limit": 5, "per": "buyer", "orderIds": ["ord_1"]}
    shop.broken["/orders"] = Refused(409, "too_many_open_orders", "words for programs", **members)
    answer = await browser.submit(await browser.get("/cart"), "/checkout")
    assert "You already have 5 unpaid orders, and cannot have more at once." in text_of(answer)
    assert 'href="/account/orders" data-testid="open-orders"' in answer.text
    assert 'value="2"' in answer.text
    shop.broken["/orders"] = Refused(409, "too_many_open_orders", "", limit=20, per="address", orderIds=[])
    answer = await browser.submit(await browser.get("/cart"), "/checkout")
    told = text_of(answer)
    assert "Too many orders from your network are waiting for payment." in told
    assert "yours" not in told
    assert "open-orders" not in answer.text


@pytest.mark.parametrize(
    ("per", "limit", "has_open", "words"),
    [
        ("buyer", 1, False, "You have 2 items in your cart, and can order at most 1 at once."),
        ("buyer", 50, True, "You can have at most 50 items in unpaid orders, and with this cart it would be more."),
        (
            "address",
            50,
            True,
            "Too many orders from your network are waiting for payment. Nothing was ordered; please pay",
        ),
        ("address", 50, False, "are waiting for payment. Nothing was ordered; please try again in a few minutes."),
    ],
)
async def test_who_has_too_many_open_pieces_is_told_what_to_do(
    browser: Browser, shop: FakeShop, mug: str, per: str, limit: int, has_open: bool, words: str
) -> None:
    mine = ["ord_1"] if has_open else []
    shop.broken["/orders"] = Refused(409, "too_many_open_pieces", "", limit=limit, per=per, orderIds=mine)
    answer = await browser.submit(await browser.get("/cart"), "/checkout")
    assert words in text_of(answer)
    assert ("open-orders" in answer.text) == has_open


async def test_too_many_pieces_names_the_product_and_the_limit(browser: Browser, shop: FakeShop, mug: str) -> None:
    shop.broken["/orders"] = Refused(409, "over_quantity_limit", "words for programs", productId=mug, limit=1)
    answer = await browser.submit(await browser.get("/cart"), "/checkout")
    assert "Mug: at most 1 per order. Nothing was ordered; please lower the quantity and try again." in text_of(answer)
