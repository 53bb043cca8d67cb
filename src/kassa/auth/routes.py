"""The public endpoints of auth."""

from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, FromQuery

from kassa.auth import act_routes, by_mail_routes, customers_routes, key_routes, second_factor_routes, staff_routes
from kassa.auth.devices import LONGEST_TOKEN
from kassa.auth.visitors import NOT_STORED, service_of, session_answer, visitor_of
from kassa.auth.wire import (
    Credentials,
    PasswordChange,
    Refresh,
    Registration,
    SessionList,
    SessionOut,
    Verified,
    listed,
    verified,
)
from kassa.contracts.auth import (
    AccountDisabled,
    EmailTaken,
    InvalidRefreshToken,
    KeySet,
    RoleNotAllowed,
    SecondFactorRequired,
    WrongCredentials,
)
from kassa.kit.access import USER
from kassa.kit.ended import Ended
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, principal_of, read_body, takes

_TAGS = ["auth"]


@post("/auth/register", operation_class=takes(Registration), tags=_TAGS, refuses=(EmailTaken, RoleNotAllowed))
async def register(request: Request[Any, Any, Any]) -> Response[SessionOut]:
    """Make an account and log in. 409 `email_taken`; a `role` other than `user` is 403 `role_not_allowed`. A link that
    shows that the address is yours is sent to it, in the language of `locale` if the shop writes in that."""
    body = await read_body(request, Registration)
    role = USER if body.role is None else body.role
    who = (body.name or "", body.email, body.password, role, visitor_of(request), body.locale or "")
    session = await service_of(request).register(*who)
    return session_answer(session, 201)


@post(
    "/auth/login",
    operation_class=takes(Credentials),
    status_code=200,
    tags=_TAGS,
    refuses=(WrongCredentials, AccountDisabled, SecondFactorRequired),
)
async def login(request: Request[Any, Any, Any]) -> Response[SessionOut]:
    """Log in. Wrong password or unknown address: 401 `wrong_credentials`; after repeated failures from your network
    429. With the `deviceToken` of a former log-in only what went wrong with that counts. 403 `account_disabled` if the
    password is right. 401 `second_factor_required` if it is right and the account has a second factor: send
    `challenge`, within `expiresIn` seconds, and a code to `POST /auth/login/second-factor`."""
    body = await read_body(request, Credentials)
    if len(device_token := body.device_token or "") > LONGEST_TOKEN:
        raise Invalid.field("deviceToken", f"must have at most {LONGEST_TOKEN} characters")
    visitor = visitor_of(request, device_token)
    return session_answer(await service_of(request).login(body.email, body.password, visitor))


@get("/auth/verify", tags=_TAGS)
async def verify(request: Request[Any, Any, Any]) -> Response[Verified]:
    """Tell whose token this is; 401 if it is not valid."""
    return JsonResponse(verified(await principal_of(request)), headers=NOT_STORED)


@post("/auth/refresh", operation_class=takes(Refresh), status_code=200, tags=_TAGS, refuses=(InvalidRefreshToken,))
async def refresh(request: Request[Any, Any, Any]) -> Response[SessionOut]:
    """Exchange the refresh token for a fresh pair. For 30 seconds it gives the same successor again; after that, or
    when the successor was used, somebody has a copy, and the session is ended: 401 `invalid_refresh_token`."""
    body = await read_body(request, Refresh)
    return session_answer(await service_of(request).refresh(body.refresh_token, visitor_of(request)))


@post("/auth/logout", operation_class=takes(Refresh), status_code=204, tags=_TAGS)
async def logout(request: Request[Any, Any, Any]) -> None:
    """End the session that the refresh token belongs to. No token of it is taken any more."""
    body = await read_body(request, Refresh)
    await service_of(request).logout(body.refresh_token)


@post("/auth/password", operation_class=takes(PasswordChange), status_code=204, tags=_TAGS, refuses=(WrongCredentials,))
async def change_password(request: Request[Any, Any, Any]) -> None:
    """Change the password; all sessions end. 401 `wrong_credentials` if `current` is not the password."""
    principal = await principal_of(request)
    body = await read_body(request, PasswordChange)
    await service_of(request).change_password(principal, body.current, body.new, visitor_of(request))


@get("/auth/sessions", tags=_TAGS)
async def list_sessions(request: Request[Any, Any, Any]) -> Response[SessionList]:
    """Where you are logged in: since when, from where, with which program."""
    principal = await principal_of(request)
    return JsonResponse(listed(await service_of(request).sessions(principal.id), principal.session_id))


@delete("/auth/sessions", status_code=204, tags=_TAGS)
async def end_other_sessions(request: Request[Any, Any, Any]) -> None:
    """End all of your sessions but this one."""
    await service_of(request).end_other_sessions(await principal_of(request))


@delete("/auth/sessions/{session_id:str}", status_code=204, tags=_TAGS)
async def end_session(request: Request[Any, Any, Any], session_id: FromPath[str]) -> None:
    """End one of your sessions, this one included. No token of it is taken any more."""
    principal = await principal_of(request)
    await service_of(request).end_session(principal.id, session_id)


@get("/auth/ended", tags=_TAGS)
async def ended(request: Request[Any, Any, Any], since: FromQuery[int] = 0) -> Response[Ended]:
    """For whoever verifies tokens with the published keys: the marks of what was ended in the last 16 minutes, `since`
    (milliseconds since the epoch). A token is ended if `sha256("session:" + sid)` or
    `sha256("user:" + sub + ":" + epoch)` is among them, as its first 32 hexadecimal digits. Ask again from `until`."""
    return JsonResponse(await service_of(request).ended(since), headers=NOT_STORED)


@get("/.well-known/jwks.json", tags=_TAGS)
async def jwks(request: Request[Any, Any, Any]) -> Response[KeySet]:
    """The public keys that verify access tokens, as a JSON Web Key Set."""
    return JsonResponse(await service_of(request).keys())


HANDLERS = (
    register,
    login,
    verify,
    refresh,
    logout,
    change_password,
    list_sessions,
    end_other_sessions,
    end_session,
    ended,
    jwks,
    *by_mail_routes.HANDLERS,
    *second_factor_routes.HANDLERS,
    *staff_routes.HANDLERS,
    *key_routes.HANDLERS,
    *act_routes.HANDLERS,
    *customers_routes.HANDLERS,
)
