"""Stripe's form encoding: `a[b][0][c]=v` to nested dictionaries and lists, and back to names for error messages."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from kassa.sandbox.errors import ApiError, Json

MAX_FIELDS = 5000
MAX_DEPTH = 8


def parse_form(text: str) -> Json:
    """Parse a query string or a form body; all leaves are text.

    Raises `ApiError` 400 for text that is not a well-formed form.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as problem:
        raise ApiError("Invalid request: the parameters could not be decoded.") from problem
    tree: Json = {}
    for name, value in pairs:
        _put(tree, name, value)
    return {name: _lists(value) for name, value in tree.items()}


def _split(name: str) -> list[str]:
    if "[" not in name:
        return [name]
    head, _, rest = name.partition("[")
    if not head or not rest.endswith("]"):
        raise ApiError(f"Invalid parameter name: {name}")
    keys = [head, *rest[:-1].split("][")]
    if len(keys) > MAX_DEPTH:
        raise ApiError(f"Invalid parameter name: {name}")
    return keys


def _put(tree: Json, name: str, value: str) -> None:
    keys = _split(name)
    for position, key in enumerate(keys[:-1]):
        child = tree.setdefault(key or str(len(tree)), {})
        if not isinstance(child, dict):
            raise ApiError(f"Invalid request: {'.'.join(keys[: position + 1])} is both a value and a hash.")
        tree = child
    last = keys[-1] or str(len(tree))
    if isinstance(tree.get(last), dict):
        raise ApiError(f"Invalid request: {name} is both a value and a hash.")
    tree[last] = value


def _lists(value: Any) -> Any:
    """Turn `{"0": x, "1": y}` into `[x, y]`."""
    if not isinstance(value, dict):
        return value
    children = {key: _lists(child) for key, child in value.items()}
    if children and all(key.isdecimal() and len(key) < 5 for key in children):
        return [children[key] for key in sorted(children, key=int)]
    return children
