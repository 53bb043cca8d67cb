"""For all tests."""

import asyncio
import socket
from asyncio.selector_events import BaseSelectorEventLoop
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes is the machine's affair: on a busy one the default of 200 ms fails what is right.
settings.register_profile("kassa", deadline=None)
settings.register_profile("long", deadline=None, max_examples=2_000)
settings.load_profile("kassa")

LONGEST = (
    "deploy/test_running.py",
    "simulation/test_bugs.py",
    "simulation/test_bugs_of_more.py",
    "simulation/test_simulation.py",
    "journey/test_fuzz.py",
    "bench/test_bench.py",
    "journey/test_crashes.py",
    "journey/test_journey.py",
    "chaos/test_chaos.py",
    "journey/test_schemathesis.py",
    "trade/test_order_machine_on_servers.py",
)
"""The files that take longest, and so begin first: one that began last would be waited for by all other workers."""

_connect = BaseSelectorEventLoop.sock_connect


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, all else as it was."""
    places = {Path(__file__).parent / file: place for place, file in enumerate(LONGEST)}
    assert all(file.exists() for file in places), "LONGEST names a file that is not there"
    items.sort(key=lambda item: places.get(item.path, len(places)))


async def _connect_or_close(loop: BaseSelectorEventLoop, sock: socket.socket, address: Any) -> None:
    """A MongoDB client that is closed, or stopped, while it connects leaves its socket to the collector of garbage
    (findings/pymongo-closed-while-connecting.sh). That would fail whichever test then runs: here it is closed, so that
    every other socket that is left open is a fault."""
    try:
        await _connect(loop, sock, address)
    except asyncio.CancelledError:
        sock.close()
        raise


BaseSelectorEventLoop.sock_connect = _connect_or_close  # type: ignore[assignment,method-assign]
