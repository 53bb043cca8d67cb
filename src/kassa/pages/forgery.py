"""Refuses forms that another site sends in a buyer's name.

Twice over: the browser's own word on where the form came from, and a token that only our pages know.
"""

import base64
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
BY_LINK = "/shop/stock-notices/"
"""Below it all rests on the token in the address, and nothing on a cookie."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_MASKED = re.compile(r"[A-Za-z0-9_-]{86}")
_BYTES = 32


class Forged(Exception):
    """The form did not come from one of our pages, or its page is older than the browser's cookies."""


def token_of(token: str) -> str:
    """The browser's token, or a new one to be set with the page."""
    return token if _TOKEN.fullmatch(token) else secrets.token_urlsafe(32)


def masked(token: str) -> str:
    """The token as a page has it: different every time, for pages are compressed, and from their lengths could be
    guessed what is the same in many of them (BREACH, breachattack.com; Django does likewise)."""
    mask = secrets.token_bytes(_BYTES)
    return base64.urlsafe_b64encode(mask + _exclusive(mask, _bytes(token))).rstrip(b"=").decode()


def _is_same(token: str, given: str) -> bool:
    """Whether a form has the browser's token, as a page has it or as it is."""
    if _MASKED.fullmatch(given):
        both = _bytes(given)
        return hmac.compare_digest(_bytes(token), _exclusive(both[:_BYTES], both[_BYTES:]))
    return hmac.compare_digest(token.encode(), given.encode("utf-8", "replace"))


def _exclusive(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def refuse_forgery(request: Request[Any, Any, Any], settings: PageSettings) -> None:
    if request.method in ("GET", "HEAD", "OPTIONS") or request.url.path.startswith(BY_LINK):
        return
    if not _is_from_here(request, settings.public_url):
        raise Forged
    known = cookie(request, cookie_name(COOKIE, is_secure=settings.is_https))
    given = (await read_form(request)).get(FIELD, "")
    if not _TOKEN.fullmatch(known) or not _is_same(known, given):
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
