"""Money that is owed goes back, however often Stripe refuses or a bank sends it back; and is shown until it has."""

import msgspec
import pytest

from kassa.contracts.payment import RefundTooLarge
from kassa.kit.clock import DAY, HOUR, MINUTE
from kassa.kit.ids import REFUND
from kassa.order.domain import Order
from kassa.payment.balance import refunded_minor
from kassa.payment.processor import DisputeState
from tests.trade.stripe_at_the_port import NO_FUNDS
from tests.trade.test_attention import asked
from tests.trade.test_second_payments import given_back, two_sessions
from tests.trade.test_timeline import told
from tests.trade.world import BUYER, World, found

ATTENTION = "/payments/admin/attention"


async def owes_late_money(shop: World, *, has_funds: bool = False, pieces: int = 1) -> Order:
    """The buyer cancels, and pays all the same; Stripe has no funds to give it back."""
    order = await shop.place((await shop.sell(), pieces))
    payment = await shop.open(order)
    await shop.order.cancel(order.id, BUYER)
    shop.stripe.has_funds = has_funds
    await shop.pay(payment)
    return order


async def owes_another_amount(shop: World, *, pieces: int = 1) -> Order:
    order = await shop.place((await shop.sell(), pieces))
    session_id = str((await shop.open(order)).session_id)
    shop.stripe.has_funds = False
    shop.stripe.pay(session_id, amount_total=1500)
    await shop.hook(shop.stripe.session_event("completed", session_id))
    return order


async def owes_what_is_sold_out(shop: World) -> Order:
    mug = await shop.sell(stock=1)
    order = await shop.place((mug, 1))
    payment = await shop.open(order)
    await shop.later(2 * HOUR)
    await shop.place((mug, 1))
    shop.stripe.has_funds = False
    await shop.pay(payment)
    return order


async def owes_a_second_payment(shop: World) -> Order:
    order, first, second = await two_sessions(shop)
    shop.stripe.has_funds = False
    for session_id in (first, second):
        shop.stripe.pay(session_id)
        await shop.hook(shop.stripe.session_event("completed", session_id))
    return order


OWING = (owes_late_money, owes_another_amount, owes_what_is_sold_out, owes_a_second_payment)


def at_stripe(shop: World) -> int:
    return sum(each.amount for each in shop.stripe.refunds_made.values() if each.status == "succeeded")


@pytest.mark.parametrize("owes", OWING)
async def test_what_is_owed_is_shown_from_the_first_refusal_on_and_asked_for_until_it_is_made(
    shop: World, owes: object
) -> None:
    order = await owes(shop)  # type: ignore[operator]
    (waiting,) = (await asked(shop, ATTENTION)).json()["waiting"]
    assert (waiting["orderId"], waiting["attempts"]) == (order.id, 1)
    assert NO_FUNDS in waiting["error"]
    assert any(NO_FUNDS in text for text in await told(shop, order))
    assert [each.invariant for each in await shop.audit()] == ["I2: money has an order"]
    await shop.later(3 * HOUR)
    assert at_stripe(shop) == 0
    assert 3 <= len(shop.stripe.refused) <= 5, "each time under a new key, and each time later"
    shop.stripe.has_funds = True
    await shop.later(6 * HOUR)
    assert at_stripe(shop) in (1500, 1999)
    payment = await shop.payment_now(order)
    assert (payment.due_at, payment.needs_attention) == (None, False)
    assert (await asked(shop, ATTENTION)).json()["waiting"] == []
    assert await shop.audit() == []


@pytest.mark.parametrize("owes", OWING)
async def test_reconcile_names_what_is_owed_and_asks_again_at_once_when_it_may_mend(shop: World, owes: object) -> None:
    order = await owes(shop)  # type: ignore[operator]
    (named,) = found(await shop.reconcile(fix=False))
    assert (named.subject, named.is_mended) == (order.id, False)
    assert NO_FUNDS in named.text
    refusals = len(shop.stripe.refused)
    (still,) = found(await shop.reconcile(fix=True))
    assert (still.is_mended, len(shop.stripe.refused)) == (False, refusals + 1)
    shop.stripe.has_funds = True
    (mended,) = found(await shop.reconcile(fix=True))
    assert mended.is_mended
    await shop.settle()
    assert at_stripe(shop) in (1500, 1999)
    assert found(await shop.reconcile(fix=True)) == []
    assert await shop.audit() == []


