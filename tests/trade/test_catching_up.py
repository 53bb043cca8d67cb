"""What catching up costs: counted, for a payment of which hundreds of refunds were made unseen."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from kassa.order.domain import Order
from kassa.payment.balance import refunded_minor
from tests.trade.stores import SQLITE
from tests.trade.world import World


@pytest.fixture
def form() -> str:
    return SQLITE


async def refunded_unseen(shop: World, count: int) -> Order:
    """An order of which a cent was refunded so often in the dashboard, and no webhook came."""
    order = await shop.place((await shop.sell(price_minor=500_000), 1))
    await shop.pay(await shop.open(order))
    intent_id = str((await shop.payment_now(order)).intent_id)
    charge = {"id": f"ch_{intent_id}", "object": "charge", "metadata": {}, "payment_intent": intent_id}
    for _ in range(count):
        made = shop.stripe.refund_at_stripe(intent_id, 1)
        shop.stripe.refund_event("created", made.id)
        shop.stripe.event("charge.refunded", charge)
        shop.stripe.refund_event("updated", made.id)
    return order


def counting(shop: World, patch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts what the payments' store and Stripe are asked."""
    counts: Counter[str] = Counter()

    def counted(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **named: Any) -> Any:
            counts[name] += 1
            return await original(*args, **named)

        return call

    for name in ("get", "first", "save"):
        patch.setattr(shop.payment.payments, name, counted(f"payment {name}", getattr(shop.payment.payments, name)))
    for name in ("refunds", "refund_state", "retrieve"):
        patch.setattr(shop.stripe, name, counted(name, getattr(shop.stripe, name)))
    return counts


async def test_unseen_refunds_of_one_payment_are_taken_in_together_however_many(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = []
    for count in (10, 40):
        order = await refunded_unseen(shop, count)
        with monkeypatch.context() as patch:
            counts = counting(shop, patch)
            missed = await shop.reconciler.fetch_missed_events()
            await shop.settle()
        assert len(missed.findings) == 3 * count
        assert refunded_minor(await shop.payment_now(order)) == count
        assert counts.pop("payment get") <= count + 3, "a credit note is made of the newest that is known"
        costs.append(dict(counts))
    assert costs[0] == costs[1], "asking and storing do not grow with the number of refunds"
    assert (costs[0]["refunds"], costs[0].get("refund_state", 0)) == (1, 0)
    assert await shop.inbox.events.count({"status": "done"}) == 2 + 3 * 50
    assert await shop.audit() == []


async def test_a_comparison_takes_in_a_page_of_a_payments_refunds_together(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in (10, 40):
        shop.stripe.refunds_made.clear()
        order = await refunded_unseen(shop, count)
        with monkeypatch.context() as patch:
            counts = counting(shop, patch)
            await shop.reconciler.compare(fix=True)
            await shop.settle()
        assert refunded_minor(await shop.payment_now(order)) == count
        pages = count // 2  # of two, at this Stripe
        assert counts["payment save"] <= 2 * pages, "they are taken in, and the order hears of it"


async def test_a_go_through_events_that_fails_at_one_goes_on_with_the_next_of_the_same_object(shop: World) -> None:
    order = await refunded_unseen(shop, 3)
    shop.stripe.faults["refunds"] = ["before", "before"]
    await shop.reconciler.fetch_missed_events()
    await shop.settle()
    assert refunded_minor(await shop.payment_now(order)) == 3
    assert await shop.inbox.events.count({"status": "parked"}) == 2
