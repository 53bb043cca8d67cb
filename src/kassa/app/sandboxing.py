"""The sandbox that stands in for Stripe while no key is set: brought up beside the shop, where it was last."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from kassa.app.files import DataInUse, DataUnusable, Lock, note_sandbox_url, sandbox_url, usable
from kassa.app.secrets import kept_secret
from kassa.app.settings import Settings
from kassa.app.tls import trusting
from kassa.payment.event_handlers import HANDLED

if TYPE_CHECKING:
    from kassa.sandbox import Sandbox, SandboxConfig

SANDBOX_KEY = "sk_test_sandbox"
SANDBOX_PORT = 12111
TAKE_OVER_SECONDS = 0.5
MOST_CONNECTIONS = 400
"""Four times as many as a process of the shop opens to Stripe, and fewer than the files that the gateway leaves."""


def webhook_secrets(settings: Settings, *, keeps: bool = True) -> tuple[str, ...]:
    """What the sandbox signs its webhooks with."""
    kept = settings.stripe_webhook_secrets
    return kept or (kept_secret(settings.data, "sandbox-webhook-secret", "whsec_", keeps=keeps),)


def last_sandbox_url(data: Path) -> str:
    """Where the sandbox of this data runs, or would."""
    return sandbox_url(data) or f"http://127.0.0.1:{SANDBOX_PORT}"


@contextmanager
def sandbox_usable(data: Path) -> Iterator[None]:
    """What goes wrong with the sandbox's database is DataUnusable; what is no sandbox's is left as it is. Which data it
    is of is known to who asked."""
    import apsw

    from kassa.app.sqlite_file import Unfit, has_tables
    from kassa.sandbox.tables import OWN_COLUMNS

    try:
        with usable(data):
            has_tables(data / "sandbox.db", (OWN_COLUMNS,))
        yield
    except (Unfit, apsw.Error) as error:
        why = f"it {error}" if isinstance(error, Unfit) else error
        text = f"the sandbox's database cannot be used: {why}; put sandbox.db out of the data directory"
        raise DataUnusable(f"{text} (KASSA_DATA, --data), and a new one is made") from error


@asynccontextmanager
async def sandbox_running(settings: Settings, host: str, webhook_url: str | None) -> AsyncIterator[None]:
    """The sandbox of the settings' data runs for as long as this lasts; its events go to `webhook_url`, if anywhere.

    One process of those on the data runs it. When that one ends, another one does.
    """
    is_up = asyncio.Event()
    keeping = asyncio.create_task(_keep(settings, host, webhook_url, is_up.set))
    coming = asyncio.create_task(is_up.wait())
    try:
        await asyncio.wait({keeping, coming}, return_when=asyncio.FIRST_COMPLETED)
        if keeping.done():
            keeping.result()
        yield
    finally:
        coming.cancel()
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def _keep(settings: Settings, host: str, webhook_url: str | None, is_up: Callable[[], None]) -> NoReturn:
    while True:
        try:
            lock = Lock(settings.data / "sandbox.lock")
        except DataInUse:
            is_up()  # somewhere else
            await asyncio.sleep(TAKE_OVER_SECONDS)
            continue
        try:
            await _run(settings, host, webhook_url, is_up)
        finally:
            lock.release()


async def _run(settings: Settings, host: str, webhook_url: str | None, is_up: Callable[[], None]) -> None:
    from kassa.sandbox import SandboxConfig, WebhookTarget

    targets = (WebhookTarget(webhook_url, webhook_secrets(settings), HANDLED),) if webhook_url else ()
    hosts = tuple(filter(None, (urlsplit(settings.frontend_url or "").hostname,)))
    config = SandboxConfig(
        settings.data / "sandbox.db",
        webhooks=targets,
        hosts=hosts,
        webhook_hosts=hosts,
        trusted=trusting(settings),
    )
    # Where it was last, for open card pages have that address; else where there is room.
    last = int(last_sandbox_url(settings.data).rpartition(":")[2])
    async with bounded(config) as sandbox:
        with sandbox_usable(settings.data):
            for port in (last, SANDBOX_PORT, 0):
                try:
                    await sandbox.start(host, port)
                except OSError:
                    continue
                break
        note_sandbox_url(settings.data, sandbox.url)
        is_up()
        await asyncio.get_running_loop().create_future()  # until it is cancelled


@asynccontextmanager
async def bounded(config: "SandboxConfig") -> AsyncIterator["Sandbox"]:
    """A sandbox that is yet to be started, with limits as the gateway has (docs/adr/0028); stopped afterwards."""
    from kassa.app.connections import Bounds, Connections
    from kassa.app.protocol import BoundedProtocol
    from kassa.sandbox import Sandbox

    # No limit for one address: the shop and its buyers may have the same.
    connections = Connections(Bounds(in_all=MOST_CONNECTIONS))
    sandbox = Sandbox(config, http=partial(BoundedProtocol, connections))
    watching = asyncio.create_task(connections.watch(), name="sandbox-connections")
    try:
        yield sandbox
    finally:
        await sandbox.stop()
        watching.cancel()
