"""The reservations: in Redis, or in the ledger alone when they ended long ago.

Redis keeps all in memory, so a reservation that has ended goes from there after a time; its movements tell what it was.
The ledger is gone through in order, and Redis itself keeps how far: a server that loses its last writes loses both
together, what it has forgotten and that it has.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from kassa.contracts.inventory import Line
from kassa.inventory.ledger import Entry, Ledger
from kassa.inventory.stock import STATE_AFTER, Kind, Reservation, State
from kassa.inventory.stock_redis_moves import Keys, Moves, read
from kassa.inventory.stock_redis_server import Server
from kassa.kit.clock import DAY, Clock, Millis
from kassa.kit.documents import PAUSE
from kassa.kit.ids import made_at
from kassa.kit.inputs import order_of

KEPT: Millis = 30 * DAY
"""For how long Redis knows a reservation that has ended."""
_MOST_STEPS = 1000
"""Of one run: 500,000 movements."""
_ENDS = (Kind.COMMIT, Kind.RELEASE)


class Reservations:
    """All of them. `kept`: for how long Redis knows one that has ended."""

    def __init__(self, server: Server, keys: Keys, ledger: Ledger, kept: Millis = KEPT) -> None:
        self._server = server
        self._keys = keys
        self._ledger = ledger
        self._kept = kept
        self._moves = Moves(server.run, keys)

    async def of(self, ids: Sequence[str]) -> list[Reservation | None]:
        """The reservations with these ids, each at its place."""
        fields = ("state", "lines", "made_at", "marked")
        rows = await self._server.ask(("HMGET", self._keys.reservation(each), *fields) for each in ids)
        known = {id: _stored(id, row) for id, row in zip(ids, rows, strict=True) if row[0] is not None}
        # Asked after Redis: what went from there was in the ledger before.
        entries = await self._ledger.caused_by([each for each in ids if each not in known])
        return [known.get(each) or _told(each, entries.get(each, ())) for each in ids]

    async def ended(self, reservation_id: str, at: Millis) -> State | None:
        """How it has ended, if that may be so long ago that Redis does not know it any more. Of a young order that is
        answered without a look; half the time, as clocks may be apart."""
        if made_at(order_of(reservation_id)) > at - self._kept // 2:
            return None
        (found,) = await self.of([reservation_id])
        return found.state if found is not None and found.state is not State.HELD else None

    async def forget(self, clock: Clock) -> None:
        """Have Redis forget those that ended long ago, in small steps beside the traffic: to be called regularly. Any
        number of processes may do so at a time, and may be killed at any point."""
        complete = await self._ledger.drain()
        before = clock.now() - self._kept
        for _ in range(_MOST_STEPS):
            after = int(await self._server.send("HGET", self._keys.figures, "forgotten") or 0)
            page = await self._ledger.page(after, complete)
            old = list(takewhile(lambda entry: entry.at < before, page))
            if old:
                ended = dict.fromkeys(each.input_id for each in old if each.kind in _ENDS)
                await self._moves.forget(list(ended), after, old[-1].number)
            if not old or len(old) < len(page):
                return
            await clock.sleep(PAUSE)


def _stored(reservation_id: str, row: Sequence[Any]) -> Reservation:
    state, lines, made_at, marked = row
    return Reservation(reservation_id, State(state), read(lines), int(made_at), marked == "1")


def _told(reservation_id: str, entries: Sequence[Entry]) -> Reservation | None:
    """The reservation that has made these movements, if it has ended."""
    ended = [each for each in entries if each.kind in _ENDS]
    if not ended:
        return None
    lines = tuple(Line(each.product_id, each.quantity) for each in ended)
    return Reservation(reservation_id, STATE_AFTER[ended[0].kind], lines, entries[0].at, is_marked=True)
