"""Inventory: stock that is never oversold. A reservation's id is its order's id and a generation: `ord_….1`."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from kassa.kit.problem import Problem
from kassa.kit.wire import get, post


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """So many pieces of one product."""

    product_id: str
    quantity: int


def summed(lines: Iterable[Line]) -> dict[str, int]:
    """How many pieces there are in the lines, by the id of their product."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.product_id] = found.get(line.product_id, 0) + line.quantity
    return found


class Level(msgspec.Struct, frozen=True, rename="camel"):
    """One product's stock. Always: received = available + reserved + sold, and available >= 0."""

    product_id: str
    available: int
    reserved: int
    sold: int
    received: int


class Held(msgspec.Struct, frozen=True, rename="camel"):
    """A reservation that still holds its stock and of which no order is known yet."""

    reservation_id: str
    lines: list[Line]
    made_at: int


class InsufficientStock(Problem):
    """Fewer pieces are available than were asked for; nothing was held or changed."""

    code, title, status = "insufficient_stock", "Not enough stock", 409

    def __init__(self, product_id: str, asked: int, available: int) -> None:
        super().__init__(
            f"{asked} of product {product_id} were asked for, {available} can be had",
            productId=product_id,
            asked=asked,
            available=available,
        )


class UnknownStock(Problem):
    """The product's stock was never initialised."""

    code, title, status = "unknown_stock", "This product has no stock record", 404

    def __init__(self, product_id: str) -> None:
        super().__init__(f"stock of product {product_id} was never initialised", productId=product_id)


class StockExists(Problem):
    """A second init of one product; use adjust."""

    code, title, status = "stock_exists", "The stock is initialised already; adjust it instead", 409

    def __init__(self, product_id: str) -> None:
        super().__init__(f"stock of product {product_id} is initialised already", productId=product_id)


class ReservationEnded(Problem):
    """The reservation was released (or committed, when it is to be released): for good."""

    code, title, status = "reservation_ended", "The reservation has ended", 409

    def __init__(self, reservation_id: str) -> None:
        super().__init__(f"reservation {reservation_id} has ended", reservationId=reservation_id)


class Moved(msgspec.Struct, frozen=True, rename="camel"):
    """One movement of stock: when, of which product, how many pieces, what became of them (`reserve`, `commit`,
    `release` or `restock`), and who had it made."""

    at: int
    product_id: str
    kind: str
    quantity: int
    who: str


class Inventory(Protocol):
    """Atomic stock. Every operation is idempotent by its own id."""

    @post("/inventory/reserve", callers=("order",))
    async def reserve(self, reservation_id: str, lines: list[Line]) -> None:
        """Hold all the lines, or none (InsufficientStock, UnknownStock). Asking again is a no-op; after a release
        it is refused (ReservationEnded)."""

    @post("/inventory/commit", callers=("order",))
    async def commit(self, reservation_id: str) -> None:
        """What was held is sold. Asking again is a no-op; ReservationEnded after a release."""

    @post("/inventory/release", callers=("order",))
    async def release(self, reservation_id: str) -> None:
        """What was held can be bought again. Asking again is a no-op. An id never reserved can not be reserved any
        more afterwards. ReservationEnded after a commit."""

    @post("/inventory/restock", callers=("order",))
    async def restock(self, operation_id: str, lines: list[Line]) -> None:
        """Goods of a refunded order come back on the shelf. Asking again is a no-op."""

    @post("/inventory/stock", callers=("order", "product"))
    async def open_stock(self, operation_id: str, product_id: str, quantity: int) -> None:
        """Initialise a new product's stock, or a discount's uses, which are counted, held and sold like it.
        Asking again with the same operation id is a no-op; StockExists else."""

    @get("/inventory/levels", callers=("order", "product"))
    async def levels(self, ids: list[str]) -> list[Level]:
        """The stock of those of the products that have one."""

    @get("/inventory/moved", callers=("order",))
    async def moved(self, ids: list[str], products: list[str]) -> list[Moved]:
        """The movements of these products that these reservations and restockings have caused, in order."""

    @get("/inventory/orphans", callers=("order",))
    async def orphans(self, older_than: int) -> list[Held]:
        """Reservations made before `older_than` (ms) that are still held and not marked as having an order."""

    @post("/inventory/mark", callers=("order",))
    async def mark(self, reservation_id: str) -> None:
        """The reservation's order exists: it is no orphan. Asking again is a no-op."""
