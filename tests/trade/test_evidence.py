"""Disputes are answered from what is stored: confirmed once, sent once, whatever is lost on the way."""

import asyncio

import msgspec
import pytest

from kassa.contracts.payment import StripeKeyRefused
from kassa.kit.audit import Cause
from kassa.kit.clock import DAY, HOUR, MINUTE
from kassa.kit.problem import Unavailable
from kassa.order.domain import Order
from kassa.payment import personal
from kassa.payment.domain import Evidence
from kassa.payment.evidence import MOST_ATTEMPTS, confirmed, newly_keyed
from kassa.payment.outgoing import told as outgoing
from kassa.payment.processor import Refused
from tests.trade.parcels_door import Api
from tests.trade.test_timeline import told
from tests.trade.world import World

TEXTS = {"customer_name": "Ada", "uncategorized_text": "She has it."}


async def disputed(shop: World, status: str = "needs_response", reason: str = "product_not_received") -> Order:
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    await shop.pay(payment)
    shop.stripe.dispute(str(payment.session_id), status, reason=reason)
    await shop.hook(shop.stripe.dispute_event("created"))
    return order


def at(order: Order) -> str:
    return f"/payments/{order.id}/disputes/du_1/evidence"


async def answered(
    ask: Api, order: Order, key: str | None = None, who: str = "support", **more: object
) -> tuple[int, str]:
    body = {"fields": TEXTS, "submit": True, "amountMinor": 1999, **more}
    answer = await ask("POST", at(order), body, who, key)
    shown = answer.json()
    return answer.status_code, shown["evidence"]["status"] if answer.status_code == 201 else shown["code"]


async def evidence(shop: World, order: Order) -> Evidence:
    (found,) = (await shop.payment_now(order)).evidence
    return found


