"""The whole way over real sockets: order, session through Stripe's SDK, card, signed webhook, CONFIRMED."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.journey.conftest import DOUBLED, FORMS
from tests.journey.doubled import DoubledShop
from tests.journey.load import asked_eight_times
from tests.journey.running import DECLINED, Buyer, RunningShop, until
from tests.trade.stripe_at_the_port import real_signature

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@pytest.fixture(scope="module", params=[*FORMS, DOUBLED])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_paid_order_is_confirmed_and_a_declined_one_gives_its_stock_back(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=5)
    order_id, session_id = await buyer.checkout(mug)
    assert (await buyer.call("GET", f"/payments/status/{order_id}")).body["status"] == "INITIATED"
    await buyer.pay(session_id)
    await buyer.becomes(order_id, "CONFIRMED")
    payment = (await buyer.call("GET", f"/payments/status/{order_id}")).body
    assert (payment["status"], payment["amount"], payment["amountMinor"]) == ("SUCCESS", 19.99, 1999)

    declined_id, session_id = await buyer.checkout(mug)
    await buyer.pay(session_id, DECLINED)
    await buyer.becomes(declined_id, "CANCELLED")
    assert (await buyer.call("GET", f"/orders/{declined_id}")).body["order"]["reason"] == "payment_declined"
    await buyer.has_stock(mug, 4)


async def test_a_page_that_is_open_is_told_when_the_order_is_paid(shop: RunningShop) -> None:
    """By server-sent events, whichever process knows of the order."""
    mug = await (await shop.admin()).product(stock=5)
    order = {"items": [{"productId": mug, "quantity": 1}], "email": "guest@shop.example"}
    made = (await shop.call("POST", "/orders", order)).body
    order_id, token = made["order"]["id"], made["guestToken"]
    guest = Buyer(shop, token)
    session = await guest.call("POST", "/payments/create-session", {"orderId": order_id})
    cookie = {"Cookie": f"kassa_guest={order_id}:{token.removeprefix('guest_')}"}
    async with shop.http.get(f"{shop.base}/checkout/events/{order_id}", headers=cookie) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert b'data-status="PENDING"' in await stream.content.readuntil(b"\n\n")
        await guest.pay(session.body["sessionId"])
        told = b""
        async with asyncio.timeout(60):
            while b"event: last" not in told:
                told = await stream.content.readuntil(b"\n\n")
        assert b'data-status="CONFIRMED"' in told
        assert await stream.content.read() == b"", "what is settled is not watched"


async def test_two_hundred_buyers_for_fifty_pieces(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=50)
    answers = await asyncio.gather(*(buyer.order(mug) for _ in range(200)))
    statuses = [answer.status for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (50, 150)
    refused = next(answer.body for answer in answers if answer.status == 409)
    assert (refused["code"], refused["productId"]) == ("insufficient_stock", mug)
    assert await buyer.stock(mug) == 0


async def test_eight_who_ask_at_once_get_one_session(shop: RunningShop) -> None:
    assert len(await asked_eight_times(shop)) == 1


async def test_six_copies_of_one_event_have_one_effect(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=5)
    await shop.call("POST", f"{shop.sandbox}/sandbox/deliveries", {"mode": "paused"})
    order_id, session_id = await buyer.checkout(mug)
    await buyer.pay(session_id)
    subject = {"id": session_id, "object": "checkout.session", "metadata": {}, "client_reference_id": order_id}
    event = {
        "id": "evt_copied",
        "object": "event",
        "type": "checkout.session.completed",
        "created": 1,
        "livemode": False,
        "data": {"object": subject},
    }
    body = json.dumps(event).encode()
    secret = (shop.data / "sandbox-webhook-secret").read_text().strip()
    headers = {"Stripe-Signature": real_signature(body, secret), "Content-Type": "application/json"}

    async def deliver() -> int:
        async with shop.http.post(f"{shop.base}/payments/webhook", data=body, headers=headers) as answer:
            return answer.status

    assert set(await asyncio.gather(*(deliver() for _ in range(6)))) == {200}
    await buyer.becomes(order_id, "CONFIRMED")
    await shop.call("POST", f"{shop.sandbox}/sandbox/deliveries", {"mode": "normal"})
    assert await buyer.stock(mug) == 4

    async def is_done() -> bool:
        stored = (await admin.call("GET", "/payments/admin/events?limit=100")).body["events"]
        (copied,) = (each for each in stored if each["id"] == "evt_copied")
        return bool(copied["status"] == "done")

    await until(is_done, "the event to be noted as done")


@pytest.mark.parametrize("age", [301, -0.0])
async def test_a_webhook_that_is_old_or_forged_is_refused(shop: RunningShop, age: float) -> None:
    import time

    secret = (shop.data / "sandbox-webhook-secret").read_text().strip()
    signature = real_signature(b"{}", secret if age else "whsec_forged", time.time() - age)
    async with shop.http.post(
        f"{shop.base}/payments/webhook", data=b"{}", headers={"Stripe-Signature": signature}
    ) as answer:
        assert answer.status == 400
        assert (await answer.json())["code"] == "invalid_signature"


async def test_an_expired_event_after_the_payment_leaves_the_order_confirmed(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    order_id, session_id = await buyer.checkout(await admin.product(stock=5))
    await buyer.pay(session_id)
    await buyer.becomes(order_id, "CONFIRMED")
    expire = f"{shop.sandbox}/v1/checkout/sessions/{session_id}/expire"
    assert (await shop.call("POST", expire, Authorization="Bearer sk_test_sandbox")).status == 400
    assert await buyer.status(order_id) == "CONFIRMED"


async def test_the_same_idempotency_key_is_the_same_order(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=5)
    key = {"Idempotency-Key": "k-1"}
    first, second = await buyer.order(mug, 1, **key), await buyer.order(mug, 1, **key)
    assert (first.status, second.status) == (201, 201)
    assert first.body == second.body
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (await buyer.order(mug, 2, **key)).body["code"] == "idempotency_key_reused"
    assert await buyer.stock(mug) == 4


async def test_a_refund_goes_to_stripe_and_back(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=5)
    order_id, session_id = await buyer.checkout(mug)
    await buyer.pay(session_id)
    await buyer.becomes(order_id, "CONFIRMED")
    assert (await buyer.call("POST", f"/payments/{order_id}/refund")).status == 403
    part = await admin.call("POST", f"/payments/{order_id}/refund", {"amount": "9.99", "reason": "chipped"})
    assert (part.status, part.body["refund"]["amountMinor"]) == (201, 999)
    too_much = await admin.call("POST", f"/payments/{order_id}/refund", {"amount": 10.01})
    assert (too_much.status, too_much.body["code"]) == (409, "refund_too_large")
    assert (await admin.call("POST", f"/payments/{order_id}/refund", {"restock": True})).status == 201
    await buyer.becomes(order_id, "REFUNDED")
    payment = (await buyer.call("GET", f"/payments/status/{order_id}")).body
    assert (payment["refunded"], payment["refundedMinor"]) == (19.99, 1999)
    await buyer.has_stock(mug, 5)


async def test_the_audit_the_reconciliation_and_the_doctor_are_content(shop: RunningShop) -> None:
    for command in ("audit", "reconcile", "doctor"):
        status, printed = await shop.command(command)
        assert status == 0, printed


async def test_the_demo_buys_in_a_running_shop(shop: RunningShop) -> None:
    status, printed = await shop.command("demo", "--base", shop.base)
    assert status == 0, printed
    assert "CONFIRMED" in printed
    assert "CANCELLED" in printed


async def test_a_catalogue_is_exported_and_imported_unchanged(shop: RunningShop, tmp_path: Path) -> None:
    status, exported = await shop.command("export")
    assert status == 0
    file = tmp_path / "catalogue.csv"
    file.write_text(exported)
    status, printed = await shop.command("import", str(file))
    assert status == 0, printed
    assert (await shop.command("export"))[1] == exported


@pytest.mark.parametrize("path", ["/", "/products", "/health"])
async def test_head_is_answered_as_get_without_a_body(shop: RunningShop, path: str) -> None:
    async with shop.http.head(shop.base + path) as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_nobody_else_can_read_what_the_shop_keeps(shop: RunningShop) -> None:
    for path in (shop.data, *shop.data.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


async def test_before_a_session_there_is_no_payment_to_see(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    order_id = (await buyer.order(await admin.product(stock=5))).body["order"]["id"]
    assert (await buyer.call("GET", f"/payments/status/{order_id}")).status == 404
    assert (await buyer.call("POST", f"/orders/{order_id}/cancel")).status == 200
    assert (await buyer.call("GET", f"/payments/status/{order_id}")).status == 404


async def test_the_network_that_doubles_calls_has_doubled_some(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    await buyer.checkout(await admin.product(stock=5))
    assert not isinstance(shop, DoubledShop) or shop.doubled > 0
