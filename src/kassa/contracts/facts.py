"""Facts: what is stored of an order that may convince a buyer's bank, asked by who answers disputes."""

from typing import Protocol

import msgspec

from kassa.contracts.order import OrderItem, Sale
from kassa.kit.clock import Millis
from kassa.kit.wire import get


class Pieces(msgspec.Struct, frozen=True, rename="camel"):
    """So many pieces of a product, by the name that the buyer knows."""

    name: str
    quantity: int


class SentParcel(msgspec.Struct, frozen=True, rename="camel"):
    """A parcel that was sent and not called back, as far as was noted of it."""

    number: int
    items: list[Pieces]
    carrier: str
    tracking_number: str
    tracking_url: str
    sent_at: Millis
    delivered_at: Millis | None


class AskedReturn(msgspec.Struct, frozen=True, rename="camel"):
    """Pieces that the buyer wanted to send back; `state` is the return's."""

    number: int
    items: list[Pieces]
    state: str
    asked_at: Millis
    updated_at: Millis


class Withdrawn(msgspec.Struct, frozen=True, rename="camel"):
    """Pieces that the buyer has withdrawn from: what was paid for them is owed back."""

    number: int
    items: list[Pieces]
    received_at: Millis


class SentMail(msgspec.Struct, frozen=True, rename="camel"):
    """A mail that was sent to the buyer: `kind` is received, confirmed, cancelled, refunded, shipped or withdrawn."""

    kind: str
    at: Millis


class OrderFacts(msgspec.Struct, frozen=True, rename="camel"):
    """What is stored of an order. `email` is where its buyer is written to, empty if that is not known. `is_sent_all`:
    nothing of it is to be sent yet, or any more."""

    id: str
    items: list[OrderItem]
    sale: Sale | None
    email: str
    placed_at: Millis
    is_sent_all: bool
    parcels: list[SentParcel]
    returns: list[AskedReturn]
    mails: list[SentMail]
    withdrawals: list[Withdrawn] = []


class Facts(Protocol):
    """What is known of orders."""

    @get("/orders/{order_id}/facts", callers=("payment",))
    async def facts_of(self, order_id: str) -> OrderFacts:
        """What is stored of the order now; NotFound if there is none. Unavailable: ask again."""
