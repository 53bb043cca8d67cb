"""The console's disputes: a draft that is changed, shown once more, and sent once."""

import re

import httpx
import pytest

from tests.pages.conftest import Browser, fields, text_of
from tests.pages.fake_disputes import TEXTS, add_dispute
from tests.pages.fake_shop import FakeShop
from tests.pages.test_console_roles import of_role, order_of

SAID = {name: text for name, (_, _, _, text) in TEXTS.items()}


@pytest.fixture
async def support(browser: Browser, shop: FakeShop) -> Browser:
    return await of_role(browser, shop, "support")


def path_of(shop: FakeShop) -> str:
    return f"/console/orders/{next(iter(shop.orders))}/disputes/du_1"


def answers(shop: FakeShop) -> list[dict[str, object]]:
    return [call.body for call in shop.calls if call.method == "POST" and call.path.endswith("/evidence")]


async def send(staff: Browser, shop: FakeShop, typed: dict[str, str]) -> httpx.Response:
    """The form of the draft, with nothing in it but what is typed."""
    page = await staff.get(path_of(shop))
    return await staff.submit(page, path_of(shop), **{**dict.fromkeys(TEXTS, ""), **typed})


async def test_an_order_leads_to_its_dispute_and_what_is_known_stands_there(support: Browser, shop: FakeShop) -> None:
    order = order_of(shop, "CONFIRMED")
    shop.payments[order["id"]] = "SUCCESS"
    add_dispute(shop, order["id"])
    page = await support.get(f"/console/orders/{order['id']}")
    assert f'href="{path_of(shop)}">Answer the dispute</a>' in page.text
    page = await support.get(path_of(shop))
    text = text_of(page)
    for said in ("$19.99", "Product not received", "No tracking number is noted for parcel 1.", "Answer until"):
        assert said in text
    assert 'value="Ada Byron"' in page.text
    assert "1 March: &lt;b&gt;Order&lt;/b&gt; placed.</textarea>" in page.text
    assert "<summary>More that can be said</summary>" in page.text
    assert answers(shop) == []


async def test_what_is_changed_is_shown_once_more_and_sent_once(support: Browser, shop: FakeShop) -> None:
    add_dispute(shop, order_of(shop, "CONFIRMED")["id"])
    typed = {**SAID, "shipping_tracking_number": "RM1"}
    sure = await send(support, shop, typed)
    assert (sure.status_code, answers(shop)) == (200, [])
    assert "Send to Stripe: this can be done once" in sure.text
    assert "The other charge" not in text_of(sure)
    hidden = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', sure.text))
    assert hidden["shipping_address"] == "12 St James&#39;s Square\nLondon"
    done = await send(support, shop, {**typed, "key": hidden["key"], "confirmed": "yes"})
    assert done.status_code == 303
    assert answers(shop) == [
        {"fields": {name: text for name, text in typed.items() if text}, "submit": True, "amountMinor": 1999}
    ]
    after = text_of(await support.get(path_of(shop)))
    assert "This is what the bank was told. It can be done once." in after
    assert "RM1" in after
    assert "Send" not in after


async def test_one_can_go_back_and_change_it(support: Browser, shop: FakeShop) -> None:
    add_dispute(shop, order_of(shop, "CONFIRMED")["id"])
    page = await send(support, shop, {"uncategorized_text": "Typed", "change": "yes"})
    assert ">Typed</textarea>" in page.text
    assert 'value="Ada Byron"' not in page.text
    assert answers(shop) == []


async def test_what_is_wrong_keeps_what_was_typed(support: Browser, shop: FakeShop) -> None:
    add_dispute(shop, order_of(shop, "CONFIRMED")["id"])
    typed = {"customer_name": "Ada", "uncategorized_text": "a\r\n" * 10_001}
    page = await send(support, shop, typed)
    assert page.status_code == 422
    assert "At most 20,000 characters" in text_of(page)
    assert 'value="Ada"' in page.text
    exactly = await send(support, shop, {"uncategorized_text": "a\r\n" * 9_999})
    assert exactly.status_code == 200
    empty = await send(support, shop, {})
    assert empty.status_code == 422
    assert "Nothing is said yet" in text_of(empty)
    assert answers(shop) == []


async def test_what_stripe_refuses_is_told_and_may_be_mended(support: Browser, shop: FakeShop) -> None:
    add_dispute(shop, order_of(shop, "CONFIRMED")["id"], refuses="Stripe answered 400: It has too many pages.")
    page = await send(support, shop, {"uncategorized_text": "Long", "confirmed": "yes"})
    assert page.status_code == 409
    text = text_of(page)
    assert "The last answer was not taken, and has no effect. Stripe answered 400: It has too many pages." in text
    assert ">Long</textarea>" in page.text
    assert "Go on to what will be sent" in text


async def test_who_comes_too_late_is_told_and_sees_what_was_not_sent(support: Browser, shop: FakeShop) -> None:
    why = "the time to answer was over at 2026-03-01T12:00:00.000Z"
    draft = add_dispute(shop, order_of(shop, "CONFIRMED")["id"])
    form = await support.get(path_of(shop))
    draft |= {"canAnswer": False, "whyNot": why}
    assert f"It cannot be answered: {why}." in text_of(await support.get(path_of(shop)))
    for confirmed in ("", "yes"):
        page = await support.submit(form, path_of(shop), uncategorized_text="Typed", confirmed=confirmed)
        assert page.status_code == 409
        assert "What was not sent" in text_of(page)
        assert "Typed" in text_of(page)
    assert draft["answer"] is None


async def test_it_is_for_who_may_answer(browser: Browser, shop: FakeShop) -> None:
    order = order_of(shop, "CONFIRMED")
    draft = add_dispute(shop, order["id"])
    stock = await of_role(browser, shop, "stock")
    assert (await stock.get(path_of(shop))).status_code == 403
    form = await stock.get("/console/products/new")
    typed = {**SAID, "confirmed": "yes", "csrf": fields(form, "/account/logout")["csrf"]}
    assert (await stock.http.post(path_of(shop), data=typed)).status_code == 403
    assert draft["answer"] is None


async def test_a_dispute_that_is_not_there(support: Browser, shop: FakeShop) -> None:
    order_of(shop, "CONFIRMED")
    assert (await support.get(path_of(shop))).status_code == 404
