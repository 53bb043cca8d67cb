"""Where the API's description is served: `/openapi.json`, and `/docs`, the same as a page that needs no scripts and no
internet."""

import asyncio
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader
from litestar import Response, get
from markupsafe import Markup

from kassa.gateway.description import described
from kassa.kit.wire import encode

HERE = Path(__file__).parent / "reference"
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_MARKS = (Markup("{}"), Markup("<code>{}</code>"))
_KEPT = {"Cache-Control": "public, max-age=3600"}


def docs_handlers(handlers: Sequence[Any], currency: str) -> list[Any]:
    """The routes of the description of these handlers. It is made when it is first asked for."""

    @cache
    def document() -> bytes:
        return encode(described(handlers, currency))

    @cache
    def reference() -> str:
        return page_of(msgspec.json.decode(document()))

    @get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response[bytes]:
        """The description (OpenAPI 3.1)."""
        return Response(await asyncio.to_thread(document), media_type="application/json")

    @get("/docs", include_in_schema=False)
    async def page() -> Response[str]:
        """The page."""
        text = await asyncio.to_thread(reference)
        return Response(text, media_type="text/html", headers={"Content-Security-Policy": _POLICY})

    @get("/docs/page.css", include_in_schema=False, sync_to_thread=False)
    def looks() -> Response[str]:
        """How the page looks."""
        return Response((HERE / "page.css").read_text("utf-8"), media_type="text/css", headers=_KEPT)

    return [openapi, page, looks]


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
