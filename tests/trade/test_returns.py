"""Goods that come back with refunds: piece by piece, never more than were sold, and once, whatever fails when."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from kassa.contracts.inventory import Line
from kassa.contracts.order import OrderForPayment, RefundNews
from kassa.contracts.payment import RefundTooLarge, TooManyPieces
from kassa.kit.audit import Cause, entry
from kassa.kit.clock import HOUR, MINUTE
from kassa.kit.effects import planned, with_effects
from kassa.kit.ids import REFUND
from kassa.kit.problem import Invalid, Unavailable
from kassa.order.domain import Order
from kassa.payment.domain import Refund, Todo
from tests.trade.stripe_at_the_port import NO_FUNDS
from tests.trade.test_timeline import told
from tests.trade.world import BUYER, World


async def sold(shop: World, pieces: int = 3, price_minor: int = 1000) -> tuple[Order, str]:
    """A paid order for all pieces that there are."""
    mug = await shop.sell(stock=pieces, price_minor=price_minor)
    order = await shop.place((mug, pieces))
    await shop.pay(await shop.open(order))
    return order, mug


async def refund(
    shop: World,
    order: Order,
    *items: tuple[str, int],
    amount: int = 0,
    restock: bool = False,
    refund_id: str = "",
) -> Refund:
    made = await shop.payment.refunding.refund(
        order.id,
        refund_id or shop.ids.new(REFUND),
        amount,
        "",
        items=[Line(*each) for each in items],
        restock=restock,
        who="usr_admin",
    )
    await shop.settle()
    return made


async def available(shop: World, product_id: str) -> int:
    level = await shop.level(product_id)
    assert level.received == level.available + level.reserved + level.sold
    return level.available


async def test_a_part_of_the_money_brings_back_the_pieces_that_it_names(shop: World) -> None:
    order, mug = await sold(shop)
    made = await refund(shop, order, (mug, 1), amount=1000)
    assert (made.amount_minor, made.items, await available(shop, mug)) == (1000, (Line(mug, 1),), 1)
    assert (await shop.order_now(order)).status == "CONFIRMED"
    assert "1 × Mug: back on the shelf." in await told(shop, order)
    await refund(shop, order, (mug, 2))
    assert await available(shop, mug) == 3
    assert (await shop.order_now(order)).status == "REFUNDED"


async def test_without_an_amount_the_price_of_the_pieces_goes_back(shop: World) -> None:
    order, mug = await sold(shop)
    assert (await refund(shop, order, (mug, 2))).amount_minor == 2000
    await refund(shop, order, amount=500)
    with pytest.raises(RefundTooLarge):
        await refund(shop, order, (mug, 1))
    assert await available(shop, mug) == 2


async def test_money_goes_back_and_goods_stay_or_the_other_way_round(shop: World) -> None:
    order, mug = await sold(shop)
    await refund(shop, order, amount=1500)
    assert await available(shop, mug) == 0
    await refund(shop, order, (mug, 3), amount=1)
    assert await available(shop, mug) == 3
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_no_piece_comes_back_more_often_than_it_was_sold(shop: World) -> None:
    order, mug = await sold(shop)
    await refund(shop, order, (mug, 2))
    with pytest.raises(TooManyPieces) as refused:
        await refund(shop, order, (mug, 1), (mug, 1), amount=1)
    assert refused.value.members == {"productId": mug, "asked": 2, "left": 1}
    assert refused.value.status == 422
    with pytest.raises(Invalid, match="prd_of_another_order is not in this order"):
        await refund(shop, order, ("prd_of_another_order", 1))
    assert len((await shop.payment_now(order)).refunds) == 1


@pytest.mark.parametrize("amount", [0, 2001, 1000])
async def test_more_pieces_than_are_left_are_told_of_whatever_the_amount(shop: World, amount: int) -> None:
    order, mug = await sold(shop)
    await refund(shop, order, (mug, 1))
    with pytest.raises(TooManyPieces) as refused:
        await refund(shop, order, (mug, 3), amount=amount)
    assert refused.value.members == {"productId": mug, "asked": 3, "left": 2}


async def test_pieces_that_are_left_are_not_refunded_with_more_money_than_is_left(shop: World) -> None:
    order, mug = await sold(shop)
    with pytest.raises(RefundTooLarge):
        await refund(shop, order, (mug, 3), amount=3001)
    await refund(shop, order, (mug, 3))
    with pytest.raises(RefundTooLarge):
        await refund(shop, order, (mug, 1))


async def test_refunds_at_the_same_time_never_bring_back_more_than_was_sold(shop: World) -> None:
    order, mug = await sold(shop, pieces=5)
    asked = (refund(shop, order, (mug, 2), amount=1) for _ in range(6))
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(result, Refund) for result in results) == 2
    assert sum(isinstance(result, TooManyPieces) for result in results) == 4
    assert await available(shop, mug) == 4


@pytest.mark.parametrize("restock", [False, True], ids=["pieces", "all of them"])
async def test_who_asks_just_as_the_money_comes_is_answered_as_a_moment_later(
    shop: World, restock: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    mug = await shop.sell(stock=2)
    order = await shop.place((mug, 2))
    session = await shop.open(order)
    shown = shop.order.for_payment

    async def shown_as_the_money_comes(order_id: str) -> OrderForPayment:
        monkeypatch.setattr(shop.order, "for_payment", shown)
        found = await shown(order_id)
        await shop.pay(session)
        return found

    monkeypatch.setattr(shop.order, "for_payment", shown_as_the_money_comes)
    made = await refund(shop, order, *([] if restock else [(mug, 2)]), restock=restock)
    assert made.items == (Line(mug, 2),)
    assert await available(shop, mug) == 2


async def test_all_that_is_left_brings_back_the_pieces_that_are_left(shop: World) -> None:
    order, mug = await sold(shop)
    await refund(shop, order, (mug, 1))
    with pytest.raises(Invalid, match="restock"):
        await refund(shop, order, amount=1999, restock=True)
    made = await refund(shop, order, amount=2000, restock=True)
    assert (made.items, await available(shop, mug)) == ((Line(mug, 2),), 3)


async def test_the_same_refund_asked_for_again_brings_nothing_more(shop: World) -> None:
    order, mug = await sold(shop)
    shop.stripe.faults["refund"] = ["after"]
    for _ in range(3):
        await refund(shop, order, (mug, 1), refund_id="rfd_1")
    await shop.later(MINUTE)
    assert await available(shop, mug) == 1
    assert len(shop.stripe.refunds_made) == 1


async def test_a_refund_that_is_refused_brings_nothing_back(shop: World) -> None:
    order, mug = await sold(shop)
    shop.stripe.has_funds = False
    made = await refund(shop, order, (mug, 3))
    assert (made.status, NO_FUNDS in str(made.failure), await available(shop, mug)) == ("failed", True, 0)
    shop.stripe.has_funds = True
    await refund(shop, order, (mug, 3))
    assert await available(shop, mug) == 3


@pytest.mark.parametrize("first", ["pending", "succeeded"])
async def test_one_that_fails_after_its_pieces_are_back_does_not_bring_them_back_twice(shop: World, first: str) -> None:
    order, mug = await sold(shop)
    shop.stripe.refund_status = first
    made = await refund(shop, order, (mug, 3))
    assert await available(shop, mug) == 3
    await shop.hook(shop.stripe.send_back(str(made.stripe_id)))
    with pytest.raises(TooManyPieces):
        await refund(shop, order, (mug, 1))
    shop.stripe.refund_status = "succeeded"
    assert (await refund(shop, order, restock=True)).items == ()
    assert await available(shop, mug) == 3


async def test_while_the_stock_cannot_be_reached_pieces_wait_and_come_back_once(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, mug = await sold(shop)

    async def lost(operation_id: str, lines: Sequence[Line]) -> None:
        await restock(operation_id, list(lines))
        raise Unavailable

    restock = shop.inventory.restock
    with monkeypatch.context() as broken:
        broken.setattr(shop.inventory, "restock", lost)
        await refund(shop, order, (mug, 1))
        await refund(shop, order, (mug, 1))
    await shop.later(HOUR)
    assert await available(shop, mug) == 2


async def test_an_order_that_has_sold_nothing_brings_nothing_back(shop: World) -> None:
    mug = await shop.sell(stock=3)
    order = await shop.place((mug, 1))
    payment = await shop.open(order)
    await shop.order.cancel(order.id, BUYER)
    shop.stripe.faults["refund"] = ["before"]
    await shop.pay(payment)
    with pytest.raises(Invalid, match="sold nothing"):
        await refund(shop, order, (mug, 1), amount=1)
    await shop.later(MINUTE)
    assert await available(shop, mug) == 3


# What earlier versions wrote: one refund brought all goods of an order back, once.


async def restocked_by_an_earlier_version(shop: World, order: Order, *, is_failed: bool = False) -> None:
    refund = Refund(
        id="rfd_old",
        amount_minor=1000,
        reason="",
        restock=True,
        status="failed" if is_failed else "succeeded",
        origin="kassa",
        key="rfd_old-1",
        stripe_id="re_old",
        created_at=shop.clock.now(),
        updated_at=shop.clock.now(),
    )
    payment = await shop.payment_now(order)
    cause = Cause("old", "payment-service")
    made = entry(cause, "refund rfd_old: requested -> succeeded", payment.stage, payment.stage, shop.clock.now())
    with_refund = msgspec.structs.replace(payment, refunds=(refund,), audit=(*payment.audit, made))
    told_order = planned(with_refund, Todo.NOTE_REFUND, shop.clock.now(), restock="yes")
    await shop.payment.payments.save(with_effects(with_refund, (*with_refund.effects, told_order)))
    await shop.later(MINUTE)


@pytest.mark.parametrize("is_failed", [False, True])
async def test_an_upgrade_in_the_middle_brings_no_goods_back_twice(shop: World, *, is_failed: bool) -> None:
    order, mug = await sold(shop)
    await restocked_by_an_earlier_version(shop, order, is_failed=is_failed)
    assert await available(shop, mug) == 3
    with pytest.raises(TooManyPieces):
        await refund(shop, order, (mug, 1))
    assert (await refund(shop, order, restock=True)).items == ()
    assert await available(shop, mug) == 3
    assert await shop.audit() == []


async def test_a_payment_service_of_an_earlier_version_is_understood(shop: World) -> None:
    order, mug = await sold(shop)
    older = msgspec.json.decode(b'{"inputId":"in_1","version":5,"isFull":false,"restock":true}', type=RefundNews)
    await shop.order.note_refund(order.id, older)
    await shop.order.note_refund(order.id, msgspec.structs.replace(older, input_id="in_2"))
    await shop.settle()
    assert await available(shop, mug) == 3
