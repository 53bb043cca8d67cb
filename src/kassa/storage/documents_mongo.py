"""MongoDB as a `kit.documents.Database`: a replica set or a sharded cluster, one database for each service.

What is answered was committed by a majority and is in its journals; what is read was committed so, and is no older
than what was answered before, by whichever process, elections included. (Behind `mongos` elections are not seen: for a
moment after one a read may be older there, a save never.) There are no transactions over several documents.

**Compare-and-set.** A plain update that matches nothing says so only in a count over the whole group, so that nobody
could tell who of a group lost. Therefore a save is an upsert by `_id` whose new content is worked out by the server:
the new document if the stored one has the version that was read, else a conversion that fails, which the server reports
at the write's own index. It fails too when there is no document, so a deleted one never comes back.

**Sharding.** All that an order waits for on its way goes by `_id`, so collections are sharded by hashed `_id`, which
spreads ids that grow with time. Users and products have another unique field, and stay on one shard. Reads by other
fields ask all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Generic, Self, TypeVar

import bson
import pymongo
from bson import MinKey
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.read_concern import ReadConcern

from kassa.kit.clock import SECOND, Millis
from kassa.kit.documents import By, CollectionSpec, Conflict, Document, Order, Total, Where, with_version
from kassa.kit.patience import seconds_left
from kassa.kit.problem import Unavailable
from kassa.storage.mongo_client import connect
from kassa.storage.mongo_lanes import CONVERSION_FAILED, Lane, Stored, WriteError, reaching
from kassa.storage.mongo_order import behind, index_in_order, sorting
from kassa.storage.mongo_rights import use_rights
from kassa.storage.mongo_schema import make, whose
from kassa.storage.mongo_shape import CODEC, Shape, plain
from kassa.storage.mongo_wire import Wire

D = TypeVar("D", bound=Document)
A = TypeVar("A")

PATIENCE: Millis = 10 * SECOND
"""How long an operation may take altogether: finding the primary, sending it, the majority's journals, trying again."""

REPORT = 6
"""A report may take so many times as long: it looks at all there is."""

_MONGODB_5 = 13  # The wire version; before it field names could not begin with a dollar sign.
_ANOTHER_VERSION = {"$toInt": {"$concat": ["not at that version: ", "$_id"]}}


