"""The endpoints that events are sent to: made, changed, rolled, removed; and what is noted of them."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from kassa.contracts.events import TooManyEndpoints
from kassa.kit.clock import HOUR, Clock, Millis
from kassa.kit.documents import change
from kassa.kit.ids import ENDPOINT, Ids, is_id
from kassa.kit.problem import NotFound
from kassa.outgoing.sending import checked_url
from kassa.outgoing.service import EventsService
from kassa.outgoing.signing import OVERLAP_HOURS, new_secret, rolled
from kassa.outgoing.store import Attempt, Endpoint, Queue, Secret

MOST_ENDPOINTS = 20
MOST_ATTEMPTS = 50
"""So many are remembered of an endpoint, the newest."""
BY_HAND = "disabled by hand"


class Endpoints:
    """The list of them. `to_private`: also such in the shop's own network."""

    def __init__(self, service: EventsService, ids: Ids, clock: Clock, *, to_private: bool) -> None:
        self._service = service
        self._store = service.store
        self._ids = ids
        self._clock = clock
        self._to_private = to_private

    def now(self) -> Millis:
        """The time, by the clock that secrets go by."""
        return self._clock.now()

    async def all(self) -> list[Endpoint]:
        """All of them, the oldest first."""
        return await self._store.endpoints.find({}, limit=MOST_ENDPOINTS, order="oldest")

    async def one(self, endpoint_id: str) -> Endpoint:
        """The endpoint; NotFound."""
        found = await self._store.endpoints.get(endpoint_id) if is_id(ENDPOINT, endpoint_id) else None
        if found is None:
            raise NotFound(f"there is no endpoint {endpoint_id[:64]}")
        return found

    async def attempts(self, endpoint_id: str) -> Sequence[Attempt]:
        """What was sent last, the newest first."""
        queue = await self._store.queues.get(endpoint_id)
        return queue.attempts[::-1] if queue is not None else ()

    async def waiting(self, endpoint_id: str) -> int:
        """Of how many things events wait to be sent again."""
        return await self._store.held.count({"endpoint_id": endpoint_id})

    async def make(self, url: str, types: Sequence[str], description: str) -> tuple[Endpoint, str]:
        """Make one, which is told what happens from now on; and its secret, which is not told again.
        TooManyEndpoints, Invalid."""
        checked_url(url, to_private=self._to_private)
        if await self._store.endpoints.count({}) >= MOST_ENDPOINTS:
            raise TooManyEndpoints(MOST_ENDPOINTS)
        await self._service.listen(is_on=True)
        secret = self._new_secret()
        endpoint = Endpoint(
            id=self._ids.new(ENDPOINT),
            url=url,
            types=tuple(types),
            description=description,
            secrets=(secret,),
            made_at=self._clock.now(),
        )
        await self._store.queues.insert(Queue(id=endpoint.id, position=await self._service.log.end()))
        return await self._store.endpoints.insert(endpoint), secret.text

    async def edit(
        self,
        endpoint_id: str,
        url: str | None = None,
        types: Sequence[str] | None = None,
        description: str | None = None,
        is_enabled: bool | None = None,
    ) -> Endpoint:
        """Change what is given. Enabled again it goes on from where it stopped; whoever just tells it stops, if it is
        told no more or elsewhere. NotFound, Invalid."""
        if url is not None:
            checked_url(url, to_private=self._to_private)
        given = {"url": url, "types": types if types is None else tuple(types), "description": description}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if is_enabled is not None:
            changes |= {"is_enabled": is_enabled, "why": "" if is_enabled else BY_HAND}
        if is_enabled:
            await self._hurry(endpoint_id)
        changed = await self._changed(endpoint_id, lambda known: msgspec.structs.replace(known, **changes))
        if url is not None or is_enabled is False:
            await change(self._store.queues, endpoint_id, _free)
        return changed

    async def roll(self, endpoint_id: str) -> tuple[Endpoint, str]:
        """Make a new secret, which is not told again; the former one signs beside it for a day. NotFound."""
        secret, now = self._new_secret(), self._clock.now()
        until = now + OVERLAP_HOURS * HOUR
        changed = await self._changed(
            endpoint_id, lambda known: msgspec.structs.replace(known, secrets=rolled(known.secrets, secret, now, until))
        )
        return changed, secret.text

    async def remove(self, endpoint_id: str) -> None:
        """Send it nothing any more. NotFound."""
        endpoint = await self.one(endpoint_id)
        await self._store.endpoints.delete(endpoint.id)
        await self._store.queues.delete(endpoint.id)
        while held := await self._store.held.find({"endpoint_id": endpoint.id}, limit=100):
            for each in held:
                await self._store.held.delete(each.id)

    async def disable(self, endpoint_id: str, why: str) -> None:
        """The shop stops sending there by itself."""
        await change(
            self._store.endpoints,
            endpoint_id,
            lambda known: msgspec.structs.replace(known, is_enabled=False, why=why) if known.is_enabled else known,
        )

    async def note(self, endpoint_id: str, attempts: Sequence[Attempt]) -> None:
        """Remember what was sent."""

        def noted(queue: Queue) -> Queue:
            return msgspec.structs.replace(queue, attempts=newest(queue.attempts, attempts))

        if attempts:
            await change(self._store.queues, endpoint_id, noted)

    def _new_secret(self) -> Secret:
        return new_secret(bytes.fromhex(self._ids.secret()))

    async def _changed(self, endpoint_id: str, step: Callable[[Endpoint], Endpoint]) -> Endpoint:
        await self.one(endpoint_id)
        changed = await change(self._store.endpoints, endpoint_id, step)
        if changed is None:
            raise NotFound(f"there is no endpoint {endpoint_id[:64]}")
        return changed

    async def _hurry(self, endpoint_id: str) -> None:
        """What waits there is tried at once, and given as much time as what has just failed."""
        now: Millis = self._clock.now()
        for held in await self._store.held.find({"endpoint_id": endpoint_id}, limit=1000):
            await change(
                self._store.held,
                held.id,
                lambda known: msgspec.structs.replace(known, due_at=now, since=now, attempts=0),
            )


def _free(queue: Queue) -> Queue:
    return msgspec.structs.replace(queue, owner="", leased_until=0)


def newest(known: tuple[Attempt, ...], more: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """The attempts that are remembered."""
    return (*known, *more)[-MOST_ATTEMPTS:]
