"""The operator's console."""

import re
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from kassa.pages import admins, console_orders
from kassa.pages.models import Refunds
from tests.pages.conftest import Browser, Forms, text_of
from tests.pages.fake_shop import NOW, FakeShop, Refused

ALL = ("/console", "/console/orders", "/console/products", "/console/products/new", "/console/events")


@pytest.fixture
async def operator(browser: Browser, shop: FakeShop) -> Browser:
    shop.sign_up("op@example.com", role="admin")
    await browser.log_in("op@example.com")
    return browser


@pytest.mark.parametrize("path", ALL)
async def test_strangers_log_in_first(browser: Browser, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/account/login?next={path}"


@pytest.mark.parametrize("path", [*ALL, "/console/orders/ord_1", "/console/products/prd_1"])
async def test_buyers_are_told_that_this_is_not_for_them(browser: Browser, shop: FakeShop, path: str) -> None:
    shop.sign_up("ada@example.com")
    await browser.log_in("ada@example.com")
    page = await browser.get(path)
    assert page.status_code == 403
    assert "Staff only" in page.text
    assert "ada@example.com" in page.text


async def test_a_token_that_only_claims_to_be_an_administrators_is_not_believed(
    browser: Browser, shop: FakeShop
) -> None:
    user = shop.sign_up("ada@example.com", role="admin")
    await browser.log_in("ada@example.com")
    user["role"] = "user"
    assert (await browser.get("/console")).status_code == 403


async def test_the_overview_shows_the_numbers_beside_those_of_before(operator: Browser) -> None:
    page = text_of(await operator.get("/console"))
    for words in (
        "$7,856.12",
        "−21% than from",
        "128",
        "+28% than from",
        "$61.38",
        "90%",
        "14 failed",
        "of 42 products",
    ):
        assert words in page, words
    assert "Mug 7 $139.93 Of the newest 100 orders." in page


@pytest.mark.parametrize(
    ("query", "first", "last", "bars"),
    [
        ("", "2026-01-31", "2026-03-01", 30),
        ("?days=7", "2026-02-23", "2026-03-01", 7),
        ("?days=12", "2026-01-31", "2026-03-01", 30),
        ("?since=2026-02-01&until=2026-02-03", "2026-02-01", "2026-02-03", 3),
        ("?since=2026-02-31&until=2026-03-03", "2026-01-31", "2026-03-01", 30),
    ],
)
async def test_the_days_are_chosen_and_every_day_has_its_bar(
    operator: Browser, shop: FakeShop, query: str, first: str, last: str, bars: int
) -> None:
    page = await operator.get(f"/console{query}")
    asked = shop.called("GET", "/orders/admin/analytics/sales")[-1].query
    assert (asked["since"], asked["until"], page.text.count("<rect ")) == (first, last, bars)
    assert f"<title>{last}: $" in page.text
    assert f"/console/orders?since={first}&amp;until={last}" in page.text, "each figure leads to what it is of"


async def test_a_new_shop_is_told_what_to_do_next(operator: Browser, shop: FakeShop) -> None:
    shop.order_count = 0
    page = await operator.get("/console")
    assert "What to do next" in page.text
    assert "<svg" not in page.text
    assert "Done Add your products" in text_of(page)
    assert "To do Say how you ship" in text_of(page)
    shop.selling.shown["shippingMethods"] = [{"id": "post"}]
    assert "Done Say how you ship" in text_of(await operator.get("/console"))


async def test_a_missing_number_does_not_hide_the_others(operator: Browser, shop: FakeShop) -> None:
    shop.broken["/payments/admin/analytics/payments"] = Refused(503, "unavailable")
    page = text_of(await operator.get("/console"))
    assert "Some numbers are not available right now" in page
    assert "$61.38" in page


async def test_nothing_is_said_to_need_attention_when_all_is_well(operator: Browser, shop: FakeShop) -> None:
    shop.events.append({"id": "evt_1", "type": "checkout.session.completed", "status": "done", "receivedAt": NOW})
    assert "Needs attention" not in (await operator.get("/console")).text


async def test_what_fails_and_fails_is_shown_with_a_link_to_its_order(operator: Browser, shop: FakeShop) -> None:
    for service, kind in (("orders", "close_payment"), ("payments", "confirm_order")):
        shop.waiting[service].append(
            {
                "id": "x_1",
                "orderId": f"ord_{service}",
                "effect": f"x_1:3:{kind}",
                "kind": kind,
                "attempts": 9,
                "nextAt": NOW,
                "error": "Stripe did not answer <as it should>",
            }
        )
    page = await operator.get("/console")
    assert "Needs attention" in page.text
    assert "2 steps keep failing" in text_of(page)
    assert "Stripe did not answer &lt;as it should&gt;" in page.text
    assert 'href="/console/orders/ord_orders"' in page.text
    assert 'href="/console/orders/ord_payments"' in page.text
    assert "could not be acted on" not in page.text


async def test_webhooks_that_do_not_come_through_are_shown(operator: Browser, shop: FakeShop) -> None:
    text, advice = "20 webhooks were refused since Monday", "compare the endpoint"
    shop.notices.append({"kind": "webhooks_refused", "count": 20, "text": text, "advice": advice})
    page = await operator.get("/console")
    assert "Needs attention" in page.text
    assert f"{text}. Compare the endpoint." in text_of(page)


async def test_money_that_no_order_knows_is_shown_until_it_is_dismissed(operator: Browser, shop: FakeShop) -> None:
    text = "1 checkout session was paid at Stripe"
    shop.notices.append({"kind": "unclaimed_money", "count": 1, "text": text, "advice": "refund it"})
    shop.unclaimed.append({"sessionId": "cs_1", "amount": "12.30", "currency": "xyz", "paidAt": NOW})
    shop.unclaimed.append({"sessionId": "cs_2", "amount": "1234.3", "currency": "usd", "paidAt": NOW})
    page = await operator.get("/console")
    assert f"{text}. Refund it. XYZ 12.30, paid just now" in text_of(page)
    assert "$1,234.30, paid just now" in text_of(page)
    shop.unclaimed.pop()
    sure = await operator.submit(page, "/console/unclaimed/cs_1/dismiss")
    answer = await operator.submit(sure, "/console/unclaimed/cs_1/dismiss")
    assert answer.status_code == 303
    assert shop.called("POST", "/payments/admin/unclaimed/cs_1/dismiss")
    shop.notices.clear()
    page = await operator.get("/console")
    assert "cs_1" not in page.text
    assert "Needs attention" not in page.text


async def test_parked_events_are_shown_with_a_link_to_each(operator: Browser, shop: FakeShop) -> None:
    for number in range(12):
        event = {"id": f"evt_{number}", "type": "refund.updated", "status": "parked", "receivedAt": NOW}
        shop.events.append({**event, "note": "not known yet"})
    page = await operator.get("/console")
    assert "12 events from Stripe could not be acted on yet" in text_of(page)
    assert 'href="/console/events?status=parked#evt_3"' in page.text
    assert page.text.count("refund.updated") == 10
    assert 'id="evt_3"' in (await operator.get("/console/events?status=parked")).text


async def test_an_endpoint_that_the_shop_has_stopped_sending_to_is_shown_with_why(
    operator: Browser, shop: FakeShop
) -> None:
    known = {"url": "https://a.example/", "types": [], "waiting": 1, "secrets": 1, "createdAt": "2026-01-31T09:30:00Z"}
    stopped = {**known, "id": "whk_1", "isEnabled": False, "why": "it answered 410"}
    shop.endpoints += [stopped, {**stopped, "id": "whk_2", "url": "https://b.example/", "why": "disabled by hand"}]
    page = (await operator.get("/console")).text
    assert "Needs attention" in page
    assert ("https://a.example/" in page, "It answered 410." in page, "https://b.example/" in page) == (
        True,
        True,
        False,
    )


async def test_disputes_that_want_evidence_are_shown_with_the_last_moment(operator: Browser, shop: FakeShop) -> None:
    dispute = {"orderId": "ord_1", "status": "needs_response", "amount": "19.99", "currency": "usd", "answerBy": NOW}
    shop.disputes.append({**dispute, "id": "du_1", "reason": "product_not_received"})
    page = await operator.get("/console")
    assert "1 dispute waits for an answer" in text_of(page)
    assert "$19.99, product not received" in text_of(page)
    assert 'href="/console/orders/ord_1"' in page.text


async def test_trouble_that_cannot_be_told_is_not_taken_for_none(operator: Browser, shop: FakeShop) -> None:
    shop.broken["/payments/admin/attention"] = Refused(503, "unavailable")
    assert "Some numbers are not available right now" in (await operator.get("/console")).text


async def test_orders_are_filtered_by_status(operator: Browser, shop: FakeShop) -> None:
    mug = shop.add("Mug")
    paid = shop.add_order("usr_1", [shop._hold({"productId": mug, "quantity": 1})], "CONFIRMED")
    open_ = shop.add_order("usr_1", [shop._hold({"productId": mug, "quantity": 1})])
    page = await operator.get("/console/orders?status=CONFIRMED")
    assert paid["id"] in page.text
    assert open_["id"] not in page.text


async def test_an_order_shows_its_timeline_and_can_be_refunded(operator: Browser, shop: FakeShop) -> None:
    order = shop.add_order("usr_1", [shop._hold({"productId": shop.add("Mug"), "quantity": 2})], "CONFIRMED")
    page = await operator.get(f"/console/orders/{order['id']}")
    assert "Placed" in page.text
    path, pieces = f"/console/orders/{order['id']}/refund", f"pieces-{order['items'][0]['productId']}"
    sure = await operator.submit(page, path, amount="1.50", **{pieces: "2"})
    assert (sure.status_code, shop.called("POST", f"/payments/{order['id']}/refund")) == (200, [])
    assert "1.50 USD" in sure.text
    assert "2 × Mug" in sure.text
    answer = await operator.submit(sure, path)
    assert answer.status_code == 303
    call = shop.calls[-1]
    items = [{"productId": order["items"][0]["productId"], "quantity": 2}]
    assert call.body == {"amount": "1.50", "reason": "", "items": items}
    assert call.headers["idempotency-key"]


KEPT = {"fee": 1.17, "feeMinor": 117, "net": 28.83, "netMinor": 2883, "currency": "usd"}


@pytest.mark.parametrize(
    ("fees", "words"),
    [
        ([KEPT], ("Stripe's fee -$1.17", "Paid, less the fee $28.83")),
        ([{**KEPT, "currency": "jpy"}], ("Stripe's fee -¥117", "Paid, less the fee ¥2,883")),
        ([None], ("Stripe's fee not known yet",)),
        ([], ("Stripe's fee not available right now",)),
    ],
)
async def test_an_order_shows_what_stripe_has_kept(
    operator: Browser, shop: FakeShop, fees: list[Any], words: tuple[str, ...]
) -> None:
    order = shop.add_order("usr_1", [shop._hold({"productId": shop.add("Mug"), "quantity": 2})], "CONFIRMED")
    shop.payments[order["id"]] = "SUCCESS"
    shop.money_back[order["id"]] = {"status": "SUCCESS"}
    shop.fees.update((order["id"], each) for each in fees)
    page = await operator.get(f"/console/orders/{order['id']}")
    for each in words:
        assert each in text_of(page)
    assert "Some numbers are not available right now" not in text_of(page)


async def test_who_is_logged_in_is_said_on_every_page(operator: Browser) -> None:
    for path in ALL:
        page = await operator.get(path)
        assert "op@example.com, admin" in text_of(page)
        assert 'action="/account/logout"' in page.text


async def test_an_order_shows_that_it_is_disputed_even_if_nothing_waits(operator: Browser, shop: FakeShop) -> None:
    order = shop.add_order("usr_1", [shop._hold({"productId": shop.add("Mug"), "quantity": 2})], "CONFIRMED")
    shop.payments[order["id"]] = "SUCCESS"
    dispute = {"status": "under_review", "amount": "19.99", "amountMinor": 1999, "currency": "usd"}
    shop.money_back[order["id"]] = {"disputes": [dispute]}
    page = text_of(await operator.get(f"/console/orders/{order['id']}"))
    assert "Payment Success" in page
    assert "Disputed: $19.99, under review." in page
    late = {"status": "needs_response", "amount": "5", "amountMinor": 500, "currency": "usd", "answerBy": NOW}
    shop.money_back[order["id"]] = {"disputes": [late]}
    page = text_of(await operator.get(f"/console/orders/{order['id']}"))
    assert "Disputed: $5.00, needs response. Answer until March 1, 2026" in page


async def test_money_that_no_order_knows_needs_attention_alone(operator: Browser, shop: FakeShop) -> None:
    shop.unclaimed.append({"sessionId": "cs_1", "amount": "12.30", "currency": "usd", "paidAt": NOW})
    assert "Needs attention" in (await operator.get("/console")).text


async def test_enter_in_the_refund_form_refunds_nothing(operator: Browser, shop: FakeShop) -> None:
    """What is left is filled in; an amount that was emptied never means all of it."""
    order = shop.add_order("usr_1", [shop._hold({"productId": shop.add("Mug"), "quantity": 2})], "CONFIRMED")
    page = await operator.get(f"/console/orders/{order['id']}")
    assert 'value="12.50"' in page.text
    path = f"/console/orders/{order['id']}/refund"
    assert "Refund this order?" in (await operator.submit(page, path)).text
    empty = await operator.submit(page, path, amount="")
    assert (empty.status_code, "Say how much goes back." in empty.text) == (422, True)
    unsure = await operator.submit(page, path, amount="", confirmed="yes")
    assert unsure.status_code == 422
    assert shop.called("POST", f"/payments/{order['id']}/refund") == []


async def test_a_refund_is_checked_before_it_is_confirmed_and_keeps_what_was_typed(
    operator: Browser, shop: FakeShop
) -> None:
    order = shop.add_order("usr_1", [shop._hold({"productId": shop.add("Mug"), "quantity": 2})], "CONFIRMED")
    path, pieces = f"/console/orders/{order['id']}/refund", f"pieces-{order['items'][0]['productId']}"
    page = await operator.get(f"/console/orders/{order['id']}")
    for field, typed, told in (
        ("amount", "one", "Write the amount with digits, such as 12.50."),
        ("amount", "1,234", "This may be thousands or decimals."),
        ("amount", "1.2345", "The amount must have at most 2 decimals"),
        ("amount", "0,00", "The amount must be more than 0."),
        ("amount", "12.51", "Only $12.50 is left of the payment."),
        (pieces, "3", "Give a number from 0 to 2."),
        (pieces, "-1", "Give a number from 0 to 2."),
        (pieces, "all", "Give a number from 0 to 2."),
    ):
        answer = await operator.submit(page, path, **{"amount": "1.50", pieces: "1", "reason": "broken", field: typed})
        assert (answer.status_code, told in text_of(answer)) == (422, True), (field, typed, text_of(answer))
        for kept in {"amount": "1.50", pieces: "1", "reason": "broken", field: typed}.values():
            assert f'value="{kept}"' in answer.text, (field, typed, kept)
    sure = await operator.submit(page, path, amount=" 1,50 $ ", **{pieces: "1"})
    assert "1.50 USD" in sure.text
    assert shop.called("POST", f"/payments/{order['id']}/refund") == []


async def test_a_price_with_a_comma_is_understood_and_one_that_is_none_is_told(
    operator: Browser, shop: FakeShop
) -> None:
    page = await operator.get("/console/products/new")
    typed = {"name": "Mug", "description": "Blue", "category": "Kitchen", "images": ""}
    for price, told in (("1.234,50", "Write the amount with digits"), ("1,234", "may be thousands or decimals")):
        answer = await operator.submit(page, "/console/products/new", **typed, price=price)
        assert (answer.status_code, told in text_of(answer), f'value="{price}"' in answer.text) == (422, True, True)
    assert (await operator.submit(page, "/console/products/new", **typed, price="19,90")).status_code == 303
    (call,) = shop.called("POST", "/products")
    assert call.body["price"] == "19.90"


async def test_a_refused_change_of_the_stock_keeps_what_was_typed(operator: Browser, shop: FakeShop) -> None:
    address = f"/console/products/{shop.add('Mug', 1999)}"
    answer = await operator.submit(await operator.get(address), f"{address}/stock", change="0", reason="counted again")
    assert (answer.status_code, 'value="counted again"' in answer.text) == (422, True)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("succeeded", "The refund has succeeded."),
        ("pending", "The refund was requested."),
        ("requires_action", "The refund was requested."),
        ("failed", "The refund failed."),
        ("canceled", "The refund was cancelled."),
    ],
)
async def test_a_refund_is_told_as_it_stands(operator: Browser, shop: FakeShop, status: str, said: str) -> None:
    order = shop.add_order("usr_1", [shop._hold({"productId": shop.add("Mug"), "quantity": 1})], "CONFIRMED")
    page, shop.refund_status = f"/console/orders/{order['id']}", status
    sure = await operator.submit(await operator.get(page), f"{page}/refund", amount="1.50")
    answer = await operator.submit(sure, f"{page}/refund")
    shown = answer if answer.status_code == 409 else await operator.get(answer.headers["location"])
    told = [each for each in ("succeeded.", "was requested.", "failed.", "was cancelled.") if each in shown.text]
    assert said in shown.text
    assert len(told) == 1


