"""The API's answers about what was sent of an order and comes back, as far as the pages read them."""

from datetime import datetime

from kassa.pages.parts_models import Answer
from kassa.pages.withdraw_models import Withdrawal

_WORDS = {
    "none": "nothing is to be sent",
    "unfulfilled": "not sent yet",
    "partly": "partly sent",
    "fulfilled": "sent",
    "delivered": "delivered",
}


class Pieces(Answer, frozen=True):
    """So many pieces of a product."""

    product_id: str
    quantity: int

    @property
    def pair(self) -> tuple[str, int]:
        """Of which product, and how many."""
        return self.product_id, self.quantity


class Shipment(Answer, frozen=True):
    """Pieces that were sent together."""

    number: int
    items: tuple[Pieces, ...]
    status: str
    sent_at: datetime
    carrier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    delivered_at: datetime | None = None


class Return(Answer, frozen=True):
    """Pieces that come back."""

    id: str
    number: int
    items: tuple[Pieces, ...]
    status: str
    reason: str = ""
    answer: str = ""


class Hold(Answer, frozen=True):
    """Why nothing is sent for now."""

    why: str
    since: datetime


class Sent(Answer, frozen=True):
    """What an order has of all that; nothing, if it is not paid."""

    fulfilment: str = ""
    shipments: tuple[Shipment, ...] = ()
    returns: tuple[Return, ...] = ()
    left_to_send: tuple[Pieces, ...] = ()
    left_to_return: tuple[Pieces, ...] = ()
    hold: Hold | None = None
    withdrawals: tuple[Withdrawal, ...] = ()
    to_refund_minor: int = 0
    refund_by: datetime | None = None
    withdraw_until: datetime | None = None

    @property
    def fulfilment_word(self) -> str:
        """How much was sent, in words."""
        return _WORDS.get(self.fulfilment, self.fulfilment)

    @property
    def has_parcels(self) -> bool:
        """Whether a shipment of it counts."""
        return any(each.status != "cancelled" for each in self.shipments)
