"""The sandbox that stands in for Stripe while no key is set: brought up beside the shop, where it was last."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kassa.app.files import note_sandbox_url, sandbox_url
from kassa.app.secrets import kept_secret
from kassa.app.settings import Settings
from kassa.payment.inbox import HANDLED

if TYPE_CHECKING:
    from kassa.sandbox import Sandbox

SANDBOX_KEY = "sk_test_sandbox"
SANDBOX_PORT = 12111


def webhook_secrets(settings: Settings) -> tuple[str, ...]:
    """What the sandbox signs its webhooks with."""
    return settings.stripe_webhook_secrets or (kept_secret(settings.data, "sandbox-webhook-secret", "whsec_"),)


def last_sandbox_url(data: Path) -> str:
    """Where the sandbox of this data runs, or would."""
    return sandbox_url(data) or f"http://127.0.0.1:{SANDBOX_PORT}"


@asynccontextmanager
async def sandbox_running(settings: Settings, host: str, webhook_url: str) -> AsyncIterator["Sandbox"]:
    """The sandbox of the settings' data, for as long as this lasts; its events go to `webhook_url`."""
    from kassa.sandbox import Sandbox, SandboxConfig, WebhookTarget

    targets = (WebhookTarget(webhook_url, webhook_secrets(settings), HANDLED),)
    sandbox = Sandbox(SandboxConfig(database=settings.data / "sandbox.db", webhooks=targets))
    # Where it was last, for open card pages have that address; else where there is room.
    last = int(last_sandbox_url(settings.data).rpartition(":")[2])
    for port in (last, SANDBOX_PORT, 0):
        try:
            await sandbox.start(host, port)
        except OSError:
            continue
        break
    note_sandbox_url(settings.data, sandbox.url)
    try:
        yield sandbox
    finally:
        await sandbox.stop()
