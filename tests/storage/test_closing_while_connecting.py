"""A MongoDB client that is closed while it connects: no socket of it is left to fail another test."""

import asyncio
import contextlib
import gc
from typing import Any

import pytest
from pymongo import AsyncMongoClient


@pytest.mark.parametrize("turns", range(1, 21))
async def test_no_socket_is_left_open(turns: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await reader.read()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        patience: Any = {"serverSelectionTimeoutMS": 500, "connectTimeoutMS": 500}
        client: AsyncMongoClient[Any] = AsyncMongoClient(*server.sockets[0].getsockname(), **patience)
        ping = asyncio.create_task(client.admin.command("ping"))
        for _ in range(turns):
            await asyncio.sleep(0)
        await client.close()
        ping.cancel()
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await ping
        del ping, client
        await asyncio.sleep(0.02)
        gc.collect()  # Which tells of each socket that is left, and fails this test.
