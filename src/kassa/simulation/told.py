"""The checkers of outgoing events: all that happened is told, once, in order."""

from collections import defaultdict
from collections.abc import Iterator

from kassa.app.shop import Shop, present
from kassa.kit.documents import Between
from kassa.outgoing.store import Told
from kassa.simulation.books import Books
from kassa.simulation.receiver import Receiver

PAGE = 100


async def untold(shop: Shop) -> list[str]:
    """Liveness: what is still to be told, where somebody listens."""
    if (await present(shop.events, "order").listening()).since is None:
        return []
    waiting = []
    for name, collection in shop.aggregates.items():
        if name in ("order", "payment", "product"):
            marked = await collection.find({"untold_from": Between(at_least=0)}, limit=PAGE)
            waiting += [f"liveness: {name} {each.id} is not told" for each in marked]
    return waiting


async def told(shop: Shop, books: Books, receiver: Receiver) -> list[str]:
    """I14: where somebody listened from before the first order on, each entry of each order and payment is told once,
    in order, and no position is left out."""
    if (await present(shop.events, "order").listening()).since is None:
        return []
    events = await _all(shop)
    found = list(_positions(events)) + list(_complete(events, books))
    return found + list(receiver.differences(events)) if receiver.secret else found


async def _all(shop: Shop) -> list[Told]:
    log, events, after = present(shop.events, "order").log, [], 0
    while True:
        page = await log.read(after, PAGE)
        events += page.events
        after = page.after
        if page.is_last:
            return events


def _positions(events: list[Told]) -> Iterator[str]:
    if [each.position for each in events] != list(range(1, len(events) + 1)):
        yield "I14: positions of events are left out, or there twice"


def _complete(events: list[Told], books: Books) -> Iterator[str]:
    sequences: dict[str, list[int]] = defaultdict(list)
    for event in events:
        sequences[event.subject].append(event.sequence)
    for document in (*books.orders.values(), *books.payments.values()):
        found, happened = sequences[document.id], len(document.audit)
        if found != list(range(1, happened + 1)):
            yield f"I14: of the {happened} things that happened to {document.id}, {found} are told"
