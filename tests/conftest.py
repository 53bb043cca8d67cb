"""For all tests."""

import asyncio
import socket
from asyncio.selector_events import BaseSelectorEventLoop
from typing import Any

from hypothesis import settings

# How long an example takes is the machine's affair: on a busy one the default of 200 ms fails what is right.
settings.register_profile("kassa", deadline=None)
settings.register_profile("long", deadline=None, max_examples=2_000)
settings.load_profile("kassa")

_connect = BaseSelectorEventLoop.sock_connect


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
