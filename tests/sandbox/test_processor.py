"""The way to Stripe, at a real socket: what events are about, what was paid, what a restricted key may do."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kassa.contracts.payment import StripeKeyRefused
from kassa.payment.events import read_event
from kassa.payment.processor import Refused
from kassa.payment.processor_stripe import StripeProcessor
from kassa.payment.rights import ENDPOINTS_RIGHT, RIGHTS
from tests.app.process import kassa
from tests.sandbox.world import PERMISSIONS, SECRET, World, until

KEY = "rk_test_1234567890"
ALL = [*PERMISSIONS, "rak_webhook_read"]


@pytest.fixture
async def processor(world: World) -> AsyncIterator[StripeProcessor]:
    processor = StripeProcessor(KEY, (SECRET,), world.sandbox.url)
    await world.control("POST", "account", {"restricted_keys": {KEY: ALL}})
    yield processor
    await processor.close()


async def may(world: World, *permissions: str) -> None:
    await world.control("POST", "account", {"restricted_keys": {KEY: permissions}})


async def test_thin_events_lead_to_what_their_snapshots_show(world: World, processor: StripeProcessor) -> None:
    bodies: list[dict[str, Any]] = []
    world.receiver.events = bodies
    await world.control("POST", "account", {"sends_thin_events": True})
    charge = await world.charge()
    await world.control("POST", f"charges/{charge.id}/dispute")
    kinds = {"checkout.session.completed", "charge.dispute.created"}
    await until(lambda: kinds <= {each["type"].removeprefix("v1.") for each in bodies if each["object"] != "event"})
    read = [read_event(json.dumps(body)) for body in bodies]
    thin = [event for event in read if event.is_thin and event.kind in kinds]
    assert {event.kind for event in thin} == kinds
    for event in thin:
        (snapshot,) = [each for each in read if each.kind == event.kind and not each.is_thin]
        assert (event.created, event.livemode, event.object.id) == (snapshot.created, False, snapshot.object.id)
        fetched = await processor.retrieve(event.object.object, event.object.id)
        assert (fetched.metadata, fetched.intent_id) == (snapshot.object.metadata, snapshot.object.intent_id)
    with pytest.raises(Refused):
        await processor.retrieve("refund", "re_of_nobody")


async def test_what_stripe_keeps_is_told_once_the_charge_is_reckoned(world: World, processor: StripeProcessor) -> None:
    charge = await world.charge()
    told = await processor.fee(str(charge.payment_intent))
    moved = await world.stripe.v1.balance_transactions.retrieve_async(str(charge.balance_transaction))
    assert told is not None
    assert (told.fee, told.net, told.currency) == (moved.fee, moved.net, moved.currency)
    assert told.fee + told.net == charge.amount
    with pytest.raises(Refused, match="No such payment_intent"):
        await processor.fee("pi_of_nobody")


async def test_completed_sessions_are_listed_over_all_pages(world: World, processor: StripeProcessor) -> None:
    await world.open_session()
    paid = [await world.open_session(metadata={"number": str(number)}) for number in range(2)]
    for session in paid:
        await world.pay(session.id)
    listed, after = await processor.sessions_since(0, None)
    assert after is None
    assert [(each.id, each.payment_status) for each in listed] == [(each.id, "paid") for each in reversed(paid)]
    assert [each.metadata["number"] for each in listed] == ["1", "0"]
    assert all(each.created and each.mode == "payment" and each.intent_id for each in listed)
    assert (await processor.sessions_since((listed[0].created + 1) * 1000, None))[0] == []


async def test_each_right_that_lacks_is_told_in_stripes_words(world: World, processor: StripeProcessor) -> None:
    for right, permission in zip((*RIGHTS, ENDPOINTS_RIGHT), ALL, strict=True):
        await may(world, *ALL)
        await processor.use(right)
        weaker = [permission.replace("_write", "_read")] if right.access == "write" else []
        await may(world, *(set(ALL) - {permission}), *weaker)
        await processor.check()
        with pytest.raises(StripeKeyRefused, match=f"Having the '{permission}' permission would allow") as refused:
            await processor.use(right)
        assert KEY[8:] not in refused.value.detail
        assert KEY[-4:] not in refused.value.detail
    assert await world.types() == []


async def test_the_doctor_names_what_is_wrong_with_key_and_endpoint(world: World, tmp_path: Path) -> None:
    async def doctor() -> tuple[int, list[str]]:
        settings = {
            "STRIPE_SECRET_KEY": KEY,
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_API_BASE": world.sandbox.url,
            "FRONTEND_URL": "https://shop.example",
        }
        done = await asyncio.to_thread(kassa, tmp_path, "doctor", **settings)
        assert "Traceback" not in done.stderr
        return done.returncode, [line for line in done.stdout.splitlines() if line.startswith("✗")]

    await may(world, *(set(ALL) - {"rak_dispute_read"}))
    status, wrong = await doctor()
    assert status == 1
    # Before the first start there is no shop yet; what Stripe says needs none.
    no_shop, *wrong = wrong
    assert "`kassa up` starts a new one" in no_shop
    assert [line.split(":")[0] for line in wrong] == ["✗ Stripe key", "✗ webhook endpoint"]
    assert not (tmp_path / ".kassa").exists()
    assert "(read Disputes)" in wrong[0]
    assert "rak_dispute_read" in wrong[0]
    assert world.receiver.url in wrong[1]
    assert "add https://shop.example/payments/webhook" in wrong[1]
    made = await world.stripe.v1.webhook_endpoints.create_async(
        {"url": "https://shop.example/payments/webhook", "enabled_events": ["*"]}
    )
    assert made.id
    await may(world, *ALL)
    status, wrong = await doctor()
    assert (status, wrong) == (1, [no_shop])
