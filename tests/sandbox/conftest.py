"""What the tests of the sandbox share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import stripe
from aiohttp import ClientSession

from kassa.sandbox import Sandbox, SandboxConfig, WebhookTarget
from tests.sandbox.world import SECRET, Receiver, World

stripe.enable_telemetry = False


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def world(tmp_path: Path, receiver: Receiver) -> AsyncIterator[World]:
    config = SandboxConfig(
        database=tmp_path / "sandbox.db",
        webhooks=(WebhookTarget(receiver.url, (SECRET,)),),
        retry_base=0.05,
        webhook_hosts=("shop.example",),
    )
    sandbox = Sandbox(config)
    await sandbox.start(port=0)
    async with ClientSession() as http:
        yield World(sandbox, receiver, http)
    await sandbox.stop()
