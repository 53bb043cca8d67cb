"""Where the ledger, the reservations and the levels in Redis disagree.

Each level is read together with the number of the last movement; the ledger is summed up to there, so that the answer
is right while the shop runs. A product whose level moved on meanwhile is not compared with the reservations.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from kassa.contracts.inventory import Level
from kassa.inventory.ledger import BATCH, Entry, Ledger
from kassa.inventory.stock import EFFECTS, Difference, Effect, Kind, State
from kassa.inventory.stock_redis_moves import Keys, read
from kassa.inventory.stock_redis_server import Server
from kassa.kit.inputs import movement_id

FIGURES = ("available", "reserved", "sold", "received")


class _Counted(NamedTuple):
    """A level as it was after that many movements."""

    level: Level
    number: int


_Sums: TypeAlias = dict[str, list[int]]
_NOTHING = [0, 0, 0, 0]


class StockAudit:
    """One audit."""

    def __init__(self, server: Server, keys: Keys, ledger: Ledger) -> None:
        self._server = server
        self._keys = keys
        self._ledger = ledger

    async def differences(self) -> list[Difference]:
        """See Stock.differences."""
        complete = await self._ledger.drain()
        counted = await self._counted()
        unentered = set(await self._server.send("ZRANGE", self._keys.held, 0, -1))
        up_to = await self._ledger.drain()
        booked: _Sums = defaultdict(lambda: [0, 0, 0, 0])
        held: _Sums = defaultdict(lambda: [0, 0])
        async for page in self._ledger.walk(0, up_to):
            for entry in page:
                until = counted[entry.product_id].number if entry.product_id in counted else complete
                if entry.number <= until:
                    _book(booked[entry.product_id], entry)
            made = [entry for entry in page if entry.kind is Kind.RESERVE]
            known = await self._add_reservations(held, [(entry.input_id, entry.product_id) for entry in made])
            await self._add_forgotten(held, [entry for entry in made if entry.input_id not in known])
            unentered.difference_update(entry.input_id for entry in made)
        await self._add_reservations(held, [(id, None) for id in unentered])
        again = await self._counted()
        found: list[Difference] = []
        for product_id in sorted({*counted, *booked}):
            level = counted[product_id].level if product_id in counted else Level(product_id, 0, 0, 0, 0)
            found += _by_the_ledger(level, booked.get(product_id, _NOTHING))
            found += _by_its_parts(level)
            if product_id in counted and again[product_id].level == level:
                found += _by_reservations(level, held.get(product_id, [0, 0]))
        return sorted(found, key=lambda difference: (difference.product_id, difference.what))

    async def levels_and_ledger(self, product_ids: Collection[str]) -> list[tuple[Level, list[int]]]:
        """These products' levels, and what the movements of each up to then add up to, figure by figure."""
        reads = [("HMGET", self._keys.stock(product_id), *FIGURES) for product_id in product_ids]
        number, *rows = await self._server.at_once(("HGET", self._keys.figures, "number"), *reads)
        await self._ledger.drain()
        booked: _Sums = {product_id: list(_NOTHING) for product_id in product_ids}
        async for page in self._ledger.walk(0, int(number or 0)):
            for entry in page:
                if entry.product_id in booked:
                    _book(booked[entry.product_id], entry)
        levels = [Level(id, *(int(each or 0) for each in row)) for id, row in zip(product_ids, rows, strict=True)]
        return [(level, booked[level.product_id]) for level in levels]

    async def _counted(self) -> dict[str, _Counted]:
        counted: dict[str, _Counted] = {}
        after = "-"
        while page := await self._server.send("ZRANGEBYLEX", self._keys.products, after, "+", "LIMIT", 0, BATCH):
            after = f"({page[-1]}"
            reads = [("HMGET", self._keys.stock(product_id), *FIGURES) for product_id in page]
            number, *rows = await self._server.at_once(("HGET", self._keys.figures, "number"), *reads)
            for product_id, row in zip(page, rows, strict=True):
                counted[product_id] = _Counted(Level(product_id, *(int(each or 0) for each in row)), int(number or 0))
        return counted

    async def _add_reservations(self, held: _Sums, made: Sequence[tuple[str, str | None]]) -> set[str]:
        """Reservations, each with the product of which it is counted, or with none for all. The ledger names every one
        that ever held anything, once with each product. Returns those that Redis knows."""
        known: set[str] = set()
        reads = (("HMGET", self._keys.reservation(id), "state", "lines") for id, _ in made)
        for (id, product_id), (state, lines) in zip(made, await self._server.ask(reads), strict=True):
            if state:
                known.add(id)
            if state in (State.HELD, State.COMMITTED):
                for line in read(lines):
                    if product_id in (None, line.product_id):
                        held[line.product_id][state == State.COMMITTED] += line.quantity
        return known

    async def _add_forgotten(self, held: _Sums, made: Sequence[Entry]) -> None:
        """Those that these movements made, of which the ledger alone tells whether they were sold."""
        sales = {movement_id(Kind.COMMIT, each.product_id, each.input_id): each for each in made}
        for sale in await self._ledger.known(list(sales)) if sales else ():
            held[sales[sale].product_id][1] += sales[sale].quantity


def _book(sums: list[int], entry: Entry) -> None:
    for place, factor in enumerate(EFFECTS[entry.kind]):
        sums[place] += factor * entry.quantity


def _by_the_ledger(level: Level, booked: Sequence[int]) -> list[Difference]:
    figures = zip(Effect._fields, booked, strict=True)
    return _unequal(level, {f"{name} by the ledger": (sum_, getattr(level, name)) for name, sum_ in figures})


def _by_its_parts(level: Level) -> list[Difference]:
    parts = level.available + level.reserved + level.sold
    checks = {"received by its parts": (parts, level.received)}
    if level.available < 0:
        checks["available is never below"] = (0, level.available)
    return _unequal(level, checks)


def _by_reservations(level: Level, held: Sequence[int]) -> list[Difference]:
    checks = {"reserved by reservations": (held[0], level.reserved), "sold by reservations": (held[1], level.sold)}
    return _unequal(level, checks)


def _unequal(level: Level, checks: Mapping[str, tuple[int, int]]) -> list[Difference]:
    return [
        Difference(level.product_id, what, expected, found)
        for what, (expected, found) in checks.items()
        if expected != found
    ]
