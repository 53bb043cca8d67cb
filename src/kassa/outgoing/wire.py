"""Events over the wire."""

from typing import Annotated, Any

import msgspec

from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.lists import documented
from kassa.outgoing.store import Told

TYPES = (
    "order.placed",
    "order.confirmed",
    "order.closing",
    "order.cancelled",
    "order.failed",
    "order.paid_late",
    "order.sold_out",
    "order.partly_refunded",
    "order.refunded",
    "order.goods_returned",
    "order.claimed",
    "order.mail_given_up",
    "order.held_back",
    "order.let_go",
    "order.redirected",
    "order.set_aside",
    "order.set_free",
    "order.changed",
    "shipment.shipped",
    "shipment.delivered",
    "shipment.cancelled",
    "return.requested",
    "return.approved",
    "return.declined",
    "return.received",
    "return.closed",
    "order.withdrawn",
    "order.withdrawal_closed",
    "payment.created",
    "payment.opened",
    "payment.processing",
    "payment.succeeded",
    "payment.failed",
    "payment.declined",
    "payment.paid_again",
    "payment.changed",
    "refund.updated",
    "dispute.opened",
    "dispute.updated",
    "dispute.closed",
    "product.created",
    "product.updated",
    "product.withdrawn",
    "stock.changed",
    "stock.low",
)
"""What can be told. Append only."""


class ToldOut(msgspec.Struct, frozen=True, rename="camel"):
    """Something that happened. `sequence` counts the events of its subject; `position` all events, in the order in
    which they are told."""

    id: Annotated[str, documented("The same however often it is told; sent as webhook-id, too")]
    type: Annotated[str, documented("What happened", enum=TYPES)]
    occurred_at: Timestamp
    subject: Annotated[str, documented("The id of what it happened to")]
    sequence: int
    position: int
    data: dict[str, Any]


class FeedPage(msgspec.Struct, frozen=True, rename="camel"):
    """Events in order, the oldest first."""

    events: list[ToldOut]
    after: Annotated[int, documented("What the next page is asked with, now or when there is more")]
    is_last: Annotated[bool, documented("There are no more by now")]


class FeedIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Whether events are to be kept, even if there is no endpoint."""

    is_on: bool


class FeedOut(msgspec.Struct, frozen=True, rename="camel"):
    """Whether events are kept, and since when; `last_position` is that of the newest one."""

    is_on: bool
    since: Timestamp | None
    last_position: int


class FeedAnswer(msgspec.Struct, frozen=True):
    """How it stands with events."""

    feed: FeedOut


def shown(event: Told) -> ToldOut:
    """The event as the wire shows it."""
    at = rfc3339(event.occurred_at)
    return ToldOut(event.id, event.type, at, event.subject, event.sequence, event.position, event.data)


def feed_shown(since: int | None, position: int) -> FeedOut:
    """How it stands with events."""
    return FeedOut(since is not None, None if since is None else rfc3339(since), position)
