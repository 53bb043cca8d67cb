"""Placing, cancelling and expiring orders."""

import asyncio
from decimal import Decimal

import pytest

from kassa.contracts.inventory import InsufficientStock, Line
from kassa.contracts.order import OrderNotCancellable, PriceChanged
from kassa.contracts.payment import OrderNotPayable
from kassa.contracts.product import UnknownProduct
from kassa.kit.clock import MINUTE, SECOND
from kassa.kit.idempotency import Abandoned
from kassa.kit.ids import ORDER, PRODUCT
from kassa.kit.problem import Invalid, NotFound, Unavailable
from kassa.order.domain import Reason, Stage
from tests.trade.world import ADMIN, BUYER, OTHER, TTL, World


async def test_an_order_keeps_the_prices_of_its_moment_and_holds_its_stock(shop: World) -> None:
    mug, lamp = await shop.sell(stock=5, price_minor=1250), await shop.sell(stock=1, price_minor=9900)
    order = await shop.place((mug, 2), (lamp, 1))
    await shop.product.update(mug, {"price": Decimal(99)}, "usr_admin")
    again = await shop.order_now(order)
    assert (again.total_minor, again.items[0].price_minor, again.status) == (12400, 1250, "PENDING")
    assert (await shop.level(mug)).available == 3
    assert (await shop.level(lamp)).reserved == 1


@pytest.mark.parametrize("expected", [0, 3999, 4001], ids=["nothing", "less", "more"])
async def test_an_order_at_another_total_than_the_buyer_has_seen_is_refused(shop: World, expected: int) -> None:
    mug, lamp = await shop.sell(stock=5, price_minor=1000), await shop.sell(stock=5, price_minor=2000, name="Lamp")
    assert (await shop.place((mug, 2), (lamp, 1), expected=4000)).total_minor == 4000
    with pytest.raises(PriceChanged) as refused:
        await shop.place((mug, 2), (lamp, 1), expected=expected)
    members = refused.value.members
    assert (members["expectedTotalMinor"], members["totalAmountMinor"], members["currency"]) == (expected, 4000, "usd")
    assert members["items"] == [
        {"productId": mug, "name": "Mug", "quantity": 2, "priceMinor": 1000},
        {"productId": lamp, "name": "Lamp", "quantity": 1, "priceMinor": 2000},
    ]
    assert [(await shop.level(each)).reserved for each in (mug, lamp)] == [2, 1], "nothing more is held"


async def test_a_changed_price_is_told_before_the_stock_is_asked(shop: World) -> None:
    mug = await shop.sell(stock=1, price_minor=1000)
    with pytest.raises(PriceChanged):
        await shop.place((mug, 2), expected=1000)


async def test_a_retry_after_the_order_was_made_is_that_order_whatever_it_costs_now(shop: World) -> None:
    mug = await shop.sell(stock=5, price_minor=1000)
    order = await shop.place((mug, 2), expected=2000)
    await shop.product.update(mug, {"price": Decimal(20)}, "usr_admin")
    assert (await shop.place((mug, 2), order_id=order.id, expected=2000)).total_minor == 2000


async def test_one_product_named_twice_is_one_line(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order = await shop.place((mug, 2), (mug, 1))
    assert [(item.product_id, item.quantity) for item in order.items] == [(mug, 3)]


async def test_when_one_item_is_sold_out_nothing_is_held(shop: World) -> None:
    mug, lamp = await shop.sell(stock=5), await shop.sell(stock=1)
    with pytest.raises(InsufficientStock) as refused:
        await shop.place((mug, 2), (lamp, 2))
    assert refused.value.members == {"productId": lamp, "asked": 2, "available": 1}
    assert (await shop.level(mug)).available == 5


async def test_a_product_without_stock_record_is_sold_out(shop: World) -> None:
    fields = {"name": "Air", "description": "", "category": "things", "images": [], "price": Decimal(1)}
    air = await shop.product.create(shop.ids.new(PRODUCT), fields, "usr_admin")
    with pytest.raises(InsufficientStock):
        await shop.place((air.id, 1))


@pytest.mark.parametrize("product_id", ["", "prd_x", "nonsense", "prd_" + "0" * 26])
async def test_an_unknown_product_is_refused_with_nothing_held(shop: World, product_id: str) -> None:
    mug = await shop.sell()
    with pytest.raises(UnknownProduct):
        await shop.place((mug, 1), (product_id, 1))
    assert (await shop.level(mug)).reserved == 0


async def test_a_withdrawn_product_cannot_be_ordered(shop: World) -> None:
    mug = await shop.sell()
    await shop.product.withdraw(mug, "usr_admin")
    with pytest.raises(UnknownProduct):
        await shop.place((mug, 1))


@pytest.mark.parametrize(
    ("price_minor", "quantity"),
    [(49, 1), (9_999_999, 11), (1, 1)],
    ids=["below 0.50", "over Stripe's most", "a cent"],
)
async def test_a_total_that_stripe_would_not_take_is_refused(shop: World, price_minor: int, quantity: int) -> None:
    mug = await shop.sell(stock=100, price_minor=price_minor)
    with pytest.raises(Invalid) as refused:
        await shop.place((mug, quantity))
    assert refused.value.errors[0].field == "totalAmount"
    assert (await shop.level(mug)).reserved == 0


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001])
async def test_a_senseless_quantity_is_refused(shop: World, quantity: int) -> None:
    mug = await shop.sell()
    with pytest.raises(Invalid):
        await shop.place((mug, quantity))


async def test_over_100_lines_and_none_are_refused(shop: World) -> None:
    for lines in ([], [("prd_" + "0" * 26, 1)] * 101):
        with pytest.raises(Invalid):
            await shop.place(*lines)