class MongoDatabase:
    """One database of a MongoDB deployment."""

    def __init__(self, client: AsyncMongoClient[Stored], name: str, patience: Millis) -> None:
        self.name = name
        self.patience = patience
        self.raw: AsyncDatabase[Stored] = client.get_database(name, codec_options=CODEC)
        self.wire = Wire(client, name, patience)
        self._client = client
        self._catching_up = self.raw.get_collection("elections", read_concern=ReadConcern("linearizable"))
        self._lanes: list[Lane[Any, Any]] = []
        self._reporting = asyncio.Lock()
        self._is_closed = False
        self._known: object = None  # The election whose primary has caught up.

    @classmethod
    async def open(cls, uri: str, name: str, *, patience: Millis = PATIENCE) -> Self:
        """Connect. Unavailable if there is no primary in time, ValueError if the server cannot do what is needed, or if
        the driver would pass over a part of the address."""
        client = connect(uri, patience)
        database = cls(client, name, patience)
        try:
            await database._check_server()
        except BaseException:
            await client.close()
            raise
        return database

    async def collection(self, spec: CollectionSpec[D]) -> "MongoCollection[D]":
        """Open a collection: make it, its validator and its indexes if they are not there or are declared otherwise.

        Duplicate if documents that are stored already break the promise of a new unique index.
        """
        shape = Shape(spec)
        with reaching(self.name):
            await make(self.raw, shape)
        collection = MongoCollection(self, shape)
        self._lanes += collection.lanes
        return collection

    async def collections(self) -> dict[str, bool]:
        """The collections that hold anything, or are Kassa's, and whether they are that; looking makes none."""
        self.check_open()
        with reaching(self.name):
            return await whose(self.raw)

    async def probe(self) -> None:
        """Return if there is a primary, and all that is needed may be done there; else Unavailable."""
        self.check_open()
        with reaching(self.name), pymongo.timeout(seconds_left(self.patience / SECOND)):
            await use_rights(self.raw)

    async def scrub(self) -> None:
        return  # the server's files are its own

    async def rewrite(self, largest: int | None = None) -> bool:
        return True

    async def close(self) -> None:
        """Finish the writes under way and close. Closing again is a no-op."""
        self._is_closed = True
        for lane in self._lanes:
            await lane.close()
        await self.wire.close()
        await self._client.close()

    async def report(self, ask: Callable[[], Awaitable[A]]) -> A:
        """The same as `read`, for what looks at much: one at a time, for the server has orders to write beside it."""
        await self.read(lambda: self.raw.command("ping"))  # Who does not answer this is not waited for so long.
        async with self._reporting:
            return await self.read(ask, REPORT * self.patience)

    async def read(self, ask: Callable[[], Awaitable[A]], patience: Millis | None = None) -> A:
        """What a primary answers that knows all that was acknowledged before; Unavailable if there is none in time.

        A member that is just elected has it all, but not yet the knowledge that a majority has it, and answers with
        what it knew before. It learns that by committing something of its own, which a linearizable read makes it do
        (MongoDB manual: read concern "linearizable").
        """
        self.check_open()
        with reaching(self.name), pymongo.timeout(seconds_left((patience or self.patience) / SECOND)):
            while True:
                election = self._election()
                if election is None or election != self._known:
                    await self._catching_up.find_one()
                    if self._election() != election:
                        continue
                    self._known = election
                answer = await ask()
                if self._election() == election:
                    return answer

    def _election(self) -> object:
        """Which server is the primary, by which election; None if no primary is known."""
        servers = self._client.topology_description.server_descriptions().values()
        return next(((server.address, server.election_id) for server in servers if server.is_writable), None)

    def check_open(self) -> None:
        """Unavailable if the database was closed."""
        if self._is_closed:
            raise Unavailable(f"{self.name} is closed")

    async def _check_server(self) -> None:
        with reaching(self.name):
            hello = await self._client.admin.command("hello", read_preference=ReadPreference.PRIMARY)
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise ValueError("MongoDB must run as a replica set, one member is enough: start mongod with --replSet")
        if hello["maxWireVersion"] < _MONGODB_5:
            raise ValueError("MongoDB must be 5.0 or newer")


