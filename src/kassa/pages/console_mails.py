"""The console's list of mails that lie in files, and one of them."""

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.console_labels import labels
from kassa.pages.mails_models import Mails, OneMail
from kassa.pages.storefront import paging
from kassa.pages.visit import Visiting, number

_SHOWN = 50


@get("/console/mails", include_in_schema=False)
async def mails(visit: Visiting) -> Response[str]:
    """The list; or where mails go, if none are kept."""
    await require_staff(visit)
    skip = max(0, number(visit.request.query_params.get("skip")))
    try:
        found = await visit.api.get("/mails", Mails, {"limit": _SHOWN, "skip": skip})
    except ApiProblem as problem:
        if problem.code != "mails_not_kept":
            raise
        return visit.page("console/mails.html", mails=(), elsewhere=problem.detail)
    pages = paging(skip, _SHOWN, found.pagination.total)
    called = await labels(visit, (each.order_id for each in found.mails))
    return visit.page("console/mails.html", mails=found.mails, elsewhere="", called=called, paging=pages)


@get("/console/mails/{mail_id:str}", include_in_schema=False)
async def one_mail(visit: Visiting, mail_id: FromPath[str]) -> Response[str]:
    """What it says, as text: the HTML of a mail is in no page."""
    await require_staff(visit)
    found = await visit.api.get(path_of("mails", mail_id), OneMail)
    return visit.page("console/mail.html", mail=found.mail, called=await labels(visit, [found.mail.order_id]))


CONSOLE_MAILS: tuple[Any, ...] = (mails, one_mail)