async def test_a_refused_refund_says_why(operator: Browser, shop: FakeShop) -> None:
    order = shop.add_order("usr_1", [shop._hold({"productId": shop.add("Mug"), "quantity": 1})], "CONFIRMED")
    path = f"/console/orders/{order['id']}/refund"
    sure = await operator.submit(await operator.get(f"/console/orders/{order['id']}"), path, amount="1")
    shop.broken[f"/payments/{order['id']}/refund"] = Refused(409, "refund_too_large", "More than is left.")
    answer = await operator.submit(sure, path)
    assert answer.status_code == 409
    assert "More than is left." in answer.text


async def test_a_product_is_made_with_its_exact_price(operator: Browser, shop: FakeShop) -> None:
    page = await operator.get("/console/products/new")
    typed = {"name": "Mug", "description": "Blue", "price": "199.98", "category": "Kitchen", "stock": "12"}
    answer = await operator.submit(page, "/console/products/new", **typed, sku=" M-1 ", images="/a.svg\n/b.svg\n")
    assert answer.status_code == 303
    (call,) = shop.called("POST", "/products")
    more = {"sku": "M-1", "stock": 12, "images": ["/a.svg", "/b.svg"], "compareAtPrice": None}
    goods = {"gtin": None, "weightGrams": None, "taxClass": "standard", "isDigital": False}
    goods |= {"withdrawalExcluded": ""}
    assert call.body == {**typed, **more, **goods}
    assert call.headers["idempotency-key"]


