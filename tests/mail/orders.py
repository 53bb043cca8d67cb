"""An order as the API shows it, for mails to tell of."""

from collections.abc import Awaitable, Callable
from typing import Any

from kassa.contracts.mail import Mail

ORDER_ID = "ord_01m8n5dxrd1s7amwedp5z8s98j"
LINK = f"https://shop.example/shop/orders/{ORDER_ID}/guest_{'a' * 64}"

SHIPMENT = {
    "items": [{"name": "Enamel mug", "quantity": 2}],
    "carrier": "DHL",
    "trackingNumber": "00340434",
    "trackingUrl": "https://track.example/00340434",
}

WITHDRAWAL = {
    "name": "Ada Buyer",
    "email": "ada@shop.example",
    "remark": "Too large",
    "receivedAt": "2026-11-30T15:30:00.000Z",
    "refundBy": "2026-12-14T15:30:00.000Z",
    "amount": "39.98",
    "amountMinor": 3998,
    "items": [{"name": "Enamel mug", "quantity": 2, "toSendBack": 1, "withheld": 1}],
    "sendsBack": True,
}
WITHDRAW = f"https://shop.example/shop/withdraw?order={ORDER_ID}"


def foot_of(shop: str, below: str = "") -> Callable[[str], Awaitable[tuple[str, str]]]:
    """What mails of a shop of this name end with, in any language."""

    async def foot(language: str) -> tuple[str, str]:
        return shop, below

    return foot


def order(**members: Any) -> dict[str, Any]:
    """One from Germany, with a discount, shipping and VAT contained."""
    return {
        "id": ORDER_ID,
        "number": 1042,
        "currency": "eur",
        "items": [
            {"quantity": 2, "name": "Enamel mug", "priceSnapshot": "19.99"},
            {"quantity": 1, "name": "Linen towel", "priceSnapshot": "1234.50"},
        ],
        "totalAmount": "1249.40",
        "totalAmountMinor": 124940,
        "expiresAt": "2026-11-30T15:30:00.000Z",
        "reason": None,
        "parts": {
            "subtotal": "1274.48",
            "discounts": [{"name": "Summer", "code": "SUMMER", "amount": "25.08", "shipping": "4.90"}],
            "shipping": {"name": "Standard", "amount": "4.90"},
            "taxes": [{"name": "VAT", "percent": "19", "amount": "199.48", "isIncluded": True}],
            "isTaxOpen": False,
        },
        "destination": {
            "name": "Ada", "lines": ["Lindenweg 1"], "postalCode": "10115", "city": "Berlin", "region": "",
            "country": "DE",
        },
        **members,
    }  # fmt: skip


def mail(kind: str = "order_confirmed", to: str = "ada@shop.example", **members: Any) -> Mail:
    """A mail about it."""
    said = {"order": order(), "link": LINK, "refunded": "5.00", "shipment": SHIPMENT, "withdrawal": WITHDRAWAL}
    given = {"cause": "eff:1", "about": ORDER_ID, "locale": "en", "at": 1_790_000_000_000, "says": said}
    return Mail(kind=kind, to=to, **{**given, **members})
