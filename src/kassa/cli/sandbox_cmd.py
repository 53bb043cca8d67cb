"""`kassa sandbox`: the Stripe sandbox alone."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from kassa.app.files import Lock, note_sandbox_url
from kassa.sandbox import SandboxConfig, WebhookTarget, create_app


def sandbox(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 12111,
    data: Annotated[Path, typer.Option(help="Folder of sandbox.db.")] = Path(".kassa"),
    webhook: Annotated[list[str], typer.Option(help="Address to send events to; may be given again.")] = [],  # noqa: B006
    secret: Annotated[str | None, typer.Option(help="Signing secret of the webhooks; made up if left out.")] = None,
) -> None:
    """Run the Stripe sandbox alone: the API, the card page and webhooks, without Stripe."""
    lock = Lock(data / "sandbox.lock")
    signing = secret or _kept_secret(data)
    targets = tuple(WebhookTarget(address, (signing,)) for address in webhook)
    url = f"http://127.0.0.1:{port}"
    app = create_app(SandboxConfig(database=data / "sandbox.db", public_url=url, webhooks=targets))
    typer.echo(f"Stripe sandbox   {url}   (no real money moves)")
    typer.echo(f"  STRIPE_API_BASE={url}")
    typer.echo("  STRIPE_SECRET_KEY=sk_test_sandbox   (any key that starts with sk_test_ will do)")
    typer.echo(f"  STRIPE_WEBHOOK_SECRET={signing}")
    if not targets:
        typer.echo("  No webhooks are sent; name a receiver with --webhook http://localhost:8000/webhook")
    note_sandbox_url(data, url)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", lifespan="on")
    lock.release()


def _kept_secret(data: Path) -> str:
    """The signing secret that was made up at the first start, so that it stays the same."""
    file = data / "sandbox-webhook-secret"
    if file.exists():
        return file.read_text().strip()
    made_up = "whsec_" + secrets.token_hex(24)
    data.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(made_up + "\n")
    return made_up
