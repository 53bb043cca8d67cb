"""What Stripe knows, and the sandbox may not have: its endpoints, and the parameters of those that are here.

The one place that tells "this sandbox has no such thing" from "Stripe has no such thing": handlers list what they take,
and all else is looked up here. The list is the installed SDK's; `python -m tests.sandbox.stripe_api` renews it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from kassa.sandbox.errors import ApiError, unsupported

FILE = Path(__file__).with_name("known.json")
FREE, EACH = "*", "[]"
"""In the list: keys of the caller's own, as in metadata; and each element of a list."""
_PARTS = re.compile(r"[^\[\]]+")


@cache
def _endpoints() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(FILE.read_bytes())
    return found


def is_endpoint(method: str, path: str) -> bool:
    """Whether Stripe has an endpoint at exactly this path, in which ids are `*`."""
    return f"{method} {path}" in _endpoints()


def has_parameter(method: str, template: str, label: str) -> bool:
    """Whether Stripe has a parameter, such as `line_items[0][tax_rates]`, at an endpoint of this sandbox."""
    tree = _endpoints().get(f"{method} {template}")
    for part in _PARTS.findall(label):
        if tree == FREE:
            return True
        part = EACH if part.isdecimal() else part
        if not isinstance(tree, dict) or part not in tree:
            return False
        tree = tree[part]
    return True


def named(problem: ApiError, method: str, template: str) -> ApiError:
    """The refusal of an unknown parameter, or that of an unsupported one if Stripe knows it; any other as it is."""
    if problem.code == "parameter_unknown" and problem.param and has_parameter(method, template, problem.param):
        return unsupported(problem.param)
    return problem


def no_endpoint(method: str, path: str) -> ApiError:
    """The refusal of a path that is not here: 501 if Stripe has it, else 404 in Stripe's words."""
    if any(_matches(each, method, path) for each in _endpoints()):
        text = (
            f"The Kassa sandbox does not support {method} {path}, although Stripe does. Do without it, or use a Stripe"
            " test key."
        )
        return ApiError(text, status=501, code="sandbox_unsupported", headers={"Stripe-Should-Retry": "false"})
    text = f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or docs/sandbox.md."
    return ApiError(text, status=404)


def _matches(endpoint: str, method: str, path: str) -> bool:
    verb, _, template = endpoint.partition(" ")
    wanted, parts = template.split("/"), path.rstrip("/").split("/")
    return verb == method and len(wanted) == len(parts) and all(map(_is_part, wanted, parts))


def _is_part(wanted: str, part: str) -> bool:
    return wanted in ("*", part)
