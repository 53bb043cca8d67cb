"""The movements of one stock carried out once more in another: in order, under the same ids, at the same times."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import groupby
from typing import NamedTuple, Protocol

from kassa.contracts.inventory import Line, ReservationEnded
from kassa.inventory.stock import By, Kind, Movement, Reservation, State, Stock
from kassa.kit.clock import Millis

PAGE = 500


class Recorded(Stock, Protocol):
    """A stock that can tell all its reservations."""

    async def reservations(self, after: str, limit: int) -> list[Reservation]:
        """By id, those that have ended too; `after` is the last id of the page before."""


class Input(NamedTuple):
    """What moved the stock: one operation or one step of a reservation, with all its lines."""

    kind: Kind
    id: str
    at: Millis
    reason: str
    by: By
    lines: tuple[Line, ...]


async def replay(source: Recorded, target: Stock, progress: Callable[[int, int], None]) -> int:
    """Bring the target, which has nothing else, to where the source is; what is there already is left as it is.
    Returns how many movements that were; `progress` is told how many are done, and how many there are."""
    total = sum(each.count for each in await source.movement_totals(0))
    after = done = 0
    while page := await source.ledger(after, PAGE):
        if len(page) == PAGE:
            page = _without_last_input(page)
        for group in independent(inputs_of(page)):
            await asyncio.gather(*(_carry_out(target, each) for each in group))
        after, done = page[-1].number, done + len(page)
        progress(done, total)
    last = ""
    while known := await source.reservations(last, PAGE):
        for reservation in known:
            if reservation.state is State.RELEASED and not reservation.lines:
                await target.release(reservation.id, reservation.made_at)  # what was never held has no movement
            elif reservation.state is State.HELD and reservation.is_marked:
                await target.mark(reservation.id)
        last = known[-1].id
    return done


def _without_last_input(page: list[Movement]) -> list[Movement]:
    """The page up to where its last input begins, of which the next page might have the rest."""
    rest = [each for each in page if (each.kind, each.input_id) != (page[-1].kind, page[-1].input_id)]
    return rest or page


def inputs_of(movements: Iterable[Movement]) -> list[Input]:
    """The movements by what caused them."""
    found: list[Input] = []
    for _, group in groupby(movements, key=_cause):
        same = list(group)
        first = same[0]
        lines = tuple(Line(each.product_id, each.quantity) for each in same)
        by = By(first.who, first.request_id)
        found.append(Input(first.kind, first.input_id, first.at, first.reason, by, lines))
    return found


def _cause(movement: Movement) -> tuple[str, ...]:
    about_one_product = movement.kind in (Kind.INIT, Kind.ADJUST)
    return (movement.kind, movement.input_id, movement.product_id if about_one_product else "")


def independent(inputs: Iterable[Input]) -> list[list[Input]]:
    """The inputs in groups, in which the order does not matter: pieces come before those who take them, a product
    before its movements, and a reservation before its end."""
    groups: list[list[Input]] = []
    seen: set[str] = set()
    fed: set[str] = set()
    begun: set[str] = set()
    for each in inputs:
        products = {line.product_id for line in each.lines}
        takes = each.kind is Kind.RESERVE or any(line.quantity < 0 for line in each.lines)
        if not groups or each.id in seen or products & begun or (takes and products & fed):
            groups.append([])
            seen, fed, begun = set(), set(), set()
        groups[-1].append(each)
        seen.add(each.id)
        if each.kind is Kind.INIT:
            begun |= products
        if not takes and each.kind is not Kind.COMMIT:
            fed |= products
    return groups


async def _carry_out(stock: Stock, known: Input) -> None:
    line = known.lines[0]
    match known.kind:
        case Kind.INIT:
            await stock.init(line.product_id, line.quantity, known.id, known.reason, known.at, known.by)
        case Kind.ADJUST:
            await stock.adjust(line.product_id, line.quantity, known.id, known.reason, known.at, known.by)
        case Kind.RESTOCK:
            await stock.restock(known.id, known.lines, known.reason, known.at)
        case Kind.RESERVE:
            with suppress(ReservationEnded):  # it was carried out before, and its release too
                await stock.reserve(known.id, known.lines, known.at)
        case Kind.COMMIT:
            await stock.commit(known.id, known.at)
        case Kind.RELEASE:
            await stock.release(known.id, known.at)
