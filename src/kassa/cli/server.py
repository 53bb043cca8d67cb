"""`kassa up`, `kassa serve`, `kassa sandbox`: what runs until it is told to stop."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kassa.cli.running import settings_for, typed
from kassa.cli.trouble import Refusal

if TYPE_CHECKING:
    from kassa.app.settings import Settings
    from kassa.app.shop import Shop

SandboxHostOption = Annotated[str, typer.Option(help="Address that the Stripe sandbox listens on.")]
PortOption = Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on; PORT if left out.")]


class Service(StrEnum):
    """What `kassa serve` can run."""

    GATEWAY = "gateway"
    AUTH = "auth"
    PRODUCT = "product"
    INVENTORY = "inventory"
    ORDER = "order"
    PAYMENT = "payment"


def up(
    port: PortOption = None,
    data: Annotated[
        Path | None, typer.Option(help="Data directory; KASSA_DATA, or .kassa, if left out.", readable=False)
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Load the sample catalogue into an empty shop.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="How many processes; more need MONGO_URI, REDIS_URL.")
    ] = 1,
    split: Annotated[bool, typer.Option("--split", help="A process for each service and the gateway.")] = False,
    sandbox_host: SandboxHostOption = "127.0.0.1",
) -> None:
    """Run the whole shop in one process: API, storefront and console, with a Stripe sandbox until a key is set."""
    settings = settings_for(data)
    if sample and settings.stripe_mode == "live":
        raise Refusal(
            "--sample would sell what nobody has for real money, for STRIPE_SECRET_KEY is a live key: leave one out"
        )
    from kassa.app import server
    from kassa.cli.catalogue import load_sample

    def announce(url: str, sandbox_url: str | None) -> None:
        _announce(url, payments(settings, sandbox_url), typed("admin create you@example.com", data))

    async def prepare(shop: Shop) -> None:
        if await load_sample(shop):
            print("The sample catalogue is in the shop now.")

    first = prepare if sample else None
    server.up(settings, host, port, first, announce, workers=workers, split=split, sandbox_host=sandbox_host)


def serve(
    service: Annotated[Service, typer.Argument(help="What to run.")],
    port: PortOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 127.0.0.1 for this machine only.")] = "0.0.0.0",  # noqa: S104
    sandbox_host: SandboxHostOption = "127.0.0.1",
) -> None:
    """Run one service alone, or the gateway in front of them; the `*_SERVICE_URL` settings say where the others are."""
    settings = settings_for()
    from kassa.app import server

    def announce(url: str, sandbox_url: str | None) -> None:
        print(f"kassa {service} answers at {url}")
        if service is Service.PAYMENT:
            print(payments(settings, sandbox_url))
        sys.stdout.flush()

    server.serve(settings, str(service), host, port, announce, sandbox_host=sandbox_host)


def sandbox(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 12111,
    data: Annotated[
        Path | None, typer.Option(help="Folder of sandbox.db; KASSA_DATA if left out.", readable=False)
    ] = None,
    webhook: Annotated[list[str] | None, typer.Option(help="Address to send events to; may be given again.")] = None,
    secret: Annotated[str | None, typer.Option(help="Signing secret of the webhooks; made up if left out.")] = None,
    webhook_host: Annotated[
        list[str] | None, typer.Option(help="Other host that endpoints may be on; * for any; may be given again.")
    ] = None,
    rate_limit: Annotated[int, typer.Option(help="Calls a second that are taken; 0: no limit, Stripe: 25.", min=0)] = 0,
) -> None:
    """Run the Stripe sandbox alone: the API, the card page, webhooks and a control page, without Stripe."""
    from kassa.app.settings import read_data_directory
    from kassa.cli.sandbox_cmd import sandbox as run_sandbox

    run_sandbox(port, data or read_data_directory(), webhook or [], webhook_host or [], secret, rate_limit)


def _announce(url: str, paid_by: str, make_admin: str) -> None:
    print(f"Storefront  {url}/")
    print(f"Console     {url}/console")
    print(f"API docs    {url}/docs")
    print(paid_by)
    print(f"Make an administrator with: {make_admin}")
    print("Stop with Ctrl-C.")
    sys.stdout.flush()


def payments(settings: Settings, sandbox_url: str | None) -> str:
    """Whether real money moves, and where."""
    if sandbox_url is not None:
        return (
            f"Payments    {sandbox_url} is a sandbox: no real money moves. Pay with card 4242 4242 4242 4242.\n"
            f"Sandbox     {sandbox_url}/sandbox shows what Stripe would see, and makes it go wrong."
        )
    if settings.has_sandbox:
        return "Payments    are made where the payment service runs."
    mode = "live: real money moves" if settings.stripe_mode == "live" else "in test mode: no real money moves"
    return f"Payments    Stripe, {mode}."
