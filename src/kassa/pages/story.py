"""What happened to one order, as it is told to staff: what counts, one thing once, with how much, by whom and why. All
that the shop has noted stays one click away."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation

from kassa.pages.formats import amount
from kassa.pages.models import Entry

_TOLD = {
    "place": "Placed",
    "place for nothing": "Placed, with nothing to pay",
    "fail": "Never placed: it was interrupted",
    "claim": "Taken into an account",
    "close": "Closed",
    "ended": "Cancelled",
    "called off": "Called off",
    "unwanted money": "Money came after it was cancelled",
    "held again": "Paid late, and there was still stock",
    "sold out": "Paid late, and it was sold out",
    "decline": "Card declined",
    "processing": "Paid by a method that takes its time",
    "paid another amount": "Another amount was paid",
    "paid a second time": "Paid a second time",
    "shipped": "Sent",
    "delivered": "Arrived",
    "shipment cancelled": "Not sent after all",
    "held back": "Held back",
    "let go": "Released",
    "redirected": "Goes to another address",
    "return requested": "Return asked for",
    "return approved": "Return approved",
    "return declined": "Return declined",
    "return received": "Return came back",
    "return received, goods on the shelf": "Return came back",
    "return closed": "Return closed",
    "withdrawn": "Withdrawn from",
    "withdrawal closed": "Withdrawal closed",
    "mail given up": "A mail was given up",
}
"""By the kind of its entry, what counts; all else is how the shop got there."""
_PARTICULARS = ("shipped", "delivered", "shipment cancelled", "mail given up", "decline", "ended", "close")
"""Of these the words say more than what is told: which parcel, why."""
_REFUNDS = {
    "requested": "Refund asked for",
    "pending": "Refund on its way",
    "requires_action": "Refund waits for the buyer",
    "succeeded": "Refunded",
    "failed": "Refund failed",
    "canceled": "Refund cancelled",
}
_DISPUTES = {
    "warning_needs_response": "The bank asks about the payment",
    "warning_under_review": "The bank looks at the answer",
    "warning_closed": "The bank has no more questions",
    "needs_response": "Disputed",
    "under_review": "Dispute answered",
    "prevented": "Dispute averted",
    "won": "Dispute won",
    "lost": "Dispute lost",
}
_NEWS = re.compile(r"(refund|dispute) (\S+?)(?:: (\w+) -> (\w+))?")


@dataclass
class Chapter:
    """One thing that counts. `tone` is the kind of its colour, `about` what else there is to say, `until` when staff
    must have done something about it. `id` is that of the refund or dispute that it tells of."""

    title: str
    at: datetime
    tone: str = ""
    amount: str = ""
    who: str = ""
    why: str = ""
    about: str = ""
    until: datetime | None = None
    id: str = field(default="", repr=False)


def told(entries: Iterable[Entry], buyer_id: str) -> list[Chapter]:
    """The story, the earliest first. What becomes of one refund or dispute is one chapter, at its place."""
    chapters: list[Chapter] = []
    by_id: dict[str, Chapter] = {}
    paid = ""
    for entry in entries:
        if entry.service == "payment" and entry.kind == "paid":
            paid = _money(entry.amount)
        news = _NEWS.fullmatch(entry.kind) if entry.service == "payment" else None
        chapter = _news(entry, news, by_id) if news else _one(entry)
        if chapter is None:
            continue
        chapter.who = chapter.who or _who(entry, buyer_id)
        if chapter not in chapters:
            chapters.append(chapter)
    return [_with_paid(each, paid) for each in chapters]


def stuck(entries: Iterable[Entry]) -> Iterator[Entry]:
    """What is still to be done, and has failed."""
    return (entry for entry in entries if entry.kind == "waiting")


def _one(entry: Entry) -> Chapter | None:
    if entry.service == "order" and entry.kind == "paid":
        return Chapter("Paid", entry.at, "good")
    title = _TOLD.get(entry.kind)
    if title is None or entry.service == "inventory":
        return None
    tone = "bad" if entry.kind in ("decline", "fail", "mail given up", "paid another amount") else ""
    about = entry.text if entry.kind in _PARTICULARS or entry.kind.startswith(("return", "withdraw")) else ""
    return Chapter(title, entry.at, tone, about=about, why=entry.why)


def _news(entry: Entry, news: "re.Match[str]", by_id: dict[str, Chapter]) -> Chapter:
    kind, id, state = news[1], news[2], news[4] or "requested"
    chapter = by_id.setdefault(id, Chapter("", entry.at, id=id))
    words = _REFUNDS if kind == "refund" else _DISPUTES
    chapter.title = words.get(state) or chapter.title or f"{kind.capitalize()}: {state.replace('_', ' ')}"
    is_bad = state in ("failed", "lost", "needs_response", "warning_needs_response")
    chapter.tone = "bad" if is_bad else "good" if state == "won" else ""
    chapter.amount = _money(entry.amount) or chapter.amount
    chapter.why = chapter.why or entry.why
    if state == "failed":
        chapter.about = entry.text
    return chapter


def _who(entry: Entry, buyer_id: str) -> str:
    if not entry.staff:
        return ""
    return "the buyer" if entry.staff == buyer_id else entry.name or entry.staff


def _money(text: str) -> str:
    """An amount as an entry has it, such as `17.20 USD`, as people write it."""
    value, _, currency = text.partition(" ")
    try:
        return amount(Decimal(value), currency.lower()) if text else ""
    except InvalidOperation:
        return text


def _with_paid(chapter: Chapter, paid: str) -> Chapter:
    if chapter.title == "Paid":
        chapter.amount = paid
    return chapter
