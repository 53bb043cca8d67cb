"""What is applied again after a loss, and in which order.

What Redis still has is what it had at some moment. What came after is told by three sources, and each of their effects
is idempotent by its id: the operations that were written down before Redis was told, the ledger (movements that were
drained after that moment), and the orders. What adds stock comes before what takes it away, so that no more is sold
at the end than there was.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from itertools import islice
from typing import NamedTuple, TypeVar

import structlog

from kassa.contracts.inventory import InsufficientStock, ReservationEnded, StockExists, UnknownStock
from kassa.inventory.ledger import BATCH, Entry, Ledger
from kassa.inventory.mending import Wanted, WantedReservations
from kassa.inventory.stock import STATE_AFTER, Kind, State
from kassa.inventory.stock_redis_moves import Keys, Moves, read
from kassa.inventory.stock_redis_operations import Operation, Operations, Outcome, carry_out, operation_key
from kassa.inventory.stock_redis_server import Server
from kassa.kit.clock import MINUTE, Millis

MARGIN: Millis = 10 * MINUTE
"""How far clocks may be apart, and how long a writer may take from an order's stock to the order."""

_REFUSALS = (InsufficientStock, ReservationEnded, StockExists, UnknownStock)

log = structlog.get_logger()

T = TypeVar("T")


class Lost(NamedTuple):
    """Where the loss begins: the number and the time of the last movement that the server still has."""

    number: int
    at: Millis


class Repair:
    """One turn of making up for a loss. `forced` moves do not ask how many pieces are there, `plain` ones do."""

    def __init__(
        self,
        forced: Moves,
        plain: Moves,
        server: Server,
        keys: Keys,
        ledger: Ledger,
        operations: Operations,
        wanted: WantedReservations,
        now: Millis,
    ) -> None:
        self._forced = forced
        self._plain = plain
        self._server = server
        self._keys = keys
        self._ledger = ledger
        self._operations = operations
        self._wanted = wanted
        self._now = now

    async def carry_out(self, lost: Lost) -> None:
        """Apply all of it."""
        newest = await self._ledger.newest()
        last = Lost(newest.number, newest.at) if newest else lost
        entered = await self._entered(lost.number, last.number)
        known_until = max(lost.at, last.at)
        operations = [each async for each in self._lost_operations(entered, _before(lost.at), _before(known_until))]
        await self._each(self._operate, [each for each in operations if each.kind is Kind.INIT])
        await self._each(self._operate, [each for each in operations if each.kind is not Kind.INIT and _adds(each)])
        async for page in self._ledger.walk(lost.number, last.number):
            await self._each(self._restore, _reservations(page))
        await self._ask_orders(_before(lost.at))
        await self._each(self._operate, [each for each in operations if not _adds(each)])

    async def _entered(self, after: int, up_to: int) -> set[str]:
        """The operations that the ledger has and the server may lack."""
        return {
            operation_key(entry.kind, entry.product_id, entry.input_id)
            async for page in self._ledger.walk(after, up_to)
            for entry in page
            if entry.kind not in STATE_AFTER
        }

    async def _lost_operations(self, entered: set[str], since: Millis, asked_since: Millis) -> AsyncIterator[Operation]:
        """Those that the ledger has, those that somebody was told are done, and the last ones of which nobody knows."""
        for known in await self._operations.by_id(sorted(entered)):
            yield known
        for known in await self._operations.since(since):
            is_recent = known.outcome is Outcome.ASKED and known.at >= asked_since
            if known.id not in entered and (known.outcome is Outcome.DONE or is_recent):
                yield known

    async def _operate(self, known: Operation) -> None:
        if known.outcome is Outcome.ASKED:
            await self._operations.do(known, lambda asked: carry_out(self._plain, asked))
        else:
            await carry_out(self._forced, known)

    async def _restore(self, entry: Entry) -> None:
        """Bring a reservation to where the ledger has it. All its lines are with the entry, if others are missing."""
        with suppress(ReservationEnded):
            await self._forced.reserve(entry.input_id, read(entry.lines), entry.at)
        if entry.kind is Kind.COMMIT:
            await self._forced.commit(entry.input_id, entry.at)
        elif entry.kind is Kind.RELEASE:
            await self._forced.release(entry.input_id, entry.at)

    async def _ask_orders(self, since: Millis) -> None:
        held = await self._server.send("ZRANGE", self._keys.held, 0, -1)
        released: list[Wanted] = []
        kept: list[Wanted] = []
        async for wanted in self._wanted(since, held):
            (released if wanted.state is State.RELEASED else kept).append(wanted)
        await self._each(self._satisfy, released)
        await self._each(self._satisfy, kept)

    async def _satisfy(self, wanted: Wanted) -> None:
        if await self._plain.is_over(wanted.reservation_id, wanted.state, self._now):
            return  # The level has it, though the reservation is forgotten.
        if wanted.state is State.RELEASED:
            await self._forced.release(wanted.reservation_id, self._now)
            return
        await self._forced.reserve(wanted.reservation_id, wanted.lines, self._now)
        await self._forced.mark(wanted.reservation_id)
        if wanted.state is State.COMMITTED:
            await self._forced.commit(wanted.reservation_id, self._now)

    async def _each(self, do: "Callable[[T], Awaitable[None]]", subjects: "Iterable[T]") -> None:
        """Many at a time. What is refused is told, and left to the audit: the rest must not wait for it."""
        rest = iter(subjects)
        while batch := list(islice(rest, BATCH)):
            for subject, outcome in zip(
                batch, await asyncio.gather(*(do(each) for each in batch), return_exceptions=True), strict=True
            ):
                if isinstance(outcome, _REFUSALS):
                    log.error("not to be mended", subject=str(subject)[:200], problem=outcome.detail)
                elif isinstance(outcome, BaseException):
                    raise outcome


def _before(at: Millis) -> Millis:
    return max(0, at - MARGIN)


def _adds(known: Operation) -> bool:
    return not known.takes_away


def _reservations(page: Iterable[Entry]) -> list[Entry]:
    """Each reservation of these entries once, as it was last."""
    last: dict[str, Entry] = {entry.input_id: entry for entry in page if entry.kind in STATE_AFTER}
    return list(last.values())
