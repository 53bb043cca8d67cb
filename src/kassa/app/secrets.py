"""Secrets that the one-process form makes for itself, once, in its data directory."""

import base64
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kassa.app.files import kept, read, replaced
from kassa.app.settings import Settings
from kassa.kit.service_keys import ServiceKeys


def secret_texts(settings: Settings) -> list[str]:
    """All that is secret in the settings, as it might be written somewhere."""
    addresses = (settings.mongo_uri, settings.redis_url, settings.stripe_proxy, settings.stripe_api_base)
    split = [urlsplit(each) for each in (*addresses, *settings.service_urls.values()) if each]
    passwords = [each.password for each in split if each.password]
    kept = [base64.b64encode(key).decode() for key in settings.service_keys.values()]
    alone = [each for each in (settings.stripe_secret_key, settings.internal_secret) if each]
    secrets = [*alone, *settings.stripe_webhook_secrets, *settings.jwt_secrets, *kept, *passwords]
    return [*secrets, *(unquote(each) for each in passwords)]


def kept_secret(data: Path, name: str, prefix: str = "", *, keeps: bool = True) -> str:
    """The secret in the file `name`, made if there is none; it is kept there, for its owner only, if `keeps`."""
    made_up = f"{prefix}{secrets.token_hex(32)}"
    return kept(data / name, made_up) if keeps else read(data / name) or made_up


def service_keys(settings: Settings, *, keeps: bool) -> ServiceKeys:
    """What the settings say that services sign with among themselves; with nothing said, a secret of the shop's own."""
    secret = settings.internal_secret or ""
    if not secret and not settings.service_keys:
        secret = kept_secret(settings.data, "internal-secret", keeps=keeps)
    return ServiceKeys(secret, settings.service_keys, settings.service_public_keys)


def replace_secret(data: Path, name: str, new: Callable[[str], str]) -> bool:
    """Put what `new` makes of the secret into the file, whole or not at all. False: there is none."""
    known = read(data / name)
    if known:
        replaced(data / name, new(known))
    return known != ""
