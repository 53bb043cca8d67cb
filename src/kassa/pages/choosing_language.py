"""The visitor's choice of language, in the foot of every page."""

from typing import Any

from litestar import Response, post

from kassa.pages.language import COOKIE
from kassa.pages.visit import YEAR, Visiting, safe_next


@post("/shop/language", include_in_schema=False)
async def choose_language(visit: Visiting) -> Response[str]:
    """Kept for a year, and back to where they were. A language that the shop is not in is left alone."""
    tag = visit.field("language")
    if tag in visit.renderer.settings.languages:
        visit.keep(COOKIE, tag, YEAR)
    return visit.redirect(safe_next(visit.field("next") or "/"))


CHOOSING_LANGUAGE: tuple[Any, ...] = (choose_language,)
