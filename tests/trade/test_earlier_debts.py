"""What earlier versions gave up for ever is found by the running shop, and asked for like all that is owed."""

import msgspec
import pytest

from kassa.kit.clock import HOUR
from kassa.order.domain import Order
from kassa.payment import earlier_debts
from kassa.payment.balance import refunded_minor
from tests.trade.stripe_at_the_port import NO_FUNDS
from tests.trade.test_attention import asked
from tests.trade.test_owed_refunds import ATTENTION, OWING, at_stripe, owes_late_money
from tests.trade.test_second_payments import given_back, two_sessions
from tests.trade.world import World


async def given_up(shop: World, order: Order) -> None:
    """As versions before that left it: the refund has failed, and nothing is to be done."""
    payment = await shop.payment_now(order)
    refunds = tuple(
        msgspec.structs.replace(each, status="failed", failure="Stripe answered 400: no funds", refusals=0)
        for each in payment.refunds
    )
    older = msgspec.structs.replace(
        payment, refunds=refunds, effects=(), owes_all=False, due_at=None, needs_attention=False
    )
    await shop.payment.payments.save(older)


async def look(shop: World) -> None:
    (job,) = (do for name, _, do in shop.reconciler.jobs() if name == "look for what earlier versions gave up")
    await job()
    await shop.settle()


@pytest.mark.parametrize("owes", OWING[:-1])
async def test_it_is_shown_in_stripes_words_and_asked_for_until_it_is_made(shop: World, owes: object) -> None:
    order = await owes(shop)  # type: ignore[operator]
    await given_up(shop, order)
    assert (await asked(shop, ATTENTION)).json()["waiting"] == []
    await look(shop)
    (waiting,) = (await asked(shop, ATTENTION)).json()["waiting"]
    assert (waiting["orderId"], waiting["attempts"]) == (order.id, 1)
    assert NO_FUNDS in waiting["error"]
    refusals = len(shop.stripe.refused)
    await shop.later(HOUR)
    assert len(shop.stripe.refused) == refusals + 2, "after a quarter of an hour, and after half an hour more"
    shop.stripe.has_funds = True
    await shop.later(HOUR)
    assert refunded_minor(await shop.payment_now(order)) == at_stripe(shop) > 0
    assert (await asked(shop, ATTENTION)).json()["waiting"] == []
    assert await shop.audit() == []


async def test_all_payments_are_looked_at_some_in_a_turn_and_once(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier_debts, "PAGE", 2)
    monkeypatch.setattr(earlier_debts, "MOST_PAGES", 1)
    orders = [await owes_late_money(shop) for _ in range(5)]
    for order in orders:
        await given_up(shop, order)
    shop.stripe.has_funds = True
    seen = []
    for _ in range(4):
        await look(shop)
        seen.append(len(shop.stripe.refunds_made))
    assert seen == [2, 4, 5, 5]

    async def not_again(*_: object, **__: object) -> list[object]:
        raise AssertionError("they were all looked at")

    monkeypatch.setattr(shop.payment.payments, "find", not_again)
    await look(shop)
    restarted = earlier_debts.EarlierDebts(shop.stores[2], shop.payment, shop.clock)
    await restarted.look()
    monkeypatch.undo()


async def test_a_second_payment_that_a_bank_had_sent_back_is_looked_at_again(shop: World) -> None:
    _, first, second = await two_sessions(shop)
    for session_id in (first, second):
        shop.stripe.pay(session_id)
        await shop.hook(shop.stripe.session_event("completed", session_id))
    shop.stripe.send_back("re_1")  # and an earlier version has taken no notice
    await look(shop)
    assert (given_back(shop, first), given_back(shop, second)) == (0, 1999)
    await look(shop)
    assert len(shop.stripe.refunds_made) == 2
