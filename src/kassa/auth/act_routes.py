"""The list of acts, for those who look after the staff."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromQuery, QueryParameter

from kassa.auth.acts import OUTCOMES, Acts, KeptAct
from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.lists import Pagination, paging
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, principal_of


class ActOut(msgspec.Struct, frozen=True, rename="camel"):
    """An act of staff or of an API key. `who` is the id of the user or key, `name` the address or name it then had,
    `address` where it came from; `what` is the request, `subject` the id of what it was about, if it names one.
    `status` is that of the answer; 0, and the outcome `unknown`, as long as it is not known."""

    id: str
    at: Timestamp
    who: str
    name: str
    role: str
    address: str
    what: str
    subject: str
    outcome: str
    status: int
    request_id: str


class ActList(msgspec.Struct, frozen=True):
    """Acts, the latest first."""

    acts: list[ActOut]
    pagination: Pagination


@get("/auth/acts", tags=["auth"])
async def list_acts(
    request: Request[Any, Any, Any],
    who: FromQuery[str | None] = None,
    subject: FromQuery[str | None] = None,
    outcome: Annotated[str | None, QueryParameter(schema_extra={"enum": list(OUTCOMES)})] = None,
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[ActList]:
    """What staff and API keys did, and were refused: every request of theirs that changes something, and every one that
    was not allowed."""
    await principal_of(request)
    if outcome is not None and outcome not in OUTCOMES:
        raise Invalid.field("outcome", f"must be one of {', '.join(OUTCOMES)}")
    given = {"who": who, "subject": subject, "outcome": outcome}
    where = {name: value for name, value in given.items() if value is not None}
    asked = paging(limit, skip, cursor)
    acts: Acts = request.app.state["auth"].acts
    found, total = await acts.listed(where, asked)
    pagination = asked.pagination(total, found, lambda each: each.id)
    return JsonResponse(ActList([_shown(each) for each in found[: asked.limit]], pagination))


HANDLERS = (list_acts,)


def _shown(act: KeptAct) -> ActOut:
    who = (act.who, act.name, act.role, act.address)
    return ActOut(act.id, rfc3339(act.at), *who, act.what, act.subject, act.outcome, act.status, act.request_id)