async def test_two_hundred_buyers_for_fifty_pieces(shop: World) -> None:
    mug = await shop.sell(stock=50)
    results = await asyncio.gather(*(shop.place((mug, 1)) for _ in range(200)), return_exceptions=True)
    assert sum(isinstance(result, InsufficientStock) for result in results) == 150
    assert (await shop.level(mug)).available == 0
    assert (await shop.level(mug)).reserved == 50


async def test_the_same_order_id_makes_one_order_however_often(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order_id = shop.ids.new(ORDER)
    orders = await asyncio.gather(*(shop.place((mug, 2), order_id=order_id) for _ in range(5)))
    assert {order.id for order in orders} == {order_id}
    assert (await shop.level(mug)).reserved == 2


async def test_others_do_not_see_an_order_but_administrators_do(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    with pytest.raises(NotFound):
        await shop.order.visible(order.id, OTHER)
    with pytest.raises(NotFound):
        await shop.order.cancel(order.id, OTHER)
    assert (await shop.order.visible(order.id, ADMIN)).id == order.id


async def test_cancelling_before_any_session_gives_the_stock_back(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order = await shop.place((mug, 2))
    cancelled, is_settled = await shop.order.cancel(order.id, BUYER)
    assert (cancelled.status, cancelled.reason, is_settled) == ("CANCELLED", Reason.CANCELLED_BY_BUYER, True)
    assert (await shop.level(mug)).available == 5
    assert shop.stripe.calls == []
    with pytest.raises(OrderNotPayable):
        await shop.open(cancelled)
    assert (await shop.order.cancel(order.id, BUYER))[0].status == "CANCELLED"


async def test_cancelling_expires_the_open_session_first(shop: World) -> None:
    mug = await shop.sell(stock=5)
    payment = await shop.open(order := await shop.place((mug, 2)))
    cancelled, _ = await shop.order.cancel(order.id, BUYER)
    await shop.settle()
    assert cancelled.status == "CANCELLED"
    assert shop.stripe.sessions[str(payment.session_id)].status == "expired"
    assert (await shop.payment_now(order)).status == "FAILED"


async def test_a_paid_order_cannot_be_cancelled_even_when_its_webhook_has_not_come(shop: World) -> None:
    mug = await shop.sell(stock=5)
    payment = await shop.open(order := await shop.place((mug, 2)))
    shop.stripe.pay(str(payment.session_id))
    with pytest.raises(OrderNotCancellable):
        await shop.order.cancel(order.id, BUYER)
    await shop.settle()
    assert (await shop.order_now(order)).status == "CONFIRMED"
    with pytest.raises(OrderNotCancellable):
        await shop.order.cancel(order.id, BUYER)


async def test_while_stripe_is_unknown_the_hold_stays_and_the_cancel_goes_on_by_itself(shop: World) -> None:
    mug = await shop.sell(stock=5)
    payment = await shop.open(order := await shop.place((mug, 2)))
    shop.stripe.faults["expire_session"] = ["before", "before", "after"]
    pending, is_settled = await shop.order.cancel(order.id, BUYER)
    assert (pending.status, is_settled) == ("PENDING", False)
    assert (await shop.level(mug)).reserved == 2
    with pytest.raises(OrderNotPayable):
        await shop.open(order)
    await shop.later(2 * MINUTE)
    assert (await shop.order_now(order)).status == "CANCELLED"
    assert (await shop.level(mug)).available == 5
    assert shop.stripe.sessions[str(payment.session_id)].status == "expired"


async def test_an_unpaid_order_ends_at_its_deadline_and_not_before(shop: World) -> None:
    mug = await shop.sell(stock=5)
    payment = await shop.open(order := await shop.place((mug, 2)))
    await shop.later(TTL - SECOND)
    assert (await shop.order_now(order)).status == "PENDING"
    await shop.later(MINUTE)
    ended = await shop.order_now(order)
    assert (ended.status, ended.reason) == ("CANCELLED", Reason.EXPIRED)
    assert (await shop.level(mug)).available == 5
    assert shop.stripe.sessions[str(payment.session_id)].status == "expired"


async def test_a_reservation_without_an_order_becomes_a_failed_order_that_releases_it(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order_id = shop.ids.new(ORDER)
    await shop.inventory.reserve(f"{order_id}.1", [Line(mug, 2)])
    assert await shop.rescue.rescue() == 0
    shop.clock.advance(61 * SECOND)
    assert await shop.rescue.rescue() == 1
    failed = await shop.order.get(order_id)
    assert (failed.stage, failed.reason) == (Stage.FAILED, Reason.NEVER_PLACED)
    assert (await shop.level(mug)).available == 5
    with pytest.raises(Abandoned):
        await shop.place((mug, 2), order_id=order_id)


async def test_a_reservation_whose_order_exists_is_no_orphan(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order = await shop.place((mug, 2))
    shop.clock.advance(61 * SECOND)
    assert await shop.rescue.rescue() == 0
    assert await shop.inventory.orphans(shop.clock.now()) == []
    assert (await shop.order_now(order)).status == "PENDING"


async def test_a_lost_answer_of_the_reservation_leaves_nothing_behind(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mug = await shop.sell(stock=5)
    reserve = shop.inventory.reserve

    async def loses_its_answer(reservation_id: str, lines: list[Line]) -> None:
        await reserve(reservation_id, lines)
        raise Unavailable("the answer was lost")

    monkeypatch.setattr(shop.inventory, "reserve", loses_its_answer)
    with pytest.raises(Unavailable):
        await shop.place((mug, 2))
    monkeypatch.undo()
    shop.clock.advance(61 * SECOND)
    await shop.rescue.rescue()
    assert (await shop.level(mug)).available == 5
