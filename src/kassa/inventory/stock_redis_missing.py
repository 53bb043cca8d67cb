"""Movements that the ledger lacks though Redis shows that they were made: a reservation by its state, an operation by
its mark. Scripts write all of it or nothing; this is for what was left by older ones, which could break off."""

from collections.abc import AsyncIterator, Collection
from typing import NamedTuple

from kassa.inventory.ledger import BATCH, Ledger
from kassa.inventory.stock import Kind, State
from kassa.inventory.stock_redis_moves import Keys, encoded, read
from kassa.inventory.stock_redis_operations import Operation, Operations
from kassa.inventory.stock_redis_server import Server
from kassa.kit.inputs import movement_id

_KINDS = {
    State.HELD: (Kind.RESERVE,),
    State.COMMITTED: (Kind.RESERVE, Kind.COMMIT),
    State.RELEASED: (Kind.RESERVE, Kind.RELEASE),
}
"""The movements of a reservation that is in this state."""
_OF_RESERVATIONS = {kind for kinds in _KINDS.values() for kind in kinds}


class Made(NamedTuple):
    """A movement that was made; its lines as a text."""

    kind: Kind
    input_id: str
    reason: str
    lines: str


class MissingMovements:
    """Finds them."""

    def __init__(self, server: Server, keys: Keys, ledger: Ledger, operations: Operations) -> None:
        self._server = server
        self._keys = keys
        self._ledger = ledger
        self._operations = operations

    async def of(self, product_ids: Collection[str]) -> list[Made]:
        """Those of these products, in the order in which they can have been made; the ledger is gone through once."""
        made = [each async for each in self._operated(product_ids)]
        made += [each async for each in self._reserved(product_ids)]
        missing: list[Made] = []
        for first in range(0, len(made), BATCH):
            # Asked after what was made: what is in the ledger now may be more, and is never less.
            batch = {each: _entries(each, product_ids) for each in made[first : first + BATCH]}
            known = await self._ledger.known([id for ids in batch.values() for id in ids])
            missing += [each for each, ids in batch.items() if not known.issuperset(ids)]
        return missing

    async def _operated(self, product_ids: Collection[str]) -> AsyncIterator[Made]:
        for asked in await self._operations.since(0):
            of = next((line.product_id for line in asked.lines if line.product_id in product_ids), None)
            if of is not None and await self._is_marked(asked, of):
                yield Made(asked.kind, asked.operation_id, asked.reason, encoded(asked.lines))

    async def _is_marked(self, asked: Operation, product_id: str) -> bool:
        id = asked.operation_id
        if asked.kind is Kind.INIT:
            return bool(await self._server.send("HGET", self._keys.stock(product_id), "init") == id)
        of = (id,) if asked.kind is Kind.RESTOCK else (product_id, id)
        return bool(await self._server.send("EXISTS", self._keys.done(asked.kind, *of)))

    async def _reserved(self, product_ids: Collection[str]) -> AsyncIterator[Made]:
        ids = set(await self._server.send("ZRANGE", self._keys.held, 0, -1))
        async for page in self._ledger.walk(0, await self._ledger.drain()):
            ids |= {each.input_id for each in page if each.product_id in product_ids and each.kind in _OF_RESERVATIONS}
        rows = [("HMGET", self._keys.reservation(each), "state", "lines") for each in ids]
        for id, (state, lines) in zip(ids, await self._server.ask(rows), strict=True):
            if state and any(line.product_id in product_ids for line in read(lines)):
                for kind in _KINDS[State(state)]:
                    yield Made(kind, id, "", lines)


def _entries(made: Made, product_ids: Collection[str]) -> list[str]:
    """The ids of the entries that it has made of these products."""
    products = (line.product_id for line in read(made.lines))
    return [movement_id(made.kind, each, made.input_id) for each in products if each in product_ids]
