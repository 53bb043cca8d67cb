"""The families of a file: rows of one family are its variants, and the file says which values there are."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kassa.kit.documents import In
from kassa.kit.inputs import variant_of
from kassa.kit.text import normalised
from kassa.product.catalogue_csv import Row
from kassa.product.csv_file import Fault
from kassa.product.domain import Product
from kassa.product.families import (
    LONGEST_FAMILY_NAME,
    LONGEST_OPTION,
    LONGEST_VALUE,
    MOST_VARIANTS,
    Family,
    Value,
    checked_family,
    extended,
    variant_name,
)
from kassa.product.service import ProductService

CHUNK = 100
NONE: Mapping[str, Any] = {"family_id": None, "option_values": (), "variant": None}
"""The place of what is no variant."""


class FamilyToDo(msgspec.Struct, frozen=True):
    """A family as the file wants it; `known` is how it is."""

    family_id: str
    good: dict[str, Any]
    known: Family | None


class Families(msgspec.Struct, frozen=True):
    """What a file says of families: the place of each row, by its number, and what is to be made and changed first."""

    places: dict[int, Mapping[str, Any]]
    to_do: list[FamilyToDo]
    faults: list[Fault]


async def families_of(service: ProductService, rows: Sequence[Row]) -> Families:
    """The families of the rows, and all that is wrong with them."""
    said = Families({row.number: NONE for row in rows if row.family is None}, [], [])
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if isinstance(row.family, str):
            groups.setdefault(normalised(row.family, LONGEST_FAMILY_NAME), []).append(_normalised(row))
        elif row.values:
            said.faults.append(row.fault("option1Name", "is of a family; name that in the column family, too"))
    known = await _by_name(service, list(groups))
    for name, members in groups.items():
        _plan(service, name, members, known.get(name), said)
    return said


async def carry_out(service: ProductService, families: Families, who: str) -> None:
    """Make the families, and give those that are there the values that they have not."""
    for each in families.to_do:
        cause = service.cause(who, "imported")
        if each.known is None:
            await service.families.create(each.family_id, each.good, cause)
        else:
            await service.families.update(each.family_id, each.good, cause)


async def by_variant(service: ProductService, goods: Sequence[Mapping[str, Any]]) -> dict[str, Product]:
    """The products that are these variants already."""
    keys = [good["variant"] for good in goods if good.get("variant")]
    found: dict[str, Product] = {}
    for start in range(0, len(keys), CHUNK):
        part = In(tuple(keys[start : start + CHUNK]))
        found |= {str(each.variant): each for each in await service.products.find({"variant": part}, limit=CHUNK)}
    return found


async def _by_name(service: ProductService, names: Sequence[str]) -> dict[str, Family]:
    found: dict[str, Family] = {}
    for start in range(0, len(names), CHUNK):
        part = In(tuple(names[start : start + CHUNK]))
        found |= {each.name: each for each in await service.families.families.find({"name": part}, limit=CHUNK)}
    return found


def _plan(service: ProductService, name: str, rows: list[Row], known: Family | None, said: Families) -> None:
    names = [option.name for option in known.options] if known else [each.name for each in rows[0].values]
    fitting = [row for row in rows if _fits(row, names, known, rows[0], said.faults)]
    if not fitting:
        return
    used = [_in_order(row, names) for row in fitting]
    good, errors = checked_family({"name": name, "options": extended(known.options if known else (), used)})
    said.faults.extend(rows[0].fault("family", f"{error.field}: {error.message}") for error in errors)
    if len(fitting) > MOST_VARIANTS:
        said.faults.append(rows[0].fault("family", f"has more than {MOST_VARIANTS} variants"))
    family_id = known.id if known else service.families.new_id()
    said.to_do.append(FamilyToDo(family_id, good, known))
    first: dict[tuple[str, ...], int] = {}
    for row, values in zip(fitting, used, strict=True):
        chosen = tuple(each.value for each in values)
        if first.setdefault(chosen, row.number) != row.number:
            told = f"{', '.join(chosen)} of {name} is in row {first[chosen]} already; leave one of them out"
            said.faults.append(row.fault("option1Value", told))
        place = {"family_id": family_id, "option_values": chosen, "variant": variant_of(family_id, chosen)}
        said.places[row.number] = place | ({} if (row.name or "").strip() else {"name": variant_name(name, chosen)})


def _fits(row: Row, names: list[str], known: Family | None, first: Row, faults: list[Fault]) -> bool:
    """Whether the row has one value of each option of its family."""
    said = [each.name for each in row.values]
    if said and len(set(said)) == len(said) and set(said) == set(names):
        return True
    told = f"must have the options {', '.join(names)}, as {'the family has' if known else f'row {first.number} has'}"
    if not said:
        told = "is missing: a variant has a value of each option of its family"
    elif len(set(said)) < len(said):
        told = "is there twice in this row; options have different names"
    faults.append(row.fault("option1Name", told))
    return False


def _in_order(row: Row, names: list[str]) -> list[Value]:
    values = dict(row.values)
    return [Value(name, values[name]) for name in names]


def _normalised(row: Row) -> Row:
    values = (
        Value(normalised(each.name, LONGEST_OPTION), normalised(each.value, LONGEST_VALUE)) for each in row.values
    )
    return msgspec.structs.replace(row, values=tuple(values))
