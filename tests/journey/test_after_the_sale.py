"""One order as people do it, from a guest's checkout to the goods that are back on the shelf: its mails, its events
as a program gets them, its timeline in words, its stock; and the audit has nothing to say."""

from pathlib import Path
from typing import Any

import pytest

from tests.journey.running import Buyer, RunningShop, free_port, until
from tests.journey.test_mails import mails_in, text_of
from tests.outgoing.consumers import RECEIVER, Program

pytestmark = pytest.mark.slow
TO = {"name": "Ada Lovelace", "country": "DE", "lines": ["Lindenstraße 5"], "city": "Berlin", "postalCode": "10969"}
SELLING = {
    "zones": [{"id": "home", "name": "Germany", "places": [{"country": "DE"}]}],
    "shippingMethods": [{"id": "post", "name": "Post", "zone": "home", "price": "4.90"}],
}
SUBJECTS = [
    "Your order at Mug & Co is confirmed",
    "Your order from Mug & Co is on its way",
    "Your order from Mug & Co is on its way",
    "Your refund from Mug & Co",
]
EVENTS = [
    "order.placed",
    "order.confirmed",
    "shipment.shipped",
    "shipment.shipped",
    "shipment.delivered",
    "shipment.delivered",
    "return.requested",
    "return.approved",
    "return.received",
    "order.set_aside",
    "order.partly_refunded",
]
TIMELINE = [
    "The order was placed; its stock is held.",
    "Stripe says that the session is paid.",
    "The order is paid.",
    "A parcel was sent: parcel 1 with DHL.",
    "A parcel was sent: parcel 2 with DHL.",
    "A parcel was delivered: parcel 1.",
    "A parcel was delivered: parcel 2.",
    "A return was asked for: return 1.",
    "A return was approved: return 1.",
    "A return has come, and goods of it go back on the shelf: return 1.",
    "A refund was asked for.",
    "Stripe says that the refund has succeeded.",
    "A part of the money went back.",
]
FOLLOWS = {
    "The stock is sold.": "The order is paid.",
    "1 × Mug: back on the shelf.": "A return has come, and goods of it go back on the shelf: return 1.",
    "Goods are set aside for a refund: 2 pieces.": "A refund was asked for.",
    "The buyer was emailed about the refund.": "A part of the money went back.",
}
"""What an effect does: some time after what caused it, whatever else happens meanwhile."""


async def _bought(shop: RunningShop, mug: str, plate: str) -> tuple[Buyer, str]:
    """A guest's order of three mugs and a plate, paid."""
    items = [{"productId": mug, "quantity": 3}, {"productId": plate, "quantity": 1}]
    wish: dict[str, Any] = {"items": items, "destination": TO, "shippingMethod": "post"}
    quote = (await shop.call("POST", "/quotes", wish)).body["quote"]
    wish |= {"email": "ada@mail.example", "locale": "en", "expectedTotalMinor": quote["totalAmountMinor"]}
    made = await shop.call("POST", "/orders", wish)
    assert made.status == 201, made.body
    guest, order = Buyer(shop, made.body["guestToken"]), made.body["order"]
    assert order["totalAmountMinor"] == 3 * 1999 + 2500 + 490
    opened = await guest.call("POST", "/payments/create-session", {"orderId": order["id"]})
    await guest.pay(opened.body["sessionId"])
    await guest.becomes(order["id"], "CONFIRMED")
    return guest, order["id"]


async def _done(who: Buyer, path: str, body: Any = None) -> dict[str, Any]:
    answer = await who.call("POST", path, body)
    assert answer.status in (200, 201), answer.body
    return dict(answer.body)


async def _sent_and_returned(guest: Buyer, admin: Buyer, order_id: str, mug: str) -> None:
    """Two parcels go out and come; two mugs come back, one of them whole; both are refunded."""
    order, two = f"/orders/{order_id}", [{"productId": mug, "quantity": 2}]
    parcel = {"items": two, "carrier": "DHL", "trackingNumber": "00340434161094042557"}
    assert (await _done(admin, f"{order}/shipments", parcel))["order"]["fulfilment"] == "partly"
    assert (await _done(admin, f"{order}/shipments", {"carrier": "DHL"}))["order"]["fulfilment"] == "fulfilled"
    await _done(admin, f"{order}/shipments/1/delivered")
    assert (await _done(admin, f"{order}/shipments/2/delivered"))["order"]["fulfilment"] == "delivered"
    asked = await _done(guest, f"{order}/returns", {"items": two, "reason": "One is chipped"})
    return_id = asked["order"]["returns"][0]["id"]
    await _done(admin, f"{order}/returns/1/approve", {"why": "Send it to us, please"})
    await _done(admin, f"{order}/returns/1/receive", {"restock": [{"productId": mug, "quantity": 1}]})
    refund = await _done(admin, f"/payments/{order_id}/refund", {"lines": two, "returnId": return_id})
    assert refund["refund"]["amountMinor"] == 2 * 1999
    await guest.refunded(order_id, 2 * 1999)


async def test_an_order_from_the_cart_to_the_goods_that_are_back(tmp_path: Path) -> None:
    port = free_port()
    settings = {"SHOP_NAME": "Mug & Co", "EVENTS_TO_PRIVATE_ADDRESSES": "allowed"}
    async with RunningShop(tmp_path / "shop", **settings) as shop:
        admin = await shop.admin()
        assert (answer := await admin.call("PUT", "/selling", SELLING)).status == 200, answer.body
        mug, plate = await admin.product(10), await admin.product(10, "25.00")
        made = await admin.call("POST", "/events/endpoints", {"url": f"http://127.0.0.1:{port}/"})
        consumer = Program(tmp_path, "consumer", RECEIVER, SECRET=made.body["secret"], PORT=str(port))
        await consumer.start()
        try:
            guest, order_id = await _bought(shop, mug, plate)
            await _sent_and_returned(guest, admin, order_id, mug)

            async def all_is_told() -> bool:
                return len(mails_in(shop.data)) == len(SUBJECTS) and consumer.told_of(order_id) == EVENTS

            await until(all_is_told, "all mails and events", patience=60)
        finally:
            await consumer.kill()
        _check_mails(shop, order_id)
        told = await _timeline(admin, order_id)
        assert [text for text in told if text in TIMELINE] == TIMELINE
        for text, cause in FOLLOWS.items():
            assert told.count(text) == 1
            assert told.index(text) > told.index(cause)
        await admin.has_stock(mug, 10 - 3 + 1)
        assert await admin.stock(plate) == 9
        status, printed = await shop.command("audit")
        assert status == 0, printed


def _check_mails(shop: RunningShop, order_id: str) -> None:
    """The mails, in order: text and HTML say the same."""
    mails = mails_in(shop.data)
    assert [mail["Subject"] for mail in mails] == SUBJECTS
    assert {mail["To"] for mail in mails} == {"ada@mail.example"}
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
    said = ("$89.87", "00340434161094042557", "DHL", "$39.98")
    for mail, words in zip(mails, said, strict=True):
        part = mail.get_body(("html",))
        assert part is not None
        assert order_id in text_of(mail)
        assert words in text_of(mail)
        assert words in str(part.get_content())


async def _timeline(admin: Buyer, order_id: str) -> list[str]:
    told = (await admin.call("GET", f"/orders/{order_id}/timeline")).body["entries"]
    return [each["text"] for each in told]
