"""How the shop of some runs sells: by which methods, with which taxes and discounts; and who asks for what of it."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from kassa.app.shop import Shop
from kassa.contracts.parts import Address
from kassa.kit.identity import Principal, guest, guest_token
from kassa.kit.ids import DISCOUNT, Ids
from kassa.kit.problem import Problem
from kassa.order.discount_wire import NewDiscount
from kassa.order.domain import Order
from kassa.order.quoting import Asked, buyer_of
from kassa.order.selling_wire import MethodIn, PlaceIn, RateIn, SellingIn, ZoneIn

if TYPE_CHECKING:
    from kassa.simulation.world import World

STAFF = "usr_admin"
FEW, ONCE, GIFT = "FEW", "ONCE", "GIFT"
"""Codes: there are few in all, one for each buyer, and one that takes off all that goods cost."""
HOMES = (
    (Address("Reader", "DE", ("1 Test Street",), "Berlin", "", "10115"), ("post", "express", "shop")),
    (Address("Reader", "US", ("1 Test Street",), "Los Angeles", "CA", "90001"), ("parcel", "shop")),
)
_WANTERS, _ADDRESSES = 0.45, 8
_KEY = b"the guests of a simulation"
_DELIVERY: tuple[MethodIn, ...] = (
    MethodIn("post", "Post", zone="home", price=Decimal("4.90"), free_from=Decimal(60)),
    MethodIn("express", "Express", zone="home", price=Decimal("9.95")),
    MethodIn("parcel", "Parcel", zone="away", price=Decimal("12.90")),
    MethodIn("shop", "From the shop", kind="pickup"),
)
_RATES = (RateIn("DE", Decimal(19), "VAT", is_included=True), RateIn("US", Decimal("8.875"), "Sales tax"))


class Wish(NamedTuple):
    """What somebody asks for besides goods; `token` is a guest's."""

    asked: Asked = Asked()
    token: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it is nothing."""
        return self.asked.is_plain and not self.token


PLAIN = Wish()


class Offers:
    """What one run has of all this: in most runs nothing, and there all is as in a shop that sells plainly."""

    def __init__(self, world: "World", buyers: int) -> None:
        self._world = world
        self._chance = world.chance("offers")
        self._ids = Ids(world.clock, world.chance("discounts").randbytes)
        self.limits = {FEW: max(1, buyers // 25), GIFT: max(1, buyers // 20)}
        self.per_buyer = {ONCE: 1, GIFT: 2}
        self.discounts: dict[str, str] = {}
        self.guests: dict[str, str] = {}
        """The orders of guests, and whose they are."""

    async def open(self) -> None:
        """Say how the shop sells, and make its discounts."""
        if not self._world.is_rich:
            return
        zones = [ZoneIn("home", "Home", [PlaceIn("DE")]), ZoneIn("away", "Away", [PlaceIn("*")])]
        taxes_shipping = self._chance.random() < 0.5
        selling = SellingIn(zones, list(_DELIVERY), list(_RATES), "DE", taxes_shipping=taxes_shipping)
        await self._ask(lambda shop: shop.offering.sell(selling, STAFF, None))  # type: ignore[union-attr]
        percent, gift = Decimal(self._chance.choice(["12.5", "33.3333"])), self.limits[GIFT]
        for new in (
            NewDiscount("Few", "percentage", FEW, percent=percent, limit=self.limits[FEW]),
            NewDiscount(
                "Once", "amount", ONCE, amount=Decimal("3.01"), limit_per_buyer=self.per_buyer[ONCE], combines=True
            ),
            NewDiscount(
                "Gift",
                "percentage",
                GIFT,
                percent=Decimal(100),
                limit=gift,
                limit_per_buyer=self.per_buyer[GIFT],
                combines=True,
            ),
            NewDiscount("Free shipping", "freeShipping", minimum=Decimal(25), combines=True),
            NewDiscount("Ten off large", "percentage", percent=Decimal(10), minimum=Decimal(70)),
        ):
            await self._make(new)

    async def raise_limits(self) -> None:
        """An operator allows a few more uses, again and again."""
        for _ in range(2 if self._world.is_rich else 0):
            await asyncio.sleep(self._chance.uniform(60, 500))
            code = self._chance.choice([FEW, GIFT])
            limit = self.limits[code] = self.limits[code] + self._chance.randint(1, 2)
            await self._raise(self.discounts[code], limit)

    def wish(self, number: int, order_id: str) -> Wish:
        """What this buyer asks for, with this order."""
        if not self._world.is_rich:
            return PLAIN
        chance = self._world.chance(f"wish {number}")
        if chance.random() > _WANTERS:
            return PLAIN
        home, methods = chance.choice(HOMES)
        to, method = (home, chance.choice(methods)) if chance.random() < 0.75 else (None, None)
        code = chance.choice([None, FEW, FEW, ONCE, GIFT])
        email = f"reader-{chance.randrange(_ADDRESSES)}@example.com"
        asked = Asked(destination=to, method_id=method, code=code, email=email, buyer=buyer_of(email))
        token = guest_token(_KEY, order_id) if chance.random() < 0.5 else ""
        if token:
            self.guests[order_id] = guest(token).id
        return Wish(asked, token)

    async def peek(self, who: Principal, chance: Random) -> None:
        """A guest looks at another's order, and must not see it."""
        others = [order_id for order_id, owner in self.guests.items() if owner != who.id]
        if not others:
            return
        order_id = chance.choice(others)
        try:
            await self._world.insist("", lambda shop: shop.order.visible(order_id, who))  # type: ignore[union-attr]
        except Problem:
            return
        self._world.violations.append(f"I12: order {order_id} is seen by {who.id}, a guest whose it is not")

    async def claim(self, order_id: str, token: str, who: Principal) -> None:
        """Who was a guest has made an account, and takes the order into it some time later."""
        await asyncio.sleep(self._world.chance(f"claim of {order_id}").expovariate(1 / 60))
        try:
            await self._world.insist(order_id, lambda shop: shop.order.claim(order_id, who, token))  # type: ignore[union-attr]
        except Problem:
            return

    async def _raise(self, id: str, limit: int) -> None:
        await self._ask(lambda shop: shop.offering.edit(id, {"limit": limit}, STAFF))  # type: ignore[union-attr]

    async def _make(self, new: NewDiscount) -> None:
        id = self._ids.new(DISCOUNT)
        self.discounts[new.code or new.name] = id
        await self._ask(lambda shop: shop.offering.make(id, new, STAFF))  # type: ignore[union-attr]

    async def _ask(self, question: Callable[[Shop], Awaitable[Any]]) -> None:
        try:
            await self._world.insist("", question)
        except Problem as problem:
            if problem.status >= 500:
                raise


def kinds_of(order: Order, offers: Offers) -> list[str]:
    """What an order has that a plain one has not."""
    found = ["a guest's"] if order.id in offers.guests else []
    if order.sale is None:
        return found
    parts = order.sale.parts
    has = {
        "a code": any(each.code for each in parts.discounts),
        "a destination": order.sale.destination is not None,
        "tax": bool(parts.taxes),
        "nothing to pay": not order.total_minor,
    }
    return found + [name for name, is_so in has.items() if is_so]
