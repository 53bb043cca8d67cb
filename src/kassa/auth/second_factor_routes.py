"""The second step of a log-in, and what users do with their second factor."""

from typing import Any

from litestar import Request, Response, get, post

from kassa.auth.visitors import NOT_STORED, service_of, session_answer, visitor_of
from kassa.auth.wire import (
    Confirmation,
    OneCode,
    PasswordAndCode,
    RecoveryCodes,
    SecondFactorMade,
    SecondFactorState,
    SecondStep,
    SessionOut,
    SetUpOut,
    shown,
    shown_factor,
)
from kassa.contracts.auth import ChallengeExpired, SecondFactorOff, SecondFactorOn, WrongCode, WrongCredentials
from kassa.kit.web import JsonResponse, principal_of, read_body, takes

_TAGS = ["auth"]
_CHANGE: dict[str, Any] = {
    "operation_class": takes(PasswordAndCode),
    "status_code": 200,
    "tags": _TAGS,
    "refuses": (WrongCredentials, WrongCode, SecondFactorOff),
}


@post(
    "/auth/login/second-factor",
    operation_class=takes(SecondStep),
    status_code=200,
    tags=_TAGS,
    refuses=(ChallengeExpired, WrongCode),
)
async def login_with_code(request: Request[Any, Any, Any]) -> Response[SessionOut]:
    """Log in to an account that has a second factor: with the `challenge` that the right password was answered, and a
    code. 401 `wrong_code`: each is good once; after five wrong ones of your account 429. 401 `challenge_expired`: begin
    with the password again."""
    body = await read_body(request, SecondStep)
    session = await service_of(request).login_with_code(body.challenge, body.code, visitor_of(request))
    return session_answer(session)


@get("/auth/second-factor", tags=_TAGS)
async def show_second_factor(request: Request[Any, Any, Any]) -> Response[SecondFactorState]:
    """Whether your log-in needs a code, and how many recovery codes are left."""
    user, is_missing = await service_of(request).second_factor(await principal_of(request))
    return JsonResponse(shown_factor(user, is_missing=is_missing))


@post(
    "/auth/second-factor",
    operation_class=takes(Confirmation),
    status_code=200,
    tags=_TAGS,
    refuses=(WrongCredentials, SecondFactorOn),
)
async def set_up_second_factor(request: Request[Any, Any, Any]) -> Response[SetUpOut]:
    """Begin to set up a second factor: give what this answers to an authenticator, and its first code to
    `POST /auth/second-factor/confirm`. Until then nothing has changed. 409 `second_factor_on` if there is one."""
    principal = await principal_of(request)
    body = await read_body(request, Confirmation)
    begun = await service_of(request).set_up_second_factor(principal, body.password, visitor_of(request))
    return JsonResponse(SetUpOut(begun.secret, begun.uri), headers=NOT_STORED)


@post(
    "/auth/second-factor/confirm",
    operation_class=takes(OneCode),
    status_code=200,
    tags=_TAGS,
    refuses=(WrongCode, SecondFactorOn, SecondFactorOff),
)
async def confirm_second_factor(request: Request[Any, Any, Any]) -> Response[SecondFactorMade]:
    """Turn the second factor on, with its first code. All sessions end, this one too: the answer has a new one, and ten
    recovery codes, which are shown this once. 401 `wrong_code`; 409 `second_factor_off` if none was begun."""
    principal = await principal_of(request)
    body = await read_body(request, OneCode)
    session, recovery = await service_of(request).confirm_second_factor(principal, body.code, visitor_of(request))
    return JsonResponse(SecondFactorMade(recovery, shown(session)), headers=NOT_STORED)


@post("/auth/second-factor/recovery-codes", **_CHANGE)
async def renew_recovery_codes(request: Request[Any, Any, Any]) -> Response[RecoveryCodes]:
    """Ten new recovery codes; those of before are good for nothing. 401 `wrong_credentials`, 401 `wrong_code`; 409
    `second_factor_off`."""
    principal = await principal_of(request)
    body = await read_body(request, PasswordAndCode)
    service, visitor = service_of(request), visitor_of(request)
    recovery = await service.renew_recovery_codes(principal, body.password, body.code, visitor)
    return JsonResponse(RecoveryCodes(recovery), headers=NOT_STORED)


@post("/auth/second-factor/remove", **_CHANGE)
async def remove_second_factor(request: Request[Any, Any, Any]) -> Response[SessionOut]:
    """Turn the second factor off. All sessions end, this one too: the answer has a new one. 401 `wrong_credentials`,
    401 `wrong_code`; 409 `second_factor_off`."""
    principal = await principal_of(request)
    body = await read_body(request, PasswordAndCode)
    service, visitor = service_of(request), visitor_of(request)
    return session_answer(await service.remove_second_factor(principal, body.password, body.code, visitor))


HANDLERS = (
    login_with_code,
    show_second_factor,
    set_up_second_factor,
    confirm_second_factor,
    renew_recovery_codes,
    remove_second_factor,
)
