"""The timeline tells an operator why an order is what it is."""

from typing import Any

import msgspec
import pytest

from kassa.contracts.auth import Contact
from kassa.contracts.inventory import Line, Moved
from kassa.kit.clock import MINUTE
from kassa.kit.ids import REFUND
from kassa.kit.machine import Machine
from kassa.kit.problem import NotFound, Unavailable
from kassa.order import timeline as timeline_of_orders
from kassa.order.domain import Order
from kassa.order.machine import MACHINE as ORDERS
from kassa.payment import history
from kassa.payment.machine import MACHINE as PAYMENTS
from tests.trade.world import ADMIN, BUYER, OTHER, TTL, World


async def told(shop: World, order: Order) -> list[str]:
    return [entry.text for entry in await shop.order.timeline(order.id, ADMIN)]


async def test_a_paid_and_refunded_order_tells_its_story_in_order(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.clock.advance(1000)
    payment = await shop.open(order)
    shop.clock.advance(1000)
    await shop.pay(payment)
    shop.clock.advance(1000)
    await shop.payment.refunding.refund(order.id, shop.ids.new(REFUND), 0, "chipped", restock=True, who="usr_admin")
    await shop.settle()
    story = await told(shop, order)
    expected = [
        "The order was placed; its stock is held.",
        "The buyer asked to pay.",
        "A checkout session was opened at Stripe.",
        "The order is paid.",
        "The stock is sold.",
        "Stripe says that the session is paid.",
        "All of the money went back.",
        "The goods are back on the shelf.",
    ]
    assert [text for text in story if text in expected] == expected
    assert any("succeeded" in text for text in story)


async def test_stock_and_stripes_events_are_in_it(shop: World) -> None:
    order = await shop.place((await shop.sell(name="Mug"), 2))
    payment = await shop.open(order)
    shop.clock.advance(MINUTE)
    shop.stripe.pay(str(payment.session_id))
    body = shop.stripe.session_event("completed", str(payment.session_id))
    shop.clock.advance(5 * MINUTE)
    await shop.hook(body)
    await shop.payment.refunding.refund(order.id, shop.ids.new(REFUND), 0, "", restock=True, who="usr_admin")
    await shop.settle()
    story = await told(shop, order)
    stock = ["2 × Mug: held.", "2 × Mug: sold.", "2 × Mug: back on the shelf."]
    assert [text for text in story if "Mug" in text] == stock
    assert "Stripe's event checkout.session.completed came, 5 minutes late." in story


async def test_a_part_that_cannot_be_had_is_said_to_be_missing(shop: World) -> None:
    async def moved(ids: list[str], products: list[str]) -> list[Moved]:
        raise Unavailable("inventory is down")

    order = await shop.place((await shop.sell(), 1))
    shop.inventory.moved = moved  # type: ignore[method-assign]
    assert "The stock's part cannot be had right now." in await told(shop, order)
    assert "The order was placed; its stock is held." in await told(shop, order)


async def test_late_money_for_sold_goods_is_explained(shop: World) -> None:
    mug = await shop.sell(stock=1)
    order = await shop.place((mug, 1))
    payment = await shop.open(order)
    await shop.later(TTL + MINUTE)
    await shop.inventory.reserve("other.1", [Line(mug, 1)])
    await shop.pay(payment)
    story = await told(shop, order)
    assert any(text.endswith("The reason: it was not paid in time.") for text in story)
    assert "Money came late, and the goods are sold: it goes back." in story
    await shop.inventory.release("other.1")


async def test_what_waits_is_told_with_its_last_error(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    await shop.open(order)
    shop.stripe.faults["expire_session"] = ["before"]
    await shop.order.cancel(order.id, BUYER)
    assert any(
        "Still to settle the payment with Stripe: tried 1 time, the last: no answer" in text
        for text in await told(shop, order)
    )


async def test_without_the_payment_service_the_rest_is_told(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    order = await shop.place((await shop.sell(), 1))

    async def down(order_id: str) -> None:
        raise Unavailable

    monkeypatch.setattr(shop.payment, "history", down)
    assert await told(shop, order) == [
        "The order was placed; its stock is held.",
        "1 × Mug: held.",
        "The payment's part cannot be had right now.",
    ]


async def test_others_do_not_see_it(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    with pytest.raises(NotFound):
        await shop.order.timeline(order.id, OTHER)


@pytest.mark.parametrize(
    ("machine", "words"), [(ORDERS, timeline_of_orders._WORDS), (PAYMENTS, history._WORDS)], ids=["order", "payment"]
)
def test_whatever_can_happen_is_said_in_words(machine: Machine[Any, Any], words: dict[str, str]) -> None:
    assert {str(kind) for (_, kind), move in machine.table.items() if move.is_told} == {str(kind) for kind in words}


async def test_news_of_refunds_says_which_it_is(shop: World) -> None:
    order = await shop.place((await shop.sell(price_minor=3000), 1))
    await shop.pay(await shop.open(order))

    async def of_orders() -> list[str]:
        await shop.settle()
        story = await shop.order.timeline(order.id, ADMIN)
        return [each.text for each in story if each.service == "order" and "efund" in each.kind]

    async def refund(amount: int) -> None:
        await shop.payment.refunding.refund(order.id, shop.ids.new(REFUND), amount, "", who="usr_admin")

    shop.stripe.refund_status = "pending"
    await refund(1000)
    assert await of_orders() == ["A refund is on its way."]
    made = shop.stripe.refunds_made["re_1"]
    shop.stripe.refunds_made["re_1"] = msgspec.structs.replace(made, status="succeeded")
    await shop.hook(shop.stripe.refund_event("updated", "re_1"))
    shop.stripe.refund_status = "succeeded"
    await refund(500)
    await shop.hook(shop.stripe.send_back("re_2"))
    await refund(2000)
    await shop.hook(shop.stripe.send_back("re_3"))
    assert await of_orders() == [
        "A refund is on its way.",
        "A part of the money went back.",
        "A part of the money went back.",
        "A refund failed.",
        "All of the money went back.",
        "A refund failed: not all of the money is back any more.",
    ]


async def test_the_buyer_is_told_of_each_refund_and_decline(patient_shop: World) -> None:
    shop = patient_shop
    order = await shop.place((await shop.sell(price_minor=3000), 1))
    payment = await shop.open(order)
    await shop.hook(shop.stripe.decline_event(str(payment.session_id)))
    shop.clock.advance(1000)
    await shop.pay(payment)
    for amount in (1000, 2000):
        await shop.payment.refunding.refund(order.id, shop.ids.new(REFUND), amount, "a lie", who="usr_admin")
        await shop.settle()
    await shop.hook(shop.stripe.send_back("re_2"))
    story = await shop.order.timeline(order.id, BUYER)
    assert [entry.text for entry in story] == [
        "You placed the order. Its goods are held for you.",
        "Your card was declined. You may try another one.",
        "The order is paid.",
        "A part of your money was sent back to you.",
        "All of your money was sent back to you.",
        "A refund did not reach you. The shop looks into it.",
    ]
    assert {str(entry.data) for entry in story} == {"{}"}


async def test_the_buyer_of_an_order_that_was_not_paid_in_time_is_told_so(shop: World) -> None:
    order = await shop.place((await shop.sell(stock=1), 1))
    payment = await shop.open(order)
    await shop.later(TTL + MINUTE)
    await shop.pay(payment)
    assert [entry.text for entry in await shop.order.timeline(order.id, BUYER)] == [
        "You placed the order. Its goods are held for you.",
        "The order was not paid in time.",
        "The order is cancelled.",
        "The order is paid.",
        "Your payment came late, and your goods were still there: they are yours.",
    ]


async def test_the_buyer_is_told_what_cannot_be_told(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(order_id: str) -> None:
        raise Unavailable

    order = await shop.place((await shop.sell(), 1))
    monkeypatch.setattr(shop.payment, "history", down)
    story = await shop.order.timeline(order.id, BUYER)
    assert story[-1].text == "What happened to the payment cannot be told right now."


async def test_staff_is_named_in_the_story_where_somebody_knows_them(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    await shop.pay(await shop.open(order))
    boss, gone = (f"usr_{26 * digit}" for digit in "12")
    for who in (boss, gone):
        await shop.payment.refunding.refund(order.id, shop.ids.new(REFUND), 100, "chipped", restock=False, who=who)
    await shop.settle()

    async def contact(user_id: str) -> Contact:
        if user_id == gone:
            raise NotFound("erased")
        return Contact("boss@shop.example", "", "en", is_verified=True)

    shop.order.contact_of = contact
    named = {each.data.get("by"): each.data.get("name") for each in await shop.order.timeline(order.id, ADMIN)}
    assert (named[boss], named[gone], named[order.user_id]) == ("boss@shop.example", None, None)
