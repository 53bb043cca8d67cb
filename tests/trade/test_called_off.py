"""Orders that cost nothing: what staff can do about them."""

from decimal import Decimal

import pytest

from kassa.contracts.order import OrderNotCancellable
from kassa.kit.identity import Principal, guest
from kassa.order.domain import Order, Reason, Stage
from kassa.order.quoting import Asked
from tests.trade.world import BUYER, World

STAFF = Principal("usr_staff", "staff@example.com", "admin", 2**40)


async def given(shop: World, mug: str, who: Principal = BUYER) -> Order:
    await shop.discount(code="GIFT", percent=Decimal(100), limit=5, limit_per_buyer=5)
    return await shop.place((mug, 2), who=who, asked=Asked(code="GIFT", buyer="somebody"), is_guest=who.is_guest)


async def test_staff_calls_off_what_was_free_and_its_goods_come_back_once(shop: World) -> None:
    mug = await shop.sell(10, price_minor=1000)
    order = await given(shop, mug)
    with pytest.raises(OrderNotCancellable, match="nothing was to be paid"):
        await shop.order.cancel(order.id, BUYER)
    for _ in range(2):
        off, is_settled = await shop.order.cancel(order.id, STAFF)
        assert (off.stage, off.status, is_settled) == (Stage.REVOKED, "CANCELLED", True)
    assert off.reason is Reason.CANCELLED_BY_OPERATOR
    level = await shop.level(mug)
    assert (level.available, level.sold, level.received) == (10, 2, 12)
    with pytest.raises(OrderNotCancellable):
        await shop.order.cancel((await paid(shop, mug)).id, STAFF)


async def paid(shop: World, mug: str) -> Order:
    order = await shop.place((mug, 1))
    await shop.pay(await shop.open(order))
    return await shop.order_now(order)


async def test_why_an_order_was_free_is_still_known_when_it_was_claimed(shop: World) -> None:
    token = f"guest_{1:064x}"
    order = await given(shop, await shop.sell(price_minor=1000), guest(token))
    claimed = await shop.order.claim(order.id, BUYER, token)
    assert (claimed.user_id, claimed.reason) == (BUYER.id, Reason.FULLY_DISCOUNTED)
