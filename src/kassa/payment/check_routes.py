"""The public endpoint of what the last checks have found."""

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromQuery

from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.lists import paging
from kassa.kit.web import JsonResponse, principal_of
from kassa.payment.check_reports import CheckReport, CheckReports, Found


class FindingOut(msgspec.Struct, frozen=True, rename="camel"):
    """One thing that did not go together: which books, what it is about, how, and whether it was mended."""

    what: str
    subject: str
    text: str
    is_mended: bool


class NightlyCheck(msgspec.Struct, frozen=True, rename="camel"):
    """One run of `kassa reconcile --fix`: how many entries were `compared`, how much was mended, how much is `left` to
    look at. Of its findings the first hundred are kept, what is left before what was mended."""

    at: Timestamp
    compared: int
    mended: int
    left: int
    findings: list[FindingOut]


class ChecksAnswer(msgspec.Struct, frozen=True):
    """The last runs, the newest first; the newest sixty are kept."""

    checks: list[NightlyCheck]


@get("/payments/admin/checks", tags=["payments"])
async def last_checks(request: Request[Any, Any, Any], limit: FromQuery[int] = 20) -> Response[ChecksAnswer]:
    """What the last runs of `kassa reconcile --fix` have found, which compares Stripe, payments, orders and stock."""
    await principal_of(request)
    reports: CheckReports = request.app.state["check_reports"]
    found = await reports.reports.find({}, limit=paging(limit).limit)
    return JsonResponse(ChecksAnswer([_shown(each) for each in found]), media_type="application/json")


def _shown(report: CheckReport) -> NightlyCheck:
    findings = [_finding(each) for each in report.findings]
    return NightlyCheck(rfc3339(report.at), report.looked_at, report.mended, report.left, findings)


def _finding(found: Found) -> FindingOut:
    return FindingOut(found.what, found.subject, found.text, found.is_mended)


HANDLERS = (last_checks,)
