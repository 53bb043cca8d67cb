"""The sandbox's own server."""

from __future__ import annotations

import socket

from tests.sandbox.world import World


async def test_answers_are_sent_without_nagles_delay(world: World) -> None:
    await world.open_session()
    server = world.sandbox._server
    assert server is not None
    sockets = [each.transport.get_extra_info("socket") for each in server.server_state.connections]
    assert sockets
    assert all(each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for each in sockets)
