"""What is asked of MongoDB all the time goes over the driver's connections, but past its layers: docs/adr/0046.

The driver connects, encrypts, authenticates, and knows who is the primary. A connection is borrowed from its pool for
as long as it works, and a command is one message there and one back (MongoDB manual: wire protocol, OP_MSG). What goes
wrong is told to the driver with the connection's return, as its own layers would, and the command is sent again.

A write has the number of a session (MongoDB specification: retryable writes), so that a server that has carried it out
already says so instead of doing it twice. Every session has one write under way at a time.
"""

import asyncio
import struct
import uuid
from collections.abc import Sequence
from itertools import count
from typing import Any, Self

import bson
import pymongo
from bson.binary import UUID_SUBTYPE, Binary
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient
from pymongo.errors import (
    AutoReconnect,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from kassa.kit.clock import SECOND, Millis
from kassa.storage.mongo_lanes import Stored, WriteError
from kassa.storage.mongo_shape import CODEC

_OP_MSG = 2013
_HEAD = struct.Struct("<iiiiIB")  # Length, number, answer to, kind of message; flags, and that one document follows.
_LARGEST_REPLY = 48_000_000
_ONE_COMMAND = 8_000_000  # Bytes of the statements of one command, or one statement; a message may have 16 MB.
_LOOK = 0.5  # Seconds.
_KEPT = 8  # Of the 32 connections that the driver makes at most, so many stay borrowed; it uses the others itself.

_NOT_PRIMARY = {91, 189, 10058, 10107, 11600, 11602, 13435, 13436}
_PASSES = {6, 7, 89, 134, 262, 9001}
"""Codes of errors that pass (MongoDB specifications: server discovery and monitoring, retryable reads)."""

_DURABLY = {"w": "majority", "j": True}
_COMMITTED = {"level": "majority"}
_STATEMENTS = {"insert": "documents", "update": "updates", "delete": "deletes"}


class _Line:
    """A connection that is borrowed."""

    def __init__(self, checkout: Any, connection: Any) -> None:
        self._checkout = checkout
        self._connection = connection
        self._protocol = connection.conn.get_conn
        self._numbers = count(1)
        self._loop = asyncio.get_running_loop()
        self._looking: asyncio.TimerHandle | None = None

    @classmethod
    async def borrow(cls, client: AsyncMongoClient[Stored]) -> Self:
        checkout = await client._conn_for_writes(None, "kassa")
        return cls(checkout, await checkout.__aenter__())

    async def ask(self, command: bytes, deadline: float) -> Stored:
        """The reply, whatever it says; what pymongo raises if there is none."""
        number = next(self._numbers) & 0x7FFFFFFF
        message = _HEAD.pack(_HEAD.size + len(command), number, 0, _OP_MSG, 0, 0) + command
        self._look(deadline)
        try:
            await self._protocol.write(message)
            answer, _ = await self._protocol.read(number, _LARGEST_REPLY)
        except OSError as error:
            raise AutoReconnect(type(error).__name__) from error
        finally:
            if self._looking is not None:
                self._looking.cancel()
        reply: Stored = bson.decode(answer[5:], CODEC)
        return reply

    def _look(self, deadline: float) -> None:
        """Wait neither for longer than there is time, nor for a server that the driver has given up."""
        now = self._loop.time()
        if self._connection.cancel_context.cancelled:
            self._protocol.close(AutoReconnect("the server does not answer"))
        elif now >= deadline:
            self._protocol.close(NetworkTimeout("no answer in time"))
        else:
            self._looking = self._loop.call_at(min(deadline, now + _LOOK), self._look, deadline)

    async def end(self, error: BaseException | None = None) -> None:
        """Give it back; what went wrong tells the driver what to make of the server, and of its connections."""
        if error is not None and not isinstance(error, NotPrimaryError):
            await self._connection.close_conn(None)
        await self._checkout.__aexit__(type(error) if error else None, error, None)


class _Session:
    """Numbers writes."""

    def __init__(self) -> None:
        self._id = {"id": Binary(uuid.uuid4().bytes, UUID_SUBTYPE)}
        self._numbers = count(1)

    def number(self) -> Stored:
        return {"lsid": self._id, "txnNumber": Int64(next(self._numbers))}


class Wire:
    """One database's primary. Each operation has so much time altogether, and raises what pymongo raises."""

    def __init__(self, client: AsyncMongoClient[Stored], database: str, patience: Millis) -> None:
        self._client = client
        self._database = database
        self._patience = patience / SECOND
        self._loop = asyncio.get_running_loop()
        self._lines: list[_Line] = []
        self._sessions: list[_Session] = []
        self._is_closed = False

    async def find(self, collection: str, filter: Stored, **how: Any) -> list[Stored]:
        """All documents that pass, as a majority has committed them. `how` is the command's own options, without those
        that are None."""
        deadline = self._loop.time() + self._patience
        options = {name: value for name, value in how.items() if value is not None}
        command = {"find": collection, "filter": filter, **options, "readConcern": _COMMITTED}
        cursor = (await self._sent(command, deadline))["cursor"]
        found: list[Stored] = cursor["firstBatch"]
        while cursor["id"]:  # More megabytes than a reply may have.
            more = {"getMore": Int64(cursor["id"]), "collection": collection}
            cursor = (await self._sent(more, deadline))["cursor"]
            found += cursor["nextBatch"]
        return found

    async def write(self, kind: str, collection: str, statements: Sequence[RawBSONDocument]) -> list[WriteError | None]:
        """Carry the statements out in any order (`kind`: insert, update, delete); tell why each was refused, None for
        those that are committed and in the journals of a majority."""
        deadline = self._loop.time() + self._patience
        refused: list[WriteError | None] = []
        for group in _groups(statements):
            command = {kind: collection, _STATEMENTS[kind]: group, "ordered": False, "writeConcern": _DURABLY}
            session = self._sessions.pop() if self._sessions else _Session()
            reply = await self._sent({**command, **session.number()}, deadline)
            self._sessions.append(session)
            if "writeConcernError" in reply:  # Nothing is certain, refusals included: what they rest on may go.
                raise OperationFailure("it is not durable", None, reply["writeConcernError"])
            errors = {each["index"]: each for each in reply.get("writeErrors", ())}
            refused += [errors.get(index) for index in range(len(group))]
        return refused

    async def close(self) -> None:
        """Give all connections back. Nothing may be under way."""
        self._is_closed = True
        while self._lines:
            await self._lines.pop().end()

    async def _sent(self, command: Stored, deadline: float) -> Stored:
        """What a primary answers, tried again for as long as there is time."""
        while True:
            try:
                return await self._tried(command, deadline)
            except ServerSelectionTimeoutError:
                raise
            except PyMongoError as error:
                if not _passes(error) or self._loop.time() >= deadline:
                    raise

    async def _tried(self, command: Stored, deadline: float) -> Stored:
        rest = max(deadline - self._loop.time(), 0.001)
        most = {} if "getMore" in command else {"maxTimeMS": max(1, int(rest * SECOND))}  # It has that of its find.
        message = bson.encode({**command, **most, "$db": self._database})
        if self._lines:
            line = self._lines.pop()
        else:
            with pymongo.timeout(rest):
                line = await _Line.borrow(self._client)
        try:
            reply = await line.ask(message, deadline)
            if isinstance(failure := _failure(reply), NotPrimaryError):
                raise failure
        except BaseException as error:
            await line.end(error)
            raise
        if len(self._lines) < _KEPT and not self._is_closed:
            self._lines.append(line)
        else:
            await line.end()
        if failure is not None:
            raise failure
        return reply


def _groups(statements: Sequence[RawBSONDocument]) -> list[list[RawBSONDocument]]:
    groups: list[list[RawBSONDocument]] = []
    room = 0
    for statement in statements:
        if len(statement.raw) > room:
            groups.append([])
            room = _ONE_COMMAND
        groups[-1].append(statement)
        room -= len(statement.raw)
    return groups


def _failure(reply: Stored) -> NotPrimaryError | OperationFailure | None:
    """What the reply says of the whole command, if that failed. A write concern's error may tell of an election too."""
    told = reply if not reply["ok"] else reply.get("writeConcernError", {})
    code = told.get("code")
    if code in _NOT_PRIMARY:
        return NotPrimaryError(told.get("errmsg", ""), {**reply, **told})
    return None if reply["ok"] else OperationFailure(told.get("errmsg", ""), code, reply)


def _passes(error: PyMongoError) -> bool:
    return isinstance(error, AutoReconnect) or (isinstance(error, OperationFailure) and error.code in _PASSES)
