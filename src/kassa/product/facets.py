"""What a list can be narrowed by, and how many entries there would be."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from kassa.kit.documents import Between, Collection, Test
from kassa.kit.figures import Figures
from kassa.product.course import Wanted
from kassa.product.domain import Product
from kassa.product.families import Family
from kassa.product.listing import Listing

MOST_COUNTED = 1_000
"""Variants of which it is told what they have of which option. Whoever has more to choose from begins with a
category."""
_VARIANTS: dict[str, Test] = {"family_id": Between(at_least="")}


class Facets(NamedTuple):
    """Entries by category, and by option and value in the order of the families; each counted as if nothing was chosen
    of it yet. Of too many variants no options are told, and each counts for itself."""

    categories: dict[str, int]
    options: dict[str, dict[str, int]]


class Counting:
    """The facets of lists."""

    def __init__(self, products: Collection[Product], listing: Listing, figures: Figures) -> None:
        self._products = products
        self._listing = listing
        self._figures = figures

    async def of(self, wanted: Wanted) -> Facets:
        """The facets of what is wanted."""
        key = ("facets", replace(wanted, limit=0, skip=0, after=None, sort=None))
        return await self._figures.get(key, lambda: self._count(wanted))

    async def _count(self, wanted: Wanted) -> Facets:
        everywhere = (await self._listing.course(replace(wanted, category=None, within=None))).whole
        here = (await self._listing.course(replace(wanted, options=()))).whole
        variants = await self._variants(here)
        options = {} if variants is None else _by_option(variants, await self._listing.families(), wanted.options)
        return Facets(await self._categories(everywhere), options)

    async def _categories(self, where: dict[str, Test]) -> dict[str, int]:
        variants = await self._variants(where)
        found: Counter[str] = Counter()
        if variants is None or "family_id" not in where:  # Of what is chosen by options nothing is single.
            single: dict[str, Test] = where if variants is None else {**where, "family_id": None}
            found.update({str(each.key): each.count for each in await self._products.totals(single, "category")})
        found.update(category for category, _ in {(each.category, each.family_id) for each in variants or ()})
        return dict(sorted(found.items()))

    async def _variants(self, where: dict[str, Test]) -> Sequence[Product] | None:
        """All variants that pass; None if they are too many."""
        found = await self._products.find({**_VARIANTS, **where}, limit=MOST_COUNTED + 1)
        return found if len(found) <= MOST_COUNTED else None


def _by_option(
    variants: Sequence[Product], families: Iterable[Family], chosen: Sequence[tuple[str, str]]
) -> dict[str, dict[str, int]]:
    known = {family.id: [option.name for option in family.options] for family in families}
    has = [(each, dict(zip(known.get(str(each.family_id), ()), each.option_values, strict=False))) for each in variants]
    used = {family_id for each in variants if (family_id := str(each.family_id)) in known}
    counts: dict[str, dict[str, int]] = {}
    for family in (each for each in families if each.id in used):
        for option in family.options:
            counts.setdefault(option.name, {}).update(dict.fromkeys(option.values, 0))
    for name, values in counts.items():
        others = [(other, value) for other, value in chosen if other != name]
        fitting = {
            (each.family_id, own[name])
            for each, own in has
            if name in own and all(own.get(other) == value for other, value in others)
        }
        values.update(Counter(value for _, value in fitting))
    return {name: {value: n for value, n in values.items() if n} for name, values in counts.items()}
