"""The console's customers."""

from typing import Any

import pytest

from tests.pages.conftest import Browser, text_of
from tests.pages.fake_mails import add_mail
from tests.pages.fake_shop import NOW, FakeShop, Refused
from tests.pages.test_console_roles import of_role

ADA = {"name": "Ada Lovelace", "country": "DE", "lines": ["Deich 1"], "city": "Oldenburg", "postalCode": "26133"}


def order_of(shop: FakeShop, user_id: str, **more: Any) -> Any:
    order = shop.add_order(user_id, [shop._hold({"productId": shop.add("Mug"), "quantity": 2})], "CONFIRMED")
    order.update(more)
    return order


async def test_the_list_leads_to_each_customer_and_to_their_last_order(browser: Browser, shop: FakeShop) -> None:
    account = order_of(shop, "usr_1", email="ada@example.com", destination=ADA)
    order_of(shop, "gst_1", email="bob+1@example.com")
    page = await (await of_role(browser, shop, "support")).get("/console/customers")
    assert page.status_code == 200
    assert 'href="/console/customers/one?userId=usr_1"' in page.text
    assert 'href="/console/customers/one?email=bob%2B1%40example.com"' in page.text
    assert f'href="/console/orders/{account["id"]}"' in page.text
    assert "$28.50" in text_of(page)
    assert 'aria-label="Pages"' not in page.text


async def test_a_search_goes_on_where_it_stopped(browser: Browser, shop: FakeShop) -> None:
    staff = await of_role(browser, shop, "support")
    page = await staff.get("/console/customers?q=more")
    assert "Nobody matches." in page.text
    assert "q=more&amp;cursor=61" in page.text
    assert "Latest" in (await staff.get("/console/customers?q=more&cursor=61")).text
    assert [call.query.get("cursor") for call in shop.called("GET", "/orders/admin/customers")] == [None, "61"]


async def test_one_customer_is_shown_with_all_that_is_theirs(browser: Browser, shop: FakeShop) -> None:
    back = {"id": "ret_1", "number": 1, "items": [{"productId": "prd_1", "quantity": 1}], "status": "requested"}
    order = order_of(shop, "usr_1", email="ada@example.com", destination=ADA, refundedMinor=150, returns=[back])
    order_of(shop, "gst_1", email="ada@example.com")
    add_mail(shop, order["id"])
    add_mail(shop, "ord_another", subject="Of somebody else")
    page = await (await of_role(browser, shop, "admin")).get("/console/customers/one?userId=usr_1")
    said = text_of(page)
    for words in ("Ada Lovelace", "ada@example.com", "Deich 1", "26133 Oldenburg", "$1.50", "requested"):
        assert words in said, words
    assert "Your order at Corner Shop is confirmed" in said
    assert "Of somebody else" not in said
    assert page.text.count('data-testid="order-row"') == 1
    assert page.text.count('data-testid="address"') == 1


async def test_a_guest_has_the_orders_of_guests_and_no_mails_where_none_are_kept(
    browser: Browser, shop: FakeShop
) -> None:
    order_of(shop, "usr_1", email="ada@example.com")
    order_of(shop, "gst_1", email="ada@example.com")
    shop.broken["/mails"] = Refused(404, "mails_not_kept", "Mails are sent.")
    page = await (await of_role(browser, shop, "admin")).get("/console/customers/one?email=ada@example.com")
    assert page.text.count('data-testid="order-row"') == 1
    assert 'id="mails"' not in page.text


@pytest.mark.parametrize("query", ["", "?userId=usr_none", "?email=nobody@example.com"])
async def test_who_has_not_ordered_is_not_found(browser: Browser, shop: FakeShop, query: str) -> None:
    assert (await (await of_role(browser, shop, "admin")).get(f"/console/customers/one{query}")).status_code == 404


@pytest.mark.parametrize(("user_id", "leads_to"), [("usr_1", "userId=usr_1"), ("gst_1", "email=ada%40example.com")])
async def test_an_order_leads_to_its_customer(browser: Browser, shop: FakeShop, user_id: str, leads_to: str) -> None:
    order = order_of(shop, user_id, email="ada@example.com", destination=ADA, createdAt=NOW)
    page = await (await of_role(browser, shop, "support")).get(f"/console/orders/{order['id']}")
    assert f'<a href="/console/customers/one?{leads_to}">Ada Lovelace</a>' in page.text
