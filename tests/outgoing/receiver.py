"""Whom events are sent to: a server that verifies them with the official library, and answers as it is told to."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError


class Receiver:
    """What has come, verified. `answers`: what is answered to an event; 200, if nothing is said."""

    def __init__(self) -> None:
        self.url = ""
        self.secret = ""
        self.came: list[dict[str, Any]] = []
        self.refused = 0
        self.answers: Callable[[dict[str, Any]], int] = lambda event: 200
        self.headers: list[dict[str, str]] = []

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.headers.append(dict(request.headers))
        try:
            if self.secret:
                Webhook(self.secret).verify(body, {name.lower(): value for name, value in request.headers.items()})
        except WebhookVerificationError:
            self.refused += 1
            return web.Response(status=400)
        event = json.loads(body)
        status = self.answers(event)
        if status < 300:
            self.came.append(event)
        return web.Response(status=status, headers={"location": self.url} if 300 <= status < 400 else {})

    def ids(self) -> list[str]:
        """The ids of what has come."""
        return [event["id"] for event in self.came]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver with an address."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/events", receiver.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/events"
    try:
        yield receiver
    finally:
        await runner.cleanup()
