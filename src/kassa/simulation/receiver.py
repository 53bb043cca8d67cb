"""Who is sent the events of some simulated shops: over a network with trouble on it; and what must hold of that."""

import base64
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from kassa.app.shop import Shop, present
from kassa.outgoing.sending import Sent
from kassa.outgoing.signing import PREFIX
from kassa.outgoing.store import Told
from kassa.simulation.surroundings import Host

URL = "https://receiver.example/events"


class Receiver:
    """What has come, the first of each: the events, in order. `secret`: with what they are to be signed."""

    def __init__(self) -> None:
        self.secret = ""
        self.came: dict[str, dict[str, Any]] = {}
        self.wrong: list[str] = []

    def take(self, fields: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        """An event comes."""
        event, given = json.loads(body), {name.decode(): value.decode() for name, value in fields}
        signed = f"{event['id']}.{given['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(self.secret.removeprefix(PREFIX))
        signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        if given["webhook-id"] != event["id"] or f"v1,{signature}" not in given["webhook-signature"].split(" "):
            self.wrong.append(f"I14: {event['id']} is not signed as it comes")
        self.came.setdefault(event["id"], event)

    def differences(self, events: Sequence[Told]) -> Iterator[str]:
        """I14: all events of the log have come, those about one thing in order."""
        yield from self.wrong
        yield from (f"I14: {each.id} has not come" for each in events if each.id not in self.came)
        about, found = {each.id: each.about for each in events}, defaultdict(list)
        for id, event in self.came.items():
            found[about.get(id, "")].append(event["position"])
        for name, positions in found.items():
            if positions != sorted(positions):
                yield f"I14: the events of {name} have come in another order"


class Road:
    """One process's way there; satisfies kassa.outgoing.sending.Sender."""

    def __init__(self, process: Host, receiver: Receiver) -> None:
        self._process = process
        self._receiver = receiver

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    async def send(self, url: str, fields: Sequence[tuple[bytes, bytes]], body: bytes) -> Sent:
        """See Sender."""
        faults, about = self._process.world.faults, json.loads(body)["subject"]
        await self._process.pause(about)
        if faults.strikes("endpoint is down", about):
            return Sent(503)
        self._receiver.take(fields, body)
        await self._process.pause(about)
        if faults.strikes("endpoint's answer lost", about):
            return Sent(0, "there was no answer in time")
        return Sent(204)


async def unsent(shop: Shop) -> list[str]:
    """Liveness: what is still to be sent."""
    events, endpoints = present(shop.events, "order"), present(shop.endpoints, "order")
    waiting = []
    for each in await endpoints.all():
        queue, end = await events.store.queues.get(each.id), await events.log.end()
        held = await endpoints.waiting(each.id)
        if not each.is_enabled or queue is None or queue.position < end or held:
            waiting.append(f"liveness: {each.id} is not told all: {each.why or held}")
    return waiting
