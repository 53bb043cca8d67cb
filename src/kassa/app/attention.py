"""What needs attention: work that is refused or has failed for long, and is tried again. Administrators are shown it in
lists; here it is told as differences, to whoever watches a command."""

from collections.abc import Iterable
from typing import Any

from kassa.kit.audit import Comparison, Finding
from kassa.kit.effects import Aggregate, waiting_of
from kassa.kit.outbox import Outbox
from kassa.kit.text import counted
from kassa.payment.inbox import Inbox
from kassa.payment.store import WAIT_FOR_THE_KEY

MOST = 10_000
"""How many of each are told."""


async def compare_attention(outboxes: Iterable[Outbox[Any]], inbox: Inbox, *, fix: bool) -> Comparison:
    """Tell all effects that need attention, and the events that the Stripe key may not ask about; do them now, if they
    are to be mended and can be."""
    found: list[Finding] = []
    for outbox in outboxes:
        for document in await outbox.collection.find({"needs_attention": True}, limit=MOST):
            found += await _told(outbox, document, fix=fix)
    for event in await inbox.events.find(WAIT_FOR_THE_KEY, limit=MOST):
        after = await inbox.replay(event.id) if fix else event
        found.append(
            Finding(event.id, f"{event.type} is not acted on: {event.note}", after.status in ("done", "ignored"))
        )
    return Comparison("work that needs attention", len(found), found)


async def _told(outbox: Outbox[Any], document: Aggregate, *, fix: bool) -> list[Finding]:
    subject = getattr(document, "order_id", document.id)
    waiting = waiting_of(document, subject)
    after = await outbox.ask_again(document) if fix else document
    left = {each.kind for each in waiting_of(after, subject)}
    return [
        Finding(
            subject, f"{each.kind} waits, tried {counted(each.attempts, 'time')}: {each.error}", each.kind not in left
        )
        for each in waiting
    ]
