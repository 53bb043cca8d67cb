"""The stock port: pieces of products, moved all or nothing, each operation idempotent by its own id.

Adapters: `stock_sqlite`, `stock_redis`. Every change of a level has its movement in the ledger, written with it.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from kassa.contracts.inventory import Level, Line
from kassa.kit.clock import Millis


class Kind(StrEnum):
    """What a movement does."""

    INIT = "init"
    ADJUST = "adjust"
    RESERVE = "reserve"
    COMMIT = "commit"
    RELEASE = "release"
    RESTOCK = "restock"


class Effect(NamedTuple):
    """What one piece of a movement adds to the product's level."""

    available: int
    reserved: int
    sold: int
    received: int


EFFECTS: dict[Kind, Effect] = {
    Kind.INIT: Effect(available=1, reserved=0, sold=0, received=1),
    Kind.ADJUST: Effect(available=1, reserved=0, sold=0, received=1),
    Kind.RESERVE: Effect(available=-1, reserved=1, sold=0, received=0),
    Kind.COMMIT: Effect(available=0, reserved=-1, sold=1, received=0),
    Kind.RELEASE: Effect(available=1, reserved=-1, sold=0, received=0),
    Kind.RESTOCK: Effect(available=1, reserved=0, sold=0, received=1),
}
"""How the ledger is summed: quantity times effect, over a product's movements, is its level."""


class Movement(msgspec.Struct, frozen=True):
    """One entry of the ledger. `quantity` is in pieces as asked; only an adjustment's can be negative.

    `number` grows with every entry; entries are never changed or removed. (input_id, product_id, kind) is unique;
    `input_id` is the reservation's id, or the operation's for init, adjust and restock. `who` is a user's id, or the
    service that moves its reservations; `request_id` is the request that it came with.
    """

    number: int
    at: Millis
    product_id: str
    kind: Kind
    quantity: int
    input_id: str
    reason: str
    who: str
    request_id: str


class State(StrEnum):
    """A reservation is held until it is committed or released, for good."""

    HELD = "held"
    COMMITTED = "committed"
    RELEASED = "released"


STATE_AFTER = {Kind.RESERVE: State.HELD, Kind.COMMIT: State.COMMITTED, Kind.RELEASE: State.RELEASED}
"""The state in which a movement leaves its reservation."""


class Reservation(msgspec.Struct, frozen=True):
    """Lines held for an order. `is_marked`: the order is known to exist. Lines name each product once.

    One that was released before it was ever made is stored too, without lines, so that it cannot be made later.
    """

    id: str
    state: State
    lines: tuple[Line, ...]
    made_at: Millis
    is_marked: bool


class Summary(msgspec.Struct, frozen=True):
    """Figures over all products; `low_stock` has some pieces left, but no more than the threshold."""

    products: int
    low_stock: int
    out_of_stock: int
    available: int


class MovementTotal(msgspec.Struct, frozen=True, array_like=True):
    """The movements of one UTC day (its first instant), kind and reason: how many, and how many pieces in sum."""

    day: Millis
    kind: Kind
    reason: str
    count: int
    quantity: int


class Difference(msgspec.Struct, frozen=True):
    """One figure of one product that is not what it must be. `what` names the figure and its counterpart."""

    product_id: str
    what: str
    expected: int
    found: int


class By(NamedTuple):
    """Who has stock moved, by which request."""

    who: str = "order-service"
    request_id: str = ""


BY_ORDERS = By()
SET_BY_LEDGER = "set to what the ledger says"
"""The reason of the movement that says so."""


