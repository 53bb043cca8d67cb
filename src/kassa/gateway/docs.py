"""Where the API's description is served: `/openapi.json`, and `/docs`, the same as a page that needs no scripts and no
internet."""

import asyncio
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from jinja2 import Environment, FileSystemLoader
from litestar import Request, Response, get
from markupsafe import Markup

from kassa.gateway.description import described
from kassa.kit.packing import FILE_LEVEL, is_wanted, packed
from kassa.kit.wire import encode

HERE = Path(__file__).parent / "reference"
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_MARKS = (Markup("{}"), Markup("<code>{}</code>"))
_KEPT = {"Cache-Control": "public, max-age=3600"}


class Both(NamedTuple):
    """The same, as it is and compressed."""

    plain: bytes
    small: bytes


def docs_handlers(handlers: Sequence[Any], currency: str) -> list[Any]:
    """The routes of the description of these handlers. It is made when it is first asked for."""

    @cache
    def document() -> Both:
        return _both(encode(described(handlers, currency)))

    @cache
    def reference() -> Both:
        return _both(page_of(msgspec.json.decode(document().plain)).encode())

    @get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The description (OpenAPI 3.1)."""
        content, headers = _for_who(request, await asyncio.to_thread(document))
        return Response(content, media_type="application/json", headers=headers)

    @get("/docs", include_in_schema=False)
    async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The page."""
        content, headers = _for_who(request, await asyncio.to_thread(reference))
        return Response(content, media_type="text/html", headers={**headers, "Content-Security-Policy": _POLICY})

    @get("/docs/page.css", include_in_schema=False, sync_to_thread=False)
    def looks() -> Response[str]:
        """How the page looks."""
        return Response((HERE / "page.css").read_text("utf-8"), media_type="text/css", headers=_KEPT)

    return [openapi, page, looks]


def _both(content: bytes) -> Both:
    """As it is, and compressed."""
    return Both(content, packed(content, FILE_LEVEL))


def _for_who(request: Request[Any, Any, Any], content: Both) -> tuple[bytes, dict[str, str]]:
    """The content as who asks wants it, with the headers that say so."""
    vary = {"Vary": "Accept-Encoding"}
    if is_wanted(request.headers.get("Accept-Encoding", "")):
        return content.small, {**vary, "Content-Encoding": "gzip"}
    return content.plain, vary


def page_of(document: dict[str, Any]) -> str:
    """The page of an OpenAPI document: its endpoints by tag, each with an example to type, and its objects."""
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["said"] = _said
    environment.filters["last_part"] = lambda reference: reference.rpartition("/")[2]
    operations: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, verbs in document["paths"].items():
        for verb, each in verbs.items():
            known = {"verb": verb.upper(), "path": path, "command": _command(verb.upper(), path, each)}
            operations[each["tags"][0]].append(each | known)
    return environment.get_template("page.html").render(document, operations=operations)


def _said(text: str) -> Markup:
    """A description, whose codes stand between backticks."""
    parts = (_MARKS[place % 2].format(each) for place, each in enumerate(text.split("`")))
    return Markup("").join(parts)


def _command(verb: str, path: str, operation: dict[str, Any]) -> str:
    """What asks for it, at a shop that runs where the README's does."""
    parts = [f"curl -X {verb} 'http://localhost:3000{path}'"]
    if operation.get("security"):
        parts.append('-H "Authorization: Bearer $TOKEN"')
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if kind == "application/octet-stream":
            parts.append("--data-binary @picture.jpg")
        elif "example" in content:
            parts.append("-H 'Content-Type: application/json'")
            parts.append(f"-d '{msgspec.json.format(msgspec.json.encode(content['example'])).decode()}'")
    return " \\\n  ".join(parts)
