"""The part of the audit that is about outgoing events: that what happened to orders and payments is told once, in
order, and that nobody who reads the log, or is sent what is in it, passes over anything."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple

from kassa.app.difference import Difference
from kassa.app.following import CLOCKS_DIFFER
from kassa.kit.clock import MINUTE, Millis
from kassa.kit.documents import Between, Collection
from kassa.kit.effects import Aggregate
from kassa.kit.ids import ORDER, PAYMENT, is_id
from kassa.kit.inputs import outgoing_id
from kassa.order.domain import Order
from kassa.outgoing.store import ONLY, EventStore, Head, Told
from kassa.payment.domain import Payment
from kassa.product.domain import Product

_TOLD = "I14: what happens is told once"
PAGE = 500
MOST_IDS = 1000
MOST_TOLD = 100
"""So much of what is left lying is named."""
STUCK_AFTER: Millis = 10 * MINUTE
"""What is not told when others are told that happened so much later has been left lying: it takes a second."""


class Listened(NamedTuple):
    """What is known of those who listen, when a reading begins: since when they do (None: nobody does), and how far the
    log goes. `newest` is when what was told last has happened."""

    store: EventStore
    head: Head
    since: Millis | None
    newest: Millis

    @classmethod
    async def to(cls, store: EventStore) -> "Listened":
        """As it is now."""
        head, feed = await store.heads.get(ONLY) or Head(id=ONLY), await store.feeds.get(ONLY)
        newest = max((each.occurred_at for each in head.added), default=0)
        return cls(store, head, feed.since if feed is not None else None, newest)


async def told_differences(
    documents: Sequence[Order] | Sequence[Payment], heard: Listened
) -> AsyncIterator[Difference]:
    """Where what has happened to some orders or payments is not what the log has of them: each thing once, in order."""
    if heard.since is None:
        return
    wanted = {document.id: list(_kept(document, heard)) for document in documents}
    found = {each.id: each for each in heard.head.added}
    ids = [outgoing_id(id, number + 1) for id, numbers in wanted.items() for number in numbers]
    for first in range(0, len(ids), MOST_IDS):
        found |= {each.id: each for each in await heard.store.events.many(ids[first : first + MOST_IDS])}
    for document in documents:
        for text in _of_document(document, wanted[document.id], found, heard):
            yield Difference(_TOLD, document.id, text)


def _kept(document: Aggregate, heard: Listened) -> Iterator[int]:
    """The numbers of what has happened since somebody listens and whose event is kept, if it was told. What was removed
    from the log has all happened earlier."""
    since = max((heard.since or 0) - CLOCKS_DIFFER, heard.head.gone_to + 1)
    return (number for number, entry in enumerate(document.audit) if entry.at >= since)


def _of_document(
    document: Order | Payment, numbers: Sequence[int], found: dict[str, Told], heard: Listened
) -> Iterator[str]:
    happened, marked = len(document.audit), document.untold_from
    if marked is not None and not document.told_to <= marked < happened:
        yield f"it is to be told from {marked + 1} on, {document.told_to} of {happened} are noted as told"
    if marked is not None and 0 <= marked < happened and heard.newest - document.audit[marked].at > STUCK_AFTER:
        yield "others are told what happened later, and it is not told"
    events = {number: found.get(outgoing_id(document.id, number + 1)) for number in numbers}
    end = happened if marked is None else marked
    certain = (heard.since or 0) + CLOCKS_DIFFER  # Until then not every process may have known that somebody listens.
    begun = min((number for number, event in events.items() if event is not None), default=happened)
    for number, event in events.items():
        # Told is what was noted so, and all that is not marked any more.
        is_told = begun <= number < document.told_to or (number < end and document.audit[number].at >= certain)
        if event is None and is_told:
            yield f"{document.audit[number].what!r}, the {number + 1}. that happened to it, is not told"
    positions = [event.position for event in events.values() if event is not None]
    if positions != sorted(positions):
        yield "what happened to it is told in another order"


async def log_differences(
    orders: Collection[Order], payments: Collection[Payment], heard: Listened
) -> AsyncIterator[Difference]:
    """Where the log has a gap, something twice, or tells of what has not happened."""
    head, position = heard.head, heard.head.first - 1
    while events := await _page(heard, position):
        known: dict[str, Aggregate] = {each.id: each for each in await orders.many(_subjects(events, ORDER))}
        known |= {each.id: each for each in await payments.many(_subjects(events, PAYMENT))}
        for event in events:
            if event.position != position + 1:
                text = "is there twice" if event.position == position else "is not the one after the last"
                yield Difference(_TOLD, event.id, f"its position, {event.position}, {text}")
            position = event.position
            if text := _untrue(event, known.get(event.subject)):
                yield Difference(_TOLD, event.id, text)
    if position < head.position:
        yield Difference(_TOLD, "the log", f"it ends at {position}, and {head.position} were told")


async def _page(heard: Listened, after: int) -> list[Told]:
    """The next events. What was added last is in the log as soon as its end is saved, and stored a moment later."""
    head = heard.head
    where = {"position": Between(after + 1, head.position + 1)}
    found = await heard.store.events.find(where, limit=PAGE, order="oldest")
    if len(found) == PAGE:
        return found
    stored = {each.id for each in found}
    late = [each for each in head.added if each.id not in stored and each.position > after]
    return sorted([*found, *late], key=lambda each: each.position)


def _subjects(events: Sequence[Told], kind: str) -> list[str]:
    return list({each.subject for each in events if is_id(kind, each.subject)})


def _untrue(event: Told, document: Aggregate | None) -> str:
    """What is wrong with an event, in words; nothing, if that has happened."""
    if event.id != outgoing_id(event.subject, event.sequence):
        return f"it is not named after what it tells, the {event.sequence}. of {event.subject}"
    if not (is_id(ORDER, event.subject) or is_id(PAYMENT, event.subject)):
        return ""
    if document is None:
        return f"there is no {event.subject} of which it could tell"
    if not 0 < event.sequence <= len(document.audit):
        return f"of {event.subject} it tells the {event.sequence}. thing, and {len(document.audit)} have happened"
    if document.audit[event.sequence - 1].at != event.occurred_at:
        return f"it tells another thing of {event.subject} than has happened"
    return ""


async def waiting_differences(products: Collection[Product], heard: Listened) -> AsyncIterator[Difference]:
    """What is left lying: products that nobody tells of, endpoints that are told nothing, or too much."""
    if heard.since is not None:
        for each in await products.find({"untold_from": Between(at_least=0)}, limit=MOST_TOLD, order="oldest"):
            if heard.newest - each.updated_at > STUCK_AFTER:
                yield Difference(_TOLD, each.id, "others are told what happened later, and it is not told")
    endpoints = {each.id for each in await heard.store.endpoints.find({}, limit=MOST_TOLD)}
    queues = {each.id: each for each in await heard.store.queues.many(sorted(endpoints))}
    for id in sorted(endpoints):
        if id not in queues:
            yield Difference(_TOLD, id, "it has no queue, and is told nothing")
        elif queues[id].position > heard.head.position:
            text = f"it was told up to {queues[id].position}, and the log ends at {heard.head.position}"
            yield Difference(_TOLD, id, text)
