"""Webhooks that do not come through: what the shop makes up for by asking hides nothing of it."""

import asyncio
import json
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import pytest
from structlog.testing import capture_logs

from kassa.kit.clock import HOUR, MINUTE
from kassa.kit.problem import Problem, Unavailable
from kassa.payment.inbox import UnreadableEvent
from kassa.payment.processor import BadSignature
from kassa.payment.processor_stripe import StripeProcessor
from kassa.payment.refusal_count import RefusalCount
from tests.trade.stripe_at_the_port import real_signature
from tests.trade.test_attention import asked
from tests.trade.world import World

PATH = "/payments/admin/attention"
FORGED = "forged"


async def refuse(shop: World, count: int) -> None:
    for _ in range(count):
        with pytest.raises(Problem):
            await shop.inbox.receive(b"{}", FORGED)


async def told(shop: World) -> list[tuple[str, int]]:
    """The notices as an administrator gets them."""
    answer = (await asked(shop, PATH)).json()
    assert all(each["text"] and each["advice"] for each in answer["notices"])
    return [(each["kind"], each["count"]) for each in answer["notices"]]


async def paid_without_webhook(shop: World) -> bytes:
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    shop.stripe.pay(str(payment.session_id))
    return shop.stripe.session_event("completed", str(payment.session_id))


async def test_refused_webhooks_are_counted_until_one_is_accepted(shop: World) -> None:
    assert await told(shop) == []
    await refuse(shop, 20)
    assert await told(shop) == [("webhooks_refused", 20)]
    text = (await asked(shop, PATH)).json()["notices"][0]["text"]
    assert "20 webhooks were refused since 2026-" in text
    assert "STRIPE_WEBHOOK_SECRET" in text
    await shop.hook(shop.stripe.event("customer.created", {"id": "cus_1", "object": "customer"}))
    assert await told(shop) == []
    await refuse(shop, 1)
    assert await told(shop) == [("webhooks_refused", 1)]


async def test_a_flood_is_a_line_a_minute_in_the_log_and_a_write_a_minute(shop: World) -> None:
    with capture_logs() as lines:
        await refuse(shop, 300)
        shop.clock.advance(MINUTE)
        await refuse(shop, 300)
    told_of = [line for line in lines if line["event"] == "webhooks refused"]
    assert [line["count"] for line in told_of] == [1, 301]
    stored = await shop.refusals.get("webhooks")
    assert stored is not None
    assert stored.version == 2


async def test_what_one_process_refuses_another_shows_and_ends(shop: World) -> None:
    other = RefusalCount(shop.refusals, "webhooks", shop.clock, "webhooks refused")
    await other.add("of another process")
    await refuse(shop, 4)
    assert await told(shop) == [("webhooks_refused", 5)]
    shop.clock.advance(MINUTE)
    await asyncio.gather(other.forget(), shop.inbox.refused.forget())
    assert await told(shop) == []


async def test_a_signed_body_that_is_no_event_counts_with_its_own_reason(shop: World) -> None:
    with pytest.raises(Problem):
        await shop.hook(b"{}")
    notice = (await asked(shop, PATH)).json()["notices"][0]
    assert "rightly signed" in notice["text"]


@pytest.mark.parametrize("body", [b"[" * 9999, b'{"a":' * 9999 + b"1" + b"}" * 9999, b'{"object":' * 9999])
async def test_a_signed_body_that_is_nested_without_end_is_no_event(shop: World, body: bytes) -> None:
    with pytest.raises(UnreadableEvent):
        await shop.hook(body)


async def test_while_the_store_is_down_a_refusal_is_a_refusal(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(_: str) -> None:
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(shop.refusals, "get", down)
        await refuse(shop, 2)
    assert await told(shop) == [("webhooks_refused", 2)]


async def test_events_that_came_only_by_asking_are_told_for_an_hour(shop: World) -> None:
    await paid_without_webhook(shop)
    await paid_without_webhook(shop)
    with capture_logs() as lines:
        await {name: do for name, _, do in shop.reconciler.jobs()}["fetch missed events"]()
    await shop.settle()
    assert [line["count"] for line in lines if line["event"] == "events came by no webhook"] == [2]
    assert await told(shop) == [("webhooks_missing", 2)]
    shop.clock.advance(HOUR + MINUTE)
    assert await told(shop) == []


async def test_a_webhook_that_is_only_late_is_not_told(shop: World) -> None:
    body = await paid_without_webhook(shop)
    await shop.reconciler.fetch_missed_events()
    await shop.settle()
    assert await told(shop) == [("webhooks_missing", 1)]
    await shop.hook(body)
    assert await told(shop) == []


async def test_events_of_others_are_not_missed(shop: World) -> None:
    shop.stripe.event("checkout.session.expired", {"id": "cs_x", "object": "checkout.session"})
    assert len((await shop.reconciler.fetch_missed_events()).findings) == 1
    assert await told(shop) == []


BODY = json.dumps({"id": "evt_1"}).encode()


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        (str, "no Stripe-Signature"),
        (lambda: "nonsense", "none of the secrets in STRIPE_WEBHOOK_SECRET"),
        (partial(real_signature, BODY, "whsec_of_another"), "none of the secrets in STRIPE_WEBHOOK_SECRET"),
        (partial(real_signature, BODY, "whsec_new", at=1_600_000_000), "clock"),
        (partial(real_signature, BODY, "whsec_old"), ""),
    ],
    ids=["none", "nonsense", "another secret", "old", "right"],
)
def test_the_reason_of_a_refusal_is_told_apart(signed: Callable[[], str], reason: str) -> None:
    processor = StripeProcessor("sk_test_x", ("whsec_old", "whsec_new"))
    refusal = pytest.raises(BadSignature, match=reason) if reason else nullcontext()
    with refusal:
        processor.verify(BODY, signed())
