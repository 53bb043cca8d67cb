"""Stock notices: who asked to be written to when something that is sold out can be bought again. The order service's
process keeps them, and answers for them, at its address."""

from typing import Protocol

import msgspec

from kassa.kit.clock import Timestamp
from kassa.kit.problem import Problem
from kassa.kit.wire import post


class InStock(Problem):
    """The product can be bought now: there is nothing to wait for."""

    code, title, status = "in_stock", "The product can be bought now", 409

    def __init__(self, product_id: str) -> None:
        super().__init__(f"product {product_id} is in stock; order it", productId=product_id)


class NoticeRecord(msgspec.Struct, frozen=True, rename="camel"):
    """What an address waits for. `is_confirmed`: whoever reads its mail has said so."""

    id: str
    product_id: str
    is_confirmed: bool
    asked_at: Timestamp


class StockNotices(Protocol):
    """What auth asks for a customer who wants to know, or to be forgotten."""

    @post("/stock-notices/of", callers=("auth",))
    async def records_of(self, email: str) -> list[NoticeRecord]:
        """All that this e-mail address waits for."""

    @post("/stock-notices/erase", callers=("auth",))
    async def erase_of(self, email: str) -> None:
        """Forget the address, and what it waits for. Again: a no-op."""
