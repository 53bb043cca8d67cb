"""Every form and type in which Stripe tells of something: what is rightly signed is taken, and has its effect once."""

import inspect
import json
import re
from typing import Any

import pytest
from stripe.params import WebhookEndpointCreateParams

from kassa.contracts.payment import StripeKeyRefused, StripeUnreachable
from kassa.kit.clock import DAY, HOUR
from kassa.order.domain import Order
from kassa.payment.domain import Payment, Stage
from kassa.payment.event_handlers import HANDLED
from kassa.payment.inbox import InvalidSignature, UnreadableEvent
from kassa.payment.processor import Refused
from kassa.payment.store import StripeEvent
from tests.trade.stripe_at_the_port import sign
from tests.trade.world import World

MOST_TYPES_OF_A_LIST = 20  # docs: api/events/list


async def opened(shop: World) -> tuple[Order, Payment]:
    order = await shop.place((await shop.sell(), 1))
    return order, await shop.open(order)


async def stored(shop: World, event_id: str) -> StripeEvent:
    event = await shop.inbox.events.get(event_id)
    assert event is not None
    return event


def test_every_type_about_sessions_refunds_and_disputes_is_acted_on() -> None:
    source = inspect.getsource(WebhookEndpointCreateParams)
    types = set(re.findall(r'"([a-z_0-9]+(?:\.[a-z_0-9]+)+)"', source))
    about = ("checkout.session.", "refund.", "charge.refund", "charge.dispute.")
    assert {each for each in types if each.startswith(about)} == {each for each in HANDLED if each.startswith(about)}
    assert set(HANDLED) <= types
    assert len(HANDLED) <= MOST_TYPES_OF_A_LIST


async def test_an_account_that_sends_charge_refund_updated_alone_is_understood(shop: World) -> None:
    order, payment = await opened(shop)
    await shop.pay(payment)
    made = shop.stripe.refund_at_stripe(f"pi_{payment.session_id}", 500)
    body = shop.stripe.refund_event("updated", made.id).replace(b'"refund.updated"', b'"charge.refund.updated"')
    await shop.hook(body)
    assert [(each.stripe_id, each.status) for each in (await shop.payment_now(order)).refunds] == [
        (made.id, "succeeded")
    ]


@pytest.mark.parametrize("has_snapshot", [True, False], ids=["beside the snapshot", "alone"])
async def test_thin_events_have_the_effect_of_snapshots_once(patient_shop: World, has_snapshot: bool) -> None:
    shop = patient_shop
    order, payment = await opened(shop)
    session_id = str(payment.session_id)

    async def told(snapshot: bytes) -> None:
        thin = shop.stripe.thin_event(json.loads(snapshot)["type"])
        for body in (snapshot, thin) if has_snapshot else (thin, thin):
            await shop.hook(body)
        assert (await stored(shop, json.loads(thin)["id"])).status == "done"

    await told(shop.stripe.decline_event(session_id))
    assert len((await shop.payment_now(order)).declines) == 1
    shop.stripe.pay(session_id)
    await told(shop.stripe.session_event("completed", session_id))
    assert (await shop.order_now(order)).status == "CONFIRMED"
    shop.stripe.dispute(session_id, "needs_response")
    await told(shop.stripe.dispute_event("created"))
    shop.stripe.dispute(session_id, "won")
    await told(shop.stripe.dispute_event("closed"))
    made = shop.stripe.refund_at_stripe(f"pi_{session_id}", 500)
    await told(shop.stripe.refund_event("created", made.id))
    shop.stripe.refund_at_stripe(f"pi_{session_id}", 400)
    charge = {"id": f"ch_pi_{session_id}", "object": "charge", "payment_intent": f"pi_{session_id}"}
    await told(shop.stripe.event("charge.refunded", charge))
    now = await shop.payment_now(order)
    assert (now.stage, [each.amount_minor for each in now.refunds]) == (Stage.SUCCESS, [500, 400])
    assert [each.status for each in now.disputes] == ["won"]
    assert len({entry.input_id for entry in now.audit}) == len(now.audit)


async def test_a_thin_event_waits_while_its_object_cannot_be_fetched(shop: World) -> None:
    order, payment = await opened(shop)
    shop.stripe.pay(str(payment.session_id))
    shop.stripe.session_event("completed", str(payment.session_id))
    shop.stripe.faults["retrieve"] = ["before"]
    await shop.hook(shop.stripe.thin_event("checkout.session.completed", "evt_thin"))
    assert (await stored(shop, "evt_thin")).status == "parked"
    await shop.relay()
    await shop.later(10_000)
    assert (await stored(shop, "evt_thin")).status == "done"
    assert (await shop.order_now(order)).status == "CONFIRMED"


RIGHT = "Having the 'rak_checkout_session_read' permission would allow this request to continue."
PASSING = {
    "a refusal that is not about the object": Refused(400, None, "Invalid request"),
    "a 402": Refused(402, "card_declined", "Your card was declined."),
    "a 404 of something else": Refused(404, None, "Unrecognized request URL"),
    "the key": StripeKeyRefused("check STRIPE_SECRET_KEY"),
    "a right of the key": StripeKeyRefused(f"Stripe: {RIGHT}"),
    "no answer": StripeUnreachable("Stripe did not answer as it should (no answer)"),
}


