"""What a search box offers while somebody types."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

import msgspec

from kassa.kit.money import major
from kassa.product.families import Family
from kassa.product.listing import Entry


class Suggestion(msgspec.Struct, frozen=True, rename="camel"):
    """A product, or a family by the first of its variants; `isFrom`: that is the cheapest price of several."""

    id: str
    name: str
    category: str
    image: str | None
    price: Decimal
    price_minor: int
    currency: str
    is_from: Annotated[bool, msgspec.Meta(description="Whether others of its family cost more")]


class SuggestionsAnswer(msgspec.Struct, frozen=True):
    """What somebody may mean, the best first."""

    suggestions: list[Suggestion]


def suggested(entry: Entry, families: Mapping[str, Family]) -> Suggestion:
    """The entry of a list in few words; a family of several variants by its own name."""
    product, prices = entry.product, [each.price_minor for each in entry.variants] or [entry.product.price_minor]
    family = families.get(product.family_id or "") if len(entry.variants) > 1 else None
    return Suggestion(
        product.id,
        product.name if family is None else family.name,
        product.category,
        next(iter(product.images), None),
        major(min(prices), product.currency),
        min(prices),
        product.currency,
        min(prices) < max(prices),
    )
