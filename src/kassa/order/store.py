"""What the order service keeps."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from kassa.kit.clock import Millis
from kassa.kit.documents import (
    Between,
    Collection,
    CollectionSpec,
    Database,
    Document,
    Duplicate,
    In,
    Index,
    pages,
)
from kassa.kit.machine import unbroken
from kassa.order.discounts import Discount, Use
from kassa.order.domain import Order, Stage, pieces_of
from kassa.order.machine import MACHINE
from kassa.order.numbers import FIRST, SERIES, Numbers
from kassa.order.profile import Profile
from kassa.order.selling import Selling

ORDERS = CollectionSpec(
    "orders",
    Order,
    (
        Index("by_user", ("user_id", "id")),
        Index("by_user_and_status", ("user_id", "status", "id")),
        Index("by_status", ("status", "id")),
        Index("by_value", ("status", "created_at", "total_minor")),
        Index("by_change", ("updated_at",)),
        Index("by_attention", ("needs_attention", "id")),
        Index("by_refund_due", ("refund_by",), sparse=True),
        Index("by_untold", ("untold_from",), sparse=True),
        Index("by_work", ("work", "id"), sparse=True),
        Index("by_returning", ("is_returning", "id"), sparse=True),
        Index("by_refunded", ("is_refunded", "id"), sparse=True),
        Index("by_contact", ("contact",), unique=True),
        Index("by_number", ("number",), sparse=True),
    ),
)
SELLING = CollectionSpec("selling", Selling, is_read_often=True)
PROFILES = CollectionSpec("shop_profile", Profile, is_read_often=True)
DISCOUNTS = CollectionSpec(
    "discounts",
    Discount,
    (
        Index("by_code", ("code",), unique=True),
        Index("by_kind", ("is_automatic", "is_active")),
        Index("by_attention", ("needs_attention", "id")),
    ),
)
USES = CollectionSpec("discount_uses", Use)


class Place(Document, frozen=True, kw_only=True):
    """That an open order has this one of its buyer's places (the id), one of its address's, and for each of its pieces
    one of those for pieces, of both."""

    order_id: str
    address: str | None = None
    pieces: tuple[str, ...] | None = None
    made_at: Millis


_BY = {"id": "id", "by_address": "address", "by_piece": "pieces"}
PLACES = CollectionSpec(
    "open_orders",
    Place,
    (Index("by_address", ("address",), unique=True), Index("by_piece", ("pieces",), unique=True, each=True)),
)


class PlaceBook(Protocol):
    """The places that are taken. A field of theirs is `id`, `address` or `pieces`."""

    async def take(self, place: Place) -> str | None:
        """Take it; or return the field in which it is one that is taken already."""

    async def known(self, field: str, names: Sequence[str]) -> list[Place]:
        """Those that are taken of these."""

    async def older(self, than: Millis) -> AsyncIterator[list[Place]]:
        """Those that were taken before, some at a time."""
        yield []

    async def free(self, id: str, order_id: str) -> None:
        """Nobody has it any more, if this order has it."""


class StoredPlaces:
    """For processes that share a store."""

    def __init__(self, places: Collection[Place]) -> None:
        self._places = places

    async def take(self, place: Place) -> str | None:
        """See PlaceBook."""
        try:
            await self._places.insert(place)
        except Duplicate as taken:
            return _BY[taken.index]
        return None

    async def known(self, field: str, names: Sequence[str]) -> list[Place]:
        """See PlaceBook."""
        return await self._places.find({field: In(tuple(names))}, limit=len(names))

    def older(self, than: Millis) -> AsyncIterator[list[Place]]:
        """See PlaceBook."""
        return pages(self._places, {"made_at": Between(below=than)})

    async def free(self, id: str, order_id: str) -> None:
        """See PlaceBook."""
        await self._places.delete(id, {"order_id": order_id})


class RememberedPlaces:
    """For a process that is alone with its orders: it needs no writes, and reads at its start what is open."""

    def __init__(self) -> None:
        self._by: dict[str, dict[str, Place]] = {field: {} for field in _BY.values()}

    @classmethod
    async def of(cls, orders: Collection[Order]) -> "RememberedPlaces":
        """The places of the orders that are open. Those for pieces are not kept: they are numbered anew."""
        made = cls()
        count: Counter[str] = Counter()
        async for page in pages(orders, {"status": Stage.PENDING.value}):
            for order in page:
                if not order.place:
                    continue
                names: list[str] = []
                for holder in (order.place.rpartition("#")[0], (order.address or "").rpartition("#")[0]):
                    most = count[holder] + pieces_of(order.items) if holder else 0
                    names += [f"{holder}#{number}" for number in range(count[holder], most)]
                    count[holder] = most
                place = Place(id=order.place, order_id=order.id, address=order.address, made_at=order.created_at)
                made._put(msgspec.structs.replace(place, pieces=tuple(names)))
        return made

    def _put(self, place: Place) -> None:
        for field, name in _names(place):
            self._by[field][name] = place

    async def take(self, place: Place) -> str | None:
        """See PlaceBook."""
        taken = next((field for field, name in _names(place) if name in self._by[field]), None)
        if taken is None:
            self._put(place)
        return taken

    async def known(self, field: str, names: Sequence[str]) -> list[Place]:
        """See PlaceBook."""
        found = (self._by[field].get(name) for name in names)
        return list({place.id: place for place in found if place is not None}.values())

    async def older(self, than: Millis) -> AsyncIterator[list[Place]]:
        """See PlaceBook."""
        yield [place for place in self._by["id"].values() if place.made_at < than]

    async def free(self, id: str, order_id: str) -> None:
        """See PlaceBook."""
        place = self._by["id"].get(id)
        if place is not None and place.order_id == order_id:
            for field, name in _names(place):
                del self._by[field][name]


def _names(place: Place) -> list[tuple[str, str]]:
    """All that the place has a name for, by field."""
    address = [("address", place.address)] if place.address is not None else []
    return [("id", place.id), *address, *(("pieces", name) for name in place.pieces or ())]


class Walk(Document, frozen=True, kw_only=True):
    """How far all orders were gone through for something that is done once."""

    after: str = ""
    is_done: bool = False


WALKS = CollectionSpec("order_walks", Walk)


class OrderStore(msgspec.Struct, frozen=True):
    """The open collections, the places that are taken, and the numbers of orders."""

    orders: Collection[Order]
    places: PlaceBook
    selling: Collection[Selling]
    discounts: Collection[Discount]
    uses: Collection[Use]
    numbers: Numbers
    walks: Collection[Walk]
    profiles: Collection[Profile]

    @classmethod
    async def open(cls, database: Database, *, is_alone: bool = False, first_number: int = FIRST) -> "OrderStore":
        """Open the collections; make them if they are not there. `is_alone`: no other process takes orders."""
        orders = unbroken(await database.collection(ORDERS), MACHINE)
        places: PlaceBook
        if is_alone:
            places = await RememberedPlaces.of(orders)
        else:
            places = StoredPlaces(await database.collection(PLACES))
        selling, discounts = await database.collection(SELLING), await database.collection(DISCOUNTS)
        uses, walks = await database.collection(USES), await database.collection(WALKS)
        numbers = Numbers(await database.collection(SERIES), first_number)
        profiles = await database.collection(PROFILES)
        return cls(orders, places, selling, discounts, uses, numbers, walks, profiles)