async def test_a_refused_product_keeps_what_was_typed(operator: Browser) -> None:
    page = await operator.get("/console/products/new")
    typed = {"name": "", "description": "Very <blue>", "price": "1.00", "category": "Kitchen"}
    answer = await operator.submit(page, "/console/products/new", **typed, images="")
    assert answer.status_code == 422
    assert "must not be empty" in answer.text
    assert "Very &lt;blue&gt;" in answer.text


async def test_a_product_is_changed_and_taken_off_sale(operator: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug", 1999)
    address = f"/console/products/{product_id}"
    page = await operator.get(address)
    assert 'value="19.99"' in page.text
    await operator.submit(page, address, description="Now bigger", images="", price="24.50")
    assert shop.products[product_id]["priceMinor"] == 2450
    sure = await operator.submit(page, f"{address}/deactivate")
    assert "Take Mug off sale?" in text_of(sure)
    await operator.submit(sure, f"{address}/deactivate")
    assert not shop.products[product_id]["isActive"]


async def test_a_product_off_sale_is_seen_changed_and_put_back(operator: Browser, shop: FakeShop) -> None:
    mug, tea = shop.add("Mug", 1999), shop.add("Tea", 100)
    shop.products[mug]["isActive"] = False
    listed = text_of(await operator.get("/console/products"))
    assert "Tea" in listed
    assert "Mug" not in listed
    off = await operator.get("/console/products?sale=off&q=mug")
    assert f'href="/console/products/{mug}"' in off.text
    assert tea not in off.text
    page = await operator.get(f"/console/products/{mug}")
    assert "Off sale" in text_of(page)
    assert "Stop selling" not in text_of(page)
    await operator.submit(page, f"/console/products/{mug}", price="24.50", images="", description="")
    assert shop.products[mug]["priceMinor"] == 2450
    answer = await operator.submit(page, f"/console/products/{mug}/activate")
    assert answer.headers["Location"] == f"/console/products/{mug}"
    assert shop.products[mug]["isActive"]
    assert shop.products[mug]["priceMinor"] == 2450
    assert "The product is on sale again." in (await operator.get(f"/console/products/{mug}")).text


async def test_what_somebody_else_has_changed_is_shown_and_not_replaced_unseen(
    operator: Browser, shop: FakeShop
) -> None:
    product_id = shop.add("Mug", 1999)
    address = f"/console/products/{product_id}"
    mine, other = await operator.get(address), await operator.get(address)
    await operator.submit(other, address, price="24.50", description="", images="")
    answer = await operator.submit(mine, address, name="Cup", price="19.99", description="", images="")
    assert answer.status_code == 409
    assert "Somebody else has changed this product. Nothing was saved" in text_of(answer)
    assert "Somebody else has changed this to: 24.50" in text_of(answer)
    assert (shop.products[product_id]["name"], shop.products[product_id]["priceMinor"]) == ("Mug", 2450)
    again = await operator.submit(answer, address, description="", images="")
    assert again.status_code == 303
    assert (shop.products[product_id]["name"], shop.products[product_id]["priceMinor"]) == ("Cup", 1999)


async def test_a_product_is_reduced_and_its_reduction_ended(operator: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug", 1999)
    address = f"/console/products/{product_id}"
    page = await operator.get(address)
    await operator.submit(page, address, price="15,00", compareAtPrice="19,99", description="", images="")
    product = shop.products[product_id]
    assert (product["priceMinor"], product["compareAtPriceMinor"]) == (1500, 1999)
    page = await operator.get(address)
    assert 'id="compareAtPrice" name="compareAtPrice" type="text" autocomplete="off" value="19.99"' in page.text
    await operator.submit(page, address, price="19.99", compareAtPrice="", description="", images="")
    assert shop.called("PUT", f"/products/{product_id}")[-1].body["compareAtPrice"] is None
    assert product["compareAtPriceMinor"] is None


@pytest.mark.parametrize(
    ("price", "compare_at", "said"),
    [
        ("19.99", "19.99", ["must be above the price"]),
        ("19.99", "much", ["Write the amount with digits, such as 12.50."]),
        ("cheap", "1,234", ["Write the amount with digits, such as 12.50.", "This may be thousands or decimals."]),
    ],
)
async def test_what_is_wrong_with_two_prices_is_said_beside_each(
    operator: Browser, shop: FakeShop, price: str, compare_at: str, said: list[str]
) -> None:
    address = f"/console/products/{shop.add('Mug', 1999)}"
    page = await operator.get(address)
    answer = await operator.submit(page, address, price=price, compareAtPrice=compare_at, description="", images="")
    assert answer.status_code == 422
    assert len(re.findall(r'class="wrong" id="(?:price|compareAtPrice)-error"', answer.text)) == len(said)
    assert all(words in text_of(answer) for words in said)
    assert f'value="{compare_at}"' in answer.text


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        (1999, "Buyers see a reduction from $19.99, the lowest price of the 30 days before it."),
        (1299, "Buyers see no reduction: the lowest price of the 30 days before it was $12.99."),
        (None, "Buyers see no reduction: it was never sold here at another price."),
    ],
)
async def test_the_console_says_what_buyers_see_of_a_reduction(
    operator: Browser, shop: FakeShop, prior: int | None, said: str
) -> None:
    product_id = shop.add("Mug", 1599, compareAtPriceMinor=2499, priorPriceMinor=prior)
    assert said in text_of(await operator.get(f"/console/products/{product_id}"))


