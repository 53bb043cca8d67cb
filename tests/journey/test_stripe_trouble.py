"""A Stripe that is slow, down, nonsensical or silent: what a buyer sees, and that it all comes right afterwards."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from kassa.app.sandboxing import SANDBOX_KEY
from tests.journey.running import DECLINED, Answer, Buyer, RunningShop, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
CREATE, REFUND = "POST /v1/checkout/sessions", "POST /v1/refunds"


class Trouble:
    """A shop with a buyer, an administrator and a product; and what goes wrong at its Stripe."""

    def __init__(self, shop: RunningShop, admin: Buyer, buyer: Buyer, mug: str) -> None:
        self.shop = shop
        self.admin = admin
        self.buyer = buyer
        self.mug = mug

    async def tell(self, method: str, path: str, body: Any = None) -> Answer:
        """Steer the sandbox."""
        answer = await self.shop.call(method, f"{self.shop.sandbox}/sandbox/{path}", body)
        assert answer.status == 200, answer.body
        return answer

    async def fault(self, match: str, kind: str, times: int = 1, seconds: float = 0.0) -> None:
        await self.tell("POST", "faults", {"match": match, "kind": kind, "times": times, "seconds": seconds})

    async def deliveries(self, mode: str) -> None:
        await self.tell("POST", "deliveries", {"mode": mode})

    async def sessions(self, order_id: str) -> list[dict[str, Any]]:
        """The order's sessions, as Stripe has them."""
        url = f"{self.shop.sandbox}/v1/checkout/sessions?limit=100"
        made = await self.shop.call("GET", url, Authorization=f"Bearer {SANDBOX_KEY}")
        return [each for each in made.body["data"] if each["client_reference_id"] == order_id]

    async def order(self) -> str:
        return str((await self.buyer.order(self.mug)).body["order"]["id"])

    async def open(self, order_id: str) -> Answer:
        return await self.buyer.call("POST", "/payments/create-session", {"orderId": order_id})

    async def paid(self) -> str:
        order_id, session_id = await self.buyer.checkout(self.mug)
        await self.buyer.pay(session_id)
        await self.buyer.becomes(order_id, "CONFIRMED")
        return order_id


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trouble(shop: RunningShop) -> AsyncIterator[Trouble]:
    admin, buyer = await shop.admin(), await shop.buyer()
    yield Trouble(shop, admin, buyer, mug="")
    code, printed = await shop.command("audit")
    assert code == 0, printed


@pytest_asyncio.fixture(loop_scope="module")
async def stripe(trouble: Trouble) -> AsyncIterator[Trouble]:
    trouble.mug = await trouble.admin.product(stock=100)
    yield trouble
    await trouble.tell("DELETE", "faults")
    await trouble.deliveries("normal")


@pytest.mark.parametrize(
    "kind",
    ["error_500_before", "error_500_after", "reset", "timeout_before", "timeout_after", "429", "nonsense"],
)
async def test_a_session_that_could_not_be_made_is_made_once_when_asked_again(stripe: Trouble, kind: str) -> None:
    order_id = await stripe.order()
    await stripe.fault(CREATE, kind, seconds=0.2)
    failed = await stripe.open(order_id)
    assert (failed.status, failed.body["code"]) == (503, "stripe_unreachable")
    assert failed.headers["Content-Type"] == "application/problem+json"
    answers = await asyncio.gather(*(stripe.open(order_id) for _ in range(3)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["sessionId"] for answer in answers}) == 1
    assert len(await stripe.sessions(order_id)) == 1


async def test_a_call_that_is_under_way_elsewhere_is_waited_for(stripe: Trouble) -> None:
    order_id = await stripe.order()
    await stripe.fault(CREATE, "409")
    answers = await asyncio.gather(*(stripe.open(order_id) for _ in range(3)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["sessionId"] for answer in answers}) == 1
    assert len(await stripe.sessions(order_id)) == 1


async def test_a_refused_key_is_told_as_such_and_nothing_is_lost(stripe: Trouble) -> None:
    order_id = await stripe.order()
    await stripe.fault("* *", "401")
    refused = await stripe.open(order_id)
    assert (refused.status, refused.body["code"]) == (502, "stripe_key_refused")
    assert "sk_" not in str(refused.body)
    assert (await stripe.open(order_id)).status == 200