async def test_what_an_earlier_version_gave_up_is_named_and_mended(shop: World) -> None:
    order = await owes_late_money(shop)
    payment = await shop.payment_now(order)
    (refund,) = payment.refunds
    given_up = msgspec.structs.replace(refund, status="failed", failure="insufficient funds", refusals=0)
    older = msgspec.structs.replace(
        payment, refunds=(given_up,), effects=(), owes_all=False, due_at=None, needs_attention=False
    )
    await shop.payment.payments.save(older)
    shop.stripe.has_funds = True
    assert [each.invariant for each in await shop.audit()] == ["I2: money has an order"]
    assert [each.is_mended for each in found(await shop.reconciler.compare(fix=False))] == [False]
    assert [each.is_mended for each in found(await shop.reconciler.compare(fix=True))] == [True]
    await shop.settle()
    assert refunded_minor(await shop.payment_now(order)) == 1999
    assert await shop.audit() == []


async def test_what_a_bank_sends_back_is_owed_again(shop: World) -> None:
    order = await owes_late_money(shop, has_funds=True)
    for times in (1, 2):
        made = list(shop.stripe.refunds_made)[-1]
        await shop.hook(shop.stripe.send_back(made))
        (waiting,) = (await asked(shop, ATTENTION)).json()["waiting"]
        assert (waiting["kind"], waiting["error"]) == ("refund_all", "expired_or_canceled_card")
        assert [each.invariant for each in await shop.audit()] == ["I2: money has an order"]
        await shop.later(times * DAY - HOUR)
        assert len(shop.stripe.refunds_made) == times, "it is not thrown after the bank at once"
        await shop.later(2 * HOUR)
        assert len(shop.stripe.refunds_made) == times + 1
    assert refunded_minor(await shop.payment_now(order)) == 1999
    assert (await asked(shop, ATTENTION)).json()["waiting"] == []
    assert await shop.audit() == []


async def test_a_second_payment_that_a_bank_sends_back_is_owed_again(shop: World) -> None:
    _, first, second = await two_sessions(shop)
    for session_id in (first, second):
        shop.stripe.pay(session_id)
        await shop.hook(shop.stripe.session_event("completed", session_id))
    (made,) = shop.stripe.refunds_made
    event = shop.stripe.send_back(made)
    await shop.hook(event)
    await shop.hook(shop.stripe.refund_event("updated", made))
    (waiting,) = (await asked(shop, ATTENTION)).json()["waiting"]
    assert (waiting["kind"], waiting["error"]) == ("refund_second", "expired_or_canceled_card")
    await shop.later(DAY + HOUR)
    assert (given_back(shop, first), given_back(shop, second)) == (0, 1999)
    assert await shop.audit() == []


async def test_an_operators_refund_that_comes_to_nothing_leaves_no_debt_behind(shop: World) -> None:
    """It was faster than the refund that is owed, which had nothing left to do; then it is refused."""
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    await shop.order.cancel(order.id, BUYER)
    session_id = str(payment.session_id)
    shop.stripe.pay(session_id)
    shop.stripe.faults["refund"] = ["before"] * 3
    session = shop.stripe.sessions[session_id]
    await shop.payment.settle(payment.id, session, "evt_1")
    await shop.payment.refunding.refund(order.id, "rfd_1", 0, "sorry", restock=False, who="usr_admin")
    await shop.settle()
    assert len((await shop.payment_now(order)).refunds) == 1
    shop.stripe.has_funds = False
    await shop.later(5 * MINUTE)
    assert [each.status for each in (await shop.payment_now(order)).refunds] == ["failed"]
    assert (await asked(shop, ATTENTION)).json()["waiting"] != []
    shop.stripe.has_funds = True
    await shop.later(HOUR)
    assert refunded_minor(await shop.payment_now(order)) == 1999
    assert await shop.audit() == []


