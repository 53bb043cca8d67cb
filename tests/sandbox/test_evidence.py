"""Answers to disputes, by the way to Stripe and its real SDK: taken once for a key, begun elsewhere, too long, late."""

from typing import Any

import pytest

from kassa.contracts.payment import StripeKeyRefused, StripeUnreachable
from kassa.payment.processor import Refused, SavedFailure
from kassa.payment.processor_stripe import StripeProcessor
from kassa.payment.rights import ANSWERS_RIGHT
from tests.sandbox.test_processor import may
from tests.sandbox.test_processor import processor as processor
from tests.sandbox.world import PERMISSIONS, World

DAYS = 86_400


@pytest.fixture
async def disputed(world: World, processor: StripeProcessor) -> str:
    await may(world, *PERMISSIONS, "rak_dispute_write")
    charge = await world.charge()
    dispute = await world.control("POST", f"charges/{charge.id}/dispute", {"reason": "product_not_received"})
    return str(dispute["id"])


def given(text: str = "She has it.", **metadata: str) -> dict[str, Any]:
    return {"evidence": {"uncategorized_text": text}, "metadata": metadata, "submit": True}


async def test_an_answer_is_taken_once_for_its_key(world: World, processor: StripeProcessor, disputed: str) -> None:
    before = await processor.dispute_state(disputed)
    assert (before.status, before.submissions, before.has_evidence, before.metadata) == ("needs_response", 0, False, {})
    for _ in range(2):
        after = await processor.answer_dispute(disputed, given(evidenceId="evd_1"), "evd_1-1")
        assert (after.status, after.submissions, after.has_evidence) == ("under_review", 1, True)
    assert (await processor.dispute_state(disputed)).metadata == {"evidenceId": "evd_1"}
    assert (await world.types()).count("charge.dispute.updated") == 1
    kept = await world.stripe.v1.disputes.retrieve_async(disputed)
    assert kept.evidence.uncategorized_text == "She has it."
    assert kept.evidence.customer_name is None


async def test_what_was_begun_in_the_dashboard_is_seen(world: World, processor: StripeProcessor, disputed: str) -> None:
    staged: Any = {"evidence": {"customer_name": "Ada"}, "submit": False}
    await world.stripe.v1.disputes.update_async(disputed, staged)
    state = await processor.dispute_state(disputed)
    assert (state.status, state.submissions, state.has_evidence) == ("needs_response", 0, True)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("error_500_after", StripeUnreachable),
        ("timeout_before", StripeUnreachable),
        ("lock_timeout", StripeUnreachable),
    ],
)
async def test_what_is_left_open_is_no_refusal(
    world: World, processor: StripeProcessor, disputed: str, fault: str, raised: type[Exception]
) -> None:
    seconds = {"seconds": 0.1} if fault == "timeout_before" else {}
    await world.control("POST", "faults", {"match": "POST /v1/disputes/*", "kind": fault, **seconds})
    with pytest.raises(raised):
        await processor.answer_dispute(disputed, given(), "evd_1-1")
    if fault == "error_500_after":
        # It was taken, and by this key nobody learns so: it is looked at.
        with pytest.raises(SavedFailure):
            await processor.answer_dispute(disputed, given(), "evd_1-1")
        assert (await processor.dispute_state(disputed)).submissions == 1


async def test_what_stripe_refuses_is_told_in_its_words(
    world: World, processor: StripeProcessor, disputed: str
) -> None:
    with pytest.raises(Refused, match="No such dispute"):
        await processor.answer_dispute("du_of_nobody", given(), "a")
    with pytest.raises(Refused, match="too long"):
        await processor.answer_dispute(disputed, given("x" * 20_001), "b")
    names = ["product_description", "access_activity_log", "refund_policy_disclosure", "refund_refusal_explanation"]
    names += ["cancellation_rebuttal", "duplicate_charge_explanation", "cancellation_policy_disclosure"]
    names += ["uncategorized_text"]
    with pytest.raises(Refused, match="combined character count"):
        await processor.answer_dispute(disputed, {"evidence": dict.fromkeys(names, "x" * 20_000)}, "c")
    await world.control("POST", f"disputes/{disputed}/close", {"status": "lost"})
    with pytest.raises(Refused, match="already closed"):
        await processor.answer_dispute(disputed, given(), "d")


async def test_what_comes_late_is_marked(world: World, processor: StripeProcessor, disputed: str) -> None:
    await world.control("POST", "clock/advance", {"seconds": 10 * DAYS})
    await processor.answer_dispute(disputed, given(), "evd_1-1")
    details = (await world.stripe.v1.disputes.retrieve_async(disputed)).evidence_details
    assert (details.past_due, details.submission_count) == (True, 1)


async def test_a_key_may_be_without_that_right(world: World, processor: StripeProcessor, disputed: str) -> None:
    await processor.use(ANSWERS_RIGHT)
    await may(world, *PERMISSIONS)
    with pytest.raises(StripeKeyRefused, match="rak_dispute_write"):
        await processor.use(ANSWERS_RIGHT)
    with pytest.raises(StripeKeyRefused, match="rak_dispute_write"):
        await processor.answer_dispute(disputed, given(), "evd_1-1")
    assert (await processor.dispute_state(disputed)).submissions == 0
