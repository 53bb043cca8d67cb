"""What each test card does, over the JSON way of paying."""

from __future__ import annotations

import pytest

from kassa.sandbox.cards import CARDS
from tests.sandbox.world import World, until

SUCCESS = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]
DECLINE = ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
DECLINED = [card for card in CARDS.values() if card.outcome in ("decline", "blocked")]


async def test_a_payment_completes_the_session_and_tells_of_it(world: World) -> None:
    session = await world.open_session(1999)
    paid = await world.pay(session.id)
    assert paid["outcome"] == "succeeded"
    assert (paid["session"]["status"], paid["session"]["payment_status"]) == ("complete", "paid")
    assert paid["session"]["url"] is None
    await until(lambda: sorted(world.receiver.types()) == sorted(SUCCESS))
    assert await world.types() == SUCCESS
    intent = await world.stripe.v1.payment_intents.retrieve_async(paid["session"]["payment_intent"])
    assert (intent.status, intent.amount_received) == ("succeeded", 1999)
    completed = world.receiver.of("checkout.session.completed")[0]
    assert completed["data"]["object"]["payment_status"] == "paid"
    assert completed["api_version"] == "2026-10-28.endive"


async def test_a_paid_session_is_not_paid_again(world: World) -> None:
    session = await world.open_session()
    await world.pay(session.id)
    assert (await world.pay(session.id))["outcome"] == "not_open"
    assert await world.types() == SUCCESS


@pytest.mark.parametrize("card", DECLINED, ids=lambda card: card.title)
async def test_a_decline_leaves_the_session_open(world: World, card: object) -> None:
    known = CARDS[card.number]  # type: ignore[attr-defined]
    session = await world.open_session()
    answer = await world.pay(session.id, known.number)
    assert answer["outcome"] == "declined"
    assert answer["error"] == {"code": known.code, "decline_code": known.decline_code, "message": known.message}
    assert await world.types() == DECLINE
    seen = await world.session(session.id, "payment_intent.latest_charge")
    assert (seen.status, seen.payment_status) == ("open", "unpaid")
    assert seen.payment_intent.status == "requires_payment_method"
    assert seen.payment_intent.last_payment_error.decline_code == known.decline_code
    charge = seen.payment_intent.latest_charge
    assert (charge.status, charge.paid) == ("failed", False)
    assert charge.outcome.type == ("blocked" if known.outcome == "blocked" else "issuer_declined")


async def test_another_card_pays_after_a_decline_with_the_same_payment_intent(world: World) -> None:
    session = await world.open_session()
    first = await world.pay(session.id, "4000000000009995")
    second = await world.pay(session.id)
    assert second["outcome"] == "succeeded"
    assert first["session"]["payment_intent"] == second["session"]["payment_intent"]
    assert await world.types() == [*DECLINE, *SUCCESS[1:]]
    charges = await world.stripe.v1.charges.list_async({"payment_intent": second["session"]["payment_intent"]})
    assert [charge.status for charge in charges.data] == ["succeeded", "failed"]


async def test_a_mistyped_number_never_reaches_the_bank(world: World) -> None:
    session = await world.open_session()
    assert (await world.pay(session.id, "4242424242424241"))["error"]["code"] == "incorrect_number"
    assert (await world.session(session.id)).payment_intent is None
    assert await world.types() == []


async def test_a_number_that_is_no_test_card_is_declined(world: World) -> None:
    session = await world.open_session()
    assert (await world.pay(session.id, "4539578763621486"))["error"]["decline_code"] == "test_mode_live_card"


@pytest.mark.parametrize("number", ["4000002760003184", "4000002500003155", "4000000000003220"])
async def test_three_d_secure_completed_pays(world: World, number: str) -> None:
    session = await world.open_session()
    assert (await world.pay(session.id, number))["outcome"] == "requires_action"
    waiting = await world.session(session.id, "payment_intent")
    assert (waiting.status, waiting.payment_intent.status) == ("open", "requires_action")
    assert (await world.pay(session.id, number, outcome_3ds="complete"))["outcome"] == "succeeded"


async def test_three_d_secure_failed_leaves_the_session_open(world: World) -> None:
    session = await world.open_session()
    answer = await world.pay(session.id, "4000002760003184", outcome_3ds="fail")
    assert (answer["outcome"], answer["error"]["code"]) == ("declined", "payment_intent_authentication_failure")
    assert (await world.session(session.id)).status == "open"
    assert (await world.types())[-1] == "payment_intent.payment_failed"
    assert (await world.pay(session.id))["outcome"] == "succeeded"


async def test_three_d_secure_then_declined(world: World) -> None:
    session = await world.open_session()
    answer = await world.pay(session.id, "4000008400001629", outcome_3ds="complete")
    assert (answer["outcome"], answer["error"]["decline_code"]) == ("declined", "generic_decline")


async def test_an_abandoned_authentication_ends_with_the_session(world: World) -> None:
    session = await world.open_session()
    await world.pay(session.id, "4000002760003184")
    await world.stripe.v1.checkout.sessions.expire_async(session.id)
    assert (await world.session(session.id, "payment_intent")).payment_intent.status == "canceled"


async def test_events_are_listed_newest_first_and_filtered(world: World) -> None:
    await world.charge()
    events = world.stripe.v1.events
    newest = await events.list_async({"limit": 1})
    assert (newest.data[0].type, newest.has_more) == ("checkout.session.completed", True)
    some = await events.list_async({"types": ["charge.succeeded", "payment_intent.created"]})
    assert [event.type for event in some.data] == ["charge.succeeded", "payment_intent.created"]
    assert len((await events.list_async({"type": "payment_intent.*"})).data) == 2
    assert (await events.list_async({"created": {"gt": newest.data[0].created + 900}})).data == []
    older = await events.list_async({"starting_after": newest.data[0].id, "limit": 10})
    assert len(older.data) == 3
    one = await events.retrieve_async(newest.data[0].id)
    assert one.data["object"]["id"] == newest.data[0].data["object"]["id"]
