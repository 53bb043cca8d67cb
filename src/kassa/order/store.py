"""What the order service keeps."""

import msgspec

from kassa.kit.documents import Collection, CollectionSpec, Database, Index
from kassa.kit.machine import unbroken
from kassa.order.domain import Order
from kassa.order.machine import MACHINE

ORDERS = CollectionSpec(
    "orders",
    Order,
    (
        Index("by_user", ("user_id", "id")),
        Index("by_user_and_status", ("user_id", "status", "id")),
        Index("by_status", ("status", "id")),
        Index("by_value", ("status", "created_at", "total_minor")),
        Index("by_change", ("updated_at",)),
        Index("by_attention", ("needs_attention", "id")),
    ),
)


class OrderStore(msgspec.Struct, frozen=True):
    """The open collections."""

    orders: Collection[Order]

    @classmethod
    async def open(cls, database: Database) -> "OrderStore":
        """Open the collections; make them if they are not there."""
        return cls(unbroken(await database.collection(ORDERS), MACHINE))
