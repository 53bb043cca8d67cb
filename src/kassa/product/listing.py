"""Lists of what is in the catalogue: product by product, or each family once."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from kassa.kit.documents import Collection, Test, Words
from kassa.kit.figures import Figures
from kassa.kit.problem import Invalid
from kassa.kit.text import normalised
from kassa.product.domain import LONGEST_CATEGORY, LONGEST_DESCRIPTION, Product
from kassa.product.families import MOST_VARIANTS
from kassa.product.search import forgiving, questions

FURTHEST_COLLAPSED = 1_000
"""So many entries may be skipped where there are families: what is passed over there is looked at, one by one."""
_AT_ONCE = 100


class Wanted(msgspec.Struct, frozen=True):
    """What part of the catalogue is asked for: a category, a text in name, description, category or SKU, a page; what
    is on sale, what is not, or (None) both."""

    limit: int
    skip: int = 0
    after: str | None = None
    category: str | None = None
    text: str | None = None
    is_active: bool | None = True

    def where(self) -> dict[str, Test]:
        """The tests that a product must pass, besides that it is what the text means."""
        where: dict[str, Test] = {}
        if self.category is not None:
            where["category"] = normalised(self.category, LONGEST_CATEGORY)
        if self.is_active is not None:
            where["is_active"] = self.is_active
        return where

    @property
    def looked_for(self) -> str:
        """The text in its one spelling; empty if everything is meant."""
        return normalised(self.text or "", LONGEST_DESCRIPTION)


class Course(NamedTuple):
    """In what order a list goes: the tests of its parts, one after the other, and those that all of it passes."""

    parts: tuple[dict[str, Test], ...]
    whole: dict[str, Test]

    def place(self, product: Product) -> int | None:
        """In which part the product stands; None if in none."""
        return next((place for place, part in enumerate(self.parts) if _passes(product, part)), None)

    def comes_first(self, one: Product, other: Product) -> bool:
        """Whether one product stands before the other; not if it is in no part."""
        first, second = self.place(one), self.place(other)
        if first is None or second is None:
            return first is not None
        return first < second if first != second else one.id > other.id


class Entry(NamedTuple):
    """One line of a list in which each family is once: the product that stands there, and, if it is a variant, all of
    its family, of those on sale if only that is asked for."""

    product: Product
    variants: Sequence[Product] = ()


class Listing:
    """What is on sale, and what is not, in pages."""

    def __init__(self, products: Collection[Product], figures: Figures) -> None:
        self._products = products
        self._figures = figures

    async def categories(self) -> dict[str, int]:
        """The categories of all products on sale, and how many products each has."""

        async def count() -> dict[str, int]:
            totals = await self._products.totals({"is_active": True}, "category")
            return {str(total.key): total.count for total in totals}

        return await self._figures.get("categories", count)

    async def page(self, wanted: Wanted) -> tuple[list[Product], int]:
        """The wanted products, one more than `limit` if there are more: the newest first, and of what a text means the
        best first; and how many there are, or were when they were last counted: a number is good for a second at least,
        unless this process changes a product.
        """
        course = await self._course(wanted)
        found = await self._read(course, wanted.limit + 1, wanted.skip, wanted.after)
        return found, await self._how_many(course.whole)

    async def collapsed(self, wanted: Wanted) -> tuple[list[Entry], int]:
        """As `page`, but of each family only the first of the wanted variants. Invalid if too much is to be skipped.

        No field says which variant stands for its family, for that depends on what is asked for. So the others are
        passed over as the page is read, in the order of the index.
        """
        course = await self._course(wanted)
        families, single = await self._figures.get(
            ("collapsed", *course.whole.items()), lambda: self._count(course.whole)
        )
        total = families + single
        skip, after = wanted.skip, wanted.after
        if families and skip > FURTHEST_COLLAPSED:
            told = f"must be at most {FURTHEST_COLLAPSED} with collapse; go on from there with nextCursor"
            raise Invalid.field("skip", told)
        entries: list[Entry] = []
        size, in_store = wanted.limit + 1, 0 if families else skip
        left = skip - in_store
        while len(entries) <= wanted.limit:
            found = await self._read(course, size, in_store, after)
            standing = await self._standing(found, course, wanted)
            entries += standing[left:]
            left = max(0, left - len(standing))
            if len(found) < size:
                break
            after, size, in_store = found[-1].id, _AT_ONCE, 0
        return entries[: wanted.limit + 1], total

    async def variants_of(
        self, family_ids: Sequence[str], *, is_active: bool | None = True
    ) -> dict[str, list[Product]]:
        """All variants of each family that are on sale, that are not, or (None) both, as they were a second ago at
        most."""
        kinds = (True, False) if is_active is None else (is_active,)
        each = await asyncio.gather(*(self._variants(id, kind) for id in family_ids for kind in kinds))
        found: dict[str, list[Product]] = {id: [] for id in family_ids}
        for variants in each:
            for variant in variants:
                found[str(variant.family_id)].append(variant)
        return found

    async def _course(self, wanted: Wanted) -> Course:
        """The best finds first. If there are none, a slip is forgiven in each word."""
        where, text = wanted.where(), wanted.looked_for
        if not text:
            return Course((where,), where)
        asked = questions(text)
        whole = {**where, "search": asked[-1]}
        if await self._how_many(whole):
            widened = zip((None, *asked), asked, strict=False)
            parts = tuple({**where, "search": replace(each, but=before)} for before, each in widened)
            return Course(parts, whole)
        whole = {**where, "search": forgiving(text)}
        return Course((whole,), whole)

    async def _behind(self, course: Course, after: str | None) -> tuple[int, str | None]:
        """In which part to go on, and behind which product there; Invalid if there is no such product."""
        if after is None or len(course.parts) == 1:
            return 0, after
        found = await self._products.get(after)
        if found is None:
            raise Invalid.field("cursor", "is not a cursor of this list; take nextCursor of the previous page")
        return course.place(found) or 0, after

    async def _read(self, course: Course, size: int, skip: int, after: str | None) -> list[Product]:
        """So many products, gone through one part after the other."""
        found: list[Product] = []
        begin, behind = await self._behind(course, after)
        for part in course.parts[begin:]:
            found += await self._products.find(part, limit=size - len(found), skip=skip, after=behind)
            if len(found) == size:
                break
            if skip and part is not course.parts[-1]:
                skip = 0 if found else max(0, skip - await self._how_many(part))
            behind = None
        return found

    async def _how_many(self, where: dict[str, Test]) -> int:
        return await self._figures.get(tuple(where.items()), lambda: self._products.count(where))

    async def _standing(self, found: Sequence[Product], course: Course, wanted: Wanted) -> list[Entry]:
        ids = dict.fromkeys(each.family_id for each in found if each.family_id)
        families = await self.variants_of(list(ids), is_active=wanted.is_active)
        standing = []
        for product in found:
            variants = families.get(product.family_id or "", [])
            if not any(course.comes_first(each, product) for each in variants if each.id != product.id):
                standing.append(Entry(product, variants))
        return standing

    async def _variants(self, family_id: str, is_active: bool) -> list[Product]:
        where: dict[str, Test] = {"family_id": family_id, "is_active": is_active}
        key = ("family", family_id, is_active)
        return await self._figures.get(key, lambda: self._products.find(where, limit=MOST_VARIANTS))

    async def _count(self, where: dict[str, Test]) -> tuple[int, int]:
        """How many families have something that passes, and how many products do that are of none."""
        totals = await self._products.totals(where, "family_id")
        single = sum(each.count for each in totals if each.key is None)
        return sum(each.key is not None for each in totals), single


def _passes(product: Product, where: dict[str, Test]) -> bool:
    """Whether a product passes the tests, but for whether it is on sale."""
    words, category = where.get("search"), where.get("category", product.category)
    return product.category == category and (not isinstance(words, Words) or words.passes(product.search))
