"""Rate limits: so many requests a user or address may make, in bursts of one period's worth."""

import ipaddress
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

_PERIODS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
_FORM = re.compile(r"([1-9][0-9]{0,6})/(second|minute|hour)")
_REMEMBERED = 100_000


@dataclass(frozen=True)
class Rate:
    """`count` requests in `seconds`."""

    count: int
    seconds: float


DEAR = 10
"""Ordinary requests that a search counts as, or a page far down a list."""

_NEAR_DIGITS = 3  # Of a `skip` that an index passes over in no time.

REGISTRATIONS = Rate(10, 60.0)
"""Accounts that one address may make; each costs a slow hash."""

STATEMENTS = Rate(20, 60.0)
"""Withdrawals that one address may ask for, in two steps each: nobody finds out whose orders there are by trying."""


NOTICES = Rate(20, 3600.0)
"""Mails that one address may have sent to others, by asking to be told what is back in stock."""


def parse_rate(text: str) -> Rate | None:
    """The rate in `100/second`, `600/minute` or `1000/hour`; None for `off`; ValueError else."""
    if text == "off":
        return None
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return Rate(int(found[1]), _PERIODS[found[2]])


def cost_of(query: bytes) -> int:
    """As how many ordinary requests one with this query counts."""
    if not query:
        return 1
    given = parse_qsl(query.decode("latin-1"))
    is_dear = any(name == "q" or (name == "skip" and len(value.lstrip("0")) > _NEAR_DIGITS) for name, value in given)
    return DEAR if is_dear else 1


class Limiter:
    """A token bucket for each key, kept as one number: when the bucket will be full again.

    A bucket holds one period's tokens, so that a page with its pictures is no crime. Each gateway process counts
    for itself.
    """

    def __init__(self, rate: Rate, now: Callable[[], float] = time.monotonic) -> None:
        self._a_token = rate.seconds / rate.count
        self._bucket = rate.seconds
        # Even where few requests may be made, a page that searches is made of several.
        self._dearest = max(1, rate.count // DEAR)
        self._now = now
        self._full_at: dict[str, float] = {}

    def retry_after(self, key: str, cost: int = 1) -> int:
        """0: so many tokens were taken, go on; of a small bucket a tenth at most. Otherwise the whole seconds until
        there are as many."""
        now = self._now()
        full_at = self._full_after(key, cost, now)
        if wait := self._wait(full_at, now):
            return wait
        if len(self._full_at) >= _REMEMBERED and key not in self._full_at:
            self._forget(now)
        self._full_at[key] = full_at
        return 0

    def wait(self, key: str) -> int:
        """The whole seconds until there is a token; none is taken."""
        now = self._now()
        return self._wait(self._full_after(key, 1, now), now)

    def _full_after(self, key: str, cost: int, now: float) -> float:
        return max(now, self._full_at.get(key, now)) + self._a_token * min(cost, self._dearest)

    def _wait(self, full_at: float, now: float) -> int:
        wait = full_at - self._bucket - now
        # A billionth forgives the rounding of a sum of many small parts.
        return max(1, math.ceil(wait)) if wait > 1e-9 else 0

    def _forget(self, now: float) -> None:
        """Full buckets need no memory; if nearly all are in use, start anew rather than grow."""
        waiting = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        self._full_at = waiting if len(waiting) < _REMEMBERED // 2 else {}


class Addresses:
    """Whose request it is: the peer's address, or what a trusted proxy says in X-Forwarded-For."""

    def __init__(self, trusted: tuple[str, ...] = ()) -> None:
        self._trusted = [ipaddress.ip_network(text, strict=False) for text in trusted]
        self._known: dict[str, bool] = {}

    def client(self, peer: str, forwarded: str) -> str:
        """The address of the one who asks: from the right, the first that is not a trusted proxy."""
        if not self._trusted or not forwarded or not self.is_trusted(peer):
            return peer
        client = peer
        for text in reversed(forwarded.split(",")):
            if not text.strip():
                continue  # RFC 9110, 5.6.1.2: an empty member of a list is none
            address = _bare(text.strip())
            if address is None:
                break
            client = address
            if not self.is_trusted(address):
                break
        return client

    def is_trusted(self, address: str) -> bool:
        """Whether this is the address of one of our proxies."""
        known = self._known.get(address)
        if known is None:
            if len(self._known) > 10_000:
                self._known.clear()
            known = self._known[address] = self._is_in_a_network(address)
        return known

    def _is_in_a_network(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._trusted)


def _bare(text: str) -> str | None:
    """The address in `1.2.3.4`, `1.2.3.4:567`, `2001:db8::1` or `[2001:db8::1]:567`; None if there is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
