"""What administrators see of the staff, and do to each other."""

import asyncio
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from kassa.auth.domain import User
from kassa.auth.staff import Staff
from kassa.auth.visitors import service_of, visitor_of
from kassa.auth.wire import Member, OneMember, PasswordAndCode, RoleChange, StaffList, shown_member
from kassa.contracts.auth import LastAdministrator, OwnAccount, SecondFactorOff, WrongCode, WrongCredentials
from kassa.kit.lists import paging
from kassa.kit.problem import NotFound
from kassa.kit.web import JsonResponse, principal_of, read_body, takes

_ONE: dict[str, Any] = {"tags": ["auth"], "status_code": 200, "refuses": (NotFound, OwnAccount)}
_NOT_THE_LAST = {**_ONE, "refuses": (NotFound, OwnAccount, LastAdministrator)}


@get("/auth/admin/staff", tags=["auth"])
async def list_staff(
    request: Request[Any, Any, Any],
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[StaffList]:
    """Who can do more than buy, and where they are logged in."""
    await principal_of(request)
    asked = paging(limit, skip, cursor)
    found, total = await _staff(request).listed(asked)
    pagination = asked.pagination(total, found, lambda each: each.id)
    members = await asyncio.gather(*(_shown(request, each) for each in found[: asked.limit]))
    return JsonResponse(StaffList(list(members), pagination))


@post("/auth/admin/staff/{user_id:str}/role", operation_class=takes(RoleChange), **_NOT_THE_LAST)
async def change_role(request: Request[Any, Any, Any], user_id: FromPath[str]) -> Response[OneMember]:
    """Give somebody of the staff another role of it; all sessions end at once. Nobody comes to the staff this way: an
    operator makes them, with `kassa admin create`. 404 if they are not of the staff; 409 `own_account`; 409
    `last_administrator` if no other one is enabled."""
    admin = await principal_of(request)
    body = await read_body(request, RoleChange)
    return await _answer(request, await _staff(request).give_role(user_id, body.role, admin.id))


@post("/auth/admin/staff/{user_id:str}/demote", **_NOT_THE_LAST)
async def demote(request: Request[Any, Any, Any], user_id: FromPath[str]) -> Response[OneMember]:
    """Make a buyer like any other of somebody of the staff, whose sessions end at once. 404 if they are not of the
    staff; 409 `own_account`; 409 `last_administrator` if no other one is enabled."""
    admin = await principal_of(request)
    return await _answer(request, await _staff(request).demote(user_id, admin.id))


@post("/auth/admin/staff/{user_id:str}/disable", **_NOT_THE_LAST)
async def disable(request: Request[Any, Any, Any], user_id: FromPath[str]) -> Response[OneMember]:
    """Let somebody not log in any more; all sessions end at once. 409 `own_account`; 409
    `last_administrator` if no other one is enabled."""
    admin = await principal_of(request)
    return await _answer(request, await _staff(request).disable(user_id, admin.id))


@post("/auth/admin/staff/{user_id:str}/enable", **_ONE)
async def enable(request: Request[Any, Any, Any], user_id: FromPath[str]) -> Response[OneMember]:
    """Let somebody who was disabled log in again. 409 `own_account`."""
    admin = await principal_of(request)
    return await _answer(request, await _staff(request).enable(user_id, admin.id))


@post("/auth/admin/staff/{user_id:str}/end-sessions", **_ONE)
async def end_sessions(request: Request[Any, Any, Any], user_id: FromPath[str]) -> Response[OneMember]:
    """End all of somebody's sessions at once: they have to log in again. 409 `own_account`: your
    own are ended by `DELETE /auth/sessions`."""
    admin = await principal_of(request)
    return await _answer(request, await _staff(request).end_sessions(user_id, admin.id))


@post(
    "/auth/admin/staff/{user_id:str}/reset-second-factor",
    operation_class=takes(PasswordAndCode),
    status_code=200,
    tags=["auth"],
    refuses=(WrongCredentials, WrongCode, NotFound, OwnAccount, SecondFactorOff),
)
async def reset_second_factor(request: Request[Any, Any, Any], user_id: FromPath[str]) -> Response[OneMember]:
    """Turn off the second factor of somebody who has lost authenticator and recovery codes; their sessions end at once.
    It takes your own password and a code of yours: 401 `wrong_credentials`, 401 `wrong_code`; 403
    `second_factor_missing` if you have none. 409 `own_account`; 409 `second_factor_off` if they have none."""
    admin = await principal_of(request)
    body = await read_body(request, PasswordAndCode)
    service, visitor = service_of(request), visitor_of(request)
    return await _answer(request, await service.reset_second_factor(admin, body.password, body.code, visitor, user_id))


HANDLERS = (list_staff, change_role, demote, disable, enable, end_sessions, reset_second_factor)


def _staff(request: Request[Any, Any, Any]) -> Staff:
    staff: Staff = request.app.state["auth"].staff
    return staff


async def _shown(request: Request[Any, Any, Any], user: User) -> Member:
    return shown_member(user, await _staff(request).sessions(user))


async def _answer(request: Request[Any, Any, Any], user: User) -> Response[OneMember]:
    return JsonResponse(OneMember(await _shown(request, user)))
