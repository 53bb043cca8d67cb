"""Families over the wire, and what products say of theirs."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.lists import Id, Pagination, documented
from kassa.kit.text import ONE_LINE
from kassa.product.families import (
    LONGEST_FAMILY_NAME,
    LONGEST_OPTION,
    LONGEST_VALUE,
    MOST_OPTIONS,
    MOST_VALUES,
    Family,
    Option,
    Value,
    values_of,
)

FamilyName = Annotated[
    str, documented("One line, which no other family has", minLength=1, maxLength=LONGEST_FAMILY_NAME, pattern=ONE_LINE)
]
OptionName = Annotated[str, documented("One line", minLength=1, maxLength=LONGEST_OPTION, pattern=ONE_LINE)]
OptionValue = Annotated[str, documented("One line", minLength=1, maxLength=LONGEST_VALUE, pattern=ONE_LINE)]


class OptionIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one chooses, such as the size, and between which values, in the order in which they are shown."""

    name: OptionName
    values: Annotated[list[OptionValue], documented("Each once", minItems=1, maxItems=MOST_VALUES)]


Options = Annotated[list[OptionIn], documented("In what its variants differ", minItems=1, maxItems=MOST_OPTIONS)]


class NewFamily(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What ties variants together. They are products, made with its id."""

    name: FamilyName
    options: Options


class FamilyChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What to replace: at least one of name and options."""

    name: FamilyName | UnsetType = UNSET
    options: Options | UnsetType = UNSET
    expected_updated_at: (
        Annotated[datetime, Meta(tz=True, description="The `updatedAt` that was read: refused if it was changed since")]
        | UnsetType
    ) = UNSET


class ValueIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a variant has of one option of its family."""

    name: OptionName
    value: OptionValue


FamilyOfVariant = Annotated[Id, Meta(description="The family that it is a variant of")]
FamilyId = Annotated[Id | None, Meta(description="The family that it is a variant of; null: of none")]
OptionValues = Annotated[
    list[ValueIn], documented("One value of each option of its family", minItems=0, maxItems=MOST_OPTIONS)
]


class OptionOut(msgspec.Struct, frozen=True):
    """What one chooses, and between which values."""

    name: str
    values: tuple[str, ...]


class FamilyPart(msgspec.Struct, frozen=True):
    """The family of a variant."""

    id: str
    name: str
    options: list[OptionOut]


class ValueOut(msgspec.Struct, frozen=True):
    """What a variant has of one option."""

    name: str
    value: str


class PriceRange(msgspec.Struct, frozen=True, rename="camel"):
    """What the cheapest and the dearest variant of a family cost."""

    min: Decimal
    max: Decimal
    min_minor: int
    max_minor: int


class FamilyOut(msgspec.Struct, frozen=True, rename="camel"):
    """A family."""

    id: str
    name: str
    options: list[OptionOut]
    created_at: Timestamp
    updated_at: Timestamp


class FamilyAnswer(msgspec.Struct, frozen=True):
    """One family."""

    family: FamilyOut


class FamiliesAnswer(msgspec.Struct, frozen=True):
    """A page of families, the newest first."""

    families: list[FamilyOut]
    pagination: Pagination


def family_shown(family: Family) -> FamilyOut:
    """The family as the wire shows it."""
    created_at, updated_at = rfc3339(family.created_at), rfc3339(family.updated_at)
    return FamilyOut(family.id, family.name, _options(family), created_at, updated_at)


def part_shown(family: Family) -> FamilyPart:
    """What a variant tells of its family."""
    return FamilyPart(family.id, family.name, _options(family))


def values_shown(family: Family, values: tuple[str, ...]) -> list[ValueOut]:
    """A variant's values, with the names of the options."""
    return [ValueOut(each.name, each.value) for each in values_of(family, values)]


def values_given(values: list[ValueIn]) -> list[Value]:
    """What was sent of a variant's values."""
    return [Value(each.name, each.value) for each in values]


def options_given(options: list[OptionIn]) -> list[Option]:
    """What was sent of a family's options."""
    return [Option(each.name, tuple(each.values)) for each in options]


def _options(family: Family) -> list[OptionOut]:
    return [OptionOut(each.name, each.values) for each in family.options]
