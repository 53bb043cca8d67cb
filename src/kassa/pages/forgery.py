"""Refuses forms that another site sends in a buyer's name.

Twice over: the browser's own word on where the form came from, and a token that only our pages know.
"""

import hmac
import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from litestar import Request

from kassa.kit.origin import origin_of
from kassa.pages.sent import cookie, cookie_name, read_form
from kassa.pages.settings import PageSettings

COOKIE = "kassa_csrf"
FIELD = "csrf"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class Forged(Exception):
    """The form did not come from one of our pages, or its page is older than the browser's cookies."""


def token_of(token: str) -> str:
    """The browser's token, or a new one to be set with the page."""
    return token if _TOKEN.fullmatch(token) else secrets.token_urlsafe(32)


async def refuse_forgery(request: Request[Any, Any, Any], settings: PageSettings) -> None:
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if not _is_from_here(request, settings.public_url):
        raise Forged
    known = cookie(request, cookie_name(COOKIE, is_secure=settings.is_https))
    given = (await read_form(request)).get(FIELD, "")
    if not _TOKEN.fullmatch(known) or not hmac.compare_digest(known.encode(), given.encode("utf-8", "replace")):
        raise Forged


def _is_from_here(request: Request[Any, Any, Any], public_url: str) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return True  # An old browser: the token decides.
    try:
        scheme = urlsplit(origin).scheme
        ours = (request.headers.get("Host", ""), urlsplit(public_url).netloc)
        return origin_of(origin) in {origin_of(f"{scheme}://{each}") for each in ours if each}
    except ValueError:
        return False  # `null`, or no origin at all