class MongoCollection(Generic[D]):
    """One collection; see `kit.documents.Collection`. If both the id and a unique field are taken, Duplicate is of
    the id. A document that the collection's validator refuses is a ValueError."""

    def __init__(self, database: MongoDatabase, shape: Shape[D]) -> None:
        self.spec = shape.spec
        self._database = database
        self._shape = shape
        self._stored = database.raw[shape.collection]
        self._inserts = self._lane("insert")
        self._saves = self._lane("update")
        self._deletes = self._lane("delete")
        self._reads: dict[str, Lane[str, Stored | None]] = {
            field: Lane(partial(self._read, shape.name(field)), database.patience) for field in shape.unique_texts
        }
        self.lanes: list[Lane[Any, Any]] = [self._inserts, self._saves, self._deletes, *self._reads.values()]

    async def insert(self, document: D) -> D:
        stored = with_version(document, 1)
        refused = await self._inserts.send(self._shape.encode(stored))
        if refused is not None:
            raise self._shape.refusal(refused)
        return stored

    async def save(self, document: D) -> D:
        stored = with_version(document, document.version + 1)
        is_current = {"$eq": ["$version", document.version]}
        new = {"$literal": self._shape.encode(stored)}
        step = [{"$replaceWith": {"$cond": [is_current, new, _ANOTHER_VERSION]}}]
        refused = await self._saves.send(_statement({"q": {"_id": document.id}, "u": step, "upsert": True}))
        if refused is None:
            return stored
        if refused["code"] == CONVERSION_FAILED:
            raise Conflict(f"{self.spec.name}: {document.id!r} is not at version {document.version}")
        raise self._shape.refusal(refused)

    async def get(self, id: str) -> D | None:
        return await self._by("id", id)

    async def many(self, ids: Sequence[str]) -> list[D]:
        return await self._documents({"_id": {"$in": list(ids)}}, len(ids)) if ids else []

    async def first(self, where: Where) -> D | None:
        if len(where) == 1:
            ((field, value),) = where.items()
            if field in self._reads and isinstance(value, str):  # At most one document has it.
                return await self._by(field, plain(value))
        found = await self.find(where, limit=1, order="oldest")
        return found[0] if found else None

    async def find(
        self,
        where: Where,
        *,
        limit: int,
        skip: int = 0,
        after: str | None = None,
        order: Order = "newest",
        by: By | None = None,
    ) -> list[D]:
        filter = self._shape.filter(where, *behind(self._shape, after, order, by))
        hint = index_in_order(self._shape, where, by)
        return await self._documents(filter, limit, skip, sort=sorting(self._shape, order, by), hint=hint)

    async def count(self, where: Where) -> int:
        how: dict[str, Any] = {} if where else {"hint": "_id_"}  # Else all documents would be read.
        return await self._database.read(lambda: self._stored.count_documents(self._shape.filter(where), **how))

    async def due(self, now: Millis, limit: int) -> list[D]:
        return await self._documents({"due_at": {"$lte": now}}, limit, sort={"due_at": 1, "_id": 1})

    async def totals(self, where: Where, by: str, *, sum_of: str | None = None, per: int = 1) -> list[Total]:
        key: Any = self._shape.value(by)
        if per > 1:
            key = {"$toLong": {"$floor": {"$divide": [key, per]}}}
        value: Any = self._shape.value(sum_of) if sum_of else 0
        stages = [
            # What everything passes: else no index is looked at that has all that is added up.
            {"$match": self._shape.filter(where) or {self._shape.name(by): {"$gte": MinKey()}}},
            {"$group": {"_id": key, "count": {"$sum": 1}, "sum": {"$sum": value}}},
            {"$sort": {"_id": 1}},
        ]

        async def ask() -> list[Stored]:
            return await (await self._stored.aggregate(stages)).to_list()

        return [Total(row["_id"], row["count"], row["sum"]) for row in await self._database.report(ask)]

    async def delete(self, id: str, where: Where | None = None) -> None:
        filter = {**self._shape.filter(where or {}), "_id": id}
        refused = await self._deletes.send(_statement({"q": filter, "limit": 1}))
        if refused is not None:
            raise self._shape.refusal(refused)

    async def _documents(self, filter: Stored, limit: int, skip: int = 0, **how: Any) -> list[D]:
        if limit < 1:
            return []  # For MongoDB 0 is no limit.
        found = await self._find(filter, limit=limit, batchSize=limit + 1, skip=skip, **how)
        return [self._shape.decode(each) for each in found]

    async def _by(self, field: str, value: str) -> D | None:
        found = await self._reads[field].send(_encodable(value))
        return None if found is None else self._shape.decode(found)

    def _lane(self, kind: str) -> Lane[RawBSONDocument, WriteError | None]:
        async def write(statements: list[RawBSONDocument]) -> list[WriteError | None]:
            with reaching(self._database.name):
                return await self._database.wire.write(kind, self._shape.collection, statements)

        return Lane(write, self._database.patience)

    async def _find(self, filter: Stored, **how: Any) -> list[Stored]:
        ask = partial(
            self._database.wire.find, self._shape.collection, filter, projection=self._shape.projection, **how
        )
        return await self._database.read(ask)

    async def _read(self, name: str, values: list[str]) -> list[Stored | None]:
        found = await self._find({name: {"$in": values}}, batchSize=len(values) + 1)
        by_value = {stored[name]: stored for stored in found}
        return [by_value.get(value) for value in values]


def _encodable(value: str) -> str:
    """A text that can be sent; UnicodeEncodeError for one that would make the whole group fail."""
    value.encode()
    return value


def _statement(statement: Stored) -> RawBSONDocument:
    """Encoded by itself: what cannot be encoded would make the whole group fail."""
    return RawBSONDocument(bson.encode(statement))
