"""The console's staff: who they are, and what an administrator does about them."""

from types import MappingProxyType
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.kit.access import MEANING, ROLES, STAFF
from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.staff_models import Member, Staff
from kassa.pages.storefront import paging
from kassa.pages.sure import Step
from kassa.pages.visit import Visit, Visiting, number
from kassa.pages.words import trouble

_SHOWN, _MOST = 50, 100
_OUT = "All their sessions end at once, everywhere."
_KEYS_STAY = "API keys that they made go on: look through the keys, and end those that nobody answers for."


STEPS = MappingProxyType(
    {
        "disable": Step(
            "Disable {who}?",
            ("They cannot log in until somebody enables them.", _OUT, _KEYS_STAY),
            "Disable",
            "disabled",
        ),
        "enable": Step(
            "Enable {who}?", ("They can log in again, with the password and the role they had.",), "Enable", "enabled"
        ),
        "end-sessions": Step(
            "Log {who} out everywhere?", (_OUT, "They can log in again at once."), "End all sessions", "logged-out-all"
        ),
        "demote": Step(
            "Remove {who} from staff?",
            (
                "They become an ordinary customer, without the console.",
                _OUT,
                "Only an operator at the command line can bring them back, with kassa admin create.",
                _KEYS_STAY,
            ),
            "Remove from staff",
            "demoted",
        ),
    }
)


def allowed(role: str) -> tuple[str, ...]:
    """What a role may do, in words."""
    return tuple(words.replace("`", "") for permission, words in MEANING.items() if permission in ROLES[role])


async def members(visit: Visit) -> list[Member]:
    """All of the staff."""
    found: list[Member] = []
    while True:
        page = await visit.api.get("/auth/admin/staff", Staff, {"limit": _MOST, "skip": len(found)})
        found += page.staff
        if not page.staff or len(found) >= page.pagination.total:
            return found


async def _member(visit: Visit, user_id: str) -> Member:
    for each in await members(visit):
        if each.id == user_id:
            return each
    raise ApiProblem(404, "not_found", "Nobody of the staff has this id.")


def _page(visit: Visit, member: Member, wrong: str = "", status: int = 200, **errors: str) -> Response[str]:
    roles = {role: allowed(role) for role in STAFF if role != member.role}
    return visit.page("console/member.html", status, member=member, roles=roles, trouble=wrong, errors=errors)


@get("/console/staff", include_in_schema=False)
async def staff(visit: Visiting) -> Response[str]:
    await require_staff(visit)
    skip = max(0, number(visit.request.query_params.get("skip")))
    found = await visit.api.get("/auth/admin/staff", Staff, {"limit": _SHOWN, "skip": skip})
    pages = paging(skip, _SHOWN, found.pagination.total)
    return visit.page("console/staff.html", staff=found.staff, paging=pages)


@get("/console/staff/{user_id:str}", include_in_schema=False)
async def one_member(visit: Visiting, user_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    return _page(visit, await _member(visit, user_id))


@post("/console/staff/{user_id:str}/{what:str}", include_in_schema=False)
async def change_member(visit: Visiting, user_id: FromPath[str], what: FromPath[str]) -> Response[str]:
    """In two steps: what follows is shown first, and only its confirmation does it."""
    await require_staff(visit)
    member, role = await _member(visit, user_id), visit.field("role")
    if what == "role" and role not in STAFF:
        return _page(visit, member, status=422, role="Choose a role.")
    step = _to_role(role) if what == "role" else STEPS.get(what)
    if step is None:
        raise ApiProblem(404, "not_found", "There is nothing at this address.")
    address = f"/console/staff/{user_id}"
    if visit.field("confirmed") != "yes":
        sent = {"role": role} if what == "role" else {}
        return visit.page("console/sure.html", step=step, who=member.email, back=address, what=what, sent=sent)
    try:
        body = {"role": role} if what == "role" else None
        await visit.api.send("POST", path_of("auth", "admin", "staff", user_id, what), Any, body)
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return _page(visit, member, trouble(problem), 409)
    return visit.redirect("/console/staff", step.note)


def _to_role(role: str) -> Step:
    may = f"They may: {'; '.join(allowed(role))}."
    return Step(f"Give {{who}} the role {role}?", (may, _OUT, "They log in again to go on."), "Change the role", "role")


CONSOLE_STAFF: tuple[Any, ...] = (staff, one_member, change_member)
