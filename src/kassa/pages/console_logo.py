"""The shop's logo in the console: sent as a file, or taken away."""

from typing import Any

from litestar import Response, post

from kassa.contracts.pictures import sizes_at
from kassa.kit.web import MOST_OF_PICTURES
from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem
from kassa.pages.console_pictures import OnePicture
from kassa.pages.console_profile import LOGOS, looks, put_profile, read_profile, values_of
from kassa.pages.sent import files_of
from kassa.pages.visit import Visit, Visiting

_TALL = 120
"""Three times as many pixels as a logo is high on a page: screens have up to three for one."""


@post("/console/shop/logo", include_in_schema=False, request_max_body_size=MOST_OF_PICTURES, takes_files=True)
async def save_logo(visit: Visiting) -> Response[str]:
    """Keep the file that was sent as the logo of light or of dark pages; without one, as the form may say, none is."""
    await require_staff(visit)
    known, which = await read_profile(visit), visit.field("which")
    if which not in LOGOS:
        raise ApiProblem(400, "malformed_request", "The form is none of this shop.")
    try:
        logo = None if visit.field("remove") else await _kept(visit, which)
        await put_profile(visit, known | {which: logo})
    except ApiProblem as problem:
        if problem.status not in (400, 409, 413, 422):
            raise
        return looks(visit, known, values_of(known), problem)
    return visit.redirect("/console/shop#logos", "shop-saved")


async def _kept(visit: Visit, which: str) -> str:
    files = await files_of(visit.request)
    if not files:
        raise ApiProblem(422, "picture_refused", "Choose a picture first.")
    try:
        kept = await visit.api.send("POST", "/pictures", OnePicture, files[0][1], params={"keep": "true"})
    except ApiProblem as problem:
        if problem.code != "picture_refused":
            raise
        words = f"“{files[0][0]}” was not taken: {problem.detail}."
        raise ApiProblem(problem.status, problem.code, words) from problem
    largest = kept.picture.address
    return next((each.address for each in sizes_at(largest) if each.height >= _TALL), largest)


CONSOLE_LOGO: tuple[Any, ...] = (save_logo,)
