"""`kassa sandbox`: the Stripe sandbox alone."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from kassa.app.files import Lock, note_sandbox_url
from kassa.app.guessable import check_webhook_secret
from kassa.app.logs import configure_logs
from kassa.app.sandboxing import bounded, sandbox_usable
from kassa.app.secrets import kept_secret
from kassa.app.stopping import run_and_exit, stop_signal
from kassa.cli.trouble import Refusal
from kassa.sandbox import SandboxConfig, WebhookTarget
from kassa.sandbox.store import open_database


def sandbox(
    port: int, data: Path, webhook: list[str], webhook_hosts: list[str], secret: str | None, rate_limit: int
) -> None:
    """Run the Stripe sandbox alone; the parameters are the options of the command."""
    try:
        if secret:
            check_webhook_secret(secret)
    except ValueError as error:
        raise Refusal(f"--secret {error}") from None
    with sandbox_usable(data):
        Lock(data / "sandbox.lock")  # Until the process ends.
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
    sys.stdout.flush()
    note_sandbox_url(data, url)
    configure_logs("warning", None, [signing])
    run_and_exit(_run(config, port))


async def _run(config: SandboxConfig, port: int) -> None:
    stopping = stop_signal()
    async with bounded(config) as running:
        try:
            await running.start(port=port)
        except OSError as error:
            raise Refusal(f"port {port} cannot be used ({error.strerror}); choose another one with --port") from None
        await stopping.wait()
