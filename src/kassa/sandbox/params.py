"""Reading parameters: each function takes the value and the name that an error message calls it by."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from kassa.sandbox.errors import ApiError, Json, missing, unknown

MAX_METADATA_KEYS = 50
MAX_METADATA_KEY = 40
MAX_METADATA_VALUE = 500
_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def words(text_: str) -> frozenset[str]:
    """The words of a text, as the short way to write a set of names."""
    return frozenset(text_.split())


def below(label: str, name: str) -> str:
    """The label of a parameter in a section; that of the call itself is empty."""
    return f"{label}[{name}]" if label else name


def only(params: Json, allowed: Collection[str], prefix: str = "") -> None:
    """Refuse the first name that is not allowed."""
    for name in params:
        if name not in allowed:
            raise unknown(below(prefix, name))


def text(params: Json, name: str, label: str | None = None, limit: int = 5000) -> str | None:
    """A string, or None when it is not there or empty."""
    label = label or name
    value = params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ApiError(f"Invalid string: {label}", param=label)
    if len(value) > limit:
        size = f"({len(value)} characters)"
        raise ApiError(f"Invalid string: {label} is too long {size}; at most {limit} characters.", param=label)
    return value


def email(params: Json, name: str) -> str | None:
    """An e-mail address, or None; refused if it can be none."""
    value = text(params, name, limit=800)
    if value is not None and not is_email(value):
        raise ApiError(f"Invalid email address: {value}", code="email_invalid", param=name)
    return value


def is_email(value: str) -> bool:
    """Whether a text can be an e-mail address: what more Stripe looks at is not told."""
    local, _, domain = value.partition("@")
    is_domain = "." in domain and "@" not in domain and all(domain.split("."))
    return bool(local) and is_domain and not any(letter.isspace() for letter in value)


def required_text(params: Json, name: str, label: str | None = None, limit: int = 5000) -> str:
    value = text(params, name, label, limit)
    if value is None:
        raise missing(label or name)
    return value


def integer(params: Json, name: str, label: str | None = None) -> int | None:
    label = label or name
    value = params.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdecimal() and len(digits) < 19:
            return int(value)
    raise ApiError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=label)


def decimal(params: Json, name: str, label: str | None = None) -> Decimal | None:
    """A number with at most twelve decimals, as all `…_decimal` are (Stripe docs: api/prices)."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        text_ = f"Invalid decimal: {value}; must contain at maximum twelve decimal places."
        raise ApiError(text_, code="parameter_invalid_decimal", param=label or name)
    return Decimal(value)


def boolean(params: Json, name: str, label: str | None = None) -> bool | None:
    value = params.get(name)
    if value is None or value == "":
        return None
    if value not in ("true", "false"):
        raise ApiError(f"Invalid boolean: {value}", param=label or name)
    return bool(value == "true")


def one_of(params: Json, name: str, choices: Collection[str], label: str | None = None) -> str | None:
    value = text(params, name, label)
    if value is not None and value not in choices:
        listed = ", ".join(choices)
        raise ApiError(f"Invalid {label or name}: must be one of {listed}", param=label or name)
    return value


def mapping(params: Json, name: str, label: str | None = None) -> Json:
    value = params.get(name)
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise ApiError(f"Invalid object: {label or name}", param=label or name)
    return value


def section(params: Json, name: str, allowed: Collection[str], label: str | None = None) -> Json:
    """A mapping that has none but these names."""
    given = mapping(params, name, label)
    only(given, allowed, label or name)
    return given


def sequence(params: Json, name: str, label: str | None = None) -> list[Any]:
    value = params.get(name)
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        raise ApiError(f"Invalid array: {label or name}", param=label or name)
    return value


def url(params: Json, name: str) -> str | None:
    value = text(params, name)
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ApiError("Not a valid URL", code="url_invalid", param=name)
    return value


def metadata(params: Json, name: str = "metadata", label: str | None = None) -> dict[str, str]:
    """Metadata within Stripe's limits: 50 keys of 40 characters, values of 500 (Stripe docs: api/metadata)."""
    label = label or name
    raw = params.get(name)
    if isinstance(raw, list):  # keys that are all digits look like a list in form encoding
        raw = {str(position): value for position, value in enumerate(raw)}
    given = mapping({name: raw}, name, label)
    if len(given) > MAX_METADATA_KEYS:
        raise ApiError(f"Metadata can have at most {MAX_METADATA_KEYS} keys; you passed {len(given)}.", param=label)
    for key, value in given.items():
        if len(key) > MAX_METADATA_KEY:
            text_ = (
                f"Metadata keys are limited to {MAX_METADATA_KEY} characters. '{key}' is {len(key)} characters long."
            )
            raise ApiError(text_, param=label)
        if not isinstance(value, str):
            raise ApiError(f"Metadata values must be strings; '{key}' is not.", param=label)
        if len(value) > MAX_METADATA_VALUE:
            text_ = f"Metadata values are limited to {MAX_METADATA_VALUE} characters. '{key}' has {len(value)}."
            raise ApiError(text_, param=f"{label}[{key}]")
    return {key: value for key, value in given.items() if value != ""}


def given_metadata(params: Json, section_: str = "") -> Json:
    """`metadata` of a new object, if there is any: to be merged into its fields."""
    return {"metadata": metadata(params, label=below(section_, "metadata"))} if "metadata" in params else {}


def merged_metadata(known: Json, params: Json) -> Json:
    """What a change makes of an object's metadata: given keys are set, empty ones removed, `metadata=` removes all."""
    if params.get("metadata") == "":
        return {}
    metadata(params)
    merged = {**known, **mapping(params, "metadata")}
    return {key: value for key, value in merged.items() if value != ""}


def address(params: Json, name: str, label: str) -> Json | None:
    """A postal address with all its keys; None if none is given."""
    given = mapping(params, name, label)
    only(given, _ADDRESS, label)
    return {key: text(given, key, f"{label}[{key}]") for key in _ADDRESS} if given else None


def shipping(params: Json, label: str = "shipping") -> Json | None:
    """Where goods go: `name` and `address` at least; None if none is given."""
    given = mapping(params, "shipping", label)
    if not given:
        return None
    only(given, ("address", "carrier", "name", "phone", "tracking_number"), label)
    where = address(given, "address", f"{label}[address]")
    if where is None:
        raise missing(f"{label}[address]")
    texts = {key: text(given, key, f"{label}[{key}]") for key in ("carrier", "phone", "tracking_number")}
    return {"address": where, "name": required_text(given, "name", f"{label}[name]"), **texts}
