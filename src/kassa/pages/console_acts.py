"""The console's list of what staff and API keys did."""

from typing import Any

from litestar import Response, get

from kassa.pages.admins import require_staff
from kassa.pages.console_models import Acts
from kassa.pages.storefront import paging
from kassa.pages.visit import Visiting, number

_SHOWN = 50


@get("/console/acts", include_in_schema=False)
async def acts(visit: Visiting) -> Response[str]:
    await require_staff(visit)
    asked = visit.request.query_params
    outcome, skip = asked.get("outcome", ""), max(0, number(asked.get("skip")))
    found = await visit.api.get("/auth/acts", Acts, {"outcome": outcome, "limit": _SHOWN, "skip": skip})
    pages = paging(skip, _SHOWN, found.pagination.total)
    return visit.page("console/acts.html", acts=found.acts, filters={"outcome": outcome}, paging=pages)


CONSOLE_ACTS: tuple[Any, ...] = (acts,)
