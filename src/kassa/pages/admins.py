"""Who may see the console: whoever the API says is of the staff. What they may do there the API decides, request by
request. And what the console shows of a service that cannot be reached."""

from typing import TypeVar

from kassa.kit import security
from kassa.kit.access import STAFF
from kassa.pages.account_models import Verified
from kassa.pages.client import ApiProblem, Params
from kassa.pages.visit import Visit

T = TypeVar("T")


MISSING = "second_factor_missing"
"""The code of what is refused to staff who have to set up a second factor first."""


class NotAdmin(Exception):
    """Logged in, but not as one of the staff."""


async def require_admin(visit: Visit) -> None:
    visit.require_login()
    verified = await visit.api.get("/auth/verify", Verified)
    security.asker.set(verified.user.sub)
    if verified.user.role not in STAFF:
        raise NotAdmin
    if visit.claims.needs_second_factor:
        raise ApiProblem(403, MISSING, "Set up a second factor first, in your account.")


async def or_none(visit: Visit, path: str, kind: type[T], params: Params | None = None) -> T | None:
    """A panel whose service cannot be reached says so, and one that is not for this role, too; the others are shown."""
    try:
        return await visit.api.get(path, kind, params)
    except ApiProblem as problem:
        if problem.status == 401:
            raise
        return None
