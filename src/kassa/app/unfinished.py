"""What was begun and is not done: whether somebody is at it, or it was left by a process that is gone."""

from collections.abc import Sequence
from typing import NamedTuple

from kassa.app.files import server_locks, unlocked
from kassa.app.shop import Shop
from kassa.kit.audit import Comparison, Finding
from kassa.kit.clock import Millis
from kassa.kit.effects import LEASE, under_way

MOST = 10_000
"""How much is looked at; more is left to the next time, or to the server that is started."""
EVENTS = "events"


class Unfinished(NamedTuple):
    """An order, payment, product or event about which something is to be done by now: of which collection, since when,
    and what; `effects` are the ids of that."""

    subject: str
    collection: str
    since: Millis
    text: str
    effects: frozenset[str] = frozenset()


async def compare_unfinished(shop: Shop, *, fix: bool) -> Comparison:
    """Tell what is under way. What nobody does, because no server runs, is a finding, and done if asked for; what a
    server has begun is left to it."""
    data, is_on_files = shop.settings.data, shop.settings.mongo_uri is None
    with unlocked(*server_locks(data)) as is_free:
        is_alone = is_free and is_on_files
        found = await _unfinished(shop)
        # A server takes what is due within a second; a lease lasts for one LEASE.
        latest = shop.clock.now() - (0 if is_alone else 2 * LEASE)
        left = [each for each in found if each.since <= latest]
        done: set[str] = set()
        if fix and left:
            if is_alone:
                await shop.take_over()
            await _do(shop)
            done = await _done(shop, left)
    findings = [Finding(each.subject, each.text, each.subject in done) for each in left]
    others = len(found) - len(left)
    return Comparison("work to be done", len(found), findings, f"{others} left to who is at it" if others else "")


async def _unfinished(shop: Shop) -> list[Unfinished]:
    now = shop.clock.now()
    found = []
    for name, collection in shop.aggregates.items():
        for document in await collection.due(now + LEASE, MOST):
            if effects := under_way(document, now):
                text = f"not done: {', '.join(effect.kind for effect in effects)}"
                since, ids = min(effect.at for effect in effects), frozenset(effect.id for effect in effects)
                found.append(Unfinished(document.id, name, since, text, ids))
    events = await shop.inbox.events.due(now + LEASE, MOST) if shop.inbox is not None else []
    return found + [
        Unfinished(event.id, EVENTS, event.received_at, f"not acted on: {event.type}")
        for event in events
        if event.status == "received"
    ]


async def _do(shop: Shop) -> None:
    """Carry out all that is due, and what follows from it."""
    is_more = True
    while is_more:
        taken = [await outbox.run_due() for outbox in shop.outboxes.values()]
        taken += [await shop.inbox.run_due()] if shop.inbox is not None else []
        await shop.settle()
        is_more = any(taken)


async def _done(shop: Shop, left: Sequence[Unfinished]) -> set[str]:
    """The subjects of what is done now; what failed waits for another try."""
    done = set()
    for name, collection in shop.aggregates.items():
        wanted = {each.subject: each.effects for each in left if each.collection == name}
        for document in await collection.many(list(wanted)):
            if not any(effect.id in wanted[document.id] for effect in document.effects if effect.done_at is None):
                done.add(document.id)
    if shop.inbox is not None:
        events = await shop.inbox.events.many([each.subject for each in left if each.collection == EVENTS])
        done |= {event.id for event in events if event.status in ("done", "ignored")}
    return done
