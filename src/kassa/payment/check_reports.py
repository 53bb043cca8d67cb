"""What the last runs of `kassa reconcile --fix` have found, kept for whoever was not there."""

from collections.abc import Sequence

import msgspec

from kassa.kit.audit import Comparison
from kassa.kit.clock import Clock, Millis
from kassa.kit.documents import Collection, CollectionSpec, Document
from kassa.kit.ids import CHECK, Ids

MOST_KEPT = 60
"""Two months of nights."""
MOST_FINDINGS = 100
LONGEST_TEXT = 500


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that did not go together: which books, what it is about, how, and whether it was mended."""

    what: str
    subject: str
    text: str
    is_mended: bool = False


class CheckReport(Document, frozen=True, kw_only=True):
    """One run: how many entries were looked at, what was mended, what is `left` to look at, and the first findings,
    what is left before all else."""

    at: Millis
    looked_at: int
    mended: int
    left: int
    findings: tuple[Found, ...]


CHECK_REPORTS = CollectionSpec("check_reports", CheckReport)


class CheckReports:
    """The newest of them."""

    def __init__(self, reports: Collection[CheckReport], ids: Ids, clock: Clock) -> None:
        self.reports = reports
        self._ids = ids
        self._clock = clock

    async def keep(self, comparisons: Sequence[Comparison], invariants: Sequence[Found]) -> CheckReport:
        """Keep what a run has found, and no more of the oldest than there is room for."""
        found = [
            Found(each.name, one.subject, one.text[:LONGEST_TEXT], one.is_mended)
            for each in comparisons
            for one in each.findings
        ]
        found += [msgspec.structs.replace(each, text=each.text[:LONGEST_TEXT]) for each in invariants]
        mended = sum(each.is_mended for each in found)
        report = CheckReport(
            id=self._ids.new(CHECK),
            at=self._clock.now(),
            looked_at=sum(each.looked_at for each in comparisons),
            mended=mended,
            left=len(found) - mended,
            findings=tuple(sorted(found, key=lambda each: each.is_mended)[:MOST_FINDINGS]),
        )
        stored = await self.reports.insert(report)
        for old in await self.reports.find({}, limit=MOST_KEPT, skip=MOST_KEPT):
            await self.reports.delete(old.id)
        return stored
