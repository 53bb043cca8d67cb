"""What is kept of stock notices."""

from kassa.kit.documents import CollectionSpec, Index
from kassa.stock_notices.domain import StockNotice

BY_ASK = "by_ask"
STOCK_NOTICES = CollectionSpec(
    "stock_notices",
    StockNotice,
    (
        Index(BY_ASK, ("ask",), unique=True),
        Index("by_waiter", ("waiter", "id")),
        Index("by_email", ("email", "id")),
        Index("by_waiting", ("waits_for", "id"), sparse=True),
        Index("by_attention", ("needs_attention", "id")),
    ),
)
