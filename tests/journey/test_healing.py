"""What the outside world breaks is healed by `kassa reconcile --fix`, and the timeline says what happened."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest
import pytest_asyncio
from redis import Redis

from tests.journey.running import RunningShop, until
from tests.journey.test_stripe_trouble import Trouble

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
DISPUTED = "4000000000002685"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stripe(shop: RunningShop) -> AsyncIterator[Trouble]:
    admin, buyer = await shop.admin(), await shop.buyer()
    yield Trouble(shop, admin, buyer, await admin.product(stock=100))


async def story(stripe: Trouble, order_id: str) -> dict[str, str]:
    """What the order's timeline tells, in its order, and when each was."""
    answer = await stripe.admin.call("GET", f"/orders/{order_id}/timeline")
    return {entry["text"]: entry["at"] for entry in answer.body["entries"]}


async def charge_of(stripe: Trouble, order_id: str) -> str:
    (session,) = await stripe.sessions(order_id)
    return str((await at_stripe(stripe, "GET", f"payment_intents/{session['payment_intent']}"))["latest_charge"])


async def healed(stripe: Trouble, order_id: str, text: str) -> None:
    """The command tells the difference, mends it when asked, and then finds none."""
    status, told = await stripe.shop.command("reconcile")
    assert (status, order_id in told, text in told) == (1, True, True), told
    status, told = await stripe.shop.command("reconcile", "--fix")
    assert (status, "mended" in told) == (0, True), told
    status, told = await stripe.shop.command("reconcile")
    assert status == 0, told


async def test_a_lost_webhook_is_healed_and_told(stripe: Trouble) -> None:
    await stripe.deliveries("dropped")
    order_id, session_id = await stripe.buyer.checkout(stripe.mug)
    await stripe.buyer.pay(session_id)
    await healed(stripe, order_id, "at Stripe it is paid")
    await stripe.deliveries("normal")
    await stripe.buyer.becomes(order_id, "CONFIRMED")
    assert "Stripe says that the session is paid." in await story(stripe, order_id)


async def test_a_refund_in_the_dashboard_is_healed_and_told(stripe: Trouble) -> None:
    order_id = await stripe.paid()
    await stripe.deliveries("dropped")
    await stripe.tell("POST", f"charges/{await charge_of(stripe, order_id)}/refund")
    await healed(stripe, order_id, "is succeeded at Stripe")
    await stripe.deliveries("normal")
    await stripe.buyer.becomes(order_id, "REFUNDED")
    told = await story(stripe, order_id)
    # Two services tell of it, in the same millisecond perhaps.
    assert told["Stripe says that the refund has succeeded."] <= told["All of the money went back."]


async def test_a_second_payment_is_healed_and_told(stripe: Trouble) -> None:
    """By a session that somebody else has made with the order's metadata."""
    order_id = await stripe.paid()
    (first,) = await stripe.sessions(order_id)
    metadata = first["metadata"].items()
    form = {f"metadata[{name}]": value for name, value in metadata}
    form |= {f"payment_intent_data[metadata][{name}]": value for name, value in metadata}
    price = "line_items[0][price_data]"
    form |= {"mode": "payment", "success_url": "http://127.0.0.1:1/", "line_items[0][quantity]": "1"}
    form |= {f"{price}[currency]": "usd", f"{price}[unit_amount]": "500", f"{price}[product_data][name]": "Mug"}
    second = await at_stripe(stripe, "POST", "checkout/sessions", form)
    await stripe.deliveries("dropped")
    await stripe.buyer.pay(second["id"])
    status, told = await stripe.shop.command("reconcile")
    assert (status, "differs" in told, "checkout.session.completed had never come" in told) == (1, True, True), told
    status, told = await stripe.shop.command("reconcile", "--fix")
    assert (status, "checkout.session.completed had never come" in told) == (0, True), told
    await stripe.deliveries("normal")
    intent_id = (await at_stripe(stripe, "GET", f"checkout/sessions/{second['id']}"))["payment_intent"]

    async def is_given_back() -> bool:
        made = await at_stripe(stripe, "GET", f"refunds?payment_intent={intent_id}")
        return [each["amount"] for each in made["data"]] == [500]

    await until(is_given_back, "the second payment to go back")
    assert "Stripe has taken money for the order a second time: it goes back." in await story(stripe, order_id)
    assert await stripe.buyer.status(order_id) == "CONFIRMED"


