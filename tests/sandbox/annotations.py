"""The installed SDK's own annotations, held against what the sandbox answers.

They are of exactly the API version in use, which the published schemas are one version behind.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ForwardRef, Literal, TypeVar, Union, get_args, get_origin

from stripe import ListObject, StripeObject
from stripe._object_classes import OBJECT_CLASSES, get_object_class
from stripe._stripe_object import UntypedStripeObject

Json = dict[str, Any]
# Annotated in the SDK for old API versions' sake; the schemas do not know them (Stripe docs: upgrades#2018-02-05).
OLDER = {"Product": {"type"}}


def annotation_faults(value: Json) -> list[str]:
    """What the SDK's annotations say is wrong with an object, or with one inside it; empty when all is right."""
    return list(_faults_of_object(value, value["object"]))


def _faults_of_object(value: Json, path: str) -> Iterator[str]:
    if value["object"] == "list":
        for position, each in enumerate(value["data"]):
            yield from _faults_of_object(each, f"{path}.data[{position}]")
        return
    if value["object"] not in OBJECT_CLASSES:
        yield f"{path}: the SDK knows no {value['object']}"
        return
    yield from _faults_of_fields(value, get_object_class("V1", value["object"]), path)


def _faults_of_fields(value: Json, kind: Any, path: str) -> Iterator[str]:
    fields = {name: type_ for each in reversed(kind.__mro__) for name, type_ in _annotations(each).items()}
    for name, type_ in fields.items():
        is_older = name in OLDER.get(kind.__name__, ())
        if name not in value and not is_older and not _takes(None, type_):
            yield f"{path}.{name} is missing"
    for name, child in value.items():
        if name not in fields:
            yield f"{path}.{name} is unknown"
        else:
            yield from _faults(child, fields[name], f"{path}.{name}")


def _annotations(kind: type) -> Json:
    is_own = issubclass(kind, StripeObject) and kind is not StripeObject
    found = inspect.get_annotations(kind) if is_own else {}
    return {name: type_ for name, type_ in found.items() if not name.startswith("_") and "ClassVar" not in str(type_)}


def _faults(value: Any, type_: Any, path: str) -> Iterator[str]:
    if not _takes(value, type_):
        yield f"{path}: {str(value)[:60]!r} is no {type_}"
        return
    if isinstance(value, list):
        (inner,) = next((get_args(each) for each in _members(type_) if get_origin(each) is list), (Any,))
        for position, each in enumerate(value):
            yield from _faults(each, inner, f"{path}[{position}]")
    elif _is_object(value):
        yield from _faults_of_object(value, path)
    elif isinstance(value, dict):
        for each in _members(type_):
            if isinstance(each, type) and issubclass(each, StripeObject) and _annotations(each):
                yield from _faults_of_fields(value, each, path)


def _members(type_: Any) -> list[Any]:
    """The alternatives of a type, with the unions inside it opened."""
    if get_origin(type_) in (Union, types.UnionType):
        return [each for member in get_args(type_) for each in _members(member)]
    return [type_]


def _takes(value: Any, type_: Any) -> bool:
    return any(_is_one(value, each) for each in _members(type_))


def _is_one(value: Any, type_: Any) -> bool:
    origin = get_origin(type_) or type_
    if origin is Any or isinstance(origin, TypeVar):
        return True
    if origin is Literal:
        return value in get_args(type_)
    if origin in (type(None), str, int, bool, float):
        return type(value) is origin
    if origin is Decimal:
        return isinstance(value, str)
    if origin is list:
        return isinstance(value, list)
    if isinstance(value, dict) and (isinstance(origin, ForwardRef | str) or _is_object(value)):
        return _is_class(value, origin)
    return isinstance(value, dict) and isinstance(origin, type) and issubclass(origin, StripeObject | dict)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("object"), str) and value["object"] in OBJECT_CLASSES


def _is_class(value: Json, origin: Any) -> bool:
    """Whether an object is of the class that is named, which the SDK often does by its name only."""
    if origin is dict or (isinstance(origin, type) and issubclass(origin, UntypedStripeObject)):
        return True
    if value.get("object") == "list":
        return isinstance(origin, type) and issubclass(origin, ListObject)
    name = origin.__forward_arg__ if isinstance(origin, ForwardRef) else getattr(origin, "__name__", str(origin))
    # A class whose name is taken where it is used is imported as another: `Discount as DiscountResource`.
    known = name.rpartition(".")[2].removesuffix("Resource")
    return _is_object(value) and OBJECT_CLASSES[value["object"]][1] == known
