"""The console's page of how the shop is doing: its services, what waits, and what the last checks found."""

import asyncio
from typing import Any, NamedTuple

from litestar import Response, get

from kassa.pages.admins import or_none, require_staff
from kassa.pages.console_labels import labels
from kassa.pages.console_models import Attention, Events
from kassa.pages.endpoint_models import Endpoints
from kassa.pages.health_models import CheckRuns, SystemHealth
from kassa.pages.visit import Visit, Visiting

_MOST, _RUNS = 100, 14
_MANY = 10
"""So many steps may be late for a moment, while a shop is busy."""


class Line(NamedTuple):
    """Something that waits: what, how many, whether that is well, what to do if not, and where it is seen."""

    what: str
    number: str
    is_well: bool
    advice: str = ""
    address: str = ""


@get("/console/health", include_in_schema=False)
async def health(visit: Visiting) -> Response[str]:
    """What cannot be asked is said to be so: the page is for when something is wrong."""
    await require_staff(visit, "GET /system")
    system, checks, lines = await asyncio.gather(
        or_none(visit, "/system", SystemHealth),
        or_none(visit, "/payments/admin/checks", CheckRuns, {"limit": _RUNS}),
        _lines(visit),
    )
    findings = [each for run in (checks.checks if checks else ()) for each in run.findings]
    called = await labels(visit, (each.order_id for each in findings))
    return visit.page("console/health.html", system=system, checks=checks, lines=lines, called=called)


async def _lines(visit: Visit) -> list[Line]:
    orders, payments, received, parked, told = await asyncio.gather(
        or_none(visit, "/orders/admin/attention", Attention, {"limit": _MOST}),
        or_none(visit, "/payments/admin/attention", Attention, {"limit": _MOST}),
        or_none(visit, "/payments/admin/events", Events, {"status": "received", "limit": 1}),
        or_none(visit, "/payments/admin/events", Events, {"status": "parked", "limit": 1}),
        or_none(visit, "/events/endpoints", Endpoints),
    )
    lines = []
    if orders and payments:
        waiting = [*orders.waiting, *payments.waiting]
        more = "+" if orders.pagination.next_cursor or payments.pagination.next_cursor else ""
        mails = sum(each.kind.startswith("mail_") for each in waiting)
        lines += [
            _late(orders.overdue + payments.overdue),
            _stuck(len(waiting) - mails, more),
            _unsent(mails, more),
        ]
    if received and parked:
        lines += [_received(received.pagination.total), _parked(parked.pagination.total)]
    if told:
        lines.append(_stopped(sum(each.was_stopped for each in told.endpoints), len(told.endpoints)))
    return lines


def _late(count: int) -> Line:
    advice = "Nobody seems to be doing them. Restart the shop; kassa doctor says what it lacks."
    return Line("Steps late by more than a minute", str(count), count < _MANY, advice)


def _stuck(count: int, more: str) -> Line:
    advice = "Open the orders, read why, and try again from there once that is mended."
    return Line("Steps that keep failing", f"{count}{more}", not count, advice, "/console#attention")


def _unsent(count: int, more: str) -> Line:
    advice = "Check MAIL_URL with kassa doctor. They are sent as soon as the mail server takes them."
    return Line("Mails that could not be sent", f"{count}{more}", not count, advice, "/console#attention")


def _received(count: int) -> Line:
    advice = "They are acted on one after the other; if the number does not fall, restart the shop."
    return Line("Events from Stripe still waiting", str(count), count < _MANY, advice, _events("received"))


def _parked(count: int) -> Line:
    advice = "Read why beside each event. They are tried again by themselves within the hour."
    return Line("Events from Stripe that failed", str(count), not count, advice, _events("parked"))


def _events(status: str) -> str:
    return f"/console/events?status={status}"


def _stopped(count: int, of: int) -> Line:
    advice = "Their servers failed for days. Mend them, then enable the endpoints again."
    return Line("Endpoints no longer sent to", f"{count} of {of}", not count, advice, "/console/endpoints")


CONSOLE_HEALTH: tuple[Any, ...] = (health,)
