"""Lists of what is in the catalogue: product by product, or each family once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from kassa.kit.documents import By, Collection, In, Test, Words, pages
from kassa.kit.figures import Figures
from kassa.kit.problem import Invalid
from kassa.kit.text import normalised
from kassa.product.course import ORDERS, Course, Wanted, is_within
from kassa.product.domain import LONGEST_CATEGORY, Product
from kassa.product.families import MOST_VARIANTS, Family
from kassa.product.search import forgiving, option_word, questions

FURTHEST_COLLAPSED = 1_000
"""So many entries may be skipped where there are families: what is passed over there is looked at, one by one."""
MOST_SOLD_OUT = 2_000
"""So many sold-out products are passed over for one page; the next one goes on from there."""
_AT_ONCE = 100


class Entry(NamedTuple):
    """One line of a list in which each family is once: the product that stands there, and, if it is a variant, all of
    its family, of those on sale if only that is asked for."""

    product: Product
    variants: Sequence[Product] = ()


class Page(NamedTuple):
    """A page of a list: its entries, how many there are altogether, and behind which product it goes on, if it does."""

    entries: list[Entry]
    total: int
    behind: str | None

    @property
    def products(self) -> list[Product]:
        return [each.product for each in self.entries]


Stocks: TypeAlias = Callable[[Sequence[Product]], Awaitable[dict[str, int | None]]]


class Listing:
    """What is on sale, and what is not, in pages. `stocks` tells what can be bought of products, None if unknown."""

    def __init__(
        self, products: Collection[Product], families: Collection[Family], figures: Figures, stocks: Stocks
    ) -> None:
        self._products = products
        self._families = families
        self._figures = figures
        self._stocks = stocks

    async def categories(self) -> dict[str, int]:
        """The categories of all products on sale, and how many products each has."""

        async def count() -> dict[str, int]:
            totals = await self._products.totals({"is_active": True}, "category")
            return {str(total.key): total.count for total in totals}

        return await self._figures.get("categories", count)

    async def page(self, wanted: Wanted) -> Page:
        """The wanted products; and how many there are, or were when they were last counted: a number is good for a
        second at least, unless this process changes a product. What is sold out is counted, too.
        """
        course = await self.course(wanted)
        total = await self._how_many(course.whole)
        if wanted.is_by_stock:
            return await self._page(course, wanted, total, is_collapsed=False)
        found = await self._read(course, wanted.limit + 1, wanted.skip, wanted.after)
        shown = [Entry(each) for each in found[: wanted.limit]]
        return Page(shown, total, shown[-1].product.id if len(found) > wanted.limit else None)

    async def collapsed(self, wanted: Wanted) -> Page:
        """As `page`, but of each family only the first of the wanted variants. Invalid if too much is to be skipped.

        No field says which variant stands for its family, for that depends on what is asked for. So the others are
        passed over as the page is read, in the order of the index. So is what is sold out: the stock is the
        inventory's, and what it says at this moment is the truth.
        """
        course = await self.course(wanted)
        families, single = await self._figures.get(
            ("collapsed", *course.whole.items()), lambda: self._count(course.whole)
        )
        return await self._page(course, wanted, families + single, is_collapsed=families > 0)

    async def _page(self, course: Course, wanted: Wanted, total: int, *, is_collapsed: bool) -> Page:
        passes_over = is_collapsed or wanted.is_by_stock
        skip, after = wanted.skip, wanted.after
        if passes_over and skip > FURTHEST_COLLAPSED:
            told = f"must be at most {FURTHEST_COLLAPSED} with collapse or a stock; go on from there with nextCursor"
            raise Invalid.field("skip", told)
        entries: list[Entry] = []
        size, in_store = wanted.limit + 1, 0 if passes_over else skip
        left, looked_at = skip - in_store, 0
        while len(entries) <= wanted.limit:
            found = await self._read(course, size, in_store, after)
            standing = await self._standing(found, course, wanted, is_collapsed=is_collapsed)
            entries += standing[left:]
            left = max(0, left - len(standing))
            looked_at += len(found)
            if len(found) < size:
                break
            after, size, in_store = found[-1].id, _AT_ONCE, 0
            if wanted.is_by_stock and looked_at > MOST_SOLD_OUT and len(entries) <= wanted.limit:
                return Page(entries, total, after)
        shown = entries[: wanted.limit]
        return Page(shown, total, shown[-1].product.id if len(entries) > wanted.limit else None)

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

    async def course(self, wanted: Wanted) -> Course:
        """In what order the wanted products go: the best finds first, if no other order is asked for. If there are
        none, a slip is forgiven in each word."""
        where, text = await self._where(wanted), wanted.looked_for
        by, order = ORDERS.get(wanted.sort, ("", "newest")) if wanted.sort else ("", "newest")
        if not text:
            return Course((where,), where, by, order)
        known = where.get("search")
        options = known.groups if isinstance(known, Words) else ()
        asked = [Words(options + each.groups) for each in questions(text)]
        whole = {**where, "search": asked[-1]}
        if not await self._how_many(whole):
            whole = {**where, "search": Words(options + forgiving(text).groups)}
        elif wanted.sort is None:
            widened = zip((None, *asked), asked, strict=False)
            parts = tuple({**where, "search": replace(each, but=before)} for before, each in widened)
            return Course(parts, whole)
        return Course((whole,), whole, by, order)

    async def _where(self, wanted: Wanted) -> dict[str, Test]:
        where = wanted.where()
        if wanted.within is not None:
            within = normalised(wanted.within, LONGEST_CATEGORY)
            where["category"] = In(tuple(each for each in await self.categories() if is_within(each, within)))
        if wanted.options:
            families = await self.families()
            having = [_having(families, name, value) for name, value in wanted.options]
            where["family_id"] = In(tuple(sorted(set(having[0]).intersection(*having[1:]))))
            words = zip(wanted.options, having, strict=True)
            where["search"] = Words(
                tuple(tuple({option_word(place, value) for place in each.values()}) for (_, value), each in words)
            )
        return where

    async def families(self) -> list[Family]:
        """All families, as they were a second ago at most."""

        async def read() -> list[Family]:
            return [each async for page in pages(self._families) for each in page]

        return await self._figures.get("families", read)

    async def _behind(self, course: Course, after: str | None) -> tuple[int, By | None]:
        """In which part to go on, and behind what there; Invalid if there is no such product."""
        by = By(course.by) if course.by else None
        if after is None or (len(course.parts) == 1 and by is None):
            return 0, by
        found = await self._products.get(after)
        if found is None:
            raise Invalid.field("cursor", "is not a cursor of this list; take nextCursor of the previous page")
        return course.place(found) or 0, by and By(by.field, getattr(found, by.field))

    async def _read(self, course: Course, size: int, skip: int, after: str | None) -> list[Product]:
        """So many products, gone through one part after the other."""
        if after is None and not skip and len(course.parts) > 1 and await self._how_many(course.whole) <= size:
            few = await self._products.find(course.whole, limit=size)
            return sorted(few, key=lambda each: course.place(each) or 0)
        found: list[Product] = []
        begin, by = await self._behind(course, after)
        for part in course.parts[begin:]:
            found += await self._products.find(
                part, limit=size - len(found), skip=skip, after=after, order=course.order, by=by
            )
            if len(found) == size:
                break
            if skip and part is not course.parts[-1]:
                skip = 0 if found else max(0, skip - await self._how_many(part))
            after = None
        return found

    async def _how_many(self, where: dict[str, Test]) -> int:
        return await self._figures.get(tuple(where.items()), lambda: self._products.count(where))

    async def _standing(
        self, found: Sequence[Product], course: Course, wanted: Wanted, *, is_collapsed: bool
    ) -> list[Entry]:
        ids = dict.fromkeys(each.family_id for each in found if each.family_id) if is_collapsed else {}
        families = await self.variants_of(list(ids), is_active=wanted.is_active) if ids else {}
        gone = await self._gone([*found, *chain(*families.values())], wanted) if wanted.is_by_stock else set()
        standing = []
        if not families and not gone:
            return [Entry(each) for each in found]
        for product in found:
            variants = families.get(product.family_id or "", [])
            others = [each for each in variants if each.id != product.id and each.id not in gone]
            if product.id not in gone and not any(course.comes_first(each, product) for each in others):
                standing.append(Entry(product, variants))
        return standing

    async def _gone(self, products: Sequence[Product], wanted: Wanted) -> set[str]:
        """Those that are passed over for their stock."""
        each = {product.id: product for product in products}
        at_once = [list(each.values())[start : start + _AT_ONCE] for start in range(0, len(each), _AT_ONCE)]
        told = await asyncio.gather(*(self._stocks(part) for part in at_once))
        return {id for stocks in told for id, stock in stocks.items() if wanted.passes_over(stock)}

    async def _variants(self, family_id: str, is_active: bool) -> list[Product]:
        where: dict[str, Test] = {"family_id": family_id, "is_active": is_active}
        key = ("family", family_id, is_active)
        return await self._figures.get(key, lambda: self._products.find(where, limit=MOST_VARIANTS))

    async def _count(self, where: dict[str, Test]) -> tuple[int, int]:
        """How many families have something that passes, and how many products do that are of none."""
        totals = await self._products.totals(where, "family_id")
        single = sum(each.count for each in totals if each.key is None)
        return sum(each.key is not None for each in totals), single


def _having(families: Sequence[Family], name: str, value: str) -> dict[str, int]:
    """The families that have such an option with this value, and in which place of theirs."""
    return {
        family.id: place
        for family in families
        for place, option in enumerate(family.options)
        if option.name == name and value in option.values
    }
