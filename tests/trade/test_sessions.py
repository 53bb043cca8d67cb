"""Opening sessions, whatever Stripe does meanwhile."""

import asyncio
from pathlib import Path

import pytest

from kassa.contracts.order import StatusChange
from kassa.contracts.payment import OrderNotPayable, StripeKeyRefused, StripeRefused, StripeUnreachable
from kassa.kit.clock import HOUR, MINUTE, MOST_SKEW, SECOND
from kassa.kit.problem import NotFound, Unavailable
from kassa.order.quoting import Asked
from kassa.payment.domain import Stage
from kassa.payment.processor import Refused
from tests.trade.stores import SQLITE
from tests.trade.world import BUYER, OTHER, TTL, World, world


async def test_eight_who_ask_at_once_get_one_session(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    payments = await asyncio.gather(*(shop.open(order) for _ in range(8)))
    assert len({payment.session_id for payment in payments}) == 1
    assert len(shop.stripe.sessions) == 1
    assert shop.stripe.calls.count("open_session") == 1


async def test_a_session_that_another_process_is_making_is_waited_for(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.stripe.faults["open_session"] = ["under way"] * 3
    payment = await shop.open(order)
    assert (payment.stage, len(shop.stripe.sessions)) == (Stage.INITIATED, 1)
    assert payment.key == f"{payment.id}-session-1"


async def test_stripe_is_asked_with_what_finds_the_payment_again(shop: World) -> None:
    order = await shop.place((await shop.sell(), 2))
    payment = await shop.open(order)
    params = shop.stripe.params[payment.key]
    assert params["client_reference_id"] == order.id
    assert params["metadata"] == params["payment_intent_data"]["metadata"]
    names = {"orderId": order.id, "paymentId": payment.id, "userId": order.user_id}
    assert params["metadata"] == {"kassa_shop": shop.shop_id, **names}
    assert params["success_url"] == f"http://shop.example/checkout/return?order={order.id}"
    assert params["cancel_url"] == f"{params['success_url']}&unpaid=1"
    assert (params["allow_promotion_codes"], params["adaptive_pricing"]) == (False, {"enabled": False})


async def test_a_session_lives_as_long_as_the_order_but_30_minutes_by_any_clock(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.clock.advance(20 * MINUTE)
    payment = await shop.open(order)
    assert payment.session_expires_at == (shop.clock.now() + 30 * MINUTE + MOST_SKEW + 20 * SECOND) // SECOND * SECOND


async def test_an_answer_lost_after_the_effect_is_completed_by_the_same_call(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.stripe.faults["open_session"] = ["after"]
    with pytest.raises(StripeUnreachable):
        await shop.open(order)
    assert (await shop.payment_now(order)).stage is Stage.CREATED
    shop.clock.advance(5 * SECOND)
    payment = await shop.open(order)
    assert (payment.stage, payment.session_id) == (Stage.INITIATED, "cs_1")
    assert len(shop.stripe.sessions) == 1


async def test_a_saved_500_is_looked_into_before_a_new_key_is_used(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.stripe.faults["open_session"] = ["after", "saved"]
    with pytest.raises(StripeUnreachable):
        await shop.open(order)
    payment = await shop.open(order)
    assert payment.session_id == "cs_1"
    assert shop.stripe.calls.count("find_session") == 1
    assert len(shop.stripe.sessions) == 1


async def test_a_saved_500_without_a_session_is_asked_again_with_a_new_key(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.stripe.faults["open_session"] = ["saved"]
    payment = await shop.open(order)
    assert payment.session_id == "cs_1"
    assert payment.key != f"{payment.id}-session-1"


async def test_a_saved_500_of_a_coupon_is_asked_again_with_a_new_key(shop: World) -> None:
    await shop.discount(code="AUTUMN")
    order = await shop.place((await shop.sell(), 1), asked=Asked(code="AUTUMN"))
    shop.stripe.faults["make_coupon"] = ["saved"]
    assert (await shop.open(order)).stage is Stage.INITIATED
    assert list(shop.stripe.coupons) == [f"kassa_{order.id}"]


async def test_after_two_saved_500s_the_payment_is_seen_as_it_is_and_asked_with_a_third_key(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.stripe.faults["open_session"] = ["saved"] * 3
    with pytest.raises(StripeRefused):
        await shop.open(order)
    assert (await shop.open(order)).stage is Stage.INITIATED


async def test_a_key_older_than_20_hours_is_not_used_again_blindly(shop: World) -> None:
    shop.order._placing._ttl = 23 * HOUR
    order = await shop.place((await shop.sell(), 1))
    shop.stripe.faults["open_session"] = ["before"]
    with pytest.raises(StripeUnreachable):
        await shop.open(order)
    first = await shop.payment_now(order)
    shop.clock.advance(21 * HOUR)
    payment = await shop.open(order)
    assert payment.key != first.key
    assert shop.stripe.calls == ["open_session", "find_session", "open_session"]


async def test_stored_parameters_that_stripe_takes_no_more_are_renewed(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.stripe.faults["open_session"] = ["before"]
    with pytest.raises(StripeUnreachable):
        await shop.open(order)
    shop.clock.advance(10 * MINUTE)  # the stored expiry is under 30 minutes away by now: a 400
    assert (await shop.open(order)).stage is Stage.INITIATED


async def test_a_refused_session_is_a_clear_error_and_the_order_stays(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.stripe.faults["open_session"] = ["saved", "saved"]
    with pytest.raises(StripeRefused, match="your order is kept"):
        await shop.open(order)
    assert (await shop.order_now(order)).status == "PENDING"


async def test_less_than_stripe_takes_is_told_as_that_and_the_order_can_be_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_little(*_: object) -> None:
        raise Refused(400, "amount_too_small", "must convert to at least 50 cents")

    async with world(tmp_path, form=SQLITE, currency="kwd") as shop:
        order = await shop.place((await shop.sell(price_minor=10), 1))
        monkeypatch.setattr(shop.stripe, "open_session", too_little)
        with pytest.raises(OrderNotPayable, match="less than the payment provider takes"):
            await shop.open(order)
        await shop.order.cancel(order.id, BUYER)
        assert (await shop.order_now(order)).status == "CANCELLED"


async def test_why_stripe_refuses_the_key_is_told_to_operators_and_not_to_the_buyer(
    shop: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "Stripe: the key rk_test_… lacks a right on account acct_123"

    async def refused(*_: object) -> None:
        raise StripeKeyRefused(words)

    order = await shop.place((await shop.sell(), 1))
    with monkeypatch.context() as patched:
        patched.setattr(shop.stripe, "open_session", refused)
        with pytest.raises(StripeKeyRefused) as caught:
            await shop.open(order)
    assert "acct_123" not in str(caught.value)
    logged = capsys.readouterr()  # Wherever logs go: that is set for the whole process.
    assert words.partition("…")[2] in logged.out + logged.err
    assert (await shop.order_now(order)).status == "PENDING"


async def test_somebody_elses_order_is_not_found(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    with pytest.raises(NotFound):
        await shop.open(order, OTHER)


async def test_an_order_past_its_deadline_cannot_be_paid(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.clock.advance(TTL)
    with pytest.raises(OrderNotPayable):
        await shop.open(order)


async def test_a_session_that_wins_the_race_against_closing_is_expired(shop: World) -> None:
    order = await shop.place((await shop.sell(stock=5), 1))
    shop.stripe.faults["open_session"] = ["after"]
    with pytest.raises(StripeUnreachable):
        await shop.open(order)
    await shop.later(TTL + MINUTE)
    assert (await shop.order_now(order)).status == "CANCELLED"
    assert [session.status for session in shop.stripe.sessions.values()] == ["expired"]


async def test_a_payment_that_never_got_to_stripe_is_closed_with_its_order(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.stripe.faults["open_session"] = ["before", "saved", "saved"]
    with pytest.raises(StripeUnreachable):
        await shop.open(order)
    await shop.later(TTL + MINUTE)
    assert (await shop.order_now(order)).status == "CANCELLED"
    assert (await shop.payment_now(order)).stage is Stage.CLOSED


async def test_a_session_that_stripe_does_not_know_keeps_the_hold_and_is_shown(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order = await shop.place((mug, 1))
    payment = await shop.open(order)
    hidden = shop.stripe.sessions.pop(str(payment.session_id))
    await shop.later(TTL + 5 * MINUTE)
    closing = await shop.order_now(order)
    assert (closing.status, (await shop.level(mug)).reserved) == ("PENDING", 1)
    waiting = [effect for effect in closing.effects if effect.done_at is None]
    assert "operator" in waiting[0].error
    shop.stripe.sessions[hidden.id] = hidden
    await shop.later(2 * HOUR)
    assert (await shop.order_now(order)).status == "CANCELLED"


async def test_news_of_a_payment_for_an_unknown_order_is_refused(shop: World) -> None:
    with pytest.raises(NotFound):
        await shop.order.set_status("ord_nonsense", StatusChange("CONFIRMED", "in", "pay_1", ""))


async def test_a_payment_that_another_process_changes_meanwhile_is_asked_for_again(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.place((await shop.sell(), 1))

    async def looked_while_another_process_wrote(*_: object) -> None:
        await shop.payment.payments.save(await shop.payment_now(order))

    monkeypatch.setattr(shop.stripe, "find_session", looked_while_another_process_wrote)
    shop.stripe.faults["open_session"] = ["saved"]
    with pytest.raises(Unavailable):
        await shop.open(order)
    assert (await shop.open(order)).stage is Stage.INITIATED
