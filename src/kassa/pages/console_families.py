"""The console's families: what ties variants together."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages.admins import require_staff
from kassa.pages.catalogue_models import Families, Family, FamilyVariants, OneFamily, Product
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.product_form import MOST_OPTIONS
from kassa.pages.storefront import paging
from kassa.pages.visit import Visit, Visiting, number
from kassa.pages.words import trouble

_SHOWN = 50
_REFUSED = (400, 409, 422)
_OPTIONS = range(1, MOST_OPTIONS + 1)


@get("/console/families", include_in_schema=False)
async def families(visit: Visiting) -> Response[str]:
    await require_staff(visit, "GET /products")
    skip = max(0, number(visit.request.query_params.get("skip")))
    found = await visit.api.get("/families", Families, {"limit": _SHOWN, "skip": skip})
    pages = paging(skip, _SHOWN, found.pagination.total)
    return visit.page("console/families.html", families=found.families, paging=pages)


@get("/console/families/new", include_in_schema=False)
async def new_family(visit: Visiting) -> Response[str]:
    await require_staff(visit, "POST /families")
    return _form(visit, {})


@post("/console/families/new", include_in_schema=False)
async def create_family(visit: Visiting) -> Response[str]:
    await require_staff(visit, "POST /families")
    try:
        made = await visit.api.send("POST", "/families", OneFamily, _body(visit), key=visit.field("key") or None)
    except ApiProblem as problem:
        if problem.status not in _REFUSED:
            raise
        return _form(visit, dict(visit.form), problem=problem)
    return visit.redirect(f"/console/families/{made.family.id}", "family-saved")


@get("/console/families/{family_id:str}", include_in_schema=False)
async def edit_family(visit: Visiting, family_id: FromPath[str]) -> Response[str]:
    await require_staff(visit, "GET /products")
    known = await _read(visit, family_id)
    return _form(visit, _values_of(known.family), known)


@post("/console/families/{family_id:str}", include_in_schema=False)
async def save_family(visit: Visiting, family_id: FromPath[str]) -> Response[str]:
    await require_staff(visit, "PUT /families/{family_id}")
    known = await _read(visit, family_id)
    try:
        body = _body(visit) | ({"expectedUpdatedAt": read_at} if (read_at := visit.field("updated")) else {})
        await visit.api.send("PUT", path_of("families", family_id), OneFamily, body)
    except ApiProblem as problem:
        if problem.status not in _REFUSED:
            raise
        return _form(visit, dict(visit.form), known, problem)
    return visit.redirect(f"/console/families/{family_id}", "family-saved")


async def _read(visit: Visit, family_id: str) -> FamilyVariants:
    return await visit.api.get(path_of("families", family_id), FamilyVariants)


def _form(
    visit: Visit, values: dict[str, str], known: FamilyVariants | None = None, problem: ApiProblem | None = None
) -> Response[str]:
    errors = dict(problem.errors) if problem else {}
    if problem and problem.code == "family_name_taken":
        errors = {"name": "Another family has this name."}
    variants: tuple[Product, ...] = known.variants if known else ()
    return visit.page(
        "console/family.html",
        problem.status if problem else 200,
        family=known.family if known else None,
        variants=variants,
        values=values,
        errors=errors,
        trouble=trouble(problem) if problem and not errors else "",
        OPTIONS=_OPTIONS,
    )


def _values_of(family: Family) -> dict[str, str]:
    values = {"name": family.name, "updated": family.updated_at.isoformat() if family.updated_at else ""}
    for at, option in enumerate(family.options, 1):
        values |= {f"option{at}": option.name, f"values{at}": "\n".join(option.values)}
    return values


def _body(visit: Visit) -> dict[str, object]:
    """What was typed, as the API takes it: of each option that has a name or values, a value a line."""
    options = []
    for at in _OPTIONS:
        name, values = visit.field(f"option{at}"), visit.field(f"values{at}").splitlines()
        if name or values:
            options.append({"name": name, "values": [value.strip() for value in values if value.strip()]})
    return {"name": visit.field("name"), "options": options}


CONSOLE_FAMILIES: tuple[Any, ...] = (families, new_family, create_family, edit_family, save_family)
