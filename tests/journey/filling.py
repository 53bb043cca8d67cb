"""A shop in which all has happened that pages show."""

from tests.journey.running import Buyer, RunningShop, until

DISPUTED = "4000000000000259"
"""A card whose bank takes the money back (Stripe docs: testing#disputes)."""


async def fill(shop: RunningShop) -> None:
    """A shop with a paid order and one that waits, a product off sale, staff, a key and an endpoint."""
    admin, buyer = await shop.admin(), await shop.buyer()
    selling = {
        "zones": [{"id": "home", "name": "Home", "places": [{"country": "DE"}]}],
        "shippingMethods": [{"id": "post", "name": "Parcel", "zone": "home", "price": "4.90"}],
        "taxRates": [{"country": "DE", "percent": 19, "name": "VAT", "isIncluded": True}],
    }
    assert (await admin.call("PUT", "/selling", selling)).status == 200
    mug, cup = await admin.product(stock=19), await admin.product(stock=1)
    paid = await buyer.checkout(mug)
    await buyer.pay(paid[1])
    await buyer.becomes(paid[0], "CONFIRMED")
    regretted = await buyer.checkout(mug)
    await buyer.pay(regretted[1])
    await buyer.becomes(regretted[0], "CONFIRMED")
    disputed = await buyer.checkout(mug)
    await buyer.pay(disputed[1], DISPUTED)

    async def is_disputed() -> bool:
        return bool((await admin.call("GET", "/payments/admin/disputes")).body["disputes"])

    await until(is_disputed, "a dispute")
    stated = {"orderId": regretted[0], "name": "Ada", "confirm": True}
    assert (await admin.call("POST", "/withdrawals", stated)).status == 201
    assert (await buyer.order(mug)).status == 201
    await _parcels(admin, buyer, mug)
    assert (await admin.call("DELETE", f"/products/{cup}")).status == 200
    assert (await admin.call("POST", "/auth/keys", {"name": "Shelf", "scopes": ["inventory:read"]})).status == 201
    endpoint = {"url": "https://events.example/kassa", "description": "Warehouse"}
    assert (await admin.call("POST", "/events/endpoints", endpoint)).status in (201, 409)

    async def is_written() -> bool:
        return bool((await admin.call("GET", "/mails")).body["mails"])

    await until(is_written, "a mail")
    half = {"name": "Half", "kind": "percentage", "percent": 50, "code": "HALF", "limit": 9}
    assert (await admin.call("POST", "/discounts", half)).status in (201, 409), "one shop is there for all tests"


async def _parcels(admin: Buyer, buyer: Buyer, mug: str) -> None:
    """Paid orders at each stage that a parcel, or a return, can be at."""
    one = {"items": [{"productId": mug, "quantity": 1}]}
    place = {"name": "Ada", "country": "DE", "lines": ["Deich 1"], "city": "Oldenburg", "postalCode": "26133"}
    for who, steps in (
        (admin, ["hold"]),
        (admin, ["shipments"]),
        (admin, ["shipments", "returns"]),
        (buyer, ["returns"]),
    ):
        made = await buyer.call("POST", "/orders", {**one, "destination": place, "shippingMethod": "post"})
        assert made.status == 201, made.body
        order_id = made.body["order"]["id"]
        opened = await buyer.call("POST", "/payments/create-session", {"orderId": order_id})
        await buyer.pay(opened.body["sessionId"])
        await buyer.becomes(order_id, "CONFIRMED")
        if who is buyer:
            assert (await admin.call("POST", f"/orders/{order_id}/shipments", {})).status == 201
        for step in steps:
            body = {"hold": {"why": "Ada asked"}, "shipments": {}, "returns": one}[step]
            answer = await who.call("POST", f"/orders/{order_id}/{step}", body)
            assert answer.status in (200, 201), (step, answer.body)
