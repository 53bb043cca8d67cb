"""Offering: how the shop sells, and its discounts, as staff changes them; and what follows from that."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kassa.contracts.inventory import Inventory, Line
from kassa.contracts.order import CodeTaken, SellingChanged
from kassa.kit.audit import Cause, entry, newest
from kassa.kit.clock import SECOND, Clock, Millis, rfc3339
from kassa.kit.documents import Conflict, Duplicate, with_version
from kassa.kit.effects import Effect
from kassa.kit.figures import Figures
from kassa.kit.ids import DISCOUNT, REQUEST, Ids, is_id
from kassa.kit.lists import Pagination, Paging, listed
from kassa.kit.outbox import Outbox
from kassa.kit.problem import NotFound, Unavailable
from kassa.kit.wire import request_id
from kassa.order import discount_checks, selling_checks
from kassa.order.discount_wire import NewDiscount
from kassa.order.discounts import Discount
from kassa.order.quoting import Quoting
from kassa.order.selling import ID, NOTHING_SET, Selling
from kassa.order.selling_wire import SellingIn
from kassa.order.store import OrderStore


class DiscountEffects:
    """Carries out what discounts want of the stock: their uses are counted there, as goods are."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    async def open_uses(self, discount: Discount, effect: Effect) -> None:
        """Let a discount be used so many times."""
        await self._inventory.open_stock(effect.id, discount.id, int(effect.args["uses"]))

    async def add_uses(self, discount: Discount, effect: Effect) -> None:
        """Let it be used so many times more."""
        await self._inventory.restock(effect.id, [Line(discount.id, int(effect.args["uses"]))])


class Offering:
    """Changes how the shop sells."""

    def __init__(
        self,
        store: OrderStore,
        outbox: Outbox[Discount],
        inventory: Inventory,
        quoting: Quoting,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self.store = store
        self._outbox = outbox
        self._inventory = inventory
        self.quoting = quoting
        self._ids = ids
        self._clock = clock
        self._figures = Figures(clock, least=SECOND)

    async def selling(self) -> Selling:
        """How the shop sells now."""
        return await self.store.selling.get(ID) or NOTHING_SET

    async def sell(self, given: SellingIn, who: str, expected: Millis | None) -> Selling:
        """Sell like this from now on. Invalid with all that is wrong; SellingChanged if somebody else has changed it
        since `expected`."""
        now = self._clock.now()
        wanted = selling_checks.checked(given, self.quoting.currency, now)
        known = await self.selling()
        if expected not in (None, known.updated_at):
            raise SellingChanged(rfc3339(known.updated_at))
        audit = newest(known.audit, entry(self._cause(who), "edited", "", "", now))
        wanted = msgspec.structs.replace(wanted, audit=audit)
        try:
            saved = await (
                self.store.selling.save(with_version(wanted, known.version))
                if known.version
                else self.store.selling.insert(wanted)
            )
        except (Conflict, Duplicate) as conflict:
            raise SellingChanged(rfc3339(now)) from conflict
        self.quoting.forget()
        return saved

    async def make(self, id: str, new: NewDiscount, who: str) -> Discount:
        """Make a discount under this id; if it is there already, that one is answered. Invalid, CodeTaken."""
        discount = discount_checks.made(id, new, self.quoting.currency, self._cause(who), self._clock.now())
        try:
            stored = await self._outbox.insert(discount)
        except Duplicate as duplicate:
            stored = await self._known(id, discount, duplicate)
        self._forget()
        return await self._outbox.carry_out(stored)

    async def edit(self, id: str, changes: Mapping[str, Any], who: str) -> Discount:
        """Replace members of a discount; Invalid, NotFound."""
        cause, now = self._cause(who), self._clock.now()
        found = None
        if is_id(DISCOUNT, id):
            found = await self._outbox.see_through(id, lambda known: discount_checks.edited(known, changes, cause, now))
        if found is None:
            raise NotFound(f"there is no discount {id[:64]}")
        self._forget()
        return found

    async def discount(self, id: str) -> Discount:
        """The discount; NotFound."""
        found = await self.store.discounts.get(id) if is_id(DISCOUNT, id) else None
        if found is None:
            raise NotFound(f"there is no discount {id[:64]}")
        return found

    async def discounts(self, asked: Paging) -> tuple[list[Discount], Pagination]:
        """A page of all discounts, the newest first."""
        return await listed(self.store.discounts, {}, asked, self._figures)

    async def left(self, *discounts: Discount) -> dict[str, int | None]:
        """How often each can still be used; None where there is no limit, or it cannot be known now."""
        limited = [each.id for each in discounts if each.limit is not None]
        left: dict[str, int | None] = dict.fromkeys((each.id for each in discounts), None)
        if limited:
            try:
                left.update((level.product_id, level.available) for level in await self._inventory.levels(limited))
            except Unavailable:
                return left
        return left

    async def _known(self, id: str, discount: Discount, duplicate: Duplicate) -> Discount:
        known = await self.store.discounts.get(id)
        if known is None:
            if duplicate.index == "by_code":
                raise CodeTaken(str(discount.code)) from duplicate
            raise Unavailable("it was being made; try again") from duplicate
        return known

    def _forget(self) -> None:
        self.quoting.forget()
        self._figures.forget()

    def _cause(self, who: str) -> Cause:
        return Cause(self._ids.new(REQUEST), who, "edited", request_id.get())