@pytest.mark.parametrize("why", PASSING)
@pytest.mark.parametrize("is_thin", [True, False], ids=["thin", "snapshot"])
async def test_only_what_is_gone_for_good_is_given_up(
    shop: World, why: str, is_thin: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, payment = await opened(shop)
    await shop.pay(payment)
    made = shop.stripe.refund_at_stripe(f"pi_{payment.session_id}", 500)
    body = shop.stripe.refund_event("created", made.id)
    body = shop.stripe.thin_event("refund.created", "evt_x") if is_thin else body.replace(b'"metadata"', b'"old"')
    event_id = json.loads(body)["id"]

    async def refused(*_: object) -> None:
        raise PASSING[why]

    with monkeypatch.context() as patched:
        for name in ("retrieve", "refund_state"):
            patched.setattr(shop.stripe, name, refused)
        await shop.hook(body)
        await shop.later(DAY)
        event = await stored(shop, event_id)
        assert (event.status, event.payment_id) == ("parked", "")
        assert event.due_at is not None
        assert str(PASSING[why].args[0]) in event.note
        shown = [each for each in await shop.notices.all() if each.kind == "key_refused"]
        assert [each.count for each in shown] == ([1] if isinstance(PASSING[why], StripeKeyRefused) else [])
        assert all(event.note in each.text for each in shown)
    await shop.later(HOUR)
    assert (await stored(shop, event_id)).status == "done"
    assert [each.stripe_id for each in (await shop.payment_now(order)).refunds] == [made.id]
    assert [each for each in await shop.notices.all() if each.kind == "key_refused"] == []


async def test_a_snapshot_of_what_stripe_does_not_have_is_given_up_with_the_reason(shop: World) -> None:
    subject = {"id": "cs_gone", "object": "checkout.session"}
    await shop.hook(shop.stripe.event("checkout.session.completed", subject, "evt_gone"))
    event = await stored(shop, "evt_gone")
    assert (event.status, event.due_at) == ("ignored", None)
    assert event.note == "its object is not at Stripe: No such checkout.session"


THIN: dict[str, Any] = {
    "id": "evt_thin",
    "object": "v2.core.event",
    "type": "v1.checkout.session.completed",
    "created": "2026-11-28T10:00:00.000Z",
    "livemode": False,
    "related_object": {"id": "cs_of_nobody", "type": "checkout.session", "url": "/v1/checkout/sessions/cs_of_nobody"},
}


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"type": "v2.core.event_destination.ping"}, "this type is not acted on"),
        ({"livemode": True}, "of the other mode (live or test)"),
        ({}, "its object is not at Stripe: No such checkout.session"),
        ({"related_object": None}, "it names no object that Kassa knows"),
        ({"related_object": {"id": "x", "type": "billing.meter"}}, "it names no object that Kassa knows"),
    ],
)
async def test_a_thin_event_that_is_not_this_shops_is_taken_and_ignored(
    shop: World, changes: dict[str, Any], note: str
) -> None:
    await shop.hook(json.dumps(THIN | changes).encode())
    event = await stored(shop, "evt_thin")
    assert event.status == "ignored"
    assert event.note.startswith(note)


@pytest.mark.parametrize("is_thin_first", [True, False])
async def test_a_thin_event_and_the_snapshot_that_it_names_are_one(shop: World, is_thin_first: bool) -> None:
    order, payment = await opened(shop)
    shop.stripe.pay(str(payment.session_id))
    snapshot = shop.stripe.session_event("completed", str(payment.session_id))
    event_id = json.loads(snapshot)["id"]
    thin = json.loads(shop.stripe.thin_event("checkout.session.completed", "evt_twin")) | {"snapshot_event": event_id}
    twins = [json.dumps(thin).encode(), snapshot]
    for body in twins if is_thin_first else twins[::-1]:
        await shop.hook(body)
    assert [(each.id, each.status) for each in await shop.inbox.events.find({}, limit=9)] == [(event_id, "done")]
    assert (await shop.payment_now(order)).taken_minor == payment.amount_minor


@pytest.mark.parametrize("body", [b"{}", b"[]", b"not JSON", json.dumps(THIN | {"created": "soon"}).encode()])
async def test_what_is_signed_but_no_event_has_an_answer_of_its_own(shop: World, body: bytes) -> None:
    with pytest.raises(UnreadableEvent) as refused:
        await shop.inbox.receive(body, sign(body))
    assert "secret" not in refused.value.detail
    with pytest.raises(InvalidSignature):
        await shop.inbox.receive(body, "forged")
    assert await shop.inbox.events.count({}) == 0


async def test_a_signed_event_of_a_type_that_is_not_acted_on_may_look_as_it_likes(shop: World) -> None:
    odd = {"object": "balance", "metadata": 5, "payment_intent": []}
    await shop.hook(shop.stripe.event("balance.available", odd, "evt_odd"))
    assert (await stored(shop, "evt_odd")).status == "ignored"
