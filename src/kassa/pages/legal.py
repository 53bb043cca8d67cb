"""The shop's legal pages, and the files that are made of its profile."""

import asyncio
from functools import lru_cache
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from markdown_it import MarkdownIt
from markupsafe import Markup

from kassa.pages.brand import LEGAL
from kassa.pages.language import _
from kassa.pages.seo import About
from kassa.pages.visit import Visiting

_TYPES = {"brand.css": "text/css", "icon.svg": "image/svg+xml; charset=utf-8"}
_YEAR, _MINUTE = 31_536_000, 60
# Lines stay lines, as in an address; no HTML, no pictures, no code.
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable(["image", "code", "fence", "backticks"])


@lru_cache(maxsize=16)
def html_of(text: str) -> Markup:
    """The text as HTML, in which nothing of it is HTML, and links lead to web and mail addresses alone. Its headings
    are below that of the page (WCAG 2.2, 1.3.1). Long ones are not made in no time: it is called beside the event
    loop."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704


@get("/legal/{page:str}", include_in_schema=False)
async def legal_page(visit: Visiting, page: FromPath[str]) -> Response[str]:
    """A text in the visitor's language, or in the shop's first one that has it."""
    if page not in LEGAL:
        raise NotFoundException
    settings = visit.renderer.settings
    text, written_in = settings.brand.text(page, visit.language.tag)
    if not text:
        raise NotFoundException
    title = _(LEGAL[page])
    about = About(f"{visit.site}/legal/{page}", f"{title} · {settings.shop_name}", title)
    shown = await asyncio.to_thread(html_of, text)
    return visit.page("legal.html", title=title, text=shown, written_in=written_in, about=about)


@get("/shop/brand/{name:str}", include_in_schema=False)
async def brand_file(request: Request[Any, Any, Any], visit: Visiting, name: FromPath[str]) -> Response[str]:
    """A file of the shop's looks. Under its own digest browsers may keep it: another one has another address."""
    file = visit.renderer.settings.brand.files.get(name)
    if file is None or not file.content:
        raise NotFoundException
    age = _YEAR if request.query_params.get("v") == file.digest else _MINUTE
    headers = {
        "Cache-Control": f"public, max-age={age}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(file.content, media_type=_TYPES[name], headers=headers)


LEGAL_PAGES: tuple[Any, ...] = (legal_page, brand_file)
