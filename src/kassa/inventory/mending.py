"""Asking the orders what they want of the stock, for the stock that has lost its last writes."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple, TypeAlias

from kassa.contracts.inventory import Line
from kassa.contracts.order import Orders, WantedReservation
from kassa.inventory.stock import State
from kassa.kit.clock import Millis

MOST_IDS = 500


class Wanted(NamedTuple):
    """What an order wants one of its reservations to be, with the order's lines. `is_under_way`: the order has yet to
    have that done itself."""

    reservation_id: str
    lines: tuple[Line, ...]
    state: State
    is_under_way: bool = False


WantedReservations: TypeAlias = Callable[[Millis, Sequence[str]], AsyncIterator[Wanted]]
"""What the order service tells: the reservations (of each generation) of all orders changed since then, and of the
orders of the given reservations; in whatever order, as often as it likes. One without an order is left out."""


def wanted_by(orders: Orders) -> WantedReservations:
    """The reservations that orders want: of all that changed since a time, and of those that hold given ones."""

    async def wanted(since: Millis, held: Sequence[str]) -> AsyncIterator[Wanted]:
        after, is_first = "", True
        while after or is_first:
            page = await orders.reservations_since(since, after)
            for each in page.reservations:
                yield _as_wanted(each)
            after, is_first = page.after, False
        for first in range(0, len(held), MOST_IDS):
            for each in await orders.reservations_of(list(held[first : first + MOST_IDS])):
                yield _as_wanted(each)

    return wanted


def _as_wanted(told: WantedReservation) -> Wanted:
    return Wanted(told.reservation_id, tuple(told.lines), State(told.state), told.is_under_way)
