"""Refunds and disputes."""

from __future__ import annotations

import pytest
import stripe

from tests.sandbox.world import World, until


async def test_a_full_refund_empties_the_charge(world: World) -> None:
    charge = await world.charge(amount=1999)
    refund = await world.stripe.v1.refunds.create_async({"payment_intent": charge.payment_intent})
    assert (refund.amount, refund.status, refund.charge) == (1999, "succeeded", charge.id)
    after = await world.stripe.v1.charges.retrieve_async(charge.id)
    assert (after.amount_refunded, after.refunded) == (1999, True)
    assert (await world.types())[-2:] == ["refund.created", "charge.refunded"]
    event = (await until(lambda: world.receiver.of("charge.refunded")))[0]
    assert event["data"]["previous_attributes"] == {"amount_refunded": 0, "refunded": False}


async def test_partial_refunds_add_up_and_no_more_than_the_rest_comes_back(world: World) -> None:
    charge = await world.charge(amount=2000)
    refunds = world.stripe.v1.refunds
    await refunds.create_async({"charge": charge.id, "amount": 1500, "metadata": {"refund": "ref_1"}})
    with pytest.raises(stripe.InvalidRequestError, match=r"\(\$20.00\) is greater than .*\(\$5.00\)") as caught:
        await refunds.create_async({"charge": charge.id, "amount": 2000})
    assert caught.value.code is None
    await refunds.create_async({"charge": charge.id})
    listed = await refunds.list_async({"payment_intent": charge.payment_intent})
    assert [refund.amount for refund in listed.data] == [500, 1500]
    assert len((await refunds.list_async({"charge": charge.id})).data) == 2
    with pytest.raises(stripe.InvalidRequestError) as gone:
        await refunds.create_async({"charge": charge.id})
    assert gone.value.code == "charge_already_refunded"


async def test_an_unknown_or_failed_charge_is_not_refunded(world: World) -> None:
    for wrong in ({"charge": "ch_none"}, {"payment_intent": "pi_none"}):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await world.stripe.v1.refunds.create_async(wrong)  # type: ignore[arg-type]
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    failed = await world.charge("4000000000000002")
    with pytest.raises(stripe.InvalidRequestError):
        await world.stripe.v1.refunds.create_async({"charge": failed.id})


async def test_a_refund_can_be_pending_first(world: World) -> None:
    charge = await world.charge("4000000000007726")
    refund = await world.stripe.v1.refunds.create_async({"charge": charge.id})
    assert refund.status == "pending"
    await world.advance(5)
    assert (await world.stripe.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
    event = (await until(lambda: world.receiver.of("refund.updated")))[0]
    assert event["data"]["previous_attributes"]["status"] == "pending"


async def test_a_refund_that_succeeded_can_fail_later(world: World) -> None:
    charge = await world.charge("4000000000005126")
    refund = await world.stripe.v1.refunds.create_async({"charge": charge.id})
    assert refund.status == "succeeded"
    await world.advance(5)
    failed = await world.stripe.v1.refunds.retrieve_async(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    after = await world.stripe.v1.charges.retrieve_async(charge.id)
    assert (after.amount_refunded, after.refunded) == (0, False)
    assert (await world.types())[-1] == "refund.failed"


@pytest.mark.parametrize(
    ("card", "status", "events"),
    [
        ("4000000000000259", "needs_response", ["charge.dispute.created", "charge.dispute.funds_withdrawn"]),
        ("4000000000002685", "needs_response", ["charge.dispute.created", "charge.dispute.funds_withdrawn"]),
        ("4000000000001976", "warning_needs_response", ["charge.dispute.created"]),
    ],
)
async def test_some_cards_bring_a_dispute(world: World, card: str, status: str, events: list[str]) -> None:
    charge = await world.charge(card)
    await world.advance(5)
    dispute = (await world.stripe.v1.disputes.list_async({"charge": charge.id})).data[0]
    assert (dispute.status, dispute.amount) == (status, charge.amount)
    assert (await world.types())[4:] == events
    if status == "needs_response":
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await world.stripe.v1.refunds.create_async({"charge": charge.id})
        assert caught.value.code == "charge_disputed"


async def test_a_card_brings_no_second_dispute_and_time_goes_on(world: World) -> None:
    """Found by the simulation: the refusal of the second dispute ended all that happens by itself."""
    charge = await world.charge("4000000000000259")
    await world.control("POST", f"charges/{charge.id}/dispute")
    await world.advance(5)
    assert len((await world.stripe.v1.disputes.list_async({"charge": charge.id})).data) == 1
    await world.charge("4000000000001976")
    await world.advance(5)
    assert len((await world.stripe.v1.disputes.list_async()).data) == 2


async def test_a_dispute_is_won_or_lost(world: World) -> None:
    for status in ("won", "lost"):
        charge = await world.charge("4000000000000259")
        await world.advance(5)
        dispute = (await world.stripe.v1.disputes.list_async({"charge": charge.id})).data[0]
        closed = await world.control("POST", f"disputes/{dispute.id}/close", {"status": status})
        assert closed["status"] == status
        after = await world.stripe.v1.charges.retrieve_async(charge.id)
        assert after.disputed is (status == "lost")
    assert (await world.types()).count("charge.dispute.funds_reinstated") == 1


async def test_an_early_fraud_warning_moves_no_money(world: World) -> None:
    charge = await world.charge("4000000000005423")
    await world.advance(5)
    assert (await world.types())[-1] == "radar.early_fraud_warning.created"
    assert not (await world.stripe.v1.charges.retrieve_async(charge.id)).disputed
