"""Secrets that the one-process form makes for itself, once, in its data directory."""

import os
import secrets
from pathlib import Path

from kassa.app.files import make_directory, usable


def kept_secret(data: Path, name: str, prefix: str = "") -> str:
    """The secret in the file `name`, made if there is none. Readable by its owner only; two processes that make it
    at once get the same one."""
    with usable(data):
        return _read(data / name) or _made(data / name, prefix)


def _made(path: Path, prefix: str) -> str:
    make_directory(path.parent)
    made = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{prefix}{secrets.token_hex(32)}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link is atomic and refuses to replace: whoever comes second takes the first one's.
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        made.unlink()
    return _read(path)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
