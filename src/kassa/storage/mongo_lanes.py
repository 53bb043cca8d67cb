"""What waits at the same time goes to MongoDB together, and each caller gets an outcome of its own.

A command costs this process some tenths of a millisecond and one wait for the journal, however much is in it: from 64
callers, groups take 7 times as many inserts and 4 times as many saves as single commands, and 15 times as many reads,
for a tenth of the time. Only two groups are under way at a time; what comes meanwhile makes up the next.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeAlias, TypeVar

from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from kassa.kit.clock import SECOND, Millis
from kassa.kit.gathering import when_gathered
from kassa.kit.patience import Waiting, deadline
from kassa.kit.problem import Unavailable

I = TypeVar("I")  # noqa: E741 - an item; O is its outcome
O = TypeVar("O")  # noqa: E741

Stored: TypeAlias = dict[str, Any]
"""A document as MongoDB has it."""

WriteError: TypeAlias = dict[str, Any]
"""Why the server refused one write of a group: `code`, `errmsg`, and for a duplicate key `keyPattern`."""

_GROUP = 256  # The most items of one command: bounds how long the event loop is held at a stretch.
_ABREAST = 2

NOT_ALLOWED, _NOT_AUTHENTICATED = 13, 18
DUPLICATE_KEY, DOCUMENT_REFUSED, CONVERSION_FAILED = 11000, 121, 241
_BAD_COMMANDS = {2, 9, 14, 67, 72, 85, 86}  # A bad value, type, option or index: a mistake of this code's own.
_DEFINITE = {*_BAD_COMMANDS, DUPLICATE_KEY, DOCUMENT_REFUSED, CONVERSION_FAILED}
"""Codes that say for sure that nothing was done. With every other one, whether something was done is unknown."""


class Lane(Generic[I, O]):
    """One kind of operation on one collection. `carry_out` takes a group and tells the outcomes in the same order."""

    def __init__(self, carry_out: Callable[[list[I]], Awaitable[Sequence[O]]], patience: Millis) -> None:
        self._carry_out = carry_out
        self._callers = Waiting(patience / SECOND, "the database does not answer in time")
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[I, asyncio.Future[O], float]] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_called = False
        self._is_closed = False

    async def send(self, item: I) -> O:
        """The outcome of this item; Unavailable, which is unknown, if the group fails or it waited for too long.

        If the caller goes away, the item is carried out all the same.
        """
        if self._is_closed:
            raise Unavailable("the database is closed")
        future: asyncio.Future[O] = self._loop.create_future()
        self._waiting.append((item, future, self._callers.add(future)))
        self._call()
        return await future

    async def close(self) -> None:
        """Carry out what waits, and take nothing more."""
        self._is_closed = True
        while self._waiting or self._under_way:
            await asyncio.wait(self._under_way) if self._under_way else await asyncio.sleep(0)

    def _call(self) -> None:
        """Begin a group as soon as nothing more comes."""
        if self._waiting and not self._is_called and len(self._under_way) < _ABREAST:
            self._is_called = True
            when_gathered(self._loop, self._waiting.__len__, self._begin)

    def _begin(self) -> None:
        self._is_called = False
        group = self._waiting[:_GROUP]
        del self._waiting[:_GROUP]
        task = self._loop.create_task(self._go(self._patient(group)))
        self._under_way.add(task)
        task.add_done_callback(self._end)
        self._call()

    def _patient(self, group: list[tuple[I, "asyncio.Future[O]", float]]) -> list[tuple[I, "asyncio.Future[O]"]]:
        """Those of the group that may still be sent; the server kept the others waiting for too long."""
        now = self._loop.time()
        return [(item, future) for item, future, until in group if until >= now]

    async def _go(self, group: list[tuple[I, "asyncio.Future[O]"]]) -> None:
        if not group:
            return
        deadline.set(None)  # Others than who began the group wait for it, too.
        futures = [future for _, future in group]
        try:
            outcomes = await self._carry_out([item for item, _ in group])
        except Unavailable as error:
            for future in _unanswered(futures):
                future.set_exception(_again(error))
        except Exception as error:
            for future in _unanswered(futures):
                future.set_exception(error)
        else:
            for future, outcome in zip(futures, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)
        finally:
            for future in _unanswered(futures):  # The loop is being torn down.
                future.cancel()

    def _end(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._call()


@contextmanager
def reaching(database: str) -> Iterator[None]:
    """Whatever keeps the server from answering becomes Unavailable; what it refuses for sure stays what it is."""
    try:
        yield
    except ConfigurationError:
        raise
    except PyMongoError as error:
        if isinstance(error, OperationFailure) and error.code in _DEFINITE:
            raise
        raise unavailable(database, error) from error


def unavailable(database: str, error: PyMongoError | WriteError) -> Unavailable:
    """In few words, for callers see them: neither hosts nor users nor contents."""
    if isinstance(error, dict):
        return Unavailable(f"{database}: error {error.get('code')}")
    if isinstance(error, OperationFailure) and error.code == NOT_ALLOWED:
        command = re.search(r"execute command \{ (\w+)", str(error))
        return lacking(database, command[1] if command else "do all that is needed")
    if isinstance(error, OperationFailure) and error.code == _NOT_AUTHENTICATED:
        return Unavailable(f"{database}: MongoDB refuses the user, the password or the authSource of MONGO_URI")
    code = error.details.get("codeName", error.code) if isinstance(error, OperationFailure) and error.details else None
    return Unavailable(f"{database}: {type(error).__name__}" + (f" ({code})" if code else ""))


def lacking(database: str, action: str) -> Unavailable:
    """The user has not the right to do this."""
    role = "give it the role that docs/operations.md lists"
    return Unavailable(f"{database}: the user of MONGO_URI may not {action}: {role}")


def is_definite(error: WriteError) -> bool:
    """Whether the server says for sure that it did nothing."""
    return error.get("code") in _DEFINITE


def _unanswered(futures: Sequence["asyncio.Future[O]"]) -> list["asyncio.Future[O]"]:
    return [future for future in futures if not future.done()]


def _again(error: Unavailable) -> Unavailable:
    """The same for another caller: an exception that is shared would gather everybody's traceback."""
    copy = Unavailable(error.detail)
    copy.__cause__ = error.__cause__
    return copy
