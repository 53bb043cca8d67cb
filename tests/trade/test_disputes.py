"""Disputes: kept as Stripe tells them, in whatever order its events come, and made up for when they are lost."""

import itertools

import msgspec
import pytest

from kassa.kit.audit import Cause
from kassa.kit.clock import HOUR, MINUTE
from kassa.order.domain import Order, Stage
from kassa.payment.disputes import observed
from kassa.payment.domain import Todo
from kassa.payment.refunds import Refusal, refused
from kassa.payment.wire import shown_status
from tests.trade.test_timeline import told
from tests.trade.world import BUYER, World, found

EVENTS = {"created": "needs_response", "updated": "under_review", "closed": "lost"}


async def paid(shop: World) -> tuple[Order, str]:
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    await shop.pay(payment)
    return order, str(payment.session_id)


@pytest.mark.parametrize("arrival", list(itertools.permutations(EVENTS)))
async def test_events_may_come_in_any_order(shop: World, arrival: tuple[str, ...]) -> None:
    order, session_id = await paid(shop)
    bodies = {}
    for kind, status in EVENTS.items():
        shop.stripe.dispute(session_id, status)
        bodies[kind] = shop.stripe.dispute_event(kind)
    for kind in arrival:
        await shop.hook(bodies[kind])
        await shop.hook(bodies[kind])
    payment = await shop.payment_now(order)
    assert [(each.id, each.status, each.amount_minor) for each in payment.disputes] == [("du_1", "lost", 1999)]
    assert not payment.wants_evidence
    assert (await shop.order_now(order)).stage is Stage.CONFIRMED
    assert await shop.audit() == []


async def test_a_dispute_tells_its_story_and_wants_an_answer(shop: World) -> None:
    order, session_id = await paid(shop)
    for kind, status in (("created", "needs_response"), ("updated", "under_review"), ("closed", "won")):
        shop.stripe.dispute(session_id, status)
        await shop.hook(shop.stripe.dispute_event(kind))
        payment = await shop.payment_now(order)
        assert payment.wants_evidence == (status == "needs_response")
        assert [(each.status, each.amount_minor) for each in shown_status(payment).disputes] == [(status, 1999)]
        shop.clock.advance(HOUR)
    story = await told(shop, order)
    assert [text for text in story if "evidence" in text or "dispute " in text] == [
        "The buyer disputes the payment: Stripe has taken the money back, and evidence can be given.",
        "The buyer's bank looks at the evidence.",
        "The dispute is won: the money is back.",
    ]
    last = [each.data for each in await shop.payment.history(order.id) if "dispute" in each.data][-1]
    assert (last["dispute"], last["from"], last["to"], last["amount"]) == ("du_1", "under_review", "won", "19.99 usd")


async def test_an_answer_that_comes_late_changes_nothing(shop: World) -> None:
    order, session_id = await paid(shop)
    early = shop.stripe.dispute(session_id, "needs_response")
    late = shop.stripe.dispute(session_id, "lost")
    payment = await shop.payment_now(order)
    for number, state in enumerate((late, early, early, late)):
        await shop.payment.observe_disputes(payment.id, [state], f"input {number}")
    assert [each.status for each in (await shop.payment_now(order)).disputes] == ["lost"]


async def test_a_dispute_that_is_told_before_its_payment_is_known(shop: World) -> None:
    """Found by the simulation: the event of a dispute carries no metadata, and was taken for another shop's."""
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    session_id = str(payment.session_id)
    shop.stripe.pay(session_id)
    shop.stripe.dispute(session_id, "needs_response")
    await shop.hook(shop.stripe.dispute_event("created"))
    await shop.hook(shop.stripe.session_event("completed", session_id))
    await shop.later(MINUTE)
    assert [each.status for each in (await shop.payment_now(order)).disputes] == ["needs_response"]


async def test_a_dispute_of_another_shop_is_ignored(shop: World) -> None:
    await paid(shop)
    session_id = next(iter(shop.stripe.sessions))
    shop.stripe.dispute(session_id, "needs_response")
    shop.stripe.put(session_id, intent_id="pi_of_another_shop", metadata={})
    body = shop.stripe.dispute_event("created").replace(f"pi_{session_id}".encode(), b"pi_of_another_shop")
    await shop.hook(body)
    (event,) = await shop.inbox.events.find({"status": "ignored"}, limit=5)
    assert event.note == "of no payment that this shop knows"


async def test_lost_events_are_made_up_for(shop: World) -> None:
    order, session_id = await paid(shop)
    shop.stripe.dispute(session_id, "needs_response")
    shop.stripe.dispute_event("created")
    await shop.reconciler.fetch_missed_events()
    assert [each.status for each in (await shop.payment_now(order)).disputes] == ["needs_response"]


