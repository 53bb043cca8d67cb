"""The API's own description, `/openapi.json`, and a page to read and try it on, `/docs`, that needs no internet."""

import asyncio
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from litestar import Litestar, Response, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Tag

from kassa import __version__
from kassa.kit.web import PROBLEM_JSON
from kassa.kit.wire import encode

TAGS = {
    "auth": "Accounts, log-in and tokens",
    "products": "The catalogue",
    "inventory": "Stock, and how it moved",
    "orders": "Placing, following and cancelling orders",
    "payments": "Paying, refunds, and what Stripe said",
}
# Anybody may ask these; everything else wants a token.
PUBLIC = {
    ("post", "/auth/register"),
    ("post", "/auth/login"),
    ("post", "/auth/refresh"),
    ("post", "/auth/logout"),
    ("get", "/.well-known/jwks.json"),
    ("get", "/products"),
    ("get", "/products/{id}"),
    ("get", "/inventory/{id}"),
    ("post", "/payments/webhook"),
}
_WITHOUT_KEY = ("/auth/", "/payments/webhook")
_PROBLEMS = {
    "401": "Not logged in, or the token is not valid",
    "403": "Logged in, but not allowed",
    "404": "Not found, or not yours to see",
    "409": "It clashes with how things are now",
    "422": "It can be read but not carried out; `errors` names the fields",
    "429": "Too many requests; `Retry-After` says when to come back",
    "503": "Not available right now; asking again is right and harmless",
}
_STRING = {"type": "string"}
_PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457). `code` is stable and meant for programs, `detail` for people.",
    "required": ["type", "title", "status", "detail", "code", "requestId"],
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "code", "requestId"), _STRING),
        "status": {"type": "integer"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": _STRING, "message": _STRING},
            },
        },
    },
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Your name for this request: repeated within 24 hours it does nothing twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}

_FILES = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kassa API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<noscript>This page needs JavaScript; the API's description itself is at <a href="/openapi.json">/openapi.json</a>.
</noscript>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#docs", deepLinking: true, persistAuthorization: false});\n'
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_KEPT = {"Cache-Control": "public, max-age=3600"}


def docs_handlers(handlers: Sequence[Any]) -> list[Any]:
    """The routes of the description of these handlers. It is made when it is first asked for."""
    made: list[bytes] = []

    @get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response[bytes]:
        """The description (OpenAPI 3.1)."""
        if not made:
            made.append(await asyncio.to_thread(lambda: encode(described(handlers))))
        return Response(made[0], media_type="application/json")

    @get("/docs", include_in_schema=False, sync_to_thread=False)
    def page() -> Response[str]:
        """The page."""
        return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})

    @get("/docs/start.js", include_in_schema=False, sync_to_thread=False)
    def start() -> Response[str]:
        """Starts the page."""
        return Response(_START, media_type="text/javascript; charset=utf-8", headers=_KEPT)

    @get("/docs/{name:str}", include_in_schema=False, sync_to_thread=True)
    def file(name: str) -> Response[bytes]:
        """The page's files."""
        if name not in _FILES:
            raise NotFoundException
        return Response((_statics() / name).read_bytes(), media_type=_FILES[name], headers=_KEPT)

    return [openapi, page, start, file]


def described(handlers: Sequence[Any]) -> dict[str, Any]:
    """The OpenAPI document of these handlers, with what holds for all of them said of each."""
    config = OpenAPIConfig(
        title="Kassa",
        version=__version__,
        description="The order-to-payment core of a shop. Money is exact: `price` is a decimal number in major "
        "units, `priceMinor` the same in minor units. Log in to get a token, then send it as a Bearer token.",
        tags=[Tag(name=name, description=text) for name, text in TAGS.items()],
        path="/schema",
    )
    schema = Litestar(route_handlers=list(handlers), openapi_config=config).openapi_schema.to_schema()
    paths = {_short(path): operations for path, operations in schema["paths"].items() if path != "/webhook"}
    for path, operations in paths.items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "responses" in operation:
                _complete(operation, method, path)
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    return {**schema, "paths": paths, "servers": [{"url": "/"}]}


def _complete(operation: dict[str, Any], method: str, path: str) -> None:
    first = path.split("/")[1]
    operation["tags"] = [first if first in TAGS else "auth"]
    operation["operationId"] = f"{method}{''.join(part.strip('{}').title() for part in path.split('/'))}"
    is_public = (method, _anonymous(path)) in PUBLIC
    if not is_public:
        operation["security"] = [{"token": []}]
    if method == "post" and not path.startswith(_WITHOUT_KEY):
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    responses = operation["responses"]
    responses.pop("400", None)
    answers = {"400": "The request could not be read", **_PROBLEMS}
    for status, text in answers.items():
        if is_public and status in ("401", "403") and first != "auth":
            continue
        responses[status] = {
            "description": text,
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }


def _short(path: str) -> str:
    return path.rstrip("/") or "/"


def _anonymous(path: str) -> str:
    return "/".join("{id}" if part.startswith("{") else part for part in path.split("/"))


def _statics() -> Path:
    # Found, not imported: the package's own code is for serving the page with other frameworks.
    found = importlib.util.find_spec("swagger_ui")
    if found is None or not found.submodule_search_locations:
        raise NotFoundException
    return Path(next(iter(found.submodule_search_locations))) / "static"
