"""Secrets that the one-process form makes for itself, once, in its data directory."""

import secrets
from pathlib import Path

from kassa.app.files import kept, read


def kept_secret(data: Path, name: str, prefix: str = "", *, keeps: bool = True) -> str:
    """The secret in the file `name`, made if there is none; it is kept there, for its owner only, if `keeps`."""
    made_up = f"{prefix}{secrets.token_hex(32)}"
    return kept(data / name, made_up) if keeps else read(data / name) or made_up