async def test_a_draft_is_made_and_answered_once(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    draft = (await ask("GET", at(order), who="support")).json()
    assert (draft["canAnswer"], draft["answer"], draft["maxTogether"]) == (True, None, 150_000)
    assert draft["dispute"]["answerBy"]
    by_name = {each["field"]: each for each in draft["fields"]}
    assert by_name["product_description"]["text"] == "1 × Mug, 19.99 USD\nIn all: 19.99 USD"
    assert by_name["customer_email_address"]["text"] == "buyer@shop.example"
    assert by_name["shipping_carrier"]["isWanted"]
    assert not by_name["duplicate_charge_id"]["isWanted"]
    assert "No parcel is noted: note on the order's page what was sent, or say it here." in draft["missing"]
    assert shop.stripe.answers == []
    assert await answered(ask, order) == (201, "sent")
    assert shop.stripe.answers == [("du_1", TEXTS)]
    assert await answered(ask, order) == (409, "dispute_not_answerable")
    after = (await ask("GET", at(order), who="support")).json()
    assert (after["canAnswer"], after["answer"]["status"], after["answer"]["by"]) == (False, "sent", "usr_support")
    assert after["whyNot"] == "the dispute is under review, and takes no answer"
    assert {each["field"]: each["text"] for each in after["fields"] if each["text"]} == TEXTS
    assert not (await shop.payment_now(order)).wants_evidence
    assert len(shop.stripe.answers) == 1


async def test_who_answered_and_with_what_is_told(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    await answered(ask, order)
    assert [text for text in await told(shop, order) if "answer to" in text] == [
        "An answer to the dispute was confirmed, and is on its way to Stripe. It says: buyer's name, what happened.",
        "Stripe has taken the answer to the dispute: the buyer's bank gets it.",
    ]
    entries = [each.data for each in await shop.payment.history(order.id) if "evidence" in each.data]
    assert [(each["by"], each["to"]) for each in entries] == [("usr_support", "requested"), ("payment-service", "sent")]
    payment = msgspec.structs.replace(await shop.payment_now(order), untold_from=0)
    events = [each for each in outgoing(payment) if "evidenceStatus" in each.data]
    assert [(each.type, each.data["disputeId"], each.data["evidenceStatus"]) for each in events] == [
        ("dispute.updated", "du_1", "requested"),
        ("dispute.updated", "du_1", "sent"),
    ]


async def test_asked_again_and_all_at_once_it_is_sent_once(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    answers = await asyncio.gather(
        *(answered(ask, order, "one") for _ in range(3)), *(answered(ask, order) for _ in range(3))
    )
    assert answers.count((201, "sent")) + answers.count((201, "requested")) >= 1
    assert len(shop.stripe.answers) == 1
    kinds = {code for _, code in answers}
    assert kinds <= {"sent", "requested", "dispute_not_answerable", "idempotency_key_in_use"}


@pytest.mark.parametrize("fault", ["before", "after", "saved", "under way"])
async def test_what_is_lost_on_the_way_is_sent_once(shop: World, ask: Api, fault: str) -> None:
    order = await disputed(shop)
    shop.stripe.faults["answer_dispute"] = [fault] * 2
    assert await answered(ask, order) == (201, "requested")
    assert await answered(ask, order) == (409, "dispute_not_answerable")
    await shop.later(10 * MINUTE)
    assert (await evidence(shop, order)).status == "sent"
    assert shop.stripe.answers == [("du_1", TEXTS)]
    assert (await shop.payment_now(order)).due_at is None


async def test_between_storing_and_sending_a_process_may_die(shop: World) -> None:
    order = await disputed(shop)
    payment, cause = await shop.payment_now(order), Cause("evd_1", "usr_admin")
    # As it is stored, and nothing more: the lease of who stored it runs out.
    outbox = type(shop.payment.outbox)(shop.payment.payments, {}, shop.clock)
    await outbox.change(payment.id, lambda now: confirmed(now, "du_1", "evd_1", TEXTS, cause, shop.clock.now()))
    assert shop.stripe.answers == []
    await shop.later(2 * MINUTE)
    assert (await evidence(shop, order)).status == "sent"
    assert shop.stripe.answers == [("du_1", TEXTS)]


async def test_an_old_key_is_not_asked_with_again(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    shop.stripe.faults["dispute_state"] = ["before"] * 60
    await answered(ask, order)
    first = await evidence(shop, order)
    await shop.later(DAY)
    shop.stripe.faults.clear()
    await shop.later(2 * HOUR)
    after = await evidence(shop, order)
    assert (after.status, after.key != first.key) == ("sent", True)
    assert len(shop.stripe.answers) == 1


async def test_a_new_key_is_had_by_one_process_alone(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    shop.stripe.faults["answer_dispute"] = ["before"]
    await answered(ask, order)
    payment, known = await shop.payment_now(order), await evidence(shop, order)
    once = newly_keyed(payment, known, "evd-2", shop.clock.now())
    assert once.evidence[0].key == "evd-2"
    assert newly_keyed(once, known, "evd-3", shop.clock.now()) is once


async def test_what_stripe_refuses_is_told_and_can_be_confirmed_anew(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    shop.stripe.refused["du_1"] = Refused(400, "dispute_evidence_page_limit_exceeded", "It has too many pages.")
    assert await answered(ask, order) == (201, "refused")
    calls = shop.stripe.calls.count("answer_dispute")
    await shop.later(2 * HOUR)
    assert shop.stripe.calls.count("answer_dispute") == calls
    draft = (await ask("GET", at(order))).json()
    assert (draft["canAnswer"], draft["answer"]["failure"]) == (
        True,
        "Stripe answered 400 dispute_evidence_page_limit_exceeded: It has too many pages.",
    )
    assert {each["field"]: each["text"] for each in draft["fields"] if each["text"]} == TEXTS
    del shop.stripe.refused["du_1"]
    assert await answered(ask, order, fields={"uncategorized_text": "Shorter."}) == (201, "sent")
    assert shop.stripe.answers == [("du_1", {"uncategorized_text": "Shorter."})]
    assert (await evidence(shop, order)).attempt == 2


async def test_a_dispute_that_is_not_there_ends_in_words(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    shop.stripe.refused["du_1"] = Refused(404, "resource_missing", "No such dispute: 'du_1'")
    assert await answered(ask, order) == (201, "refused")
    assert "No such dispute" in (await evidence(shop, order)).failure


async def test_a_key_that_may_not_answer_is_told_to_who_asked_and_the_shop_goes_on(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    shop.stripe.refused["du_1"] = StripeKeyRefused("Stripe: rak_dispute_write is missing")
    assert await answered(ask, order) == (201, "refused")
    assert "give it the right Disputes (write)" in (await evidence(shop, order)).failure
    assert await shop.key_rights.lacking() == []
    assert (await shop.payment_now(order)).due_at is None


async def test_what_was_answered_in_the_dashboard_is_not_answered_again(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    known = shop.stripe.disputes_made["du_1"]
    shop.stripe.disputes_made["du_1"] = msgspec.structs.replace(known, status="under_review", submissions=1)
    assert await answered(ask, order) == (201, "refused")
    assert "the dispute is under review at Stripe" in (await evidence(shop, order)).failure
    assert shop.stripe.answers == []
    assert [each.status for each in (await shop.payment_now(order)).disputes] == ["under_review"]


async def test_nothing_is_sent_with_what_was_begun_in_the_dashboard(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    known = shop.stripe.disputes_made["du_1"]
    shop.stripe.disputes_made["du_1"] = msgspec.structs.replace(known, has_evidence=True)
    assert await answered(ask, order) == (201, "refused")
    assert "begun in Stripe's dashboard" in (await evidence(shop, order)).failure
    assert shop.stripe.answers == []


async def test_after_its_time_a_dispute_takes_no_answer(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    shop.clock.advance(9 * DAY)
    assert await answered(ask, order) == (409, "dispute_not_answerable")
    assert (await ask("GET", at(order))).json()["whyNot"].startswith("the time to answer was over at 20")


async def test_an_answer_that_could_not_be_sent_in_time_is_given_up(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    shop.clock.advance(9 * DAY - HOUR)
    shop.stripe.faults["dispute_state"] = ["before"] * 12
    assert await answered(ask, order) == (201, "requested")
    await shop.later(6 * HOUR)
    assert (await evidence(shop, order)).failure.startswith("Nothing was sent: the time to answer was over")
    assert shop.stripe.answers == []
    assert (await shop.payment_now(order)).due_at is None


async def test_a_dispute_that_comes_of_an_inquiry_is_answered_once_more(shop: World, ask: Api) -> None:
    order = await disputed(shop, "warning_needs_response")
    assert await answered(ask, order) == (201, "sent")
    session_id = str((await shop.payment_now(order)).session_id)
    shop.stripe.dispute(session_id, "needs_response")
    await shop.hook(shop.stripe.dispute_event("updated"))
    assert (await shop.payment_now(order)).wants_evidence
    assert await answered(ask, order, fields={"uncategorized_text": "As we said."}) == (201, "sent")
    assert [fields for _, fields in shop.stripe.answers] == [TEXTS, {"uncategorized_text": "As we said."}]


async def test_it_needs_its_permission_and_its_confirmation(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    assert await answered(ask, order, who="other") == (403, "forbidden")
    assert await answered(ask, order, submit=False) == (422, "validation_failed")
    assert await answered(ask, order, amountMinor=1998) == (422, "validation_failed")
    assert await answered(ask, order, fields={"receipt": "file_1"}) == (422, "validation_failed")
    assert await answered(ask, order, fields={}) == (422, "validation_failed")
    missing = await ask("GET", at(order).replace("du_1", "du_2"))
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert shop.stripe.answers == []
    assert (await shop.payment_now(order)).evidence == ()


async def test_it_is_refused_only_so_often(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    shop.stripe.refused["du_1"] = Refused(400, None, "This dispute is already closed.")
    for _ in range(MOST_ATTEMPTS):
        assert await answered(ask, order) == (201, "refused")
    assert await answered(ask, order) == (409, "dispute_not_answerable")


async def test_while_the_order_cannot_be_asked_there_is_no_draft(
    shop: World, ask: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await disputed(shop)

    async def nobody(_: str) -> None:
        raise Unavailable("order is away")

    monkeypatch.setattr(shop.facts, "facts_of", nobody)
    assert (await ask("GET", at(order))).status_code == 503
    assert await answered(ask, order) == (201, "sent")  # What is confirmed needs nobody.


async def test_what_it_tells_of_the_buyer_is_exported_and_forgotten(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    await answered(ask, order)
    record = await shop.payment.record(order.id)
    assert record is not None
    assert [(each["status"], each["fields"]) for each in record.evidence] == [("sent", TEXTS)]
    await shop.payment.erase(order.id)
    assert (await evidence(shop, order)).fields == {}
    erased = await shop.payment_now(order)
    assert personal.erased(erased) is erased


async def test_what_is_still_to_be_sent_is_forgotten_when_it_is(shop: World, ask: Api) -> None:
    order = await disputed(shop)
    shop.stripe.faults["answer_dispute"] = ["before"]
    await answered(ask, order)
    await shop.payment.erase(order.id)
    assert (await evidence(shop, order)).fields == TEXTS
    await shop.later(5 * MINUTE)
    assert shop.stripe.answers == [("du_1", TEXTS)]
    assert (await evidence(shop, order)).fields == {}
