"""The console's list of orders."""

from datetime import timedelta
from typing import Any

import pytest

from kassa.pages.listed_models import Badge, ListedOrder
from tests.pages.conftest import Browser, text_of
from tests.pages.fake_shop import NOW, FakeShop

PLAIN: dict[str, Any] = {
    "id": "ord_" + 26 * "1",
    "items": (),
    "total_amount_minor": 100,
    "currency": "usd",
    "created_at": NOW,
}


@pytest.fixture
async def operator(browser: Browser, shop: FakeShop) -> Browser:
    shop.sign_up("op@example.com", role="admin")
    await browser.log_in("op@example.com")
    return browser


def ordered(shop: FakeShop, status: str = "CONFIRMED", **more: Any) -> str:
    item = shop._hold({"productId": shop.add("=Mug"), "quantity": 2})
    order = shop.add_order("usr_1", [item], status)
    order |= {"email": "ada@mail.example", **more}
    return str(order["id"])


async def test_what_is_looked_for_is_what_the_api_is_asked(operator: Browser, shop: FakeShop) -> None:
    ordered(shop)
    page = await operator.get(
        "/console/orders?q=tea+pot&only=to_ship&since=2026-01-01&until=tomorrow&email=a%40b.example"
    )
    asked = shop.called("GET", "/orders/admin/all")[-1].query
    assert {name: asked.get(name) for name in ("q", "only", "since", "until", "email")} == {
        "q": "tea pot", "only": "to_ship", "since": "2026-01-01", "until": None, "email": "a@b.example",
    }  # fmt: skip
    assert 'name="only" value="to_ship"' in page.text, "words are looked for among what is chosen"
    assert "/console/orders/file?q=tea+pot&amp;only=to_ship&amp;since=2026-01-01" in page.text


async def test_money_and_goods_have_a_word_each(operator: Browser, shop: FakeShop) -> None:
    ordered(shop, fulfilment="unfulfilled", refundedMinor=150)
    dispute = {"status": "needs_response", "amountMinor": 1, "answerBy": NOW + timedelta(days=9)}
    ordered(shop, dispute=dispute, fulfilment="delivered")
    page = text_of(await operator.get("/console/orders"))
    assert "Partly refunded $1.50 To send" in page
    assert "Disputed answer by March 10, 2026 Delivered" in page


@pytest.mark.parametrize(
    ("status", "more", "word"),
    [
        ("PENDING", {}, "Not paid yet"),
        ("CONFIRMED", {}, "Paid"),
        ("CONFIRMED", {"total_amount_minor": 0}, "Nothing to pay"),
        ("CONFIRMED", {"refunded_minor": 5}, "Partly refunded"),
        ("REFUNDED", {"refunded_minor": 100}, "Refunded"),
        ("SOMETHING_NEW", {}, "Something_new"),
    ],
)
def test_each_state_of_the_money_has_its_word(status: str, more: dict[str, Any], word: str) -> None:
    order = ListedOrder(**PLAIN | more, status=status)
    assert (order.money_badge.word, order.goods_badge) == (word, None)
    assert order.label == "…11111111"


def test_goods_that_wait_for_staff_come_first() -> None:
    assert ListedOrder(**PLAIN, status="CONFIRMED", fulfilment="fulfilled").goods_badge == Badge("Sent")


async def test_the_file_has_what_is_filtered_and_no_formulas(operator: Browser, shop: FakeShop) -> None:
    ordered(shop)
    file = await operator.get("/console/orders/file?status=CONFIRMED")
    assert file.headers["Content-Type"].startswith("text/csv")
    head, line = file.text.splitlines()
    assert head.split(",")[:3] == ["number", "id", "made"]
    assert ",Paid,," in line
    assert "ada@mail.example,2 × =Mug,2,usd,39.98,0.00" in line


async def test_a_name_that_is_a_formula_is_none_in_the_file(operator: Browser, shop: FakeShop) -> None:
    ordered(shop, email="=cmd()", destination={"name": "=1+1", "country": "DE"})
    assert "'=1+1,'=cmd()," in (await operator.get("/console/orders/file")).text


async def test_the_slips_of_what_is_ticked_are_one_page(operator: Browser, shop: FakeShop) -> None:
    first, second = ordered(shop), ordered(shop)
    shop.orders[first]["leftToSend"] = [{"productId": shop.orders[first]["items"][0]["productId"], "quantity": 2}]
    page = await operator.get(f"/console/orders/slips?order={first}&order={second}&order={first}")
    assert page.text.count('data-testid="slip"') == 2
    assert "=Mug" in page.text
    assert "Nothing is to be sent." in page.text
    assert "Tick the orders" in (await operator.get("/console/orders/slips")).text
