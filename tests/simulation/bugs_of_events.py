"""Bugs of outgoing events that somebody could write."""

from typing import Any

import msgspec
import pytest

from kassa.app.following import Follower
from kassa.kit import effects, outbox
from kassa.outgoing import deliverer, signing
from kassa.outgoing.deliverer import Deliverer
from kassa.outgoing.log import EventLog
from kassa.outgoing.store import ONLY, Attempt, Head
from tests.simulation.bugs import bug, nothing

Patch = pytest.MonkeyPatch


@bug
def what_was_written_before_a_process_knew_is_not_told(patch: Patch) -> None:
    patch.setattr(Follower, "_mark_since", nothing)


@bug
def a_change_of_what_is_marked_already_marks_it_anew(patch: Patch) -> None:
    def untold(document: Any, before: Any, since: int) -> Any:
        known = () if before is None else before.audit
        if document.audit[-1:] == known[-1:]:
            return document
        return msgspec.structs.replace(document, untold_from=len(known))

    patch.setattr(outbox, "untold", untold)


@bug
def what_is_told_again_is_added_again(patch: Patch) -> None:
    async def add(self: Any, events: Any) -> None:
        async with self._adding:
            while not await self._add_behind(await self._end(), events):
                continue

    patch.setattr(EventLog, "add", add)


@bug
def who_does_not_know_yet_is_not_waited_for(patch: Patch) -> None:
    patch.setattr(effects, "first_since", lambda document, since: len(document.audit))


@bug
def what_a_killed_process_was_adding_is_left_out(patch: Patch) -> None:
    async def end(self: Any) -> Any:
        found = await self._store.heads.get(ONLY)
        return found or await self._store.heads.insert(Head(id=ONLY))

    patch.setattr(EventLog, "_end", end)


# Sending


@bug
def another_body_is_signed_than_is_sent(patch: Patch) -> None:
    def other(event_id: str, body: bytes, secrets: Any, now: int) -> Any:
        return signing.signed(event_id, body.replace(b'","', b'", "'), secrets, now)

    patch.setattr(deliverer, "signed", other)


@bug
def a_failure_counts_as_delivered(patch: Patch) -> None:
    patch.setattr(Attempt, "is_good", True)


@bug
def the_next_event_of_an_order_does_not_wait_for_the_one_that_failed(patch: Patch) -> None:
    async def send(self: Any, sender: Any, endpoint: Any, events: Any) -> Any:
        attempts = [await self._send(sender, endpoint, event) for event in events]
        failed = [number for number, each in enumerate(attempts) if not each.is_good]
        return attempts, failed[0] if failed else len(events)

    patch.setattr(Deliverer, "_send_in_order", send)


@bug
def what_is_held_is_forgotten(patch: Patch) -> None:
    patch.setattr(Deliverer, "_hold", nothing)


@bug
def how_far_it_was_told_is_noted_before_it_is_sent(patch: Patch) -> None:
    go_on = Deliverer._go_on

    async def ahead(self: Any, endpoint: Any, queue: Any, sender: Any) -> Any:
        await self._queues.move(endpoint.id, await self._service.log.end(), [])
        return await go_on(self, endpoint, queue, sender)

    patch.setattr(Deliverer, "_go_on", ahead)
