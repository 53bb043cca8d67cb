"""The console's discounts: which there are, a new one, what of one can be changed, and its end."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.discount_models import Discount, Discounts, OneDiscount
from kassa.pages.formats import major_text, typed_amount
from kassa.pages.storefront import paging
from kassa.pages.sure import Step
from kassa.pages.visit import Visit, Visiting, number
from kassa.pages.words import trouble

_SHOWN = 50
_DAY = timedelta(days=1)
_FIELDS = (
    "name", "kind", "percent", "amount", "code", "categories", "minimum", "startsAt", "endsAt", "limit",
    "limitPerBuyer", "combines",
)  # fmt: skip
KINDS = (("percentage", "Per cent off"), ("amount", "Amount off"), ("freeShipping", "Free shipping"))
_END = Step(
    "End the discount {who}?",
    (
        "Nobody can use it from now on.",
        "Orders that have it keep it.",
        "This cannot be undone.",
    ),
    "End this discount",
    "discount-ended",
)


@get("/console/discounts", include_in_schema=False)
async def discounts(visit: Visiting) -> Response[str]:
    await require_staff(visit)
    skip = max(0, number(visit.request.query_params.get("skip")))
    found = await visit.api.get("/discounts", Discounts, {"limit": _SHOWN, "skip": skip})
    pages, now = paging(skip, _SHOWN, found.pagination.total), visit.renderer.settings.now
    return visit.page("console/discounts.html", discounts=found.discounts, now=now, paging=pages)


def _form(
    visit: Visit, values: dict[str, str], discount: Discount | None = None, problem: ApiProblem | None = None
) -> Response[str]:
    errors = {name: _told(words) for name, words in problem.errors.items()} if problem else {}
    if problem and problem.code == "discount_code_taken":
        errors = {"code": "Another discount has this code. Choose one that is free."}
    return visit.page(
        "console/discount.html",
        problem.status if problem else 200,
        discount=discount,
        values=values,
        errors=errors,
        trouble=trouble(problem) if problem and not errors else "",
        now=visit.renderer.settings.now,
        kinds=KINDS,
        known=_FIELDS,
    )


def _told(message: str) -> str:
    words = message.replace("startsAt", "the first day")
    return f"It {words}." if words[:1].islower() else words


@get("/console/discounts/new", include_in_schema=False)
async def new_discount(visit: Visiting) -> Response[str]:
    await require_staff(visit, "POST /discounts")
    return _form(visit, {**dict.fromkeys(_FIELDS, ""), "kind": "percentage"})


@post("/console/discounts/new", include_in_schema=False)
async def make_discount(visit: Visiting) -> Response[str]:
    await require_staff(visit)
    typed = {name: visit.field(name) for name in _FIELDS}
    try:
        body = {name: value for name, value in _body(visit, typed).items() if value not in (None, [])}
        await visit.api.send("POST", "/discounts", OneDiscount, body, key=visit.field("key") or None)
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        return _form(visit, typed, problem=problem)
    return visit.redirect("/console/discounts", "discount-saved")


@get("/console/discounts/{discount_id:str}", include_in_schema=False)
async def one_discount(visit: Visiting, discount_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    discount = await _read(visit, discount_id)
    return _form(visit, _values(discount), discount)


@post("/console/discounts/{discount_id:str}", include_in_schema=False)
async def save_discount(visit: Visiting, discount_id: FromPath[str]) -> Response[str]:
    """Only what was changed is sent: a time of day that the form does not show stays."""
    await require_staff(visit)
    discount = await _read(visit, discount_id)
    shown = _values(discount)
    typed = shown | {name: visit.field(name) for name in _FIELDS if name in visit.form or name == "combines"}
    try:
        body = {name: value for name, value in _body(visit, typed).items() if typed[name] != shown[name]}
        if body:
            await visit.api.send("PUT", path_of("discounts", discount_id), OneDiscount, body)
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        return _form(visit, typed, discount, problem)
    return visit.redirect("/console/discounts", "discount-saved")


@post("/console/discounts/{discount_id:str}/end", include_in_schema=False)
async def end_discount(visit: Visiting, discount_id: FromPath[str]) -> Response[str]:
    """In two steps: what follows is shown first, and only its confirmation ends it."""
    await require_staff(visit)
    if visit.field("confirmed") != "yes":
        discount = await _read(visit, discount_id)
        back = f"/console/discounts/{discount.id}"
        return visit.page("console/sure.html", step=_END, who=discount.name, back=back, what="end", sent={})
    await visit.api.send("PUT", path_of("discounts", discount_id), OneDiscount, {"isActive": False})
    return visit.redirect("/console/discounts", _END.note)


async def _read(visit: Visit, discount_id: str) -> Discount:
    return (await visit.api.get(path_of("discounts", discount_id), OneDiscount)).discount


def _values(discount: Discount) -> dict[str, str]:
    """What the form shows. A discount that ends with a day is shown to have that as its last one."""
    currency, last = discount.currency, discount.ends_at and discount.ends_at - timedelta(seconds=1)
    amounts = {"amount": discount.amount_minor, "minimum": discount.minimum_minor}
    counts = {"limit": discount.limit, "limitPerBuyer": discount.limit_per_buyer}
    return {
        "name": discount.name,
        "kind": discount.kind,
        "percent": "" if discount.percent is None else f"{discount.percent:f}",
        "code": discount.code or "",
        "categories": "\n".join(discount.categories),
        "startsAt": discount.starts_at.date().isoformat() if discount.starts_at else "",
        "endsAt": last.date().isoformat() if last else "",
        "combines": "yes" if discount.combines else "",
        **{name: "" if minor is None else major_text(minor, currency) for name, minor in amounts.items()},
        **{name: "" if count is None else str(count) for name, count in counts.items()},
    }


def _body(visit: Visit, typed: dict[str, str]) -> dict[str, Any]:
    """What was typed, as the API takes it; ApiProblem if something of it is no number, no amount or no day."""
    currency, errors = visit.renderer.settings.currency, {}
    body: dict[str, Any] = {name: typed[name] or None for name in ("name", "kind", "code")}
    body["percent"] = typed["percent"].replace(",", ".").removesuffix("%").strip() or None
    body["categories"] = [line.strip() for line in typed["categories"].splitlines() if line.strip()]
    body["combines"] = bool(typed["combines"])
    for name in ("amount", "minimum", "startsAt", "endsAt", "limit", "limitPerBuyer"):
        body[name] = None
        try:
            if typed[name]:
                body[name] = _read_typed(name, typed[name], currency)
        except ValueError as error:
            errors[name] = str(error)
    if not typed["name"]:
        errors["name"] = "Give it a name: buyers read it beside what it takes off."
    for name in {"percentage": ("percent",), "amount": ("amount",)}.get(typed["kind"], ()):
        if not typed[name]:
            errors.setdefault(name, "Say how much it takes off.")
    if errors:
        raise ApiProblem(422, "validation_failed", errors=errors)
    return body


def _read_typed(name: str, text: str, currency: str) -> Any:
    if name in ("amount", "minimum"):
        return major_text(typed_amount(text, currency), currency)
    if name in ("limit", "limitPerBuyer"):
        if (count := number(text, -1, most=1_000_000_000)) < 1:
            raise ValueError("Give a number from 1, such as 100, or leave it empty.")
        return count
    try:
        day = datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise ValueError("Give a day, such as 2030-12-24.") from None
    return (day + _DAY if name == "endsAt" else day).isoformat()


CONSOLE_DISCOUNTS: tuple[Any, ...] = (
    discounts,
    new_discount,
    make_discount,
    one_discount,
    save_discount,
    end_discount,
)
