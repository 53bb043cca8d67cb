#!/bin/sh
# Package:   pymongo 4.20.0 (PyPI), on Python 3.11
# Behaviour: AsyncMongoClient.close(), and the end of a task that waits for an operation, leave the socket open that was
#            just being connected: it is closed when its object is collected as garbage, at any later time. An error or a
#            time-out while connecting closes it at once; the cancelling of the task, which close() does, does not.
# Who:       test suites that turn warnings into errors: a ResourceWarning fails a test that has nothing to do with it,
#            and names neither MongoDB nor the place. Programs that count their file descriptors.
# Way out:   wait until the client is connected before it is closed, or let the event loop's sock_connect close the socket
#            when it is cancelled.
# Seen on 2026-11-28 (close() after 5 turns of the event loop, and after 20; the place differs with Python's version):
#            5 turns:  1 socket left open
#            20 turns: 0 sockets left open
# Ends with 0 as long as it is so, with 1 when it has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check pymongo==4.20.0
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import contextlib
import gc
import sys
import warnings

from pymongo import AsyncMongoClient


async def left_open(port, turns):
    client = AsyncMongoClient("127.0.0.1", port, serverSelectionTimeoutMS=500)
    ping = asyncio.create_task(client.admin.command("ping"))
    for _ in range(turns):
        await asyncio.sleep(0)
    await client.close()
    ping.cancel()
    with contextlib.suppress(Exception, asyncio.CancelledError):
        await ping
    del ping, client
    await asyncio.sleep(0.1)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        gc.collect()
    return sum("unclosed <socket" in str(warning.message) for warning in told)


async def main():
    async def serve(reader, writer):
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = {turns: await left_open(port, turns) for turns in range(1, 21)}
    early = next((turns for turns, sockets in found.items() if sockets), None)
    for turns in filter(None, (early, 20)):
        print(f"{turns} turns: {found[turns]} socket(s) left open")
    return 0 if early is not None and not found[20] else 1


sys.exit(asyncio.run(main()))
PYTHON
