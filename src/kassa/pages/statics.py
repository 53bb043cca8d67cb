"""Style sheet, script and product pictures: few and small, so they are read once and served from memory."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from kassa.kit.packing import FILE_LEVEL, is_wanted, packed

_ROOT = Path(__file__).parent / "static"
_PREFIX = "/shop/static"
# What is `text/…` is told its charset by the framework.
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml; charset=utf-8"}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # A picture opened by itself runs nothing.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}
_YEAR, _HOUR = 31_536_000, 3600


@dataclass(frozen=True)
class StaticFile:
    content: bytes
    packed: bytes
    media_type: str
    digest: str


class Statics:
    """Every file below `static/`, by its path there. A path that is not in the table cannot be served."""

    def __init__(self, root: Path = _ROOT) -> None:
        found = (path for path in sorted(root.rglob("*")) if path.suffix in _TYPES)
        self._files = {path.relative_to(root).as_posix(): _load(path) for path in found}

    def get(self, path: str) -> StaticFile | None:
        return self._files.get(path)

    def address(self, path: str) -> str:
        """With its digest, so that browsers may keep the file for as long as it does not change."""
        return f"{_PREFIX}/{path}?v={self._files[path].digest}"


def _load(path: Path) -> StaticFile:
    content = path.read_bytes()
    return StaticFile(
        content, packed(content, FILE_LEVEL), _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:12]
    )


def static_route(statics: Statics) -> Any:
    @get(f"{_PREFIX}/{{name:path}}", include_in_schema=False, sync_to_thread=False)
    def static_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
        file = statics.get(name.lstrip("/"))
        if file is None:
            raise NotFoundException
        etag = f'"{file.digest}"'
        age = _YEAR if request.query_params.get("v") == file.digest else _HOUR
        headers = {**_HEADERS, "ETag": etag, "Cache-Control": f"public, max-age={age}", "Vary": "Accept-Encoding"}
        known = request.headers.get("If-None-Match", "")
        # RFC 9110, 13.1.2: a list, compared weakly, for a proxy may have packed the file.
        if known == "*" or etag in (each.strip().removeprefix("W/") for each in known.split(",")):
            return Response(b"", status_code=304, headers=headers, media_type=file.media_type)
        if is_wanted(request.headers.get("Accept-Encoding", "")):
            # One ETag for both: a weak one, for they are not the same bytes (RFC 9110, 8.8.3.3).
            headers |= {"Content-Encoding": "gzip", "ETag": f"W/{etag}"}
            return Response(file.packed, headers=headers, media_type=file.media_type)
        return Response(file.content, headers=headers, media_type=file.media_type)

    return static_file
