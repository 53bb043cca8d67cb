"""The console's API keys: which there are, a new one, and the end of one."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.kit.access import MEANING, SCOPES
from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.console_staff import members
from kassa.pages.staff_models import Key, KeyMade, Keys
from kassa.pages.storefront import paging
from kassa.pages.sure import Step
from kassa.pages.visit import Visit, Visiting, number
from kassa.pages.words import trouble

_SHOWN, _MOST = 50, 100
_A_YEAR = "365"
_END = Step(
    "End the key {who}?",
    (
        "Whatever program has it is refused within a second.",
        "This cannot be undone: the program needs a new key to go on.",
    ),
    "End this key",
    "key-ended",
)


@get("/console/keys", include_in_schema=False)
async def keys(visit: Visiting) -> Response[str]:
    await require_staff(visit)
    skip = max(0, number(visit.request.query_params.get("skip")))
    found = await visit.api.get("/auth/keys", Keys, {"limit": _SHOWN, "skip": skip})
    makers = {each.id: each.email for each in await members(visit)} if found.keys else {}
    pages = paging(skip, _SHOWN, found.pagination.total)
    now = visit.renderer.settings.now
    return visit.page("console/keys.html", keys=found.keys, makers=makers, now=now, paging=pages)


def _form(visit: Visit, typed: dict[str, str], problem: ApiProblem | None = None) -> Response[str]:
    scopes = {scope: MEANING[scope].replace("`", "") for scope in SCOPES}
    errors = problem.errors if problem else {}
    wrong = trouble(problem) if problem and not errors else ""
    status = problem.status if problem else 200
    return visit.page("console/key.html", status, typed=typed, scopes=scopes, errors=errors, trouble=wrong)


@get("/console/keys/new", include_in_schema=False)
async def new_key(visit: Visiting) -> Response[str]:
    await require_staff(visit, "POST /auth/keys")
    return _form(visit, {"name": "", "days": _A_YEAR})


@post("/console/keys/new", include_in_schema=False)
async def make_key(visit: Visiting) -> Response[str]:
    """The answer itself shows the secret: an address to be sent on to would have to keep it."""
    await require_staff(visit)
    scopes: list[str] = [scope for scope in SCOPES if visit.field(scope)]
    typed = {"name": visit.field("name"), "days": visit.field("days")} | dict.fromkeys(scopes, "yes")
    try:
        if not scopes:
            raise ApiProblem(422, "validation_failed", errors={"scopes": "Tick at least one."})
        body = {"name": typed["name"], "scopes": scopes, "days": number(typed["days"], -1)}
        made = await visit.api.send("POST", "/auth/keys", KeyMade, body)
    except ApiProblem as problem:
        if problem.status not in (400, 422):
            raise
        return _form(visit, typed, problem)
    return visit.page("console/key_made.html", 201, key=made.key, secret=made.secret)


@post("/console/keys/{key_id:str}/end", include_in_schema=False)
async def end_key(visit: Visiting, key_id: FromPath[str]) -> Response[str]:
    """In two steps: what follows is shown first, and only its confirmation ends the key."""
    await require_staff(visit)
    if visit.field("confirmed") != "yes":
        key = await _key(visit, key_id)
        back, what = "/console/keys", f"{key.id}/end"
        return visit.page("console/sure.html", step=_END, who=key.name, back=back, what=what, sent={})
    await visit.api.send("DELETE", path_of("auth", "keys", key_id), Any)
    return visit.redirect("/console/keys", _END.note)


async def _key(visit: Visit, key_id: str) -> Key:
    skip, total = 0, 1
    while skip < total:
        page = await visit.api.get("/auth/keys", Keys, {"limit": _MOST, "skip": skip})
        for each in page.keys:
            if each.id == key_id:
                return each
        skip, total = skip + _MOST, page.pagination.total
    raise ApiProblem(404, "not_found", "There is no such key.")


CONSOLE_KEYS: tuple[Any, ...] = (keys, new_key, make_key, end_key)
