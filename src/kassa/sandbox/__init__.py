"""A stand-in for the part of Stripe that Kassa uses. It stands alone and imports nothing of the shop.

sandbox = Sandbox(SandboxConfig(database=data / "sandbox.db", webhooks=(WebhookTarget(url, (secret,)),)))
await sandbox.start(port=12111)
client = StripeClient("sk_test_sandbox", base_addresses={"api": sandbox.url})
"""

from kassa.sandbox.app import SandboxApp, create_app
from kassa.sandbox.config import API_VERSION, SandboxConfig, WebhookTarget
from kassa.sandbox.server import Sandbox

__all__ = ["API_VERSION", "Sandbox", "SandboxApp", "SandboxConfig", "WebhookTarget", "create_app"]