async def at_stripe(stripe: Trouble, method: str, path: str, form: dict[str, str] | None = None) -> dict[str, Any]:
    """A call of Stripe's own API by somebody else."""
    key = {"Authorization": "Bearer sk_test_somebody"}
    url = f"{stripe.shop.sandbox}/v1/{path}"
    async with stripe.shop.http.request(method, url, data=form, headers=key) as answer:
        body: dict[str, Any] = await answer.json()
        assert answer.status == 200, body
        return body


async def test_a_dispute_is_healed_told_and_shown_until_it_is_answered(stripe: Trouble) -> None:
    await stripe.deliveries("dropped")
    order_id = str((await stripe.buyer.order(stripe.mug)).body["order"]["id"])
    session_id = (await stripe.open(order_id)).body["sessionId"]
    await stripe.deliveries("normal")
    await stripe.buyer.pay(session_id, DISPUTED)

    async def waits() -> list[str]:
        found = await stripe.admin.call("GET", "/payments/admin/disputes?waiting=true")
        return [each["id"] for each in found.body["disputes"] if each["orderId"] == order_id]

    await until(waits, "the dispute to be known")
    (dispute_id,) = await waits()
    await stripe.deliveries("dropped")
    await stripe.tell("POST", f"disputes/{dispute_id}/close", {"status": "lost"})
    await healed(stripe, order_id, f"dispute {dispute_id} is lost at Stripe")
    await stripe.deliveries("normal")
    assert await waits() == []
    told = await story(stripe, order_id)
    assert "The buyer disputes the payment: Stripe has taken the money back, and evidence can be given." in told
    assert list(told)[-1] == "The dispute is lost: the money stays with the buyer."
    assert (await stripe.buyer.call("GET", "/payments/admin/disputes")).status == 403
    assert (await stripe.admin.call("GET", "/payments/admin/disputes")).body["disputes"] != []


async def test_a_level_that_somebody_wrote_by_hand_is_told_and_set_right(stripe: Trouble) -> None:
    product_id = await stripe.admin.product(stock=10)
    put(stripe.shop, product_id, available=12)
    status, told = await stripe.shop.command("reconcile", "--json")
    found = [each for comparison in json.loads(told)["comparisons"] for each in comparison["findings"]]
    assert (status, {each["isMended"] for each in found}) == (1, {False})
    assert "available by the ledger: expected 10, found 12" in [each["text"] for each in found]
    status, told = await stripe.shop.command("reconcile", "--fix")
    assert (status, f"mended  {product_id}" in told) == (0, True), told
    assert "Stripe, payments, orders and stock agree." in told
    assert await stripe.admin.stock(product_id) == 10
    figures = await stripe.admin.call("GET", "/inventory/admin/analytics/inventory")
    last = next(each for each in figures.body["recentChanges"] if each["productId"] == product_id)
    assert (last["reason"], last["who"], last["change"]) == ("set to what the ledger says", "reconciliation", 0)


def put(shop: RunningShop, product_id: str, available: int) -> None:
    """Write a level past the shop."""
    if "REDIS_URL" in shop.environment():
        with Redis.from_url(shop.environment()["REDIS_URL"]) as server:
            server.hset(f"{{kassa}}:stock:{product_id}", mapping={"available": available, "received": available})
        return
    with closing(sqlite3.connect(shop.data / "kassa.db")) as connection, connection:
        sql = "UPDATE stock SET available = ?1, received = ?1 WHERE product_id = ?2"
        connection.execute(sql, (available, product_id))
