"""Devices that have logged in to an account before: they are not slowed down by what strangers do with it.

What a device shows is signed, names the account, and is worth nothing after the password was changed (OWASP: Slow Down
Online Guessing Attacks with Device Cookies). It is no log-in: the password is asked for all the same.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from kassa.auth.domain import User
from kassa.kit.clock import DAY, Clock, Millis
from kassa.kit.identity import derived_key
from kassa.kit.ids import DEVICE, Ids, made_at

KEPT: Millis = 365 * DAY
LONGEST_TOKEN = 200


class Devices:
    """Signs devices' tokens, with the key of the first master secret, and reads them, with those of all."""

    def __init__(self, master_secrets: Sequence[str], ids: Ids, clock: Clock) -> None:
        self._keys = [derived_key(each, "devices") for each in master_secrets]
        self._ids = ids
        self._clock = clock

    def token(self, user: User) -> str:
        """A new device's token."""
        return _signed(self._ids.new(DEVICE), user, self._keys[0])

    def stranger(self, email: str) -> str:
        """What the log calls whoever tries this address, if nobody has it: the same each time, and no way back."""
        return f"unknown:{hmac.digest(self._keys[0], b'tried:' + email.encode(), hashlib.sha256).hex()[:16]}"

    def device(self, token: str, user: User | None) -> str:
        """The device's id, if the token is one of this user's; empty else."""
        if user is None or not token or not token.isascii():
            return ""
        device = token.partition(".")[0]
        is_ours = any(hmac.compare_digest(_signed(device, user, key).encode(), token.encode()) for key in self._keys)
        return device if is_ours and self._clock.now() - made_at(device) < KEPT else ""


def _signed(device: str, user: User, key: bytes) -> str:
    text = f"{device}.{user.id}.{user.epoch}"
    signature = hmac.digest(key, text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
