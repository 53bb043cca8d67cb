"""The stock's scripts as calls: which keys each is given, and what its answers mean.

All keys share one hash tag, so that they live together on one node of a cluster.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from kassa.contracts.inventory import InsufficientStock, Level, Line, ReservationEnded, StockExists, UnknownStock
from kassa.inventory.stock import BY_ORDERS, SET_BY_LEDGER, By, Kind, State, merged
from kassa.kit.clock import Millis
from kassa.kit.inputs import level_set_id
from kassa.kit.problem import Problem, Unavailable

Run: TypeAlias = Callable[[str, Sequence[str], Sequence[Any]], Awaitable[list[Any]]]
"""Runs a script: its name, its keys, its arguments."""
Ended: TypeAlias = Callable[[str, Millis], Awaitable[State | None]]
"""See Reservations.ended."""

_REMEMBERED = 10_000  # Reservations whose lines need not be asked for: they mostly end in the process that made them.


class Keys:
    """The names of all keys of one stock."""

    def __init__(self, space: str = "kassa") -> None:
        self.tag = f"{{{space}}}"
        self.shop = f"{self.tag}:shop"
        self.figures = f"{self.tag}:figures"
        self.movements = f"{self.tag}:movements"
        self.available = f"{self.tag}:available"
        self.products = f"{self.tag}:products"
        self.held = f"{self.tag}:held"
        self.unmarked = f"{self.tag}:unmarked"

    def stock(self, product_id: str) -> str:
        """One product's level."""
        return f"{self.tag}:stock:{product_id}"

    def reservation(self, reservation_id: str) -> str:
        """One reservation."""
        return f"{self.tag}:res:{reservation_id}"

    def done(self, *operation: str) -> str:
        """That an operation was done."""
        return f"{self.tag}:done:{':'.join(operation)}"


