"""How long stopping may take, step by step. Each who waits for a step waits longer than the step takes, so that the
stores are always closed before anybody loses patience."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import uvloop

FINISH_SECONDS = 15.0
"""Requests in flight; whoever is not answered by then is told to come again."""
SETTLE_SECONDS = 5.0
"""Effects that are under way: of the worker first, then of those who were answered. The next start does the rest."""
CLOSE_SECONDS = 10.0
"""The stores: writes that they wait for are given up after that."""
STOP_SECONDS = FINISH_SECONDS + 2 * SETTLE_SECONDS + CLOSE_SECONDS
KILL_SECONDS = STOP_SECONDS + 5
"""When a supervisor ends a process that does not end itself."""
GRACE_SECONDS = KILL_SECONDS + 5
"""What containers are given before they are killed (`deploy/`)."""
SAME_SIGNAL_SECONDS = 1.0


def run_and_exit(work: Coroutine[Any, Any, None]) -> None:
    """Run what closes all that it has opened, and end the process with it; what it raises is raised.

    Closing the loop and leaving Python would wait for every thread, and some cannot be told to stop: one that looks up
    a name goes on for as long as the system's resolver is patient, which is half a minute when nobody answers.
    """

    async def whole() -> None:
        await work
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    uvloop.run(whole())


def stop_signal(life: int | None = None) -> asyncio.Event:
    """Set by the first SIGTERM or Ctrl-C; another one ends the process at once. Nothing stored is lost by that.
    Set as well when `life` ends: a supervisor that was killed leaves nobody behind.

    Make, shells and supervisors may pass one signal on twice: what comes within a second is the same one.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    first_at = 0.0

    def stop() -> None:
        nonlocal first_at
        if not stopping.is_set():
            first_at = loop.time()
            stopping.set()
        elif loop.time() - first_at > SAME_SIGNAL_SECONDS:
            os._exit(1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if life is not None:
        loop.add_reader(life, _note_end, loop, life, stopping)
    return stopping


def _note_end(loop: asyncio.AbstractEventLoop, life: int, stopping: asyncio.Event) -> None:
    loop.remove_reader(life)
    stopping.set()
