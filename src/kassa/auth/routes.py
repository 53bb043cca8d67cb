"""The public endpoints of auth."""

from typing import Any

from litestar import Request, Response, get, post

from kassa.auth.service import AuthService, Session
from kassa.auth.wire import (
    Credentials,
    PasswordChange,
    Refresh,
    Registration,
    SessionOut,
    Verified,
    shown,
    verified,
)
from kassa.contracts.auth import EmailTaken, InvalidRefreshToken, KeySet, RoleNotAllowed, WrongCredentials
from kassa.kit.identity import USER
from kassa.kit.web import JsonResponse, principal_of, read_body, takes

# RFC 6749, 5.1: no cache keeps an answer that holds tokens.
_NOT_STORED = {"Cache-Control": "no-store"}
_TAGS = ["auth"]


@post("/auth/register", operation_class=takes(Registration), tags=_TAGS, refuses=(EmailTaken, RoleNotAllowed))
async def register(request: Request[Any, Any, Any]) -> Response[SessionOut]:
    """Make an account and log in. 409 `email_taken`; a `role` other than `user` is 403 `role_not_allowed`."""
    body = await read_body(request, Registration)
    role = USER if body.role is None else body.role
    session = await _service(request).register(body.name or "", body.email, body.password, role)
    return _answer(session, 201)


@post("/auth/login", operation_class=takes(Credentials), status_code=200, tags=_TAGS, refuses=(WrongCredentials,))
async def login(request: Request[Any, Any, Any]) -> Response[SessionOut]:
    """Log in. Wrong password or unknown address: 401 `wrong_credentials`; after repeated failures 429."""
    body = await read_body(request, Credentials)
    return _answer(await _service(request).login(body.email, body.password, _client(request)), 200)


@get("/auth/verify", tags=_TAGS)
async def verify(request: Request[Any, Any, Any]) -> Response[Verified]:
    """Tell whose token this is; 401 if it is not valid."""
    return JsonResponse(verified(await principal_of(request)), headers=_NOT_STORED)


@post("/auth/refresh", operation_class=takes(Refresh), status_code=200, tags=_TAGS, refuses=(InvalidRefreshToken,))
async def refresh(request: Request[Any, Any, Any]) -> Response[SessionOut]:
    """Exchange the refresh token for a fresh pair. One that was exchanged before still works for 30 seconds;
    after that all tokens that came of the same log-in are revoked: 401 `invalid_refresh_token`."""
    body = await read_body(request, Refresh)
    return _answer(await _service(request).refresh(body.refresh_token), 200)


@post("/auth/logout", operation_class=takes(Refresh), status_code=204, tags=_TAGS)
async def logout(request: Request[Any, Any, Any]) -> None:
    """End the session that the refresh token belongs to."""
    body = await read_body(request, Refresh)
    await _service(request).logout(body.refresh_token)


@post("/auth/password", operation_class=takes(PasswordChange), status_code=204, tags=_TAGS, refuses=(WrongCredentials,))
async def change_password(request: Request[Any, Any, Any]) -> None:
    """Change the password; all sessions end. 401 `wrong_credentials` if `current` is not the password."""
    principal = await principal_of(request)
    body = await read_body(request, PasswordChange)
    await _service(request).change_password(principal.id, body.current, body.new, _client(request))


@get("/.well-known/jwks.json", tags=_TAGS)
async def jwks(request: Request[Any, Any, Any]) -> Response[KeySet]:
    """The public keys that verify access tokens, as a JSON Web Key Set."""
    return JsonResponse(await _service(request).keys())


HANDLERS = (register, login, verify, refresh, logout, change_password, jwks)


def _service(request: Request[Any, Any, Any]) -> AuthService:
    service: AuthService = request.app.state["auth"]
    return service


def _client(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else ""


def _answer(session: Session, status: int) -> Response[SessionOut]:
    return JsonResponse(shown(session), status_code=status, headers=_NOT_STORED)
