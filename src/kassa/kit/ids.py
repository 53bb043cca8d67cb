"""Identifiers: a prefix that tells what is named, then 26 characters that sort by time of making."""

import os
import re
from collections.abc import Callable

from kassa.kit.clock import Clock, Millis

# Crockford's base 32 in lower case: no i, l, o, u (the alphabet of the ULID specification).
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_BODY = re.compile(rf"[{_ALPHABET}]{{26}}")
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]

SHOP = "shop"
USER = "usr"
PRODUCT = "prd"
ORDER = "ord"
PAYMENT = "pay"
REFUND = "rfd"
REQUEST = "req"
SESSION = "ses"
DEVICE = "dev"
API_KEY = "key"
ACT = "act"


class Ids:
    """Makes ids. `entropy(n)` gives n random bytes; the simulation gives its own."""

    def __init__(self, clock: Clock, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._entropy = entropy
        self._last = 0

    def new(self, prefix: str) -> str:
        """A new id such as `ord_01jd…`: 48 bits of milliseconds, then 80 random bits.

        One that is made in the same millisecond as the last, or after the clock went back, still sorts behind it.
        """
        now = self._clock.now()
        if now > self._last >> 80:
            number = (now << 80) | int.from_bytes(self._entropy(10), "big")
        else:
            number = self._last + 1 + int.from_bytes(self._entropy(5), "big")
        self._last = number
        pairs = [_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)]
        return f"{prefix}_{''.join(pairs)}"

    def secret(self) -> str:
        """64 hexadecimal characters that nobody can guess."""
        return self._entropy(32).hex()


def made_at(id: str) -> Millis:
    """When an id was made; 0 if it was made by somebody else."""
    prefix, _, body = id.partition("_")
    if not is_id(prefix, id):
        return 0
    number = 0
    for character in body[:10]:
        number = number * len(_ALPHABET) + _ALPHABET.index(character)
    return number


def is_id(prefix: str, text: str) -> bool:
    """Whether the text has the form of an id with this prefix."""
    head, _, body = text.partition("_")
    return head == prefix and _BODY.fullmatch(body) is not None
