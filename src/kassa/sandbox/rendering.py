"""HTML for people: templates, the headers that keep a page safe, redirects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import jinja2

from kassa.sandbox import currencies
from kassa.sandbox.http import Answer

_HEADERS = {
    # form-action is left out on purpose: browsers apply it to the redirect to the shop as well.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Rendering:
    """The sandbox's templates; `filters` are further words that they may use."""

    def __init__(self, **filters: Callable[..., str]) -> None:
        loader = jinja2.PackageLoader("kassa.sandbox")
        self._templates = jinja2.Environment(
            loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
        )
        self._templates.filters |= {"money": currencies.show, **filters}

    def page(self, name: str, status: int, **values: Any) -> Answer:
        """A page made of a template."""
        html = self._templates.get_template(name).render(**values)
        return Answer(status, html.encode(), "text/html; charset=utf-8", dict(_HEADERS))


def redirect(url: str) -> Answer:
    """See other. A header carries no control characters, and other alphabets only percent-encoded."""
    safe = quote(url, safe="%/:?#[]@!$&'()*+,;=~{}")
    return Answer(303, b"", "text/plain", {"Location": safe, "Cache-Control": "no-store"})
