"""Stripe's form encoding: `a[b][0][c]=v` to nested dictionaries and lists, and back to names for error messages."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from kassa.sandbox.errors import ApiError, Json

MAX_FIELDS = 5000
MAX_DEPTH = 8


def parse_form(text: str) -> Json:
    """Parse a query string or a form body; all leaves are text.

    Raises `ApiError` 400 for text that is not a well-formed form.
    """
    if text.count("&") >= MAX_FIELDS:
        raise ApiError(f"Invalid request: more than {MAX_FIELDS} parameters.")
    tree: Json = {}
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            _put(tree, _decoded(name), _decoded(value))
    return {name: _lists(value) if type(value) is dict else value for name, value in tree.items()}


def _decoded(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    try:
        return unquote(text.replace("+", " "), errors="strict")
    except UnicodeDecodeError as problem:
        raise ApiError("Invalid request: the parameters could not be decoded.") from problem


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
    *parents, last = _split(name)
    for key in parents:
        child = tree.setdefault(key or str(len(tree)), {})
        if type(child) is not dict:
            raise ApiError(f"Invalid request: {name} is below something that is a value as well.")
        tree = child
    last = last or str(len(tree))
    if type(tree.get(last)) is dict:
        raise ApiError(f"Invalid request: {name} is both a value and a hash.")
    tree[last] = value


def _lists(tree: Json) -> Any:
    """Turn `{"0": x, "1": y}` into `[x, y]`, at every depth."""
    children = {key: _lists(value) if type(value) is dict else value for key, value in tree.items()}
    if children and all(key.isdecimal() and len(key) < 5 for key in children):
        return [children[key] for key in sorted(children, key=int)]
    return children