async def test_reconcile_tells_and_mends_disputes_over_all_pages(shop: World) -> None:
    orders = [await paid(shop) for _ in range(3)]
    for number, (_, session_id) in enumerate(orders):
        shop.stripe.dispute(session_id, "needs_response", f"du_{number}")
    told_only = found(await shop.reconciler.compare(fix=False))
    assert [each.is_mended for each in told_only] == [False] * 3
    assert {each.text for each in told_only} == {f"dispute du_{n} is needs_response at Stripe" for n in range(3)}
    assert [each.is_mended for each in found(await shop.reconciler.compare(fix=True))] == [True] * 3
    assert found(await shop.reconciler.compare(fix=True)) == []


async def disputed_before_its_late_money_goes_back(shop: World) -> tuple[Order, str]:
    """The buyer cancels, pays all the same, and disputes the payment at once: Stripe refuses the refund."""
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    await shop.order.cancel(order.id, BUYER)
    await shop.settle()
    session_id = str(payment.session_id)
    shop.stripe.pay(session_id)
    shop.stripe.dispute(session_id, "needs_response")
    await shop.hook(shop.stripe.session_event("completed", session_id))
    assert [each.status for each in (await shop.payment_now(order)).refunds] == ["requested"]
    assert not shop.stripe.refunds_made
    return order, session_id


async def test_money_that_must_go_back_goes_back_when_its_dispute_is_won(shop: World) -> None:
    order, session_id = await disputed_before_its_late_money_goes_back(shop)
    await shop.hook(shop.stripe.dispute_event("created"))
    await shop.later(HOUR)
    assert not shop.stripe.refunds_made
    shop.stripe.dispute(session_id, "won")
    await shop.hook(shop.stripe.dispute_event("closed"))
    assert [(each.status, each.amount_minor) for each in (await shop.payment_now(order)).refunds] == [
        ("succeeded", 1999)
    ]
    assert await shop.audit() == []
    story = await told(shop, order)
    assert "The dispute has ended: Stripe is asked for the refund again." in story
    assert any("asked again when the dispute has ended" in text for text in story)


async def test_a_lost_dispute_has_given_the_money_back(shop: World) -> None:
    order, session_id = await disputed_before_its_late_money_goes_back(shop)
    shop.stripe.dispute(session_id, "lost")
    await shop.hook(shop.stripe.dispute_event("closed"))
    payment = await shop.payment_now(order)
    assert [each.status for each in payment.refunds] == ["canceled"]
    assert payment.due_at is None
    assert await shop.audit() == []


async def test_a_dispute_that_was_won_before_its_refusal_was_noted(shop: World) -> None:
    order, session_id = await disputed_before_its_late_money_goes_back(shop)
    payment = await shop.payment_now(order)
    (refund,) = payment.refunds
    won = shop.stripe.dispute(session_id, "won")
    asked = msgspec.structs.replace(payment, refunds=(msgspec.structs.replace(refund, failure=None),))
    known = observed(asked, [won], Cause("evt_won", "stripe"), shop.clock.now())
    again = refused(known, refund, Refusal("disputed", is_disputed=True), Cause("late", "kassa"), shop.clock.now())
    assert [(each.kind, each.args) for each in again.effects if each.done_at is None] == [
        (Todo.REFUND, {"refund": refund.id})
    ]
    assert again.refunds[0].key != refund.key


async def test_a_second_dispute_is_waited_for_like_the_first(shop: World) -> None:
    order, session_id = await disputed_before_its_late_money_goes_back(shop)
    await shop.hook(shop.stripe.dispute_event("created"))
    shop.stripe.dispute(session_id, "won")
    shop.stripe.dispute(session_id, "needs_response", "du_2")
    await shop.hook(shop.stripe.dispute_event("created", "du_2"))
    await shop.hook(shop.stripe.dispute_event("closed"))
    for _ in range(24):
        await shop.later(HOUR)
    assert len(shop.stripe.refused) == 2
    shop.stripe.dispute(session_id, "prevented", "du_2")
    await shop.hook(shop.stripe.dispute_event("closed", "du_2"))
    assert [each.status for each in (await shop.payment_now(order)).refunds] == ["succeeded"]
    assert await shop.audit() == []


async def test_a_dispute_that_is_not_told_of_yet_is_not_asked_about_without_end(shop: World) -> None:
    order, session_id = await disputed_before_its_late_money_goes_back(shop)
    shop.stripe.dispute(session_id, "won")
    shop.stripe.dispute(session_id, "under_review", "du_2")
    await shop.hook(shop.stripe.dispute_event("closed"))
    for _ in range(3):
        await shop.later(HOUR)
    assert len(shop.stripe.refused) <= 5
    shop.stripe.dispute(session_id, "won", "du_2")
    await shop.later(HOUR)
    assert [each.status for each in (await shop.payment_now(order)).refunds] == ["succeeded"]


async def test_a_refund_that_an_operator_asks_for_is_refused_while_disputed(shop: World) -> None:
    order, session_id = await paid(shop)
    shop.stripe.dispute(session_id, "needs_response")
    refund = await shop.payment.refunding.refund(order.id, "rfd_1", 500, "asked", restock=False, who="usr_admin")
    assert refund.status == "failed"
    assert refund.failure == "Stripe answered 400 charge_disputed: This charge has been charged back"
