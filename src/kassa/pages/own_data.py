"""A buyer's own data: taken along as a file, or erased with the account."""

from typing import Any

import msgspec
from litestar import Response, get, post

from kassa.pages.client import ApiProblem
from kassa.pages.language import _
from kassa.pages.told import refusal
from kassa.pages.visit import Visit, Visiting

_FILE = 'attachment; filename="my-data.json"'


@get("/account/data", include_in_schema=False)
async def data_page(visit: Visiting) -> Response[str]:
    visit.require_login()
    await visit.api.get("/auth/verify", Any)
    return _page(visit, 200, {})


@post("/account/data/export", include_in_schema=False)
async def export_data(visit: Visiting) -> Response[str]:
    visit.require_login()
    try:
        found = await visit.api.send("POST", "/auth/account/export", msgspec.Raw, _password(visit))
    except ApiProblem as problem:
        return _refused(visit, problem, "export_password")
    document = msgspec.json.format(bytes(found), indent=2).decode()
    return visit.file(document, "application/json", _FILE)


@post("/account/data/erase", include_in_schema=False)
async def erase_data(visit: Visiting) -> Response[str]:
    visit.require_login()
    try:
        await visit.api.send("POST", "/auth/account/erase", Any, _password(visit))
    except ApiProblem as problem:
        return _refused(visit, problem, "erase_password")
    visit.api.tokens.forget()
    return visit.farewell("erased")


DATA_PAGES: tuple[Any, ...] = (data_page, export_data, erase_data)


def _password(visit: Visit) -> dict[str, str]:
    return {"password": visit.form.get("password", "")}


def _refused(visit: Visit, problem: ApiProblem, field: str) -> Response[str]:
    if problem.status >= 500:
        raise problem
    if problem.status == 401 and problem.code != "wrong_credentials":
        raise problem
    if problem.status in (400, 401):
        return _page(visit, problem.status, {field: _("This is not your password.")})
    return _page(visit, problem.status, {}, refusal(problem))


def _page(visit: Visit, status: int, errors: dict[str, str], trouble: str = "") -> Response[str]:
    return visit.page("own_data.html", status, errors=errors, trouble=trouble)
