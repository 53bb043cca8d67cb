"""Data that an older release has written is read and gone on with: `data/older.sql` is such a file, as text."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import ClientSession

from kassa.sandbox import Sandbox, SandboxConfig, WebhookTarget
from tests.sandbox.shapes import DATA
from tests.sandbox.world import SECRET, Receiver, World, until

PAID = "cs_test_a166124c86df5d501439d265aec5ce"
DISPUTED = "cs_test_a166124c86e40c80225234a0d79687"
OPEN = "cs_test_a166124c86e5969030034c90eda1d2"
ASKED = "cs_test_a166124c86e64390355864cc4fce03"
WRITTEN = 1_795_660_500.0
"""When the file was written; the clock goes on from there."""


@pytest.fixture
async def older(tmp_path: Path, receiver: Receiver) -> AsyncIterator[World]:
    with closing(sqlite3.connect(tmp_path / "sandbox.db")) as database, database:
        database.executescript((DATA / "older.sql").read_text())
    database.close()
    webhooks = (WebhookTarget(receiver.url, (SECRET,)),)
    sandbox = Sandbox(SandboxConfig(tmp_path / "sandbox.db", webhooks=webhooks, wall_clock=lambda: WRITTEN))
    await sandbox.start(port=0)
    async with ClientSession() as http:
        yield World(sandbox, receiver, http)
    await sandbox.stop()


async def test_what_was_open_is_paid_and_what_was_paid_is_refunded(older: World) -> None:
    assert (await older.pay(OPEN))["outcome"] == "succeeded"
    answered = await older.pay(ASKED, "4000002760003184", outcome_3ds="complete")
    assert answered["outcome"] == "succeeded"
    paid = await older.session(PAID, "payment_intent.latest_charge", "line_items")
    refund = await older.stripe.v1.refunds.create_async({"payment_intent": paid.payment_intent.id})
    assert (refund.status, refund.amount) == ("succeeded", paid.amount_total)
    disputed = await older.session(DISPUTED)
    (dispute,) = (await older.stripe.v1.disputes.list_async({"payment_intent": disputed.payment_intent})).data
    assert (await older.stripe.v1.disputes.close_async(dispute.id)).status == "lost"


async def test_the_webhooks_that_were_owed_are_delivered_once_their_time_has_come(older: World) -> None:
    await older.control("POST", "deliveries", {"skew": time.time() - WRITTEN})  # The receiver has a clock of its own.
    owed = {event.id for event in (await older.stripe.v1.events.list_async({"limit": 100})).data}
    await older.advance(2 * 3600)
    await until(lambda: owed <= {event["id"] for event in older.receiver.events})


async def test_the_control_page_shows_it(older: World) -> None:
    async with older.http.get(f"{older.sandbox.url}/sandbox") as response:
        page = await response.text()
    assert (response.status, "dispute needs response" in page) == (200, True)
