"""Nobody holds many pieces of a shop without paying, in however many orders and accounts of one address."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from kassa.contracts.inventory import InsufficientStock
from kassa.contracts.order import TooManyOpenPieces
from kassa.kit.clock import MINUTE
from kassa.kit.household import household
from kassa.kit.identity import Principal
from kassa.kit.ids import USER
from kassa.order.domain import Limits, Order
from tests.trade.stores import FORMS
from tests.trade.world import ALONE, BUYER, OTHER, TTL, World, world

LIMITS = Limits(pieces=20, per_buyer=40, per_address=40, in_all=50)
HOME, ELSEWHERE = "203.0.113.7", "203.0.113.8"


@pytest.fixture(params=[ALONE, *FORMS])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def outcomes(answers: list[Order | BaseException]) -> Counter[str]:
    return Counter(
        each.members["per"] if isinstance(each, TooManyOpenPieces) else type(each).__name__ for each in answers
    )


def somebody(shop: World) -> Principal:
    return Principal(shop.ids.new(USER), "somebody@shop.example", "user", 2**40)


async def test_forty_at_once_hold_fifty_pieces_of_all_products_together(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form, limits=LIMITS) as shop:
        mug, pen = await shop.sell(stock=1000), await shop.sell(stock=1000)
        asked = (shop.place((mug, 3), (pen, 2), household=HOME) for _ in range(40))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert outcomes(answers) == {"Order": 10, "buyer": 30}
        assert [(await shop.level(each)).reserved for each in (mug, pen)] == [30, 20]
        with pytest.raises(TooManyOpenPieces) as caught:
            await shop.place((mug, 1), household=ELSEWHERE)
        made = {each.id for each in answers if isinstance(each, Order)}
        assert set(caught.value.members.pop("orderIds")) == made
        assert caught.value.members == {"limit": 50, "per": "buyer"}
        assert await shop.audit() == []


async def test_forty_accounts_of_a_household_hold_what_one_may(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form, limits=LIMITS) as shop:
        mug = await shop.sell(stock=1000)
        homes = [household(f"2001:db8:0:1::{number:x}") for number in range(1, 41)]
        asked = (shop.place((mug, 7), who=somebody(shop), household=home) for home in homes)
        assert outcomes(await asyncio.gather(*asked, return_exceptions=True)) == {"Order": 7, "address": 33}
        assert (await shop.level(mug)).reserved == 49
        await shop.place((mug, 1), household=homes[0])
        with pytest.raises(TooManyOpenPieces) as caught:
            await shop.place((mug, 1), household=homes[0])
        assert caught.value.members["per"] == "address"
        await shop.place((mug, 20), household=household("2001:db8:0:2::1"))


@pytest.mark.parametrize("form", FORMS)
async def test_forty_at_once_over_several_processes_hold_fifty_pieces(tmp_path: Path, form: str) -> None:
    async with AsyncExitStack() as stack:
        shops = [await stack.enter_async_context(world(tmp_path, form=form, limits=LIMITS)) for _ in range(2)]
        mug = await shops[0].sell(stock=1000)
        asked = (shop.place((mug, 5), who=somebody(shop), household=HOME) for _ in range(20) for shop in shops)
        assert outcomes(await asyncio.gather(*asked, return_exceptions=True)) == {"Order": 10, "address": 30}
        assert (await shops[0].level(mug)).reserved == 50


async def test_what_is_paid_cancelled_or_expired_does_not_count_any_more(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form, limits=LIMITS) as shop:
        mug = await shop.sell(stock=1000)
        paid, cancelled, _ = [await shop.place((mug, count), household=HOME) for count in (20, 18, 12)]
        await shop.pay(await shop.open(paid))
        await shop.order.cancel(cancelled.id, BUYER)
        await shop.place((mug, 20), household=HOME)
        await shop.place((mug, 18), household=HOME)
        with pytest.raises(TooManyOpenPieces):
            await shop.place((mug, 1), household=HOME)
        await shop.later(TTL + MINUTE)
        await shop.place((mug, 20), household=HOME)


async def test_after_a_restart_pieces_are_counted_as_before(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form, limits=LIMITS) as shop:
        mug = await shop.sell(stock=1000)
        first, _ = [await shop.place((mug, 20), household=HOME) for _ in range(2)]
    async with world(tmp_path, form=form, limits=LIMITS) as shop:
        for who, per in ((BUYER, "buyer"), (OTHER, "address")):
            with pytest.raises(TooManyOpenPieces) as caught:
                await shop.place((mug, 11), who=who, household=HOME if who is OTHER else ELSEWHERE)
            assert caught.value.members["per"] == per
        await shop.order.cancel(first.id, BUYER)
        await shop.place((mug, 20), who=OTHER, household=HOME)


async def test_an_order_that_alone_is_too_many_is_refused_after_what_is_never_there(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form, limits=LIMITS) as shop:
        products = [await shop.sell(stock=18) for _ in range(3)]
        with pytest.raises(TooManyOpenPieces) as caught:
            await shop.place(*((each, 17) for each in products))
        assert caught.value.members == {"limit": 50, "per": "buyer", "orderIds": []}
        with pytest.raises(InsufficientStock):
            await shop.place(*((each, 19) for each in products))
        assert [(await shop.level(each)).reserved for each in products] == [0, 0, 0]


async def test_pieces_are_limited_where_orders_are_not(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form, limits=Limits(in_all=3)) as shop:
        mug = await shop.sell(stock=1000)
        orders = [await shop.place((mug, 1), household=HOME) for _ in range(3)]
        for who in (BUYER, OTHER):
            with pytest.raises(TooManyOpenPieces):
                await shop.place((mug, 1), who=who, household=HOME)
        await shop.pay(await shop.open(orders[0]))
        await shop.place((mug, 1), who=OTHER, household=HOME)
