"""`kassa sandbox`: the Stripe sandbox alone."""

from __future__ import annotations

from pathlib import Path

import typer
import uvicorn

from kassa.app.files import Lock, note_sandbox_url
from kassa.app.sandboxing import sandbox_usable
from kassa.app.secrets import kept_secret
from kassa.sandbox import SandboxConfig, WebhookTarget, create_app
from kassa.sandbox.store import open_database


def sandbox(
    port: int, data: Path, webhook: list[str], webhook_hosts: list[str], secret: str | None, rate_limit: int
) -> None:
    """Run the Stripe sandbox alone; the parameters are the options of the command."""
    with sandbox_usable(data):
        lock = Lock(data / "sandbox.lock")
        open_database(data / "sandbox.db", patience=1).close()
    signing = secret or kept_secret(data, "sandbox-webhook-secret", "whsec_")
    targets = tuple(WebhookTarget(address, (signing,)) for address in webhook)
    url = f"http://127.0.0.1:{port}"
    hosts = tuple(webhook_hosts)
    config = SandboxConfig(
        data / "sandbox.db", public_url=url, webhooks=targets, rate_limit=rate_limit, webhook_hosts=hosts
    )
    typer.echo(f"Stripe sandbox   {url}   (no real money moves)")
    typer.echo(f"  STRIPE_API_BASE={url}")
    typer.echo("  STRIPE_SECRET_KEY=sk_test_sandbox   (any key that starts with sk_test_ will do)")
    typer.echo(f"  STRIPE_WEBHOOK_SECRET={signing}")
    typer.echo(f"  Faults, clock, sessions and events: {url}/sandbox")
    if not targets:
        typer.echo("  No webhooks are sent; name a receiver with --webhook http://localhost:8000/webhook")
    note_sandbox_url(data, url)
    uvicorn.run(create_app(config), host="127.0.0.1", port=port, log_level="warning", lifespan="on")
    lock.release()