async def test_what_went_back_already_is_not_asked_for_again(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refunded in Stripe's dashboard; Stripe's list does not have it yet."""

    async def nothing_yet(_: str) -> list[object]:
        return []

    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    await shop.order.cancel(order.id, BUYER)
    session_id = str(payment.session_id)
    shop.stripe.pay(session_id)
    made = shop.stripe.refund_at_stripe(f"pi_{session_id}", 1999)
    with monkeypatch.context() as behind:
        behind.setattr(shop.stripe, "refunds", nothing_yet)
        await shop.hook(shop.stripe.session_event("completed", session_id))
        await shop.later(MINUTE)  # The order may hear of the refund before it hears of the money.
    assert (await shop.payment_now(order)).due_at is None
    await shop.hook(shop.stripe.refund_event("created", made.id))
    await shop.later(DAY)
    assert len(shop.stripe.refunds_made) == 1
    assert refunded_minor(await shop.payment_now(order)) == 1999
    assert await shop.audit() == []


async def test_what_is_refused_for_ever_does_not_make_its_payment_grow(shop: World) -> None:
    order = await owes_late_money(shop)
    sizes = []
    for _ in range(60):
        payment = await shop.payment_now(order)
        shop.clock.at = int(payment.due_at or 0)
        await shop.payment.outbox.run_due()
        await shop.settle()
        sizes.append(len(msgspec.json.encode(msgspec.structs.replace(payment, effects=()))))
    assert len(shop.stripe.refused) > 50
    assert sizes[-1] < sizes[5] + 50
    assert (await shop.payment_now(order)).due_at == shop.clock.now() + 12 * HOUR
    shop.stripe.has_funds = True
    await shop.later(13 * HOUR)


async def test_a_refund_that_an_operator_asks_for_and_stripe_refuses_says_why(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    await shop.pay(await shop.open(order))
    shop.stripe.has_funds = False
    refund = await shop.payment.refunding.refund(order.id, "rfd_1", 500, "asked", restock=False, who="usr_admin")
    assert refund.status == "failed"
    assert NO_FUNDS in str(refund.failure)
    assert any(text.startswith("The refund failed") and NO_FUNDS in text for text in await told(shop, order))
    assert (await asked(shop, ATTENTION)).json()["waiting"] == []
    assert await shop.audit() == []


async def test_what_a_lost_dispute_has_taken_back_is_not_owed_as_well(shop: World) -> None:
    order = await owes_late_money(shop)
    payment = await shop.payment_now(order)
    lost = DisputeState("dp_1", "lost", 100, "fraudulent", payment.intent_id, None, shop.clock.now() // 1000)
    await shop.payment.observe_disputes(payment.id, [lost], "evt_dispute")
    await shop.later(DAY)
    shop.stripe.has_funds = True
    await shop.later(DAY)
    assert [each.amount for each in shop.stripe.refunds_made.values()] == [order.total_minor - 100]
    assert await shop.audit() == []


async def test_nothing_is_left_when_more_has_gone_back_at_stripe_than_was_left(shop: World) -> None:
    order = await owes_late_money(shop)
    payment = await shop.payment_now(order)
    made = shop.stripe.refund_at_stripe(str(payment.intent_id), 100)
    await shop.hook(shop.stripe.refund_event("created", made.id))
    with pytest.raises(RefundTooLarge) as caught:
        await shop.payment.refunding.refund(order.id, shop.ids.new(REFUND), 0, "", who="usr_admin")
    assert caught.value.members["leftMinor"] == 0
    shop.stripe.has_funds = True
    await shop.later(DAY)
    assert sum(each.amount for each in shop.stripe.refunds_made.values()) == order.total_minor
