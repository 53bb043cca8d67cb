"""Kassa as processes of their own: started, asked, stopped."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from kassa.app.settings import SETTINGS

PATIENCE = 40.0


def environment(**settings: str) -> dict[str, str]:
    """The surroundings of a process: nothing of ours but these settings."""
    ours = {setting.name for setting in SETTINGS} | {"KASSA_ADMIN_PASSWORD"}
    return {**{name: value for name, value in os.environ.items() if name not in ours}, **settings}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def kassa(
    directory: Path, *arguments: str, input: str | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "kassa.cli.main", *arguments],
        cwd=directory,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=120,
        input=input,
        check=False,
    )


class Running:
    """A server process. `log` is the file with all that it prints."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = log

    def wait_until_ready(self, path: str = "/ready") -> None:
        """Until it answers that it is; fails if it ends before."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if httpx.get(self.url + path, trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


@contextmanager
def started(directory: Path, *arguments: str, log: str = "log", **settings: str) -> Iterator[Running]:
    """A server on a port of its own, or on PORT, ended with the test."""
    port = int(settings.get("PORT") or free_port())
    path = directory / log
    with path.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "kassa.cli.main", *arguments, "--port", str(port)],
            cwd=directory,
            env=environment(**settings),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(process, port, path)
    finally:
        process.kill()
        process.wait()
