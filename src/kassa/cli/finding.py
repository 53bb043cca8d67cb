"""One thing that `kassa doctor` has looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

CHECK_SECONDS = 25
Advice = str | Callable[[Exception], str]
"""What to do; or that, for what went wrong."""


class Finding(NamedTuple):
    """What one check found; `advice` says what to do. What is well, and has advice all the same, is a warning."""

    is_well: bool
    text: str
    advice: str = ""

    def __str__(self) -> str:
        mark = ("!" if self.advice else "✓") if self.is_well else "✗"
        return f"{mark} {self.text}{f' — {self.advice}' if self.advice else ''}"


async def asked(what: str, yes: str, no: str, ask: Callable[[], Awaitable[object]], advice: Advice) -> Finding:
    """What comes of asking whether it does what it should: `yes`, or `no` and why if it raises or takes too long."""
    try:
        await asyncio.wait_for(ask(), CHECK_SECONDS)
    except Exception as error:  # whatever it is, the operator is told what to look at
        why = f"no answer within {CHECK_SECONDS} s" if isinstance(error, TimeoutError) else str(error)
        told = advice if isinstance(advice, str) else advice(error)
        return Finding(False, f"{what}: {no} ({why or type(error).__name__})", told)
    return Finding(True, f"{what}: {yes}")
