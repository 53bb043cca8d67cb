"""Stripe's published schemas and the keys that its answers always carry."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DATA = Path(__file__).parent / "data"
Json = dict[str, Any]
# The schemas are of the version before; these fields are newer and named by the SDK's own types.
NEWER: dict[str, Json] = {
    "checkout.session": {"allowed_payment_method_types": None},
    "dispute": {"evidence_details": {"submission_method": None}},
}


@cache
def _schemas() -> Json:
    return dict(json.loads((DATA / "schemas.json").read_text()))


@cache
def _always() -> dict[str, list[str]]:
    return dict(json.loads((DATA / "always_present.json").read_text())["keys"])


@cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": _schemas()["$defs"]})


def faults_of(value: Json) -> list[str]:
    """What Stripe would not have answered about this object; empty when all is right."""
    kind = value["object"]
    if kind not in _schemas()["$defs"]:
        return []
    known = _without(value, NEWER.get(kind, {}))
    problems = [f"{error.json_path}: {error.message[:200]}" for error in _validator(kind).iter_errors(known)]
    problems += [f"{kind}.{key} is missing" for key in _keys_of(value) if key not in value]
    return problems + _faults_inside(value)


def _without(value: Json, newer: Json) -> Json:
    """The value without the newer fields; where a field has newer ones inside, it stays without those."""
    inside = {key: _without(value[key], below) for key, below in newer.items() if below}
    return {key: inside.get(key, child) for key, child in value.items() if key not in newer or key in inside}


def _keys_of(value: Json) -> list[str]:
    """The keys that must be there; a payment method has those of its own type instead of a card's."""
    keys = _always().get(value["object"], [])
    is_other_method = value["object"] == "payment_method" and value["type"] != "card"
    return [value["type"] if is_other_method and key == "card" else key for key in keys]


def _faults_inside(value: Json) -> list[str]:
    children = list(value.values())
    problems: list[str] = []
    while children:
        child = children.pop()
        if isinstance(child, list):
            children += child
        elif isinstance(child, dict):
            if str(child.get("object")) in _always():
                problems += faults_of(child)
            else:
                children += child.values()
    return problems
