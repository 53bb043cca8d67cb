"""What the sandbox is told when it starts."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

API_VERSION = "2026-10-28.endive"
"""The API version in every answer and event: the one that the installed Stripe SDK is pinned to."""


END_OF_TIME = 4_102_444_800.0
"""2100-01-01, in seconds: the sandbox's time stays before it, so that all that is reckoned from it has a date."""
FURTHEST = END_OF_TIME - 2 * 366 * 86_400
"""Up to where it can be moved: a sandbox that runs on from there has years until its time ends."""


@dataclass(frozen=True)
class WebhookTarget:
    """An endpoint that is told of events.

    `secrets` sign every delivery, one `v1` each: two of them is what a receiver sees while a secret
    is being rolled (Stripe docs: webhooks). `enabled_events` are event types, or `*` for all.
    """

    url: str
    secrets: tuple[str, ...] = field(repr=False)
    enabled_events: tuple[str, ...] = ("*",)


@dataclass(frozen=True)
class SandboxConfig:
    """All settings of a sandbox. Times are seconds.

    `hosts` are names by which it is called, besides those of this machine. `webhook_hosts` are hosts that endpoints
    made through the API may be on, besides this machine and the configured ones; `*` for any.
    `public_url` is where browsers reach the card page; left empty, the address that the server bound is used.
    `trusted` says whose certificates are believed; True: those that the system's authorities have signed.
    `retry_base` is the pause before the first retry of a delivery; each further pause is twice as long.
    `later` is how long refunds and disputes of the special test cards take, by the sandbox's own clock.
    `bank_delay` is how long a payment by bank (a delayed method) takes, by the same clock.
    `redirect_hold` is how long a paying browser waits for the webhook's answer.
    `lock_patience` is how long a write waits while another process holds the database.
    `rate_limit` is how many API calls a second are taken, 0 for no limit; Stripe's test mode has 25.
    """

    database: Path
    public_url: str = ""
    webhooks: tuple[WebhookTarget, ...] = ()
    trusted: ssl.SSLContext | bool = True
    wall_clock: Callable[[], float] = time.time
    retry_base: float = 1.0
    retry_cap: float = 3600.0
    retry_for: float = 3 * 86400.0
    delivery_timeout: float = 20.0
    later: float = 1.5
    bank_delay: float = 30.0
    redirect_hold: float = 10.0
    lock_patience: float = 5.0
    rate_limit: int = 0
    hosts: tuple[str, ...] = ()
    webhook_hosts: tuple[str, ...] = ()


class Clock:
    """The sandbox's own time in seconds since 1970: the wall clock plus an offset that only grows."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self.offset = 0.0

    def now(self) -> float:
        return self._wall_clock() + self.offset

    def wall(self) -> float:
        """The time without the offset: what a receiver of webhooks compares signatures with."""
        return self._wall_clock()
