"""Nothing dangerous by accident: each form of the console either asks first, or does what is as easily undone."""

from typing import Any

import pytest

from kassa.pages.client import ShopClient
from kassa.pages.console import CONSOLE
from kassa.pages.sure import said
from tests.pages.conftest import Browser, fields
from tests.pages.fake_shop import NOW, FakeShop

AT_ONCE = {
    "/console/events/{event_id:str}/replay": "processing an event again changes nothing twice",
    "/console/orders/{order_id:str}/retry": "what is done is not done again",
    "/console/orders/{order_id:str}/hold": "a hold is released",
    "/console/orders/{order_id:str}/release": "and held again",
    "/console/orders/{order_id:str}/ship": "a parcel that was not sent is taken back",
    "/console/orders/{order_id:str}/returns": "a return that does not come is closed",
    "/console/products": "nothing is done",
    "/console/products/import": "nothing is done: what would be is shown",
    "/console/products/import/done": "it was shown row by row before, and what is wrong is changed back",
    "/console/products/new": "what is wrong is changed, or taken off sale",
    "/console/products/{product_id:str}": "a change is changed back",
    "/console/products/{product_id:str}/activate": "it is taken off sale again",
    "/console/products/{product_id:str}/stock": "what was added is taken away",
    "/console/products/{product_id:str}/pictures": "a picture is taken away again",
    "/console/products/{product_id:str}/pictures/change": "and sent again",
    "/console/families/new": "a family is changed",
    "/console/families/{family_id:str}": "and changed back",
    "/console/keys/new": "a key is ended",
    "/console/endpoints/new": "an endpoint is removed",
    "/console/endpoints/{endpoint_id:str}/resend": "who listens knows what it was told before",
    "/console/discounts/new": "a discount is ended",
    "/console/discounts/{discount_id:str}": "and changed back",
    "/console/shop": "what the shop is known by is changed back",
    "/console/shop/logo": "a logo is sent again, or removed",
    "/console/shop/{tag:str}/{part:str}": "and each of its texts",
    "/console/selling": "how the shop sells is changed back",
    "/console/selling/seller": "and who sells",
    "/console/selling/{part:str}/{which:str}": "and each of its parts",
}
"""Forms that ask nothing first, and why that does no harm."""
ASKS = {
    "/console/orders/{order_id:str}/cancel": {},
    "/console/orders/{order_id:str}/give-up": {"number": "1", "because": "too_late"},
    "/console/orders/{order_id:str}/refund": {"amount": "1.50", "reason": "scratched"},
    "/console/orders/{order_id:str}/refund-goods": {"shipping": "yes"},
    "/console/orders/{order_id:str}/destination": {"name": "Ada", "lines": "Street 1", "city": "Bonn", "country": "DE"},
    "/console/orders/{order_id:str}/shipments/{which:str}/{what:str}": {"what": "cancel"},
    "/console/orders/{order_id:str}/returns/{which:str}/{what:str}": {"what": "decline", "answer-1": "worn"},
    "/console/orders/{order_id:str}/withdrawals/{which:str}/close": {"why-1": "paid in cash"},
    "/console/products/{product_id:str}/deactivate": {},
    "/console/unclaimed/{session_id:str}/dismiss": {},
}
"""Those that ask first, and what is typed into them."""
ASKS_ELSEWHERE = {
    "/console/staff/{user_id:str}/{what:str}",
    "/console/keys/{key_id:str}/end",
    "/console/endpoints/{endpoint_id:str}/{what:str}",
    "/console/discounts/{discount_id:str}/end",
    "/console/selling/{part:str}/{which:str}/remove",
    "/console/orders/{order_id:str}/disputes/{dispute_id:str}",
}
"""Those whose asking has tests of its own, in tests/pages and tests/journey/test_console_roles.py."""


@pytest.fixture
async def operator(browser: Browser, shop: FakeShop) -> Browser:
    shop.sign_up("op@example.com", role="admin")
    await browser.log_in("op@example.com")
    return browser


def test_each_form_of_the_console_is_sorted() -> None:
    forms = {path for handler in CONSOLE if "POST" in handler.http_methods for path in handler.paths}
    assert forms == AT_ONCE.keys() | ASKS.keys() | ASKS_ELSEWHERE


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the API is asked to change, whether the shop in memory knows how or not."""
    paths: list[str] = []
    send = ShopClient.send

    async def noted(api: ShopClient, method: str, path: str, *more: Any, **named: Any) -> Any:
        paths.append(path)
        return await send(api, method, path, *more, **named)

    monkeypatch.setattr(ShopClient, "send", noted)
    return paths


@pytest.mark.parametrize("form", ASKS)
async def test_it_asks_first_and_keeps_what_was_typed(
    operator: Browser, shop: FakeShop, written: list[str], form: str
) -> None:
    mug = shop.add("Mug")
    order = shop.add_order("usr_1", [shop._hold({"productId": mug, "quantity": 2})], "CONFIRMED")
    shop.payments[order["id"]] = "SUCCESS"
    address = form.replace(":str", "")
    typed: dict[str, Any] = dict(ASKS[form])
    names = {"order_id": order["id"], "product_id": mug, "session_id": "cs_1", "which": "1"}
    address = address.format(**names, what=typed.pop("what", ""))
    shop.unclaimed.append({"sessionId": "cs_1", "amount": "12.30", "currency": "usd", "paidAt": NOW})
    csrf = fields(await operator.get(f"/console/products/{mug}"), f"/console/products/{mug}")["csrf"]
    page = await operator.http.post(address, data={"csrf": csrf, **typed})
    assert page.status_code == 200, page.text
    sure = fields(page, address)
    assert sure["confirmed"] == "yes"
    assert typed.items() <= sure.items()
    assert written == [], "nothing is done before it is confirmed"
    await operator.http.post(address, data=sure)
    assert len(written) == 1


def test_what_the_buyer_will_read_is_shown() -> None:
    assert said("") == ()
    assert said("worn") == ("The buyer reads: “worn”",)
