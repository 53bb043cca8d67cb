"""The data directory: who may use it, where the sandbox was last, and whether the shop has left it."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOVED = "moved"


class DataInUse(Exception):
    """Another server runs on the same data."""


class DataUnusable(Exception):
    """The data directory is no directory, or may not be written to, or is on a disk that is full."""


@contextmanager
def usable(data: Path) -> Iterator[None]:
    """What goes wrong with files in the data directory is DataUnusable."""
    try:
        yield
    except OSError as error:
        text = f"the data directory {data} (KASSA_DATA, --data) cannot be used: {error.strerror}"
        raise DataUnusable(text) from error


def make_directory(data: Path) -> None:
    """Make the data directory, if it is not there."""
    with usable(data):
        data.mkdir(parents=True, exist_ok=True)


class Lock:
    """Held for as long as a server runs on the data; the system lets go of it when the process ends, however."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._descriptor, 32).decode(errors="replace").strip()
            os.close(self._descriptor)
            by = f" (process {owner})" if owner.isdigit() else ""
            raise DataInUse(
                f"another server{by} runs on {path.parent}; stop it, or use other data: KASSA_DATA, or --data"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go of it. The file stays: removing it could let two in."""
        os.close(self._descriptor)


def sandbox_url(data: Path) -> str | None:
    """Where the sandbox of this data is, or was last."""
    try:
        return (data / "sandbox-url").read_text().strip() or None
    except FileNotFoundError:
        return None


def note_sandbox_url(data: Path, url: str) -> None:
    """Remember where the sandbox is, for commands and for the next start."""
    (data / "sandbox-url").write_text(f"{url}\n")


def moved_from(data: Path) -> str | None:
    """The name under which the shop of this data was moved to other stores, or is on the way; None if it was not."""
    try:
        return (data / MOVED).read_text().strip()
    except FileNotFoundError:
        return None


def bound(host: str, port: int, sockets: int = 1) -> list[socket.socket]:
    """Sockets that listen on one port, over which the system spreads those who connect; they wait until they are
    served. OSError if the port is taken or not allowed."""
    first = _bound(host, port)
    if sockets == 1:
        return [first]
    first.close()  # It has shown that the port is free: sockets that share one do not mind others that do.
    return [_bound(host, port, socket.SO_REUSEADDR, socket.SO_REUSEPORT) for _ in range(sockets)]


def _bound(host: str, port: int, *options: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's delay off for what is accepted.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        for option in options or (socket.SO_REUSEADDR,):
            listener.setsockopt(socket.SOL_SOCKET, option, 1)
        listener.bind((host, port))
        listener.listen(2048)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