class Moves:
    """Every call is all or nothing, and harmless when it is repeated.

    `mending`: the calls make up for what was lost, with no regard to how many pieces are there at the moment. `ended`
    tells how reservations have ended that Redis may not know any more; without it all are taken for known.
    """

    def __init__(self, run: Run, keys: Keys, mending: str = "", ended: Ended | None = None) -> None:
        self._run = run
        self._keys = keys
        self._mending = mending
        self._ended = ended
        self._lines: dict[str, str] = {}

    async def init(self, product_id: str, quantity: int, operation_id: str, reason: str, at: Millis, by: By) -> None:
        """See Stock.init."""
        keys = [self._keys.stock(product_id), self._keys.products]
        await self._do("init", keys, (at, operation_id, reason, *by), _one(product_id, quantity))

    async def adjust(self, product_id: str, change: int, operation_id: str, reason: str, at: Millis, by: By) -> Level:
        """See Stock.adjust."""
        keys = [self._keys.stock(product_id), self._keys.done("adjust", product_id, operation_id)]
        answer = await self._do("adjust", keys, (at, operation_id, reason, *by), _one(product_id, change))
        return Level(product_id, *answer[1:])

    async def restock(self, operation_id: str, lines: Sequence[Line], reason: str, at: Millis) -> None:
        """See Stock.restock."""
        text = written(lines)
        keys = [self._keys.done("restock", operation_id), *self._stocks(text)]
        await self._do("restock", keys, (at, operation_id, reason, *BY_ORDERS), text)

    async def reserve(self, reservation_id: str, lines: Sequence[Line], at: Millis, by: By = BY_ORDERS) -> None:
        """See Stock.reserve."""
        text = written(lines)
        if await self.is_over(reservation_id, State.COMMITTED, at):
            return
        await self._do("reserve", self._of(reservation_id, text), (at, reservation_id, "", *by), text)
        while len(self._lines) >= _REMEMBERED:
            del self._lines[next(iter(self._lines))]
        self._lines[reservation_id] = text

    async def commit(self, reservation_id: str, at: Millis, by: By = BY_ORDERS) -> None:
        """See Stock.commit."""
        if not await self.is_over(reservation_id, State.COMMITTED, at):
            await self._end("commit", reservation_id, at, by)

    async def release(self, reservation_id: str, at: Millis, by: By = BY_ORDERS) -> None:
        """See Stock.release."""
        if not await self.is_over(reservation_id, State.RELEASED, at):
            await self._end("release", reservation_id, at, by)

    async def mark(self, reservation_id: str) -> None:
        """See Stock.mark."""
        keys = [self._keys.reservation(reservation_id), self._keys.unmarked]
        await self._do("mark", keys, (0, reservation_id, "", *BY_ORDERS))

    async def is_over(self, reservation_id: str, wanted: State, at: Millis) -> bool:
        """Whether it ended long ago, as is wanted; ReservationEnded if otherwise."""
        state = await self._ended(reservation_id, at) if self._ended is not None else None
        if state not in (None, wanted):
            raise ReservationEnded(reservation_id)
        return state is wanted

    async def forget(self, reservation_ids: Sequence[str], after: int, up_to: int) -> None:
        """Forget those of them that have ended, if nobody else has gone through the ledger from `after` on; it is gone
        through up to `up_to` then."""
        keys = [self._keys.reservation(each) for each in reservation_ids]
        await self._do("forget", keys, (0, "", "", *BY_ORDERS), "[]", after, up_to)

    async def set_level(self, found: Level, figures: Sequence[int], at: Millis, by: By) -> bool:
        """Set a level that is as it was found; False if it is not any more."""
        keys = [self._keys.stock(found.product_id), self._keys.products]
        about = (at, level_set_id(at), SET_BY_LEDGER, *by)
        before = (found.available, found.reserved, found.sold, found.received)
        answer = await self._do("level", keys, about, _one(found.product_id, 0), *before, *figures)
        return bool(answer[0] == "ok")

    async def enter(self, kind: Kind, input_id: str, reason: str, text: str, at: Millis, by: By) -> None:
        """Enter a movement of these lines that the ledger lacks; no level moves."""
        done = self._keys.done("enter", kind, read(text)[0].product_id, input_id)
        await self._do("enter", [done], (at, input_id, reason, *by), text, kind)

    async def _end(self, script: str, reservation_id: str, at: Millis, by: By) -> None:
        """The keys must be named before the script can see the lines: tell it which ones, and be told if they are
        others (another process held them, or the same id was asked for with other lines)."""
        about = (at, reservation_id, "", *by)
        text = self._lines.pop(reservation_id, "[]")
        answer = await self._do(script, self._of(reservation_id, text), about, text)
        if answer[0] == "lines":
            await self._do(script, self._of(reservation_id, answer[1]), about, answer[1])

    async def _do(self, script: str, keys: Sequence[str], about: tuple[Any, ...], *args: Any) -> list[Any]:
        common = (self._keys.figures, self._keys.movements, self._keys.available)
        answer = await self._run(script, (*common, *keys), (*about, self._mending, *args))
        if answer[0] not in ("ok", "lines", "moved"):
            raise _refusal(answer, about[1])
        return answer

    def _of(self, reservation_id: str, text: str) -> list[str]:
        reservation = self._keys.reservation(reservation_id)
        return [reservation, self._keys.held, self._keys.unmarked, *self._stocks(text)]

    def _stocks(self, text: str) -> list[str]:
        return [self._keys.stock(line.product_id) for line in read(text)]


def written(lines: Sequence[Line]) -> str:
    """The lines as scripts and reservations have them: a JSON array of [product id, quantity]."""
    return encoded(merged(lines))


def encoded(lines: Sequence[Line]) -> str:
    """The lines just as they are."""
    return msgspec.json.encode([(line.product_id, line.quantity) for line in lines]).decode()


def _one(product_id: str, quantity: int) -> str:
    return encoded([Line(product_id, quantity)])


def read(text: str) -> tuple[Line, ...]:
    """The lines of a text that `written` made."""
    return tuple(Line(product_id, quantity) for product_id, quantity in msgspec.json.decode(text))


def _refusal(answer: Sequence[Any], input_id: str) -> Problem:
    match answer:
        case ["insufficient", product_id, asked, available]:
            return InsufficientStock(product_id, asked, available)
        case ["unknown", product_id]:
            return UnknownStock(product_id)
        case ["exists", product_id]:
            return StockExists(product_id)
        case ["ended"]:
            return ReservationEnded(input_id)
        case ["lost", product_id]:
            return Unavailable(f"the level of product {product_id} is missing: `kassa reconcile --fix` makes it anew")
        case _:
            return Unavailable("the stock is being mended by another process")
