"""The console's page on how the shop sells: zones, shipping methods and tax rates.

All of it is one document of the API: each form puts it back as it was read, with one thing in it changed, and is
refused if somebody else has changed it meanwhile.
"""

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem
from kassa.pages.countries import country_code
from kassa.pages.selling_form import FIELDS, MEMBERS, at_fields, body_of, seller_body, seller_values, values_of
from kassa.pages.selling_models import Method, OneSelling, Rate, Selling, Zone
from kassa.pages.sure import Step
from kassa.pages.visit import Visit, Visiting
from kassa.pages.words import trouble

_MAY = "PUT /selling"
_SHOWN_ONLY = ("currency", "tax", "updatedAt")
_CHANGED = (
    "Somebody else has changed how the shop sells. Nothing was saved; this is how it is now. Save again if that is "
    "right all the same."
)
_IN_USE = "A shipping method still goes there. Remove it first, or send it to another zone. Nothing was changed."
WORDS = {"zones": "zone", "methods": "shipping method", "rates": "tax rate"}


def _remove_step(part: str) -> Step:
    goes_on = "Orders that are placed keep what they were placed with."
    return Step(f"Remove the {WORDS[part]} {{who}}?", ("New orders are sold without it.", goes_on), "Remove it", "")


async def _read(visit: Visit) -> tuple[Selling, dict[str, Any]]:
    """How the shop sells; and the same as it came, to be put back with whatever these pages do not know."""
    raw = (await visit.api.get("/selling", dict[str, Any]))["selling"]
    known = (await visit.api.get("/selling", OneSelling)).selling
    return known, {name: value for name, value in raw.items() if name not in _SHOWN_ONLY}


async def _put(visit: Visit, body: dict[str, Any]) -> None:
    if expected := visit.field("updated"):
        body["expectedUpdatedAt"] = expected
    await visit.api.send("PUT", "/selling", Any, body)


def _all(
    visit: Visit, selling: Selling, problem: ApiProblem | None = None, seller: Mapping[str, str] | None = None
) -> Response[str]:
    status, errors = (problem.status, problem.errors) if problem else (200, {})
    wrong = _told(problem) if problem and not errors else ""
    zones = {zone.id: zone.name for zone in selling.zones}
    values = seller or seller_values(selling.seller)
    shown: dict[str, Any] = {"selling": selling, "zones": zones, "errors": errors, "trouble": wrong, "seller": values}
    return visit.page("console/selling.html", status, **shown)


def _told(problem: ApiProblem) -> str:
    return _CHANGED if problem.code == "selling_changed" else trouble(problem)


@get("/console/selling", include_in_schema=False)
async def selling_page(visit: Visiting) -> Response[str]:
    await require_staff(visit, _MAY)
    selling, _ = await _read(visit)
    return _all(visit, selling)


@post("/console/selling", include_in_schema=False)
async def save_general(visit: Visiting) -> Response[str]:
    """What is so for all zones."""
    await require_staff(visit)
    selling, body = await _read(visit)
    body["home"] = country_code(visit.field("home"))
    body |= {name: bool(visit.field(name)) for name in ("needsDestination", "taxesShipping")}
    try:
        await _put(visit, body)
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        return _all(visit, selling, problem)
    return visit.redirect("/console/selling", "selling-saved")


@post("/console/selling/seller", include_in_schema=False)
async def save_seller(visit: Visiting) -> Response[str]:
    """Who sells. What is issued keeps who sold then."""
    await require_staff(visit)
    selling, body = await _read(visit)
    typed = {name: visit.field(name) for name in seller_values(None)}
    try:
        await _put(visit, body | {"seller": seller_body(typed)})
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        return _all(visit, selling, problem, typed)
    return visit.redirect("/console/selling", "selling-saved")


def _listed(selling: Selling, part: str) -> tuple[Zone | Method | Rate, ...]:
    if part == "zones":
        return selling.zones
    return selling.shipping_methods if part == "methods" else selling.tax_rates


def _found(selling: Selling, part: str, which: str) -> tuple[int | None, Zone | Method | Rate | None]:
    """Its place in the list, and itself; neither of a new one. ApiProblem if there is none."""
    if part not in MEMBERS:
        raise ApiProblem(404, "not_found", "There is nothing at this address.")
    if which == "new":
        return None, None
    many = _listed(selling, part)
    if not which.isascii() or not which.isdigit() or int(which[:6]) >= len(many):
        raise ApiProblem(404, "not_found", "It is not there any more.")
    return int(which), many[int(which)]


def _form(
    visit: Visit, selling: Selling, part: str, which: str, values: dict[str, str], problem: ApiProblem | None = None
) -> Response[str]:
    number, one = _found(selling, part, which)
    place = f"{MEMBERS[part]}[{len(_listed(selling, part)) if number is None else number}]"
    errors = at_fields(problem, place) if problem else {}
    return visit.page(
        "console/selling_part.html",
        problem.status if problem else 200,
        part=part,
        which=which,
        one=one,
        word=WORDS[part],
        known=FIELDS[part],
        selling=selling,
        values=values,
        errors=errors,
        trouble=_told(problem) if problem and not errors else "",
    )


@get("/console/selling/{part:str}/{which:str}", include_in_schema=False)
async def part_page(visit: Visiting, part: FromPath[str], which: FromPath[str]) -> Response[str]:
    await require_staff(visit, _MAY)
    selling, _ = await _read(visit)
    return _form(visit, selling, part, which, values_of(part, _found(selling, part, which)[1]))


@post("/console/selling/{part:str}/{which:str}", include_in_schema=False)
async def save_part(visit: Visiting, part: FromPath[str], which: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    selling, body = await _read(visit)
    number, _ = _found(selling, part, which)
    typed = {name: visit.field(name) for name in FIELDS[part]}
    try:
        made, many = body_of(part, typed, selling, number), list(body[MEMBERS[part]])
        if number is None:
            many.append(made)
        else:
            many[number] = made
        await _put(visit, body | {MEMBERS[part]: many})
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        return _form(visit, selling, part, which, typed, problem)
    return visit.redirect("/console/selling", "selling-saved")


@post("/console/selling/{part:str}/{which:str}/remove", include_in_schema=False)
async def remove_part(visit: Visiting, part: FromPath[str], which: FromPath[str]) -> Response[str]:
    """In two steps: what follows is shown first, and only its confirmation removes it."""
    await require_staff(visit)
    selling, body = await _read(visit)
    number, one = _found(selling, part, which)
    if number is None or one is None:
        raise ApiProblem(404, "not_found", "It is not there any more.")
    if visit.field("confirmed") != "yes":
        back, sent = f"/console/selling/{part}/{which}", {"updated": visit.field("updated")}
        return visit.page(
            "console/sure.html", step=_remove_step(part), who=one.name, back=back, what="remove", sent=sent
        )
    many = [each for place, each in enumerate(body[MEMBERS[part]]) if place != number]
    try:
        await _put(visit, body | {MEMBERS[part]: many})
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        if any(name.endswith(".zone") for name in problem.errors):
            problem = ApiProblem(409, "zone_in_use", _IN_USE)
        return _all(visit, selling, problem)
    return visit.redirect("/console/selling", "selling-saved")


CONSOLE_SELLING: tuple[Any, ...] = (selling_page, save_general, save_seller, part_page, save_part, remove_part)
