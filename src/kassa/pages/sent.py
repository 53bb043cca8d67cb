"""What a browser sends: forms and cookies, within bounds. The framework would remember the last 1,024 of each, however
large, and the passwords in them."""

from typing import Any
from urllib.parse import parse_qsl

from litestar import Request
from litestar.datastructures import UploadFile

from kassa.kit.web import header
from kassa.pages.client import ApiProblem

MOST_FIELDS = 200
_FORM = "application/x-www-form-urlencoded"
_WITH_FILES = "multipart/form-data"
_LONGEST_NAME = 80
_ON_HTTPS = "__Host-"
"""Browsers take a cookie of this name from the host itself alone, over HTTPS, for all its paths (RFC 6265bis, 4.1.3.2):
another host of the domain cannot set one in its place."""


async def read_form(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The fields of the form that was sent; of one name the last. Empty if it is no form as ours are sent."""
    known: dict[str, str] | None = request.scope.get("kassa_form")  # type: ignore[assignment]
    if known is None:
        kind = (header(request, b"content-type") or "").partition(";")[0].strip().lower()
        if kind == _WITH_FILES and request.route_handler.opt.get("takes_files"):
            known = {name: value for name, value in (await request.form()).multi_items() if isinstance(value, str)}
        else:
            known = _fields(await request.body()) if kind == _FORM else {}
        request.scope["kassa_form"] = known  # type: ignore[typeddict-unknown-key]
    return known


async def files_of(request: Request[Any, Any, Any]) -> list[tuple[str, bytes]]:
    """The files that were chosen in a form that takes some: what each is called where it comes from, and what is in
    it."""
    sent = (await request.form()).multi_items()
    chosen = [each for _, each in sent if isinstance(each, UploadFile) and each.filename]
    return [(each.filename[:_LONGEST_NAME], await each.read()) for each in chosen]


def _fields(body: bytes) -> dict[str, str]:
    if body.count(b"&") >= MOST_FIELDS:
        raise ApiProblem(400, "malformed_request", "The form has more fields than any of this shop.")
    return dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))


def cookie(request: Request[Any, Any, Any], name: str) -> str:
    """The cookie that `cookie_name` has named; empty if there is none, or one that we have not set."""
    for each in (header(request, b"cookie") or "").split(";"):
        found, _, value = each.strip().partition("=")
        if found == name:
            return value if value.isascii() and value.isprintable() else ""
    return ""


def cookie_name(name: str, *, is_secure: bool) -> str:
    """What our cookie of this name is called on the wire."""
    return f"{_ON_HTTPS}{name}" if is_secure else name
