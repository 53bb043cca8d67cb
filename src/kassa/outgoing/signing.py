"""Signatures as Standard Webhooks has them (https://www.standardwebhooks.com, 1.0.0), and the secrets for them."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from kassa.kit.clock import SECOND, Millis
from kassa.outgoing.store import Secret

PREFIX = "whsec_"
OVERLAP_HOURS = 24
"""How long the former secret signs, too, when a new one is made."""
MOST_SECRETS = 3


def new_secret(entropy: bytes) -> Secret:
    """A secret of these 32 bytes."""
    return Secret(PREFIX + base64.b64encode(entropy).decode("ascii"))


def valid(secrets: Sequence[Secret], now: Millis) -> list[Secret]:
    """Those that sign by now, the newest first."""
    return [secret for secret in secrets if secret.until is None or secret.until > now]


def rolled(secrets: Sequence[Secret], new: Secret, now: Millis, until: Millis) -> tuple[Secret, ...]:
    """The new secret, and those that sign beside it until then."""
    kept = [
        msgspec.structs.replace(each, until=until if each.until is None else min(each.until, until))
        for each in valid(secrets, now)
    ]
    return (new, *kept[: MOST_SECRETS - 1])


def signed(event_id: str, body: bytes, secrets: Sequence[Secret], now: Millis) -> list[tuple[bytes, bytes]]:
    """The header fields with which an event is sent."""
    at = str(now // SECOND)
    content = f"{event_id}.{at}.".encode() + body
    return [
        (b"webhook-id", event_id.encode("ascii")),
        (b"webhook-timestamp", at.encode("ascii")),
        (b"webhook-signature", b" ".join(_signature(each, content) for each in valid(secrets, now))),
    ]


def _signature(secret: Secret, content: bytes) -> bytes:
    key = base64.b64decode(secret.text.removeprefix(PREFIX))
    return b"v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest())
