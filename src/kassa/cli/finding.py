"""One thing that `kassa doctor` has looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

CHECK_SECONDS = 25


class Finding(NamedTuple):
    """What one check found; `advice` says what to do when it is not well."""

    is_well: bool
    text: str
    advice: str = ""


async def asked(text: str, ask: Callable[[], Awaitable[object]], advice: str) -> Finding:
    """What comes of asking: well unless it raises or takes too long."""
    try:
        await asyncio.wait_for(ask(), CHECK_SECONDS)
    except Exception as error:  # whatever it is, the operator is told what to look at
        return Finding(False, f"{text}: no ({str(error) or type(error).__name__})", advice)
    return Finding(True, text)
