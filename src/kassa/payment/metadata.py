"""What Kassa writes on its objects at Stripe, and what it tells from there about whose they are. Pure.

Other programs at the same account write metadata too: what tells whose an object is must not be a word of theirs.
"""

from collections.abc import Mapping
from typing import TypeAlias

from kassa.kit.ids import ORDER, PAYMENT, SHOP

Metadata: TypeAlias = Mapping[str, str]

SHOP_KEY = "kassa_shop"
_OLD_SHOP_KEY = "shopId"
"""What Kassa wrote in its place at first, always beside an order."""


_OURS = (SHOP_KEY, _OLD_SHOP_KEY, "orderId", "paymentId", "refundId")
"""All that is read of an object's metadata when an event tells of it."""
EVIDENCE_KEY = "evidenceId"
"""By this a dispute tells which answer it was given."""


def of_session(shop_id: str, order_id: str, payment_id: str, user_id: str) -> dict[str, str]:
    """For a session, and for its PaymentIntent."""
    return {SHOP_KEY: shop_id, "orderId": order_id, "paymentId": payment_id, "userId": user_id}


def of_refund(shop_id: str, order_id: str, payment_id: str, refund_id: str) -> dict[str, str]:
    """For a refund of an order's payment."""
    return {SHOP_KEY: shop_id, "orderId": order_id, "paymentId": payment_id, "refundId": refund_id}


def of_evidence(shop_id: str, order_id: str, payment_id: str, evidence_id: str) -> dict[str, str]:
    """For a dispute of an order's payment, with the answer to it."""
    return {SHOP_KEY: shop_id, "orderId": order_id, "paymentId": payment_id, EVIDENCE_KEY: evidence_id}


def of_second_refund(shop_id: str, order_id: str) -> dict[str, str]:
    """For a refund of money that came a second time."""
    return {SHOP_KEY: shop_id, "orderId": order_id, "reason": "second_payment"}


def written_by_us(metadata: Metadata | None) -> dict[str, str] | None:
    """What of an object's metadata Kassa writes; None if it has none."""
    return None if metadata is None else {key: metadata[key] for key in _OURS if key in metadata}


def other_shop(metadata: Metadata | None, shop_id: str) -> str | None:
    """The other shop that an object names, None if it names none: objects from before shops had ids name no shop, and
    may be ours."""
    told = metadata or {}
    named = told.get(SHOP_KEY)
    if named is None and order_named(told) and _is_of(SHOP, told.get(_OLD_SHOP_KEY)):
        named = told[_OLD_SHOP_KEY]
    return named if named != shop_id else None


def payment_named(metadata: Metadata | None) -> str | None:
    """The payment of a Kassa that an object names; another program's `paymentId` is none."""
    named = (metadata or {}).get("paymentId")
    return named if _is_of(PAYMENT, named) else None


def order_named(metadata: Metadata | None) -> str | None:
    """The order of a Kassa that an object names."""
    named = (metadata or {}).get("orderId")
    return named if _is_of(ORDER, named) else None


def _is_of(kind: str, named: str | None) -> bool:
    return named is not None and named.startswith(f"{kind}_")
