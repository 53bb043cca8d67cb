"""The public endpoints of auth."""

from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, FromQuery

from kassa.auth import act_routes, customers_routes, key_routes, staff_routes
from kassa.auth.devices import LONGEST_TOKEN
from kassa.auth.family import LONGEST_AGENT
from kassa.auth.service import AuthService, Visitor
from kassa.auth.sessions import Session
from kassa.auth.wire import (
    Credentials,
    PasswordChange,
    Refresh,
    Registration,
    SessionList,
    SessionOut,
    Verified,
    listed,
    shown,
    verified,
)
from kassa.contracts.auth import (
    AccountDisabled,
    EmailTaken,
    InvalidRefreshToken,
    KeySet,
    RoleNotAllowed,
    WrongCredentials,
)
from kassa.kit.access import USER
from kassa.kit.ended import Ended
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, header, principal_of, read_body, takes

# RFC 6749, 5.1: no cache keeps an answer that holds tokens.
_NOT_STORED = {"Cache-Control": "no-store"}
_TAGS = ["auth"]


@post("/auth/register", operation_class=takes(Registration), tags=_TAGS, refuses=(EmailTaken, RoleNotAllowed))
async def register(request: Request[Any, Any, Any]) -> Response[SessionOut]:
    """Make an account and log in. 409 `email_taken`; a `role` other than `user` is 403 `role_not_allowed`."""
    body = await read_body(request, Registration)
    role = USER if body.role is None else body.role
    session = await _service(request).register(body.name or "", body.email, body.password, role, _visitor(request))
    return _answer(session, 201)


@post(
    "/auth/login",
    operation_class=takes(Credentials),
    status_code=200,
    tags=_TAGS,
    refuses=(WrongCredentials, AccountDisabled),
)
async def login(request: Request[Any, Any, Any]) -> Response[SessionOut]:
    """Log in. Wrong password or unknown address: 401 `wrong_credentials`; after repeated failures from your network
    429. With the `deviceToken` of a former log-in only what went wrong with that counts. 403 `account_disabled` if the
    password is right."""
    body = await read_body(request, Credentials)
    if len(device_token := body.device_token or "") > LONGEST_TOKEN:
        raise Invalid.field("deviceToken", f"must have at most {LONGEST_TOKEN} characters")
    visitor = _visitor(request, device_token)
    return _answer(await _service(request).login(body.email, body.password, visitor), 200)


@get("/auth/verify", tags=_TAGS)
async def verify(request: Request[Any, Any, Any]) -> Response[Verified]:
    """Tell whose token this is; 401 if it is not valid."""
    return JsonResponse(verified(await principal_of(request)), headers=_NOT_STORED)


@post("/auth/refresh", operation_class=takes(Refresh), status_code=200, tags=_TAGS, refuses=(InvalidRefreshToken,))
async def refresh(request: Request[Any, Any, Any]) -> Response[SessionOut]:
    """Exchange the refresh token for a fresh pair. For 30 seconds it gives the same successor again; after that, or
    when the successor was used, somebody has a copy, and the session is ended: 401 `invalid_refresh_token`."""
    body = await read_body(request, Refresh)
    return _answer(await _service(request).refresh(body.refresh_token, _visitor(request)), 200)


@post("/auth/logout", operation_class=takes(Refresh), status_code=204, tags=_TAGS)
async def logout(request: Request[Any, Any, Any]) -> None:
    """End the session that the refresh token belongs to. No token of it is taken any more."""
    body = await read_body(request, Refresh)
    await _service(request).logout(body.refresh_token)


@post("/auth/password", operation_class=takes(PasswordChange), status_code=204, tags=_TAGS, refuses=(WrongCredentials,))
async def change_password(request: Request[Any, Any, Any]) -> None:
    """Change the password; all sessions end. 401 `wrong_credentials` if `current` is not the password."""
    principal = await principal_of(request)
    body = await read_body(request, PasswordChange)
    await _service(request).change_password(principal, body.current, body.new, _visitor(request))


@get("/auth/sessions", tags=_TAGS)
async def list_sessions(request: Request[Any, Any, Any]) -> Response[SessionList]:
    """Where you are logged in: since when, from where, with which program."""
    principal = await principal_of(request)
    return JsonResponse(listed(await _service(request).sessions(principal.id), principal.session_id))


@delete("/auth/sessions", status_code=204, tags=_TAGS)
async def end_other_sessions(request: Request[Any, Any, Any]) -> None:
    """End all of your sessions but this one."""
    await _service(request).end_other_sessions(await principal_of(request))


@delete("/auth/sessions/{session_id:str}", status_code=204, tags=_TAGS)
async def end_session(request: Request[Any, Any, Any], session_id: FromPath[str]) -> None:
    """End one of your sessions, this one included. No token of it is taken any more."""
    principal = await principal_of(request)
    await _service(request).end_session(principal.id, session_id)


@get("/auth/ended", tags=_TAGS)
async def ended(request: Request[Any, Any, Any], since: FromQuery[int] = 0) -> Response[Ended]:
    """For whoever verifies tokens with the published keys: the marks of what was ended in the last 16 minutes, `since`
    (milliseconds since the epoch). A token is ended if `sha256("session:" + sid)` or
    `sha256("user:" + sub + ":" + epoch)` is among them, as its first 32 hexadecimal digits. Ask again from `until`."""
    return JsonResponse(await _service(request).ended(since), headers=_NOT_STORED)


@get("/.well-known/jwks.json", tags=_TAGS)
async def jwks(request: Request[Any, Any, Any]) -> Response[KeySet]:
    """The public keys that verify access tokens, as a JSON Web Key Set."""
    return JsonResponse(await _service(request).keys())


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
    *staff_routes.HANDLERS,
    *key_routes.HANDLERS,
    *act_routes.HANDLERS,
    *customers_routes.HANDLERS,
)


def _service(request: Request[Any, Any, Any]) -> AuthService:
    service: AuthService = request.app.state["auth"]
    return service


def _visitor(request: Request[Any, Any, Any], device_token: str = "") -> Visitor:
    agent = (header(request, b"user-agent") or "")[:LONGEST_AGENT]
    shown = agent if agent.isascii() and agent.isprintable() else ""
    return Visitor(request.client.host if request.client else "", shown, device_token)


def _answer(session: Session, status: int) -> Response[SessionOut]:
    return JsonResponse(shown(session), status_code=status, headers=_NOT_STORED)
