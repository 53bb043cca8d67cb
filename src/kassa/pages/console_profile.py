"""The console's pages on what the shop is known by: its name, looks, languages, and its texts in each.

All of it is one document of the API: each form puts it back as it was read, with one part of it changed, and is refused
if somebody else has changed it meanwhile.
"""

from collections.abc import Mapping
from itertools import permutations
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.kit.languages import LANGUAGES
from kassa.pages.admins import require_staff
from kassa.pages.brand import LEGAL, preview
from kassa.pages.client import ApiProblem
from kassa.pages.language import language
from kassa.pages.profile_models import Link, OneProfile, Texts
from kassa.pages.visit import Visit, Visiting
from kassa.pages.words import trouble

_MAY = "PUT /shop-profile"
_LOOKS = ("name", "logo", "logoDark", "accentLight", "accentDark", "orderButton", "languages")
LOGOS = {"logo": "Logo", "logoDark": "Logo on dark pages"}
_PARTS = {"footer": "Footer", **LEGAL}
_CHANGED = (
    "Somebody else has changed the shop's profile. Nothing was saved. Here is what you typed: save again if it is "
    "right all the same."
)
_BUTTONS = (
    ("order_and_pay", "Order and pay, with the amount"),
    ("obligation", "Order with obligation to pay"),
    ("buy_now", "Buy now"),
)


async def read_profile(visit: Visit) -> dict[str, Any]:
    """The profile, as it is put back."""
    found: dict[str, Any] = (await visit.api.get("/shop-profile", dict[str, Any]))["shopProfile"]
    return found


async def put_profile(visit: Visit, profile: Mapping[str, Any]) -> None:
    """Put it back, and show it at once; ApiProblem."""
    body = {name: value for name, value in profile.items() if name != "updatedAt"}
    if expected := visit.field("updated"):
        body["expectedUpdatedAt"] = expected
    saved = await visit.api.send("PUT", "/shop-profile", OneProfile, body)
    visit.renderer.settings.brand.know(saved.shop_profile)


def _told(problem: ApiProblem | None) -> str:
    if problem is None or problem.errors:
        return ""
    return _CHANGED if problem.code == "profile_changed" else trouble(problem)


def _choices() -> list[tuple[str, str]]:
    """The languages that a shop can be shown in, in each order."""
    found = [each for count in range(len(LANGUAGES), 0, -1) for each in permutations(LANGUAGES, count)]
    return [(" ".join(each), ", then ".join(language(tag).name for tag in each)) for each in found]


def looks(
    visit: Visit, known: Mapping[str, Any], values: Mapping[str, str], problem: ApiProblem | None = None
) -> Response[str]:
    """The page with these values in its form, and what was wrong with them."""
    errors = {_field(name): words for name, words in problem.errors.items()} if problem else {}
    texts = {each["language"]: each for each in known["texts"]}
    return visit.page(
        "console/shop.html",
        problem.status if problem else 200,
        values=values,
        errors={name: f"It {words}." for name, words in errors.items()},
        trouble=_told(problem),
        updated=known["updatedAt"] or "",
        buttons=_BUTTONS,
        choices=_choices(),
        parts=_PARTS,
        logos=LOGOS,
        known=known,
        texts={tag: texts.get(tag, {}) for tag in LANGUAGES},
        previews=[preview(values["accentLight"]), preview(values["accentDark"], is_dark=True)],
    )


def _field(name: str) -> str:
    return name.partition("[")[0]


def values_of(known: Mapping[str, Any]) -> dict[str, str]:
    """The looks as the form has them."""
    return {name: known[name] or "" for name in _LOOKS} | {"languages": " ".join(known["languages"])}


@get("/console/shop", include_in_schema=False)
async def shop_page(visit: Visiting) -> Response[str]:
    await require_staff(visit, _MAY)
    known = await read_profile(visit)
    return looks(visit, known, values_of(known))


@post("/console/shop", include_in_schema=False)
async def save_shop(visit: Visiting) -> Response[str]:
    """Name, looks and languages; the texts stay."""
    await require_staff(visit)
    known, typed = await read_profile(visit), {name: visit.field(name) for name in _LOOKS}
    changed = {name: value or None for name, value in typed.items()} | {"languages": typed["languages"].split()}
    try:
        await put_profile(visit, known | changed)
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        return looks(visit, known, typed, problem)
    return visit.redirect("/console/shop", "shop-saved")


def _texts_of(known: Mapping[str, Any], tag: str, part: str) -> dict[str, Any]:
    """What the shop says in the language; ApiProblem if there is no such page."""
    if tag not in LANGUAGES or part not in _PARTS:
        raise ApiProblem(404, "not_found", "There is nothing at this address.")
    empty = {name: getattr(Texts(tag), name) for name in Texts.__struct_fields__}
    return next((each for each in known["texts"] if each["language"] == tag), empty)


def _text(
    visit: Visit, tag: str, part: str, updated: str, values: Mapping[str, str], problem: ApiProblem | None = None
) -> Response[str]:
    errors: dict[str, str] = {}
    for name, words in (problem.errors if problem else {}).items():
        _, _, member = name.partition("].")
        field = "links" if member.startswith("links") else part
        errors[field] = f"{errors.get(field, '')} It {words}.".strip()
    return visit.page(
        "console/shop_text.html",
        problem.status if problem else 200,
        tag=tag,
        part=part,
        title=_PARTS[part],
        tongue=language(tag).name,
        values=values,
        errors=errors,
        trouble=_told(problem),
        updated=updated,
    )


@get("/console/shop/{tag:str}/{part:str}", include_in_schema=False)
async def shop_text_page(visit: Visiting, tag: FromPath[str], part: FromPath[str]) -> Response[str]:
    await require_staff(visit, _MAY)
    known = await read_profile(visit)
    texts = _texts_of(known, tag, part)
    links = "\n".join(f"{each['label']}: {each['address']}" for each in texts["links"])
    return _text(visit, tag, part, known["updatedAt"] or "", {part: texts[part], "links": links})


@post("/console/shop/{tag:str}/{part:str}", include_in_schema=False)
async def save_shop_text(visit: Visiting, tag: FromPath[str], part: FromPath[str]) -> Response[str]:
    """One text in one language; empty, it is not there any more."""
    await require_staff(visit)
    known = await read_profile(visit)
    texts = _texts_of(known, tag, part)
    typed = {part: visit.form.get(part, ""), "links": visit.form.get("links", "")}
    changed = texts | {part: typed[part]}
    if part == "footer":
        changed["links"] = [_link(line) for line in typed["links"].splitlines() if line.strip()]
    others = [each for each in known["texts"] if each["language"] != tag]
    try:
        await put_profile(visit, known | {"texts": [*others, changed]})
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        return _text(visit, tag, part, known["updatedAt"] or "", typed, problem)
    return visit.redirect("/console/shop", "shop-saved")


def _link(line: str) -> Link:
    """`Sizes: /shop/sizes`."""
    label, _, address = line.partition(":")
    return Link(label.strip(), address.strip())


CONSOLE_PROFILE: tuple[Any, ...] = (shop_page, save_shop, shop_text_page, save_shop_text)
