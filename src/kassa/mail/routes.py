"""The public endpoints of mails that are kept in files."""

import asyncio
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from kassa.contracts.mail import MailsNotKept
from kassa.kit.lists import paging
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, principal_of
from kassa.mail import kept
from kassa.mail.postmen import Files
from kassa.mail.service import MailService, NoMails
from kassa.mail.wire import MailAnswer, MailsAnswer

MOST_ABOUT = 51
"""A page of fifty orders, and whose they are."""
_About = QueryParameter(
    schema_extra={"maxItems": MOST_ABOUT}, description="Only mails about one of these: ids of orders and accounts"
)


@get("/mails", tags=["mails"], refuses=(MailsNotKept,))
async def mails(
    request: Request[Any, Any, Any],
    about: Annotated[list[str] | None, _About] = None,
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[MailsAnswer]:
    """What the shop has written, the newest first, where mails are put into files. They hold links that let in whoever
    has them."""
    await principal_of(request)
    if len(about or ()) > MOST_ABOUT:
        raise Invalid.field("about", f"must be given at most {MOST_ABOUT} times")
    asked, which = paging(limit, skip, cursor), frozenset(about or ())
    found = await asyncio.to_thread(kept.page, _files(request), asked, which)
    return JsonResponse(MailsAnswer(*found), media_type="application/json")


@get("/mails/{mail_id:str}", tags=["mails"], refuses=(MailsNotKept,))
async def one_mail(request: Request[Any, Any, Any], mail_id: FromPath[str]) -> Response[MailAnswer]:
    """One mail, with what it says. That it was read is among the acts."""
    await principal_of(request)
    found = await asyncio.to_thread(kept.whole, _files(request), mail_id)
    return JsonResponse(MailAnswer(found), media_type="application/json")


def _files(request: Request[Any, Any, Any]) -> Files:
    mail: MailService | NoMails = request.app.state["mail"]
    return mail.kept()


HANDLERS = (mails, one_mail)
