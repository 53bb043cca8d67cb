"""Who may see the console: whoever the API says is of the staff. What they may do there the API decides, request by
request; the pages ask for, and show, what the table of access lets them. And what the console shows of a service that
cannot be reached."""

from typing import TypeVar

from kassa.kit import security
from kassa.kit.access import STAFF
from kassa.pages.account_models import Verified
from kassa.pages.client import ApiProblem, Params
from kassa.pages.visit import Visit

T = TypeVar("T")


NOT_YOURS = "Your role does not let you do this. Ask an administrator of the shop."
MISSING = "second_factor_missing"
"""The code of what is refused to staff who have to set up a second factor first."""


class NotStaff(Exception):
    """Logged in, but not as one of the staff."""


async def require_staff(visit: Visit, endpoint: str = "") -> None:
    """Go on only for one of the staff and, if an endpoint is named, as the table of access names it, only for whom that
    lets in. NotStaff, ApiProblem."""
    visit.require_login()
    verified = await visit.api.get("/auth/verify", Verified)
    security.asker.set(verified.user.sub)
    if verified.user.role not in STAFF:
        raise NotStaff
    if visit.claims.needs_second_factor:
        raise ApiProblem(403, MISSING, "Set up a second factor first, in your account.")
    if endpoint and not visit.may(endpoint):
        raise ApiProblem(403, "forbidden", NOT_YOURS)


async def or_none(visit: Visit, endpoint: str, kind: type[T], params: Params | None = None, **ids: str) -> T | None:
    """A panel, of an endpoint by its path in the table of access, with the ids that stand in it. One that is not for
    this role is not asked for: each refusal is an act, kept for ever. One whose service cannot be reached says so
    (`visit.is_partial`), and the others are shown."""
    if not visit.may(f"GET {endpoint}"):
        return None
    try:
        return await visit.api.get(endpoint.format(**ids), kind, params)
    except ApiProblem as problem:
        if problem.status == 401:
            raise
        visit.is_partial = True
        return None
