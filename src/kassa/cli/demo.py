"""`kassa demo`: buys through the public API of a running shop, as a buyer's own program would."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from kassa.cli.trouble import Refusal

START_SECONDS = 30.0


def demo(
    base: Annotated[str | None, typer.Option(help="Address of a running shop; one is started if left out.")] = None,
    orders: Annotated[int, typer.Option(min=1, max=1000, help="How many orders of each kind.")] = 1,
) -> None:
    """Buy: a paid order, a declined one and an abandoned one, showing each step. Exit status 0 only if all ended as
    they must, with the stock to the piece. Needs the sandbox: no real money moves."""
    from kassa.cli.demo_buyer import Walk
    from kassa.cli.running import run

    if base is not None:
        is_well = run(Walk(base.rstrip("/")).take(orders))
    else:
        with _own_shop() as url:
            is_well = run(Walk(url).take(orders))
    if not is_well:
        raise typer.Exit(1)


@contextmanager
def _own_shop() -> Iterator[str]:
    """A shop of its own in a directory that is thrown away, with the sample catalogue and no limits."""
    from kassa.app.settings import SETTINGS

    ours = {setting.name for setting in SETTINGS}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    with tempfile.TemporaryDirectory(prefix="kassa-demo-") as directory:
        port = _free_port()
        log = Path(directory) / "log"
        with log.open("wb") as output:
            shop = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "kassa.cli.main", "up", "--sample", "--port", str(port), "--data", directory],
                cwd=directory,
                env={**environment, "RATE_LIMIT": "off"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(shop, url, log)
            yield url
        finally:
            shop.terminate()
            shop.wait(60)


def _wait_for(shop: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if shop.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/ready", timeout=5):  # noqa: S310 - an address of ours
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    lines = log.read_text(errors="replace").strip().splitlines()
    raise Refusal(f"the shop did not start: {lines[-1] if lines else 'it said nothing'}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
