"""Nobody holds the stock of a shop without paying: an order, a buyer and an address have limits."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from kassa.contracts.inventory import InsufficientStock
from kassa.contracts.order import OverQuantityLimit, TooManyOpenOrders
from kassa.contracts.product import UnknownProduct
from kassa.kit import security
from kassa.kit.clock import DAY, HOUR, MINUTE
from kassa.kit.identity import Principal
from kassa.kit.ids import ORDER, PRODUCT, USER
from kassa.kit.problem import Invalid, Unavailable
from kassa.order.domain import Limits, Order, Stage
from kassa.order.places import UNMADE
from tests.trade.stores import FORMS
from tests.trade.world import ADMIN, ALONE, BUYER, OTHER, TTL, World, world

FAR_FUTURE = 2**45
LIMITS = Limits(pieces=20, per_buyer=5, per_address=12)
HOME, ELSEWHERE = "203.0.113.7", "2001:db8:0:1::/64"


@pytest.fixture(params=[ALONE, *FORMS])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def shop(tmp_path: Path, form: str) -> AsyncIterator[World]:
    async with world(tmp_path, form=form, limits=LIMITS) as made:
        yield made
        assert await made.audit() == []


async def places_taken(shop: World) -> int:
    return sum([len(page) async for page in shop.stores[1].places.older(FAR_FUTURE)])


def outcomes(answers: list[Order | BaseException]) -> Counter[str]:
    return Counter(
        each.members["per"] if isinstance(each, TooManyOpenOrders) else type(each).__name__ for each in answers
    )


def somebody(shop: World) -> Principal:
    return Principal(shop.ids.new(USER), "somebody@shop.example", "user", 2**40)


async def fill(shop: World, mug: str, who: Principal = BUYER, household: str = "") -> list[Order]:
    return [await shop.place((mug, 1), who=who, household=household) for _ in range(5)]


async def test_fifty_at_once_by_one_buyer_are_five(shop: World) -> None:
    mug = await shop.sell(stock=1000)
    asked = (shop.place((mug, 20), household=HOME) for _ in range(50))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert outcomes(answers) == {"Order": 5, "buyer": 45}
    assert (await shop.level(mug)).reserved == 100
    refusal = next(each for each in answers if isinstance(each, TooManyOpenOrders))
    assert refusal.members["limit"] == 5
    assert set(refusal.members["orderIds"]) == {each.id for each in answers if isinstance(each, Order)}


@pytest.mark.parametrize("form", FORMS)
async def test_fifty_at_once_over_several_processes_are_five(tmp_path: Path, form: str) -> None:
    async with AsyncExitStack() as stack:
        shops = [await stack.enter_async_context(world(tmp_path, form=form, limits=LIMITS)) for _ in range(3)]
        mug = await shops[0].sell(stock=1000)
        asked = (shop.place((mug, 20), household=HOME) for _ in range(17) for shop in shops)
        assert outcomes(await asyncio.gather(*asked, return_exceptions=True)) == {"Order": 5, "buyer": 46}
        assert (await shops[0].level(mug)).reserved == 100
        somebodies = [somebody(shop) for shop in shops for _ in range(8)]
        asked = (shops[n % 3].place((mug, 20), who=who, household=HOME) for n, who in enumerate(somebodies))
        assert outcomes(await asyncio.gather(*asked, return_exceptions=True)) == {"Order": 7, "address": 17}


async def test_many_accounts_of_one_address_have_its_places_and_no_more(shop: World) -> None:
    mug = await shop.sell(stock=1000)
    before = security.EVENTS.counts[security.HOARDING.name]
    asked = (shop.place((mug, 1), who=somebody(shop), household=HOME) for _ in range(50))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert outcomes(answers) == {"Order": 12, "address": 38}
    assert security.EVENTS.counts[security.HOARDING.name] - before == 38
    assert (await shop.place((mug, 1), household=ELSEWHERE)).stage is Stage.PENDING
    with pytest.raises(TooManyOpenOrders) as caught:
        await shop.place((mug, 1), household=HOME)
    assert caught.value.members == {"limit": 12, "per": "address", "orderIds": []}


async def test_nothing_is_held_for_a_moment_by_who_is_refused(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mug = await shop.sell(stock=1000)
    await fill(shop, mug)

    async def reserve(*_: object) -> None:
        raise AssertionError("held before the place was taken")

    monkeypatch.setattr(shop.inventory, "reserve", reserve)
    with pytest.raises(TooManyOpenOrders):
        await shop.place((mug, 1))


async def test_a_paid_order_does_not_count_any_more(shop: World) -> None:
    mug = await shop.sell(stock=1000)
    first, *_ = await fill(shop, mug)
    await shop.pay(await shop.open(first))
    assert await places_taken(shop) == 4
    await shop.place((mug, 1))
    with pytest.raises(TooManyOpenOrders):
        await shop.place((mug, 1))


@pytest.mark.parametrize("who", [BUYER, ADMIN], ids=["buyer", "administrator"])
async def test_a_cancelled_order_does_not_count_any_more(shop: World, who: Principal) -> None:
    mug = await shop.sell(stock=1000)
    first, *_ = await fill(shop, mug, household=HOME)
    await shop.order.cancel(first.id, who)
    assert await places_taken(shop) == 4
    assert (await shop.place((mug, 1), household=HOME)).stage is Stage.PENDING


async def test_an_order_that_was_not_paid_in_time_does_not_count_any_more(shop: World) -> None:
    mug = await shop.sell(stock=1000)
    await fill(shop, mug)
    await shop.later(TTL + MINUTE)
    assert await places_taken(shop) == 0
    await fill(shop, mug)


async def test_an_ended_order_does_not_count_though_its_effects_wait(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object) -> None:
        raise Unavailable

    mug = await shop.sell(stock=1000)
    first, *_ = await fill(shop, mug)
    with monkeypatch.context() as patched:
        patched.setattr(shop.inventory, "release", down)
        await shop.order.cancel(first.id, BUYER)
        await shop.settle()
    assert (await shop.order_now(first)).stage is Stage.CANCELLED
    sixth = await shop.place((mug, 1))
    await shop.later(2 * MINUTE)
    assert await places_taken(shop) == 5  # what is done about the first one now leaves the sixth its place
    with pytest.raises(TooManyOpenOrders) as caught:
        await shop.place((mug, 1))
    assert sixth.id in caught.value.members["orderIds"]


async def test_an_order_that_cannot_be_held_leaves_its_place(shop: World) -> None:
    mug = await shop.sell(stock=1)
    for _ in range(7):
        with pytest.raises(InsufficientStock):
            await shop.place((mug, 2))
    assert await places_taken(shop) == 0
    await shop.place((mug, 1))


async def test_an_order_that_is_asked_for_again_has_one_place(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(*_: object) -> None:
        raise Unavailable

    mug, order_id = await shop.sell(stock=1000), shop.ids.new(ORDER)
    with monkeypatch.context() as patched:
        patched.setattr(shop.inventory, "reserve", down)
        with pytest.raises(Unavailable):
            await shop.place((mug, 1), order_id=order_id, household=HOME)
    order = await shop.place((mug, 1), order_id=order_id, household=HOME)
    assert await shop.place((mug, 1), order_id=order_id, household=HOME) == order
    assert await places_taken(shop) == 1


async def test_what_a_crash_has_left_is_free_after_a_while_and_removed(shop: World) -> None:
    mug = await shop.sell(stock=1000)
    for _ in range(5):
        await shop.places.take(shop.ids.new(ORDER), BUYER.id, HOME, 1)
    with pytest.raises(TooManyOpenOrders):
        await shop.place((mug, 1), household=HOME)
    shop.clock.advance(UNMADE + MINUTE)
    await shop.place((mug, 1), household=HOME)
    await shop.places.take(shop.ids.new(ORDER), OTHER.id, HOME, 1)
    await shop.later(TTL + MINUTE)
    assert await places_taken(shop) == 1
    shop.clock.advance(DAY)
    await shop.places.tidy()
    assert await places_taken(shop) == 0


async def test_the_place_of_an_order_whose_payment_takes_days_is_not_removed(shop: World) -> None:
    mug = await shop.sell(stock=1000)
    order = await shop.place((mug, 1))
    orders = shop.stores[1].orders
    stored = await orders.get(order.id)
    assert stored is not None
    shop.clock.advance(DAY + HOUR)
    await shop.places.tidy()
    assert await places_taken(shop) == 1
    await shop.later(MINUTE)


async def test_an_order_of_more_pieces_than_are_sold_at_once_is_refused(shop: World) -> None:
    mug = await shop.sell(stock=1000)
    for lines in (((mug, 21),), ((mug, 11), (mug, 10))):
        with pytest.raises(OverQuantityLimit) as caught:
            await shop.place(*lines)
        assert caught.value.members == {"productId": mug, "limit": 20}
    assert (await shop.level(mug)).reserved == 0
    await shop.place((mug, 10), (mug, 10))


async def test_what_an_order_may_never_have_is_told_before_what_it_may_not_have_here(shop: World) -> None:
    mug = await shop.sell(stock=30)
    with pytest.raises(InsufficientStock) as caught:
        await shop.place((mug, 31))
    assert caught.value.members == {"productId": mug, "asked": 31, "available": 30}
    with pytest.raises(UnknownProduct):
        await shop.place((mug, 21), (shop.ids.new(PRODUCT), 1))
    with pytest.raises(Invalid, match="totalAmount"):
        await shop.place((mug, 1_000_000))


async def test_a_shop_may_have_no_limits(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form, limits=Limits()) as shop:
        mug = await shop.sell(stock=1000)
        await asyncio.gather(*(shop.place((mug, 30), household=HOME) for _ in range(30)))
        assert await places_taken(shop) == 0


async def test_one_limit_needs_not_the_other(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form, limits=Limits(per_address=3)) as shop:
        mug = await shop.sell(stock=1000)
        for _ in range(3):
            await shop.place((mug, 1), household=HOME)
        with pytest.raises(TooManyOpenOrders):
            await shop.place((mug, 1), household=HOME)
        await asyncio.gather(*(shop.place((mug, 1)) for _ in range(9)))


async def test_after_a_restart_all_is_counted_as_before(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form, limits=LIMITS) as shop:
        mug = await shop.sell(stock=1000)
        first, *_ = await fill(shop, mug, household=HOME)
        for _ in range(7):
            await shop.place((mug, 1), who=somebody(shop), household=HOME)
        await shop.order.cancel(first.id, BUYER)
    async with world(tmp_path, form=form, limits=LIMITS) as shop:
        await shop.place((mug, 1), household=HOME)
        for who, per in ((BUYER, "buyer"), (OTHER, "address")):
            with pytest.raises(TooManyOpenOrders) as caught:
                await shop.place((mug, 1), who=who, household=HOME)
            assert caught.value.members["per"] == per


async def test_no_order_keeps_the_address_when_it_has_ended(shop: World) -> None:
    mug = await shop.sell(stock=1000)
    paid, cancelled = [await shop.place((mug, 1), household=HOME) for _ in range(2)]
    assert HOME in str(paid.address)
    await shop.pay(await shop.open(paid))
    await shop.order.cancel(cancelled.id, BUYER)
    assert [(await shop.order_now(each)).address for each in (paid, cancelled)] == [None, None]