class Stock(Protocol):
    """The levels, the reservations, the ledger. What returns or refuses has been committed durably.

    A store that cannot be reached, is locked or full raises kit.problem.Unavailable: unknown then, and asking again
    with the same id is harmless. Quantities of lines are positive; anything else is a ValueError.
    """

    async def ping(self) -> None:
        """Return if stock can be changed now, as far as is known; else Unavailable."""

    async def probe(self) -> None:
        """Use each right that is needed, and change nothing; Unavailable if one is missing, or there is no answer."""

    async def init(self, product_id: str, quantity: int, operation_id: str, reason: str, at: Millis, by: By) -> None:
        """Begin to track a product. The same operation again is a no-op; another one is StockExists."""

    async def adjust(self, product_id: str, change: int, operation_id: str, reason: str, at: Millis, by: By) -> Level:
        """Add or take away pieces, and return the level. InsufficientStock if fewer than zero would be available;
        UnknownStock before init. The same operation again changes nothing and returns the level as it is now."""

    async def reserve(self, reservation_id: str, lines: Sequence[Line], at: Millis, by: By = BY_ORDERS) -> None:
        """Hold all the lines, or none (InsufficientStock, UnknownStock). No-op if that reservation is held or
        committed already, whatever the lines; ReservationEnded if it was released."""

    async def commit(self, reservation_id: str, at: Millis, by: By = BY_ORDERS) -> None:
        """What was held is sold. Again: a no-op. ReservationEnded if it was released or never made."""

    async def release(self, reservation_id: str, at: Millis, by: By = BY_ORDERS) -> None:
        """What was held is available again. Again: a no-op. ReservationEnded if it was committed. A reservation that
        was never made is recorded as released, so that it is refused when it comes late."""

    async def restock(self, operation_id: str, lines: Sequence[Line], reason: str, at: Millis) -> None:
        """Goods come back on the shelf, all lines or none (UnknownStock). The same operation again is a no-op."""

    async def mark(self, reservation_id: str) -> None:
        """The reservation's order exists. Again, or for an unknown reservation: a no-op."""

    async def levels(self, product_ids: Sequence[str]) -> dict[str, Level]:
        """The levels of those of the products that have one."""

    async def all_levels(self, limit: int, after: str = "") -> list[Level]:
        """All levels by product id, a page at a time; `after` is the last product id of the page before."""

    async def summary(self, threshold: int) -> Summary:
        """Figures over all products."""

    async def reservations_of(self, ids: Sequence[str]) -> list[Reservation | None]:
        """The reservations with these ids, each at its place; None for one that was never made."""

    async def unmarked(self, older_than: Millis, limit: int) -> list[Reservation]:
        """Held reservations made before `older_than` whose order is not known to exist, the oldest first."""

    async def ledger(self, after: int, limit: int) -> list[Movement]:
        """Movements with a number greater than `after`, in order."""

    async def recent(self, limit: int) -> list[Movement]:
        """The last movements, the newest first."""

    async def moved_by(self, input_ids: Sequence[str], product_ids: Sequence[str]) -> list[Movement]:
        """The movements of these products that these reservations and operations have caused, in order."""

    async def movement_totals(self, since: Millis) -> list[MovementTotal]:
        """Movements since then by day, kind and reason."""

    async def differences(self) -> list[Difference]:
        """Where the ledger, the reservations and the levels disagree: nothing, if the invariants hold (I1, I7)."""

    async def set_by_ledger(self, product_ids: Collection[str], at: Millis, by: By) -> set[str]:
        """Make each product's level what its movements add up to, with a movement of no pieces that says so; return of
        which that was done. Movements that the ledger lacks though a reservation or an operation shows that they were
        made are entered first. The others' add up to fewer than zero pieces of something, or their level moved on
        meanwhile; they are left as they are."""


def merged(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines with each product named once, in order of first naming; ValueError for a quantity below one."""
    sums: dict[str, int] = {}
    for line in lines:
        if line.quantity < 1:
            raise ValueError(f"quantity {line.quantity} of product {line.product_id}: must be at least 1")
        sums[line.product_id] = sums.get(line.product_id, 0) + line.quantity
    return tuple(Line(product_id, quantity) for product_id, quantity in sums.items())
