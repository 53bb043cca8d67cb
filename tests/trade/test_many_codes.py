"""Many buyers at once for few uses of a discount."""

import asyncio
from collections import Counter
from pathlib import Path

from kassa.contracts.order import DiscountUsedUp
from kassa.kit.identity import Principal
from kassa.kit.ids import ORDER, USER
from kassa.order.domain import Order
from kassa.order.quoting import Asked, buyer_of
from tests.trade.world import World, world

BUYERS, CODES = 1_000, 100


async def test_a_thousand_buyers_for_a_hundred_codes(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form) as shop:
        product = await shop.sell(stock=BUYERS)
        discount = await shop.discount(code="FIRST", limit=CODES, limit_per_buyer=1)

        async def buy(number: int) -> Order | str:
            who = Principal(shop.ids.new(USER), f"buyer-{number}@example.com", "user", 2**40)
            asked = Asked(code="first", email=who.email, buyer=buyer_of(who.email))
            try:
                return await shop.place((product, 1), who=who, order_id=shop.ids.new(ORDER), asked=asked)
            except DiscountUsedUp as used_up:
                return used_up.code

        told = await asyncio.gather(*(buy(number) for number in range(BUYERS)))
        orders = [each for each in told if isinstance(each, Order)]
        assert Counter(each for each in told if isinstance(each, str)) == {"discount_used_up": BUYERS - CODES}
        assert len(orders) == CODES
        assert all(order.sale is not None and order.sale.parts.discount_minor == 200 for order in orders)
        await is_held(shop, product, CODES)
        await is_held(shop, discount.id, CODES)
        uses = await shop.stores[1].uses.find({}, limit=BUYERS)
        assert {use.order_id for use in uses} == {order.id for order in orders}
        assert await shop.audit() == []


async def is_held(shop: World, id: str, count: int) -> None:
    level = await shop.level(id)
    assert (level.reserved, level.sold, level.received - level.available) == (count, 0, count)
