"""Goods that are set aside for a refund, and news of refunds; and what is refused of parcels and returns."""

from typing import ClassVar

import msgspec

from kassa.contracts.inventory import Line
from kassa.kit.problem import Problem


class Aside(msgspec.Struct, frozen=True, rename="camel"):
    """Pieces whose money is to go back, and those of them that must not have been sent; or a return has them."""

    items: list[Line]
    unsent: list[Line]
    return_id: str = ""


class RefundNews(msgspec.Struct, frozen=True, rename="camel"):
    """How much of a payment was refunded in its `version`. `items` come back on the shelf with the refund `refund_id`;
    `restock`: all goods do, once, as earlier versions say. `status` is that of the refund at Stripe. In all went back
    `back_minor`, of that `by_amount_minor` for no goods in particular, and `shipping_minor` for the shipping."""

    input_id: str
    version: int
    is_full: bool
    restock: bool
    refund_id: str = ""
    items: list[Line] = []
    status: str = ""
    by_amount_minor: int = 0
    shipping_minor: int = 0
    back_minor: int = 0


class NotShippable(Problem):
    """The order is not paid, has ended, or all of its money went back."""

    code, title, status = "not_shippable", "Nothing of the order can be sent", 409


class HeldBack(Problem):
    """Somebody of the staff holds the order back."""

    code, title, status = "held_back", "The order is held back", 409


class NotReturnable(Problem):
    """The order is not paid, or what it has is not sent back."""

    code, title, status = "not_returnable", "It cannot be returned", 409


class _PiecesLeft(Problem):
    """More pieces of a product than are left for what is asked."""

    words: ClassVar[str] = ""
    status = 409

    def __init__(self, product_id: str, asked: int, left: int) -> None:
        super().__init__(
            f"{asked} of product {product_id} were asked for, {left} can {self.words}",
            productId=product_id,
            asked=asked,
            left=left,
        )


class TooManyToSend(_PiecesLeft):
    """More pieces of a product than were ordered, and are neither sent nor refunded; nothing was changed."""

    code, title, words = "too_many_to_send", "More pieces than are left to send", "be sent"


class TooManyToReturn(_PiecesLeft):
    """More pieces of a product than were sent, and are in no return yet; nothing was changed."""

    code, title, words = "too_many_to_return", "More pieces than can be returned", "be returned"


class TooManyToRefund(_PiecesLeft):
    """More pieces of a product than were ordered, or are in the return, and are not refunded yet; nothing was
    changed."""

    code, title, words = "too_many_to_refund", "More pieces than can be refunded", "be refunded"


class TooManyParcels(Problem):
    """An order has as many shipments, returns or changes by hand as it may have."""

    code, title, status = "too_many_parcels", "The order has too many of these", 409


class ShipmentFixed(Problem):
    """The shipment cannot be changed like that any more."""

    code, title, status = "shipment_fixed", "The shipment cannot be changed like that any more", 409


class DestinationFixed(Problem):
    """The order's destination cannot be changed like that."""

    code, title, status = "destination_fixed", "The destination cannot be changed like that", 409


class ReturnFixed(Problem):
    """The return is not where this could be done."""

    code, title, status = "return_fixed", "The return is not where this could be done", 409
