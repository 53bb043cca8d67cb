"""Secrets that the one-process form makes for itself, once, in its data directory."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from kassa.app.files import make_directory, usable
from kassa.app.settings import Settings
from kassa.kit.service_keys import ServiceKeys


def kept_secret(data: Path, name: str, prefix: str = "") -> str:
    """The secret in the file `name`, made if there is none. Readable by its owner only; two processes that make it
    at once get the same one."""
    with usable(data):
        return _read(data / name) or _made(data / name, prefix)


def service_keys(settings: Settings) -> ServiceKeys:
    """What the settings say that services sign with among themselves; with nothing said, a secret of the shop's own."""
    secret = settings.internal_secret or ""
    if not secret and not settings.service_keys:
        secret = kept_secret(settings.data, "internal-secret")
    return ServiceKeys(secret, settings.service_keys, settings.service_public_keys)


def replace_secret(data: Path, name: str, new: Callable[[str], str]) -> bool:
    """Put what `new` makes of the secret into the file, whole or not at all. False: there is none."""
    with usable(data):
        known = _read(data / name)
        if known:
            _written(data / name, new(known)).replace(data / name)
    return known != ""


def _made(path: Path, prefix: str) -> str:
    make_directory(path.parent)
    made = _written(path, f"{prefix}{secrets.token_hex(32)}")
    try:
        # A link is atomic and refuses to replace: whoever comes second takes the first one's.
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        made.unlink()
    return _read(path)


def _written(path: Path, secret: str) -> Path:
    """A file beside `path`, for its owner only, that is on the disk."""
    made = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{secret}\n")
        file.flush()
        os.fsync(file.fileno())
    return made


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
