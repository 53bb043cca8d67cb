"""Where the API's description is served: `/openapi.json`, and a page to try it on, `/docs`, that needs no internet."""

import asyncio
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from kassa.gateway.description import described
from kassa.kit.wire import encode

# What is `text/…` is told its charset by the framework.
FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
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


def docs_handlers(handlers: Sequence[Any], currency: str) -> list[Any]:
    """The routes of the description of these handlers. It is made when it is first asked for."""
    made: list[bytes] = []

    @get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response[bytes]:
        """The description (OpenAPI 3.1)."""
        if not made:
            made.append(await asyncio.to_thread(lambda: encode(described(handlers, currency))))
        return Response(made[0], media_type="application/json")

    @get("/docs", include_in_schema=False, sync_to_thread=False)
    def page() -> Response[str]:
        """The page."""
        return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})

    @get("/docs/start.js", include_in_schema=False, sync_to_thread=False)
    def start() -> Response[str]:
        """Starts the page."""
        return Response(_START, media_type="text/javascript", headers=_KEPT)

    @get("/docs/{name:str}", include_in_schema=False, sync_to_thread=True)
    def file(name: FromPath[str]) -> Response[bytes]:
        """The page's files."""
        if name not in FILES:
            raise NotFoundException
        return Response((_statics() / name).read_bytes(), media_type=FILES[name], headers=_KEPT)

    return [openapi, page, start, file]


def _statics() -> Path:
    # Found, not imported: the package's own code is for serving the page with other frameworks.
    found = importlib.util.find_spec("swagger_ui")
    if found is None or not found.submodule_search_locations:
        raise NotFoundException
    return Path(next(iter(found.submodule_search_locations))) / "static"
