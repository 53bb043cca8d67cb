"""The data directory: who may use it, where the sandbox was last, and whether the shop has left it."""

import fcntl
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from kassa.app.settings import SERVICES

MOVED = "moved"
_TRIES = 600
_PAUSE_SECONDS = 0.1


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
        why = "it is no folder, or is in none" if isinstance(error, _NO_FOLDER) else error.strerror
        raise DataUnusable(f"the data directory {data} (KASSA_DATA, --data) cannot be used: {why}") from error


# FileExistsError: what leads nowhere cannot be made a folder.
_NO_FOLDER = (NotADirectoryError, FileExistsError)


def make_directory(data: Path) -> None:
    """Make the data directory, if it is not there."""
    with usable(data):
        data.mkdir(parents=True, exist_ok=True)


class Lock:
    """Held for as long as a server runs on the data; the system lets go of it when the process ends, however."""

    def __init__(self, path: Path) -> None:
        make_directory(path.parent)
        with usable(path.parent):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take()
        except OSError:
            owner = os.read(self._descriptor, 32).decode(errors="replace").strip()
            os.close(self._descriptor)
            by = f" (process {owner})" if owner.isdigit() else ""
            raise DataInUse(
                f"another server{by} runs on {path.parent}; stop it, or use other data: KASSA_DATA, or --data"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def _take(self) -> None:
        """BlockingIOError: a server has it. A command that copies the data shares it meanwhile, and is waited for."""
        for _ in range(_TRIES):
            with suppress(BlockingIOError):
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            time.sleep(_PAUSE_SECONDS)
        raise BlockingIOError

    def release(self) -> None:
        """Let go of it. The file stays: removing it could let two in."""
        os.close(self._descriptor)


def server_locks(data: Path) -> list[Path]:
    """What the servers on this data hold: the one that has all services, or one of each."""
    return [data / name for name in ("lock", *(f"{service}.lock" for service in SERVICES))]


@contextmanager
def unlocked(*locks: Path) -> Iterator[bool]:
    """Whether nobody holds one of these locks, nor can take one while this lasts. Asking makes no files."""
    with ExitStack() as held:
        is_free = all(_is_free(lock, held) for lock in locks)
        if not is_free:
            held.close()
        yield is_free


def _is_free(lock: Path, held: ExitStack) -> bool:
    with usable(lock.parent):
        try:
            descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        held.callback(os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def sandbox_url(data: Path) -> str | None:
    """Where the sandbox of this data is, or was last."""
    return read(data / "sandbox-url") or None


def note_sandbox_url(data: Path, url: str) -> None:
    """Remember where the sandbox is, for commands and for the next start."""
    with usable(data):
        (data / "sandbox-url").write_text(f"{url}\n")


class Move(NamedTuple):
    """That a shop was moved, or is on the way: the name under which it goes, and where to, for people; older releases
    did not note that."""

    name: str
    target: str

    @property
    def told(self) -> str:
        """Where the shop is."""
        return f"was moved to {self.target or 'MongoDB and Redis'}, or is on the way there"


def moved_from(data: Path) -> Move | None:
    """How the shop of this data was moved to other stores; None if it was not."""
    return _move(read(data / MOVED))


def note_move(data: Path, target: str) -> Move:
    """Note that the shop of this data is on the way to other stores; from now on nothing is sold from here."""
    move = _move(kept(data / MOVED, f"shop_{secrets.token_hex(32)}\n{target}"))
    assert move is not None
    return move


def _move(noted: str) -> Move | None:
    name, _, target = noted.partition("\n")
    return Move(name, target) if name else None


def read(path: Path) -> str:
    """What a file of the data directory says; nothing if it is not there."""
    with usable(path.parent):
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            return ""


def kept(path: Path, text: str) -> str:
    """What the file says; if it is not there, it is made with this text, for its owner only. Two processes that make it
    at once get the same."""
    if known := read(path):
        return known
    make_directory(path.parent)
    with usable(path.parent):
        made = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{text}\n")
                file.flush()
                os.fsync(file.fileno())
            # A link is atomic and refuses to replace: whoever comes second takes the first one's.
            os.link(made, path)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return read(path)


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
