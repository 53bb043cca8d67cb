"""A family: what ties variants of one thing together, and what one chooses between. A variant is a product. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from kassa.kit.audit import AuditEntry, Cause, entry, newest
from kassa.kit.clock import Millis
from kassa.kit.documents import Document
from kassa.kit.problem import FieldError
from kassa.kit.text import counted, normalised
from kassa.product.lines import line

LONGEST_FAMILY_NAME = 200
LONGEST_OPTION = 50
LONGEST_VALUE = 100
MOST_OPTIONS = 3
"""As in the files of shops: more choices than three are several families."""
MOST_VALUES = 100
"""Of one option."""
MOST_VARIANTS = 500
"""Of one family: a page shows them all."""


V = TypeVar("V")


class Option(msgspec.Struct, frozen=True):
    """What one chooses, such as the size, and between which values, in the order in which they are shown."""

    name: str
    values: tuple[str, ...]


class Family(Document, frozen=True, kw_only=True):
    """The variants of one thing: its name, which no other family has, and in what they differ."""

    name: str
    options: tuple[Option, ...]
    created_at: Millis
    updated_at: Millis
    audit: tuple[AuditEntry, ...] = ()


class Value(NamedTuple):
    """What a variant has of one option."""

    name: str
    value: str


family_name = line(LONGEST_FAMILY_NAME)
_option_name, _value = line(LONGEST_OPTION), line(LONGEST_VALUE)


def checked_family(fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """`name` and `options` as a family stores them, as far as they are given, and what is wrong with the others."""
    good: dict[str, Any] = {}
    errors: list[FieldError] = []
    checks: dict[str, Callable[[Any], Any]] = {"name": family_name, "options": _checked_options}
    for field in checks.keys() & fields.keys():
        try:
            good[field] = checks[field](fields[field])
        except ValueError as error:
            errors.append(FieldError(field, str(error)))
    return good, errors


def made_family(family_id: str, good: Mapping[str, Any], cause: Cause, now: Millis) -> Family:
    """The new family of checked fields."""
    audit = (entry(cause, "created", "", "", now),)
    return Family(id=family_id, created_at=now, updated_at=now, audit=audit, **good)


def edited_family(family: Family, good: Mapping[str, Any], cause: Cause, now: Millis) -> Family:
    """The family with other checked fields; the very same one if that changes nothing."""
    changes = {name: value for name, value in good.items() if getattr(family, name) != value}
    if not changes:
        return family
    audit = newest(family.audit, entry(cause, "edited", "", "", now))
    return msgspec.structs.replace(family, **changes, updated_at=now, audit=audit)


def checked_values(family: Family, given: Sequence[Value]) -> tuple[str, ...]:
    """The values of a variant in the order of the family's options; ValueError says what is missing, not known, or
    given twice."""
    said = {normalised(name, LONGEST_OPTION): normalised(value, LONGEST_VALUE) for name, value in given}
    if len(said) < len(given):
        raise ValueError("must have one value of each option")
    names = [option.name for option in family.options]
    listed = ", ".join(names) or "none"
    if unknown := [name for name in said if name not in names]:
        raise ValueError(f"{unknown[0][:LONGEST_OPTION]!r} is no option of {family.name}; they are {listed}")
    if missing := [name for name in names if name not in said]:
        raise ValueError(f"must have a value of {missing[0]}; the options of {family.name} are {listed}")
    for option in family.options:
        if said[option.name] not in option.values:
            told = f"{said[option.name][:LONGEST_VALUE]!r} is no value of {option.name}"
            raise ValueError(f"{told}; they are {', '.join(option.values)}. Add it to the family first")
    return tuple(said[name] for name in names)


def in_order(family: Family, variants: Iterable[V], values: Callable[[V], Sequence[str]]) -> list[V]:
    """The variants in the order in which the options have their values."""
    places = [{value: place for place, value in enumerate(option.values)} for option in family.options]

    def place(variant: V) -> list[int]:
        return [known.get(value, MOST_VALUES) for known, value in zip(places, values(variant), strict=False)]

    return sorted(variants, key=place)


def values_of(family: Family, values: Sequence[str]) -> list[Value]:
    """A variant's values, each with the name of its option."""
    return [Value(option.name, value) for option, value in zip(family.options, values, strict=False)]


def variant_name(name: str, values: Sequence[str]) -> str:
    """What a variant is called that has no name of its own."""
    return ", ".join((name, *values))


def extended(options: Sequence[Option], used: Sequence[Sequence[Value]]) -> tuple[Option, ...]:
    """The options with all values that are used behind those that are known."""
    values = {option.name: dict.fromkeys(option.values) for option in options}
    for each in used:
        for name, value in each:
            values.setdefault(name, {})[value] = None
    return tuple(Option(name, tuple(known)) for name, known in values.items())


def _checked_options(options: Sequence[Option]) -> tuple[Option, ...]:
    if not 1 <= len(options) <= MOST_OPTIONS:
        raise ValueError(f"must be 1 to {MOST_OPTIONS}")
    checked = tuple(_checked_option(number, option) for number, option in enumerate(options, 1))
    if twice := _twice([option.name for option in checked]):
        raise ValueError(f"have the name {twice!r} twice")
    return checked


def _checked_option(number: int, option: Option) -> Option:
    try:
        name = _option_name(option.name)
    except ValueError as error:
        raise ValueError(f"number {number} has a name that {error}") from error
    if not 1 <= len(option.values) <= MOST_VALUES:
        raise ValueError(f"{name} must have 1 to {counted(MOST_VALUES, 'value')}")
    values = []
    for value in option.values:
        try:
            values.append(_value(value))
        except ValueError as error:
            raise ValueError(f"{name} has a value that {error}") from error
    if twice := _twice(values):
        raise ValueError(f"{name} has the value {twice!r} twice")
    return Option(name, tuple(values))


def _twice(texts: Sequence[str]) -> str:
    seen: set[str] = set()
    for text in texts:
        if text.casefold() in seen:
            return text
        seen.add(text.casefold())
    return ""