async def test_a_product_shows_its_last_prices_if_they_are_known(operator: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug", 1500)
    address, asked = f"/console/products/{product_id}", f"/products/{product_id}/prices"
    assert "Last prices" not in (await operator.get(address)).text
    shop.prices[product_id] = [
        {"priceMinor": 1500 + days, "currency": "usd", "at": NOW - timedelta(days=days), "compareAtPriceMinor": 1999}
        for days in range(7)
    ]
    page = await operator.get(address)
    assert page.text.count('data-testid="price-row"') == 5
    assert "3 days ago $15.03 $19.99" in text_of(page)
    shop.broken[asked] = Refused(503, "unavailable")
    page = await operator.get(address)
    assert (page.status_code, page.text.count('data-testid="price-row"')) == (200, 0)


async def test_a_sku_that_is_taken_is_said_at_its_field(operator: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug")
    page = await operator.get(f"/console/products/{product_id}")
    other = shop.add("Cup", sku="M-1")
    answer = await operator.submit(page, f"/console/products/{product_id}", sku="M-1", description="", images="")
    assert answer.status_code == 409
    assert f"Product {other} has this SKU already." in text_of(answer)
    assert 'value="M-1"' in answer.text


async def test_stock_is_added_and_taken_away(operator: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug", stock=7)
    address = f"/console/products/{product_id}"
    page = await operator.get(address)
    await operator.submit(page, f"{address}/stock", change="-3", reason="broken")
    assert shop.products[product_id]["stock"] == 4
    answer = await operator.submit(page, f"{address}/stock", change="-99")
    assert answer.status_code == 409
    assert "Only 4 are in stock." in answer.text
    await operator.submit(page, f"{address}/stock", change="-3", reason="broken")
    assert "Only 1 is in stock." in (await operator.submit(page, f"{address}/stock", change="-99")).text
    assert (await operator.submit(page, f"{address}/stock", change="0")).status_code == 422


def in_list(page: httpx.Response) -> dict[str, str]:
    """What each button of the list of products sends."""
    forms = Forms()
    forms.feed(page.text)
    return next(values for _, values in forms.found if "back" in values)


async def test_one_click_in_the_list_is_one_piece_however_often_it_is_sent(operator: Browser, shop: FakeShop) -> None:
    mug, pot = shop.add("Mug", stock=4), shop.add("Pot", stock=0)
    page = await operator.get("/console/products?q=")
    assert 'aria-label="One Mug less"' in page.text
    assert 'aria-label="One Pot less"' not in page.text
    assert "Sold out" in text_of(page)
    sent = {**in_list(page), "change": "1"}
    for product_id in (mug, mug, pot):
        answer = await operator.http.post(f"/console/products/{product_id}/stock", data=sent)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/console/products?q=")
    adjusted = shop.called("POST", "/inventory/adjust")
    keys = [call.headers["idempotency-key"] for call in adjusted]
    assert keys[0] == keys[1] != keys[2]
    assert [call.body["change"] for call in adjusted] == [1, 1, 1]
    sent = {**sent, "back": "//evil.example/console/products"}
    answer = await operator.http.post(f"/console/products/{mug}/stock", data=sent)
    assert answer.headers["Location"] == f"/console/products/{mug}"


async def test_what_is_off_sale_is_put_back_from_its_list(operator: Browser, shop: FakeShop) -> None:
    mug = shop.add("Mug", isActive=False)
    page = await operator.get("/console/products?sale=off")
    assert f'formaction="/console/products/{mug}/activate"' in page.text
    sent = in_list(page)
    answer = await operator.http.post(f"/console/products/{mug}/activate", data=sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/products?sale=off")
    assert shop.products[mug]["isActive"]


async def test_a_stored_event_is_replayed(operator: Browser, shop: FakeShop) -> None:
    shop.events.append({"id": "evt_1", "type": "checkout.session.completed", "status": "done", "receivedAt": NOW})
    page = await operator.get("/console/events")
    answer = await operator.submit(page, "/console/events/evt_1/replay")
    assert answer.status_code == 303
    assert shop.called("POST", "/payments/admin/events/evt_1/replay")


async def test_a_refund_that_is_confirmed_twice_is_told_as_done_twice(
    operator: Browser, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shop.add_order("usr_1", [shop._hold({"productId": shop.add("Mug"), "quantity": 2})], "CONFIRMED")
    path = f"/console/orders/{order['id']}/refund"
    sure = await operator.submit(await operator.get(f"/console/orders/{order['id']}"), path, amount="12.50")
    first = await operator.submit(sure, path)
    read: Any = admins.or_none

    async def nothing_is_left(*asked: Any, **ids: str) -> Any:
        found = await read(*asked, **ids)
        return msgspec.structs.replace(found, left_minor=0, left_items=()) if isinstance(found, Refunds) else found

    monkeypatch.setattr(console_orders, "or_none", nothing_is_left)
    again = await operator.submit(sure, path)
    assert (first.status_code, again.status_code) == (303, 303)


@pytest.mark.parametrize(
    ("query", "asked"),
    [("stock=low", {"maxStock": "10", "inStock": "true"}), ("stock=out", {"maxStock": "0"}), ("stock=x", {})],
)
async def test_products_of_which_there_are_few_are_a_list_of_their_own(
    browser: Browser, shop: FakeShop, query: str, asked: dict[str, str]
) -> None:
    shop.add("Mug", stock=2)
    shop.sign_up("stock@example.com", role="stock")
    await browser.log_in("stock@example.com")
    page = await browser.get(f"/console/products?{query}")
    assert page.status_code == 200
    sent = shop.called("GET", "/products")[-1].query
    assert {name: sent[name] for name in ("maxStock", "inStock") if name in sent} == asked
    overview = (await browser.get("/console")).text
    assert 'href="/console/products?stock=low"' in overview
    assert 'href="/console/products?stock=out"' in overview
