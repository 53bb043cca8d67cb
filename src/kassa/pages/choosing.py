"""Choosing a variant: what there is of each option, and where each choice leads. A choice is a link, so that it works
without JavaScript and the address says what is chosen."""

from collections.abc import Sequence
from typing import NamedTuple

from kassa.pages.catalogue_models import FamilyVariants, Product


class Choice(NamedTuple):
    """One value, and the variant that it leads to."""

    value: str
    product_id: str
    is_chosen: bool
    is_sold_out: bool


class Choices(NamedTuple):
    """An option, and those of its values that are for sale."""

    name: str
    values: Sequence[Choice]


def choices(product: Product, known: FamilyVariants) -> list[Choices]:
    """What can be chosen from this variant on. A value leads to the variant that has all else of this one, or, if
    there is none, to the first that has it."""
    chosen = {each.name: each.value for each in product.option_values}
    found = []
    for option in known.family.options:
        values = [
            Choice(value, variant.id, chosen.get(option.name) == value, variant.is_sold_out)
            for value in option.values
            if (variant := _leads_to(known.variants, chosen, option.name, value)) is not None
        ]
        found.append(Choices(option.name, values))
    return found


def _leads_to(variants: Sequence[Product], chosen: dict[str, str], name: str, value: str) -> Product | None:
    wanted = {**chosen, name: value}
    with_it = [each for each in variants if _values(each).get(name) == value]
    return next((each for each in with_it if _values(each) == wanted), next(iter(with_it), None))


def _values(product: Product) -> dict[str, str]:
    return {each.name: each.value for each in product.option_values}
