"""Reconciliation of the stock: reservations against the orders that they are of, levels against the ledger.

Nothing of this is needed while the code is right and nobody writes into the stores by hand; it is for when somebody
did. Every mend is a movement in the ledger, made by the reconciliation.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from kassa.contracts.inventory import InsufficientStock, ReservationEnded, UnknownStock
from kassa.inventory.mending import MOST_IDS, Wanted, WantedReservations
from kassa.inventory.stock import By, Difference, Reservation, State, Stock
from kassa.kit.audit import Comparison, Finding, Told, nobody_told
from kassa.kit.clock import HOUR, SECOND, Clock, Millis
from kassa.kit.inputs import order_of

BY = By("reconciliation")
PAUSE: Millis = SECOND
"""Between two looks: what is under way at the moment of the first is no difference."""
RESERVATIONS, LEVELS = "reservations of orders", "stock levels"
LATELY: Millis = 2 * HOUR
"""What the regular comparison looks at: orders that changed since then."""

log = structlog.get_logger()


class StockReconciler:
    """Compares, and mends if asked to. `wanted` tells what orders want of the stock."""

    def __init__(self, stock: Stock, wanted: WantedReservations, clock: Clock) -> None:
        self._stock = stock
        self._wanted = wanted
        self._clock = clock

    def jobs(self) -> list[tuple[str, Millis, Callable[[], Awaitable[Any]]]]:
        """What is to be done regularly: name, every so often (ms), how."""
        return [("compare stock with orders", HOUR, self._compare_lately)]

    async def compare(self, *, fix: bool, since: Millis = 0, told: Told = nobody_told) -> list[Comparison]:
        """Compare the reservations of all orders that changed since then (ms), and all levels."""
        reservations = await self._compare_reservations(fix=fix, since=since, told=told)
        told(LEVELS, 0, None)
        return [reservations, await self._compare_levels(fix=fix)]

    async def _compare_lately(self) -> None:
        for comparison in await self.compare(fix=True, since=self._clock.now() - LATELY):
            for finding in comparison.findings:
                report = log.warning if finding.is_mended else log.error
                report("stock differs", what=comparison.name, **msgspec.structs.asdict(finding))

    # Reservations

    async def _compare_reservations(self, *, fix: bool, since: Millis, told: Told) -> Comparison:
        looked_at = 0
        differing: list[str] = []
        batch: list[Wanted] = []
        async for wanted in self._wanted(since, ()):
            batch.append(wanted)
            looked_at += 1
            if len(batch) == MOST_IDS:
                differing += [each.reservation_id for each, _ in await self._differing(batch)]
                batch = []
                told(RESERVATIONS, looked_at, None)
        differing += [each.reservation_id for each, _ in await self._differing(batch)]
        found: list[Finding] = []
        if differing:
            await self._clock.sleep(PAUSE)
            again = {each.reservation_id: each async for each in self._wanted(self._clock.now() + HOUR, differing)}
            for wanted, reservation in await self._differing([again[id] for id in differing if id in again]):
                state = reservation.state if reservation else "missing"
                text = f"reservation {wanted.reservation_id} is {state}, its order wants it {wanted.state}"
                is_mended = fix and await self._mend(wanted, reservation)
                found.append(Finding(order_of(wanted.reservation_id), text, is_mended))
        return Comparison(RESERVATIONS, looked_at, found)

    async def _differing(self, batch: list[Wanted]) -> list[tuple[Wanted, Reservation | None]]:
        found = await self._stock.reservations_of([each.reservation_id for each in batch])
        return [(each, held) for each, held in zip(batch, found, strict=True) if _differs(each, held)]

    async def _mend(self, wanted: Wanted, found: Reservation | None) -> bool:
        """Bring a reservation to where its order wants it; False if it has ended otherwise, or the goods are gone."""
        id, now = wanted.reservation_id, self._clock.now()
        try:
            if wanted.state is State.RELEASED:
                await self._stock.release(id, now, BY)
                return True
            if found is None:
                await self._stock.reserve(id, wanted.lines, now, BY)
            elif found.state is State.COMMITTED:
                return False  # An order that was not paid has its goods sold: that is for somebody to look at.
            await self._stock.mark(id)
            if wanted.state is State.COMMITTED:
                await self._stock.commit(id, now, BY)
        except (InsufficientStock, ReservationEnded, UnknownStock):
            return False
        return True

    # Levels

    async def _compare_levels(self, *, fix: bool) -> Comparison:
        found = await self._lasting()
        mended: set[str] = set()
        if fix and found:
            await self._stock.set_by_ledger({each.product_id for each in found}, self._clock.now(), BY)
            left = {each.product_id for each in await self._lasting()}
            mended = {each.product_id for each in found} - left
        findings = [
            Finding(each.product_id, f"{each.what}: expected {each.expected}, found {each.found}", is_mended)
            for each in found
            for is_mended in (each.product_id in mended,)
        ]
        return Comparison(LEVELS, (await self._stock.summary(0)).products, findings)

    async def _lasting(self) -> list[Difference]:
        """The differences that two looks show."""
        if not (first := await self._stock.differences()):
            return []
        await self._clock.sleep(PAUSE)
        second = set(await self._stock.differences())
        return [each for each in first if each in second]


def _differs(wanted: Wanted, found: Reservation | None) -> bool:
    if wanted.is_under_way:
        return False
    if found is None:
        return wanted.state is not State.RELEASED  # A revival that was refused has never held anything.
    return found.state is not wanted.state
