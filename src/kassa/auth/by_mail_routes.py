"""What users do by links that are mailed to them."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from msgspec import Meta

from kassa.auth.domain import Guarded
from kassa.auth.links import LONGEST_TOKEN
from kassa.auth.visitors import NOT_STORED, service_of, visitor_of
from kassa.auth.wire import Email, NewPassword
from kassa.contracts.auth import AlreadyVerified, InvalidLink, MailOff
from kassa.kit.web import JsonResponse, principal_of, read_body, takes

_TAGS = ["auth"]
_SENT = "If this address has an account, a link was sent to it. It is good for an hour."

Token = Annotated[str, Meta(max_length=LONGEST_TOKEN, description="What stands in the mailed link behind its last `/`")]


class Address(Guarded, frozen=True, forbid_unknown_fields=True):
    """An address that may have an account."""

    email: Email


class NewPasswordByLink(Guarded, frozen=True, forbid_unknown_fields=True):
    """A link's token, and the password as it shall be."""

    token: Token
    new: NewPassword


class LinkOpened(Guarded, frozen=True, forbid_unknown_fields=True):
    """A link's token."""

    token: Token


class Sent(msgspec.Struct, frozen=True):
    """The same for every address: whether it has an account is not told."""

    message: str


class Verification(msgspec.Struct, frozen=True, rename="camel"):
    """Whether the address of an account is known to be its user's. `canSend`: the shop sends mails, so that it can be
    shown by a link."""

    email: str
    email_verified: bool
    can_send: bool


@post(
    "/auth/password/forgotten",
    operation_class=takes(Address),
    status_code=202,
    tags=_TAGS,
    refuses=(MailOff,),
)
async def forgot_password(request: Request[Any, Any, Any]) -> Response[Sent]:
    """Have a link sent by which a new password is set: it is good once, and for an hour. The answer is the same, after
    the same time, whether the address has an account or not, and whether a mail was sent or too many were. 409
    `mail_off` if the shop sends none."""
    body = await read_body(request, Address)
    service_of(request).by_mail.forgotten(body.email, visitor_of(request).address)
    return JsonResponse(Sent(_SENT), status_code=202, headers=NOT_STORED)


@post(
    "/auth/password/reset",
    operation_class=takes(NewPasswordByLink),
    status_code=204,
    tags=_TAGS,
    refuses=(InvalidLink, MailOff),
)
async def reset_password(request: Request[Any, Any, Any]) -> None:
    """Set a new password with the token of a link; all sessions end. A second factor stays: log in with it, as before.
    400 `invalid_link` for every token that is not good (any more); 409 `mail_off`."""
    body = await read_body(request, NewPasswordByLink)
    await service_of(request).by_mail.reset(body.token, body.new, visitor_of(request).address)


@post(
    "/auth/email/verify", operation_class=takes(LinkOpened), status_code=204, tags=_TAGS, refuses=(InvalidLink, MailOff)
)
async def verify_email(request: Request[Any, Any, Any]) -> None:
    """Show with the token of a link, logged in to the account that it is about, that you read what is sent to its
    address. What was ordered with it without an account becomes yours. 400 `invalid_link` for every token that is not
    good (any more), or another account's; 409 `mail_off`."""
    principal = await principal_of(request)
    body = await read_body(request, LinkOpened)
    await service_of(request).by_mail.verify(body.token, principal.id)


@get("/auth/email/verification", tags=_TAGS)
async def show_verification(request: Request[Any, Any, Any]) -> Response[Verification]:
    """Whether it is known that your address is yours."""
    service = service_of(request)
    user = await service.asker(await principal_of(request))
    shown = Verification(user.email, user.verified_at is not None, not service.by_mail.is_off)
    return JsonResponse(shown, headers=NOT_STORED)


@post("/auth/email/verification", status_code=202, tags=_TAGS, refuses=(AlreadyVerified, MailOff))
async def send_verification(request: Request[Any, Any, Any]) -> Response[Verification]:
    """Have the link that shows that your address is yours sent again, in place of the last one: at most three times an
    hour. 409 `already_verified`, 409 `mail_off`."""
    service = service_of(request)
    user = await service.asker(await principal_of(request))
    await service.by_mail.ask_again(user, visitor_of(request).address)
    return JsonResponse(Verification(user.email, False, True), status_code=202, headers=NOT_STORED)


HANDLERS = (forgot_password, reset_password, verify_email, show_verification, send_verification)
