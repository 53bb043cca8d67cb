"""Identifiers: a prefix that tells what is named, then 26 characters that sort by time of making."""

import os
import re
from collections.abc import Callable
from functools import lru_cache

from kassa.kit.clock import Clock, Millis

# Crockford's base 32 in lower case: no i, l, o, u (the alphabet of the ULID specification).
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_LENGTH = 26
_BODY = re.compile(rf"[{_ALPHABET}]{{{_LENGTH}}}")
_DIGITS = bytes(ord(_ALPHABET[byte & 31]) for byte in range(256))
_REMEMBERED = 4096

SHOP = "shop"
USER = "usr"
PRODUCT = "prd"
FAMILY = "pfm"
ORDER = "ord"
PAYMENT = "pay"
REFUND = "rfd"
REQUEST = "req"
SESSION = "ses"
DEVICE = "dev"
API_KEY = "key"
ACT = "act"
DISCOUNT = "dsc"
GUEST = "gst"
SHIPMENT = "shp"
RETURN = "rtn"
WITHDRAWAL = "wdr"
ENDPOINT = "whk"
EVIDENCE = "evd"
CHECK = "chk"
STOCK_NOTICE = "stn"
WAITER = "wtr"


class Ids:
    """Makes ids. `entropy(n)` gives n random bytes; the simulation gives its own."""

    def __init__(self, clock: Clock, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._entropy = entropy
        self._last = 0
        self._moment = (-1, "")

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

    def name(self, prefix: str) -> str:
        """A new id of what is not stored, made in a quarter of the time: those of one millisecond sort at random."""
        now = self._clock.now()
        if now != self._moment[0]:
            self._moment = now, "".join(_PAIRS[(now >> shift) & 1023] for shift in range(40, -1, -10))
        return f"{prefix}_{self._moment[1]}{self._entropy(16).translate(_DIGITS).decode('ascii')}"

    def secret(self) -> str:
        """64 hexadecimal characters that nobody can guess."""
        return self._entropy(32).hex()


def first_of(prefix: str, instant: Millis) -> str:
    """What no id that was made before this instant sorts behind, and every later one does."""
    digits = [_PAIRS[(max(0, instant) >> shift) & 1023] for shift in range(40, -1, -10)]
    return f"{prefix}_{''.join(digits)}"


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
    return len(text) == len(prefix) + 1 + _LENGTH and _is_id(prefix, text)


def is_any_id(text: str) -> bool:
    """Whether the text has the form of an id, whatever its prefix."""
    return is_id(text.partition("_")[0], text)


@lru_cache(_REMEMBERED)
def _is_id(prefix: str, text: str) -> bool:
    head, _, body = text.partition("_")
    return head == prefix and _BODY.fullmatch(body) is not None
