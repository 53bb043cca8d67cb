"""What customers can ask about their own data. The password is asked for again: a session may be in wrong hands."""

from typing import Any

from litestar import Request, Response, post

from kassa.auth.customers import CustomerData, Customers
from kassa.auth.service import AuthService, Visitor
from kassa.auth.wire import Confirmation
from kassa.contracts.auth import StaffAccount, WrongCredentials
from kassa.kit.web import JsonResponse, principal_of, read_body, takes

_AS_A_FILE = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="my-data.json"'}


@post(
    "/auth/account/export",
    operation_class=takes(Confirmation),
    status_code=200,
    tags=["auth"],
    refuses=(WrongCredentials,),
)
async def export_account(request: Request[Any, Any, Any]) -> Response[CustomerData]:
    """All that the shop stores of you, in one document. 401 `wrong_credentials` if this is not your password."""
    principal = await principal_of(request)
    body = await read_body(request, Confirmation)
    user = await _auth(request).confirmed(principal, body.password, _visitor(request))
    return JsonResponse(await _customers(request).export(user, principal.session_id), headers=_AS_A_FILE)


@post(
    "/auth/account/erase",
    operation_class=takes(Confirmation),
    status_code=204,
    tags=["auth"],
    refuses=(WrongCredentials, StaffAccount),
)
async def erase_account(request: Request[Any, Any, Any]) -> None:
    """Erase your account, for good. All sessions end, unpaid orders are cancelled; paid ones stay, and nothing in them
    names you. 401 `wrong_credentials` if this is not your password; 409 `staff_account` for the staff."""
    principal = await principal_of(request)
    body = await read_body(request, Confirmation)
    user = await _auth(request).confirmed(principal, body.password, _visitor(request))
    await _customers(request).erase(user, user.id)


HANDLERS = (export_account, erase_account)


def _auth(request: Request[Any, Any, Any]) -> AuthService:
    service: AuthService = request.app.state["auth"]
    return service


def _customers(request: Request[Any, Any, Any]) -> Customers:
    customers: Customers = request.app.state["customers"]
    return customers


def _visitor(request: Request[Any, Any, Any]) -> Visitor:
    return Visitor(request.client.host if request.client else "")
