#!/bin/sh
# Package:   uvloop 0.23.0 (PyPI)
# Behaviour: a server accepts one connection with each turn of the event loop, however many wait in the listener's queue. asyncio's
#            own loop accepts all of them (up to `backlog`) as soon as the listener is readable.
# Who:       whoever serves many clients that connect anew, with turns of several milliseconds: 5 ms are 200 connections a second,
#            on an idle machine too. The rest wait in the queue, and when it is full the system drops them: they try again after one,
#            three and seven seconds, which looks like a slow server that has nothing to do.
# Way out:   serve copies of the listener as well (`socket.dup()`, one `create_server` each): each accepts one a turn.
# Seen on 2026-11-29, turns until 100 waiting connections were accepted:
#            asyncio, 1 listener      4
#            uvloop, 1 listener     101
#            uvloop, 16 listeners     8
# Ends with 0 as long as it is so, with 1 when it has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check uvloop==0.23.0
HOME="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import socket
import sys

import uvloop

CONNECTIONS = 100


async def turns(listeners):
    loop = asyncio.get_running_loop()
    first = socket.create_server(("127.0.0.1", 0), backlog=1024)
    first.setblocking(False)
    accepted = []

    class Accepted(asyncio.Protocol):
        def connection_made(self, transport):
            accepted.append(transport)

    copies = [first, *(first.dup() for _ in range(listeners - 1))]
    servers = [await loop.create_server(Accepted, sock=each, backlog=1024) for each in copies]
    clients = [socket.create_connection(first.getsockname()) for _ in range(CONNECTIONS)]
    count = 0
    while len(accepted) < CONNECTIONS:
        count += 1
        await asyncio.sleep(0)
    for each in (*accepted, *servers, *clients):
        each.close()
    return count


own, one, many = asyncio.run(turns(1)), uvloop.run(turns(1)), uvloop.run(turns(16))
print(f"asyncio, 1 listener    {own:3}\nuvloop, 1 listener     {one:3}\nuvloop, 16 listeners   {many:3}")
sys.exit(not (own < 10 and one >= CONNECTIONS and many < 20))
PYTHON
