"""Stripe's own command line is content with the sandbox: `stripe trigger` makes real things happen in it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.sandbox.shapes import faults_of
from tests.sandbox.world import World, until

pytestmark = pytest.mark.slow

INSTALLED = Path(sys.prefix) / "stripe/node_modules/@stripe/cli-linux-x64/bin/stripe"
PAID = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
OF_CATALOGUE = ["product.created", "price.created"]
DISPUTED = [*PAID, "charge.dispute.created"]
TRIGGERS = {
    "payment_intent.succeeded": PAID,
    "payment_intent.payment_failed": ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"],
    "checkout.session.completed": [*OF_CATALOGUE, *PAID, "checkout.session.completed"],
    "checkout.session.expired": [*OF_CATALOGUE, "checkout.session.expired"],
    "charge.refunded": [*PAID, "refund.created", "charge.refunded"],
    "charge.dispute.created": DISPUTED,
    "charge.dispute.updated": [*DISPUTED, "charge.dispute.updated"],
    "charge.dispute.closed": [*DISPUTED, "charge.dispute.closed"],
    "payment_intent.requires_action": ["payment_intent.created", "payment_intent.requires_action"],
    "payment_intent.canceled": ["payment_intent.created", "payment_intent.canceled"],
    "payment_method.attached": ["customer.created", "payment_method.attached"],
    "customer.deleted": ["customer.created", "customer.deleted"],
    "product.deleted": ["product.created", "product.deleted"],
}


async def stripe(world: World, home: Path, *arguments: str) -> str:
    """Run the command line against the sandbox; what it prints."""
    found = shutil.which("stripe") or str(INSTALLED)
    assert Path(found).exists(), "Stripe's command line is missing: make stripe"
    process = await asyncio.create_subprocess_exec(
        found,
        *(*arguments, "--api-base", world.sandbox.url, "--api-key", "sk_test_1234567890"),
        env={**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "STRIPE_CLI_TELEMETRY_OPTOUT": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed = (await process.communicate())[0].decode()
    assert process.returncode == 0, printed
    return printed


@pytest.mark.parametrize("kind", TRIGGERS)
async def test_the_command_line_triggers_events(world: World, tmp_path: Path, kind: str) -> None:
    printed = await stripe(world, tmp_path, "trigger", kind)
    assert "Trigger succeeded" in printed
    assert await world.types() == TRIGGERS[kind]
    await until(lambda: len(world.receiver.events) == len(TRIGGERS[kind]))
    assert [faults_of(event) for event in world.receiver.events] == [[]] * len(TRIGGERS[kind])


@pytest.mark.parametrize(("end", "status"), [("succeeded", "paid"), ("failed", "unpaid")])
async def test_the_command_line_triggers_delayed_payments(world: World, tmp_path: Path, end: str, status: str) -> None:
    await stripe(world, tmp_path, "trigger", f"checkout.session.async_payment_{end}")
    completed = [*OF_CATALOGUE, "payment_intent.created", "charge.pending", "payment_intent.processing"]
    assert await world.types() == [*completed, "checkout.session.completed"]
    await world.advance(3600)
    assert (await world.types())[-1] == f"checkout.session.async_payment_{end}"
    (session,) = (await world.stripe.v1.checkout.sessions.list_async()).data
    assert (session.status, session.payment_status) == ("complete", status)


@pytest.mark.parametrize("is_to_one", [True, False])
async def test_the_command_line_sends_an_event_again(world: World, tmp_path: Path, is_to_one: bool) -> None:
    await stripe(world, tmp_path, "trigger", "product.created")
    await until(lambda: world.receiver.events)
    (endpoint,) = (await world.stripe.v1.webhook_endpoints.list_async()).data
    event_id = world.receiver.events[0]["id"]
    to_one = ("--webhook-endpoint", endpoint.id) if is_to_one else ()
    printed = await stripe(world, tmp_path, "events", "resend", event_id, *to_one)
    assert '"error"' not in printed, printed  # It ends with 0 whatever it is answered.
    await until(lambda: len(world.receiver.events) == 2)
    assert world.receiver.events[1]["id"] == event_id