async def test_a_slow_stripe_is_waited_for_and_holds_up_nobody_else(stripe: Trouble) -> None:
    order_id = await stripe.order()
    await stripe.fault(CREATE, "slow", seconds=2)
    opening = asyncio.create_task(stripe.open(order_id))
    assert (await stripe.buyer.call("GET", "/products")).status == 200
    assert await stripe.buyer.status(await stripe.order()) == "PENDING"
    assert not opening.done()
    assert (await opening).status == 200


async def test_money_that_came_before_the_create_call_was_answered_counts(stripe: Trouble) -> None:
    order_id = await stripe.order()
    await stripe.fault(CREATE, "timeout_after", seconds=3)
    opening = asyncio.create_task(stripe.open(order_id))

    async def is_made() -> bool:
        return len(await stripe.sessions(order_id)) == 1

    await until(is_made, "the session")
    await stripe.buyer.pay((await stripe.sessions(order_id))[0]["id"])
    await stripe.buyer.becomes(order_id, "CONFIRMED")
    assert not opening.done()
    assert (await opening).status in (400, 503)
    assert len(await stripe.sessions(order_id)) == 1


async def test_an_order_whose_webhook_never_comes_is_confirmed_by_reconciling(stripe: Trouble) -> None:
    await stripe.deliveries("dropped")
    order_id, session_id = await stripe.buyer.checkout(stripe.mug)
    await stripe.buyer.pay(session_id)
    assert await stripe.buyer.status(order_id) == "PENDING"
    code, printed = await stripe.shop.command("reconcile", "--fix")
    assert code == 0, printed
    assert "mended" in printed
    await stripe.buyer.becomes(order_id, "CONFIRMED")
    code, printed = await stripe.shop.command("reconcile")
    assert (code, "mended" in printed) == (0, False), printed


@pytest.mark.parametrize("mode", ["duplicated", "reversed"])
async def test_webhooks_that_come_twice_or_backwards_count_once(stripe: Trouble, mode: str) -> None:
    await stripe.deliveries("paused")
    orders = []
    for card in ("4242424242424242", DECLINED, "4242424242424242"):
        order_id, session_id = await stripe.buyer.checkout(stripe.mug)
        orders.append(order_id)
        await stripe.buyer.pay(session_id, card)
    await stripe.buyer.pay((await stripe.sessions(orders[1]))[0]["id"])  # another card, before the news of the first
    await stripe.deliveries(mode)
    for order_id in orders:
        await stripe.buyer.becomes(order_id, "CONFIRMED")
    assert await stripe.buyer.stock(stripe.mug) == 97


async def test_a_refund_asked_for_while_stripe_is_down_is_made_once_it_is_back(stripe: Trouble) -> None:
    order_id = await stripe.paid()
    await stripe.fault(REFUND, "error_500_after")
    await stripe.fault(f"{REFUND}*", "reset")
    asked = await stripe.admin.call("POST", f"/payments/{order_id}/refund", {"restock": True})
    assert (asked.status, asked.body["refund"]["status"]) == (201, "pending")
    await stripe.buyer.becomes(order_id, "REFUNDED")
    status = await stripe.buyer.call("GET", f"/payments/status/{order_id}")
    assert (status.body["refunded"], status.body["refundedMinor"]) == (19.99, 1999)
    await stripe.buyer.has_stock(stripe.mug, 100)


async def test_an_order_cancelled_while_stripe_is_down_is_cancelled_once_it_is_back(stripe: Trouble) -> None:
    order_id, _ = await stripe.buyer.checkout(stripe.mug)
    await stripe.fault("* /v1/checkout/sessions/*", "reset", times=2)
    cancelled = await stripe.buyer.call("POST", f"/orders/{order_id}/cancel")
    assert (cancelled.status, cancelled.body["order"]["status"]) == (202, "PENDING")
    refused = await stripe.open(order_id)
    assert (refused.status, refused.body["code"]) == (400, "order_not_payable")
    await stripe.buyer.becomes(order_id, "CANCELLED")
    assert (await stripe.sessions(order_id))[0]["status"] == "expired"
    await stripe.buyer.has_stock(stripe.mug, 100)
