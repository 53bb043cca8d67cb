"""The same cart, bought by guests in several countries and currencies with a discount, and paid at the sandbox: every
part of the total stands on the order, at Stripe and on the page where it is paid."""

from pathlib import Path
from typing import Any

import pytest

from tests.journey.running import GOOD, Buyer, RunningShop

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]

GERMANY = {"name": "A Buyer", "country": "DE", "lines": ["Street 1"], "city": "Berlin", "postalCode": "10115"}
CALIFORNIA = {
    "name": "A Buyer",
    "country": "US",
    "lines": ["1 Street"],
    "city": "Oakland",
    "region": "CA",
    "postalCode": "94601",
}
AT_STRIPE = {"country": "US", "state": "CA", "city": "Oakland", "postal_code": "94601", "line1": "1 Street"}
SELLING = {
    "home": "DE",
    "zones": [
        {"id": "germany", "name": "Germany", "places": [{"country": "DE"}]},
        {"id": "world", "name": "World", "places": [{"country": "*"}]},
    ],
    "shippingMethods": [
        {"id": "parcel", "name": "Parcel", "zone": "germany", "price": 500},
        {"id": "air", "name": "Air mail", "zone": "world", "price": 2000},
    ],
    "taxRates": [
        {"country": "DE", "percent": 19, "name": "VAT", "isIncluded": True},
        {"country": "US", "region": "CA", "percent": "8.875", "name": "Sales tax"},
    ],
}


async def sells(shop: RunningShop) -> tuple[Buyer, list[dict[str, Any]]]:
    """The shop's administrator, and a cart of what is on sale."""
    admin = await shop.admin()
    assert (answer := await admin.call("PUT", "/selling", SELLING)).status == 200, answer.body
    for new in (
        {"code": "SAVE15", "name": "15 % off", "kind": "percentage", "percent": 15, "combines": True},
        {"name": "Free shipping", "kind": "freeShipping", "combines": True},
    ):
        assert (answer := await admin.call("POST", "/discounts", new)).status == 201, answer.body
    mug, bowl = await admin.product(50, "1333"), await admin.product(50, "777")
    return admin, [{"productId": mug, "quantity": 3}, {"productId": bowl, "quantity": 1}]


async def ordered(shop: RunningShop, wish: dict[str, Any]) -> tuple[Buyer, dict[str, Any], dict[str, Any]]:
    """A guest quotes, orders and opens the session: who has the token, the order, the session at Stripe."""
    wish |= {"discountCode": "save15", "email": "guest@mail.example"}
    quote = (await shop.call("POST", "/quotes", wish)).body["quote"]
    made = await shop.call("POST", "/orders", wish | {"expectedTotalMinor": quote["totalAmountMinor"]})
    assert made.status == 201, made.body
    guest, order = Buyer(shop, made.body["guestToken"]), made.body["order"]
    assert order["parts"] == quote["parts"]
    opened = await guest.call("POST", "/payments/create-session", {"orderId": order["id"]})
    assert opened.status == 200, opened.body
    return guest, order, await at_stripe(shop, opened.body["sessionId"])


async def at_stripe(shop: RunningShop, session_id: str) -> dict[str, Any]:
    """The session as Stripe has it."""
    url = f"{shop.sandbox}/v1/checkout/sessions/{session_id}"
    session: dict[str, Any] = (await shop.call("GET", url, Authorization="Bearer sk_test_sandbox_key")).body
    return session


@pytest.mark.parametrize(
    ("currency", "to", "method", "unit"),
    [
        ("eur", GERMANY, "parcel", 1),
        ("usd", CALIFORNIA, "air", 1),
        ("jpy", CALIFORNIA, "air", 1),
        ("kwd", CALIFORNIA, "air", 10),
    ],
)
async def test_every_part_of_the_total_is_the_same_everywhere(
    tmp_path: Path, currency: str, to: dict[str, Any], method: str, unit: int
) -> None:
    async with RunningShop(tmp_path / "data", TAX="rates", CURRENCY=currency) as shop:
        _, cart = await sells(shop)
        guest, order, session = await ordered(shop, {"items": cart, "destination": to, "shippingMethod": method})
        parts, total = order["parts"], order["totalAmountMinor"]
        added = sum(tax["amountMinor"] for tax in parts["taxes"] if not tax["isIncluded"])
        shipping = parts["shipping"]["amountMinor"]
        off = sum(each["amountMinor"] for each in parts["discounts"])
        assert [each["shippingMinor"] for each in parts["discounts"] if each["name"] == "Free shipping"] == [shipping]
        assert total == parts["subtotalMinor"] - parts["discountTotalMinor"] + shipping + added
        assert total % unit == 0
        assert sum(item["discountMinor"] for item in order["items"]) == off
        details = session["total_details"]
        assert (session["amount_total"], session["customer_email"]) == (total, "guest@mail.example")
        assert (details["amount_discount"], details["amount_shipping"]) == (off, 0)
        assert session["amount_subtotal"] == parts["subtotalMinor"] + added
        page = (await shop.call("GET", session["url"])).body
        for text in ("Parcel" if method == "parcel" else "Air mail", "SAVE15", "guest@mail.example"):
            assert text in page
        assert ("VAT (19 %)" if to is GERMANY else "Sales tax (8.875 %)") in page
        await guest.pay(session["id"])
        await guest.becomes(order["id"], "CONFIRMED")
        assert (await guest.call("GET", f"/payments/status/{order['id']}")).body["amountMinor"] == total
        assert (await shop.command("audit"))[0] == 0


async def test_where_stripe_reckons_the_tax_the_total_grows_and_is_right(tmp_path: Path) -> None:
    async with RunningShop(tmp_path / "data", TAX="stripe") as shop:
        admin, cart = await sells(shop)
        wish = {"items": cart, "destination": CALIFORNIA, "shippingMethod": "air"}
        guest, order, session = await ordered(shop, wish)
        assert order["parts"]["isTaxOpen"]
        assert session["amount_total"] == order["totalAmountMinor"]
        where = {"name": "A Buyer", "address": AT_STRIPE}
        paying = {"card": GOOD, "name": "A Buyer", "address": AT_STRIPE, "shipping": where}
        paid = await shop.call("POST", f"{shop.sandbox}/sandbox/sessions/{session['id']}/pay", paying)
        assert paid.status == 200, paid.body
        await guest.becomes(order["id"], "CONFIRMED")
        now, there = (
            (await guest.call("GET", f"/orders/{order['id']}")).body["order"],
            await at_stripe(shop, session["id"]),
        )
        tax = there["total_details"]["amount_tax"]
        assert tax > 0
        assert now["totalAmountMinor"] == there["amount_total"] == order["totalAmountMinor"] + tax
        assert now["parts"]["taxTotalMinor"] == tax
        status, printed = await shop.command("audit")
        assert status == 0, printed
        refunded = await admin.call("POST", f"/payments/{order['id']}/refund", {})
        assert refunded.body["refund"]["amountMinor"] == there["amount_total"]
