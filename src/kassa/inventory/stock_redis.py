"""The stock in Redis or Valkey, with its ledger in the documents store.

Every change is one Lua script: all of it happens, or nothing. The server writes its log to disk once a second
(`appendonly yes`, `appendfsync everysec`), so a crash can take a second of changes with it; how they come back is told
in `stock_redis_mend`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kassa.contracts.inventory import Level, Line
from kassa.inventory.ledger import MOVEMENTS, Entry, Ledger, entry
from kassa.inventory.mending import WantedReservations
from kassa.inventory.stock import (
    BY_ORDERS,
    By,
    Difference,
    Kind,
    Movement,
    MovementTotal,
    Reservation,
    State,
    Summary,
    merged,
)
from kassa.inventory.stock_redis_audit import FIGURES, StockAudit
from kassa.inventory.stock_redis_mend import STATES, Acceptance, Mender
from kassa.inventory.stock_redis_missing import MissingMovements
from kassa.inventory.stock_redis_moves import Keys, Moves, read
from kassa.inventory.stock_redis_operations import OPERATIONS, Operations, carry_out, operation
from kassa.inventory.stock_redis_reservations import KEPT, Reservations
from kassa.inventory.stock_redis_rights import use_rights
from kassa.inventory.stock_redis_server import MENDING, Server
from kassa.kit.clock import Clock, Millis
from kassa.kit.documents import Database
from kassa.kit.problem import Unavailable


class OtherStock(Exception):
    """The server holds stock that is not of these documents."""


class RedisStock:
    """The stock port; see `kassa.inventory.stock.Stock`. Somebody must call `drain` and `mend` regularly."""

    def __init__(
        self,
        server: Server,
        keys: Keys,
        ledger: Ledger,
        operations: Operations,
        reservations: Reservations,
        mender: Mender,
    ) -> None:
        self._server = server
        self._keys = keys
        self._ledger = ledger
        self._operations = operations
        self._reservations = reservations
        self._mender = mender
        self._moves = Moves(server.run, keys, ended=reservations.ended)
        self._audit = StockAudit(server, keys, ledger)
        self._missing = MissingMovements(server, keys, ledger, operations)

    @classmethod
    async def open(cls, url: str, database: Database, space: str = "kassa") -> "RedisStock":
        """The stock at the address (a single server or any node of a cluster). `database` keeps its ledger;
        all keys begin with `{space}`. OtherStock, Unavailable."""
        keys = Keys(space)
        return await cls.on(await Server.connect(url, keys.tag), keys, database)

    @classmethod
    async def on(cls, server: Server, keys: Keys, database: Database, kept: Millis = KEPT) -> "RedisStock":
        """The stock on a server that is connected; it is closed with the stock. `kept`: see Reservations."""
        try:
            operations = Operations(await database.collection(OPERATIONS))
            ledger = Ledger(await database.collection(MOVEMENTS), _MovementStream(server, keys))
            acceptance = Acceptance(await database.collection(STATES))
            server.is_accepted = acceptance.is_accepted
            if await acceptance.current() is None and await operations.is_empty() and await ledger.newest() is None:
                if await server.send("EXISTS", keys.figures):
                    raise OtherStock
                await acceptance.begin(await server.run_id())
        except BaseException:
            await server.close()
            raise
        reservations = Reservations(server, keys, ledger, kept)
        mender = Mender(server, keys, ledger, operations, acceptance, reservations.ended)
        return cls(server, keys, ledger, operations, reservations, mender)

    async def claim(self, shop_id: str, *, for_good: bool) -> bool:
        """Whether this is the stock of that shop, or of nobody yet. `for_good`: it is that shop's from now on."""
        if for_good:
            await self._server.send("SET", self._keys.shop, shop_id, "NX")
        return await self._server.send("GET", self._keys.shop) in (None, shop_id)

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()

    async def ping(self) -> None:
        """See Stock.ping."""
        if not await self._server.is_accepted(await self._server.run_id()):
            raise Unavailable(MENDING)

    async def probe(self) -> None:
        """See Stock.probe."""
        await self.ping()
        await use_rights(self._server, self._keys)

    async def drain(self) -> None:
        """Enter the movements that wait in the ledger: to be called regularly, by any number of processes."""
        await self._ledger.drain()

    async def mend(self, wanted: WantedReservations, now: Millis) -> bool:
        """Make up for what Redis lost, if it did: to be called regularly; see Mender.mend."""
        return await self._mender.mend(wanted, now)

    async def forget(self, clock: Clock) -> None:
        """Have Redis forget what ended long ago: to be called regularly; see Reservations.forget."""
        await self._reservations.forget(clock)

    async def init(self, product_id: str, quantity: int, operation_id: str, reason: str, at: Millis, by: By) -> None:
        if quantity < 0:
            raise ValueError(f"quantity {quantity} of product {product_id}: must not be negative")
        await self._operate(operation(Kind.INIT, (Line(product_id, quantity),), operation_id, reason, at, by))

    async def adjust(self, product_id: str, change: int, operation_id: str, reason: str, at: Millis, by: By) -> Level:
        asked = operation(Kind.ADJUST, (Line(product_id, change),), operation_id, reason, at, by)
        level: Level = await self._operate(asked)
        return level

    async def restock(self, operation_id: str, lines: Sequence[Line], reason: str, at: Millis) -> None:
        await self._operate(operation(Kind.RESTOCK, merged(lines), operation_id, reason, at, BY_ORDERS))

    async def reserve(self, reservation_id: str, lines: Sequence[Line], at: Millis, by: By = BY_ORDERS) -> None:
        await self._moves.reserve(reservation_id, lines, at, by)

    async def commit(self, reservation_id: str, at: Millis, by: By = BY_ORDERS) -> None:
        await self._moves.commit(reservation_id, at, by)

    async def release(self, reservation_id: str, at: Millis, by: By = BY_ORDERS) -> None:
        await self._moves.release(reservation_id, at, by)

    async def mark(self, reservation_id: str) -> None:
        await self._moves.mark(reservation_id)

    async def levels(self, product_ids: Sequence[str]) -> dict[str, Level]:
        wanted = list(dict.fromkeys(product_ids))
        rows = await self._server.ask(("HMGET", self._keys.stock(each), *FIGURES) for each in wanted)
        found = zip(wanted, rows, strict=True)
        return {product_id: Level(product_id, *map(int, row)) for product_id, row in found if row[0] is not None}

    async def all_levels(self, limit: int, after: str = "") -> list[Level]:
        begin = f"({after}" if after else "-"
        page = await self._server.send("ZRANGEBYLEX", self._keys.products, begin, "+", "LIMIT", 0, limit)
        return list((await self.levels(page)).values())

    async def summary(self, threshold: int) -> Summary:
        products, low, out, available = await self._server.at_once(
            ("ZCARD", self._keys.products),
            ("ZCOUNT", self._keys.available, 1, threshold),
            ("ZCOUNT", self._keys.available, "-inf", 0),
            ("HGET", self._keys.figures, "available"),
        )
        return Summary(products, low, out, int(available or 0))

    async def reservations_of(self, ids: Sequence[str]) -> list[Reservation | None]:
        return await self._reservations.of(ids)

    async def unmarked(self, older_than: Millis, limit: int) -> list[Reservation]:
        found = await self._server.send(
            "ZRANGEBYSCORE", self._keys.unmarked, "-inf", f"({older_than}", "LIMIT", 0, limit
        )
        reservations = await self._reservations.of(found)
        return [each for each in reservations if each is not None and each.state is State.HELD]

    async def ledger(self, after: int, limit: int) -> list[Movement]:
        return await self._ledger.after(after, limit)

    async def recent(self, limit: int) -> list[Movement]:
        return await self._ledger.recent(limit)

    async def moved_by(self, input_ids: Sequence[str], product_ids: Sequence[str]) -> list[Movement]:
        return await self._ledger.moved_by(input_ids, product_ids)

    async def movement_totals(self, since: Millis) -> list[MovementTotal]:
        return await self._ledger.totals(since)

    async def differences(self) -> list[Difference]:
        return await self._audit.differences()

    async def set_by_ledger(self, product_ids: Collection[str], at: Millis, by: By) -> set[str]:
        for each in await self._missing.of(product_ids):
            await self._moves.enter(*each, at, by)
        return {
            level.product_id
            for level, booked in await self._audit.levels_and_ledger(product_ids)
            if min(booked) >= 0 and await self._moves.set_level(level, booked, at, by)
        }

    async def _operate(self, asked: Any) -> Any:
        await self._server.check()  # while the stock is mended, nothing new is written down either
        return await self._operations.do(asked, lambda stored: carry_out(self._moves, stored))


class _MovementStream:
    """The movements that wait in Redis; satisfies kassa.inventory.ledger.Stream."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server = server
        self._keys = keys

    async def last_number(self) -> int:
        return int(await self._server.send("HGET", self._keys.figures, "number") or 0)

    async def waiting(self, up_to: int, limit: int) -> list[Entry]:
        rows = await self._server.send("XRANGE", self._keys.movements, "-", up_to, "COUNT", limit)
        return [each for id, fields in rows for each in _entries(int(id.partition("-")[0]), fields)]

    async def cut(self, up_to: int) -> None:
        await self._server.send("XTRIM", self._keys.movements, "MINID", up_to + 1)


def _entries(last: int, fields: Mapping[str, str]) -> list[Entry]:
    """The movements of one entry of the stream, which bears the number of the last of them."""
    kind, lines = Kind(fields["kind"]), read(fields["lines"])
    at, by = int(fields["at"]), (fields["who"], fields["request_id"])
    about = (fields["input_id"], fields["reason"], *by)
    movements = (
        Movement(number, at, line.product_id, kind, line.quantity, *about)
        for number, line in enumerate(lines, last - len(lines) + 1)
    )
    return [entry(movement, fields["lines"]) for movement in movements]
