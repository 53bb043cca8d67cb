"""What staff and programs did: who, from where, what, on what, and how it ended. Only added to, until it is old."""

import asyncio

import msgspec

from kassa.contracts.auth import Act
from kassa.kit.clock import DAY, Clock, Millis
from kassa.kit.documents import Collection, CollectionSpec, Document, Duplicate, Index, Where, change
from kassa.kit.lists import Paging


class KeptAct(Document, frozen=True, kw_only=True):
    """An act as it is kept. `outcome` is `done`, `refused`, or, as long as nobody has said how it ended, `unknown`."""

    at: Millis
    who: str
    name: str
    role: str
    address: str
    what: str
    subject: str
    status: int
    request_id: str
    outcome: str


ACTS = CollectionSpec(
    "acts",
    KeptAct,
    (
        Index("by_who", ("who", "id")),
        Index("by_subject", ("subject", "id")),
        Index("by_outcome", ("outcome", "id")),
    ),
)
REMOVED = 500
"""Acts that are removed together."""
DONE, REFUSED, UNKNOWN = OUTCOMES = ("done", "refused", "unknown")


class Acts:
    """The list of acts, which reaches `kept_days` back; 0: to the beginning."""

    def __init__(self, kept: Collection[KeptAct], clock: Clock, kept_days: int = 0) -> None:
        self._kept = kept
        self._clock = clock
        self._kept_for: Millis = kept_days * DAY

    async def note(self, act: Act) -> None:
        """See contracts.auth.Auth."""
        outcome = UNKNOWN if not act.status or act.status >= 500 else REFUSED if act.status >= 400 else DONE
        new = KeptAct(**msgspec.structs.asdict(act), outcome=outcome)
        try:
            await self._kept.insert(new)
        except Duplicate:
            await change(self._kept, act.id, lambda known: _ended(known, new))

    async def listed(self, where: Where, asked: Paging) -> tuple[list[KeptAct], int]:
        """A page of those that match, the latest first, with one more if there is more; and how many there are."""
        found = await self._kept.find(where, limit=asked.limit + 1, skip=asked.skip, after=asked.after)
        return found, await self._kept.count(where)

    async def remove_old(self) -> int:
        """Remove the acts that are older than they are kept; return how many."""
        if not self._kept_for:
            return 0
        removed, until = 0, self._clock.now() - self._kept_for
        while old := [each for each in await self._kept.find({}, limit=REMOVED, order="oldest") if each.at < until]:
            await asyncio.gather(*(self._kept.delete(each.id) for each in old))
            removed += len(old)
        return removed


def _ended(known: KeptAct, new: KeptAct) -> KeptAct:
    """Once it is known how an act ended, it stays so."""
    if known.status:
        return known
    return msgspec.structs.replace(known, status=new.status, outcome=new.outcome, subject=new.subject)
