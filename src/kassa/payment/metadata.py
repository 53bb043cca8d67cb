"""What Kassa writes on its objects at Stripe, and what it tells from there about whose they are. Pure."""

from collections.abc import Mapping
from typing import TypeAlias

Metadata: TypeAlias = Mapping[str, str]


def of_session(shop_id: str, order_id: str, payment_id: str, user_id: str) -> dict[str, str]:
    """For a session, and for its PaymentIntent."""
    return {"shopId": shop_id, "orderId": order_id, "paymentId": payment_id, "userId": user_id}


def of_refund(shop_id: str, order_id: str, payment_id: str, refund_id: str) -> dict[str, str]:
    """For a refund of an order's payment."""
    return {"shopId": shop_id, "orderId": order_id, "paymentId": payment_id, "refundId": refund_id}


def of_second_refund(shop_id: str, order_id: str) -> dict[str, str]:
    """For a refund of money that came a second time."""
    return {"shopId": shop_id, "orderId": order_id, "reason": "second_payment"}


def other_shop(metadata: Metadata | None, shop_id: str) -> str | None:
    """The other shop that an object names, None if it names none: objects from before shops had ids name no shop, and
    may be ours."""
    named = (metadata or {}).get("shopId")
    return named if named != shop_id else None


def payment_named(metadata: Metadata | None) -> str | None:
    """The payment that an object names."""
    return (metadata or {}).get("paymentId")
