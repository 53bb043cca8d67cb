"""Uses of discounts that each buyer may have so many of: an order takes one before it holds its stock, and keeps it
unless it ends unpaid.

A use has a name, and two orders cannot have the same one: so nobody gets more than there are, however many ask at
once. That a use is taken is only believed while its order can still be paid, or is: if a crash left it taken, it is
free all the same.
"""

import msgspec

from kassa.contracts.order import DiscountUsedUp
from kassa.kit import inputs
from kassa.kit.clock import Clock
from kassa.kit.documents import Collection, Conflict, Duplicate
from kassa.order.discounts import Discount, Use
from kassa.order.domain import Order, Stage
from kassa.order.places import UNMADE

_ENDED = (Stage.CANCELLED, Stage.FAILED)


class Uses:
    """Who has used which discount."""

    def __init__(self, uses: Collection[Use], orders: Collection[Order], clock: Clock) -> None:
        self._uses = uses
        self._orders = orders
        self._clock = clock

    async def take(self, discount: Discount, buyer: str, order_id: str) -> str:
        """Take a use of the buyer's for this order, and return its name; asked again for the same order it is the same.
        DiscountUsedUp if the buyer has no more."""
        names = inputs.uses_of(discount.id, buyer, discount.limit_per_buyer or 0)
        while True:
            known = {use.id: use for use in await self._uses.many(names)}
            if mine := next((name for name in names if name in known and known[name].order_id == order_id), None):
                return mine
            free = [name for name in names if name not in known or await self._frees(known[name])]
            if not free:
                raise DiscountUsedUp(discount.code or discount.name, discount.id, "buyer")
            if await self._insert(free[0], order_id, 1):
                return free[0]

    async def is_left(self, discount: Discount, buyer: str) -> bool:
        """Whether the buyer may use it once more."""
        names = inputs.uses_of(discount.id, buyer, discount.limit_per_buyer or 0)
        known = await self._uses.many(names)
        return len(known) < len(names) or any([await self._is_dead(use) for use in known])

    async def take_again(self, name: str, order_id: str, generation: int) -> bool:
        """Take a use once more that was given back, with a later generation of the order's reservation. False: another
        order of the buyer's has it by now."""
        while not await self._insert(name, order_id, generation):
            known = await self._uses.get(name)
            if known is None:
                continue
            if known.order_id != order_id:
                if not await self._frees(known):
                    return False
            elif known.generation == generation or await self._renew(known, generation):
                return True
        return True

    async def free(self, name: str, order_id: str, generation: int = 1) -> None:
        """The order does not need the use any more, if it has it with this reservation."""
        await self._uses.delete(name, {"order_id": order_id, "generation": generation})

    async def _insert(self, name: str, order_id: str, generation: int) -> bool:
        use = Use(id=name, order_id=order_id, generation=generation, made_at=self._clock.now())
        try:
            await self._uses.insert(use)
        except Duplicate:
            return False
        return True

    async def _renew(self, known: Use, generation: int) -> bool:
        """It was not given back yet, and is not to be any more. False: it was, just now."""
        try:
            await self._uses.save(msgspec.structs.replace(known, generation=generation))
        except Conflict:
            return False
        return True

    async def _frees(self, use: Use) -> bool:
        if not await self._is_dead(use):
            return False
        await self.free(use.id, use.order_id, use.generation)
        return True

    async def _is_dead(self, use: Use) -> bool:
        order = await self._orders.get(use.order_id)
        if order is None:
            return use.made_at <= self._clock.now() - UNMADE
        return order.stage in _ENDED
