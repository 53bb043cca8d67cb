"""How a buyer has narrowed and sorted a list: read from the page's address, and told as addresses again."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from litestar.datastructures import MultiDict

from kassa.pages.catalogue_models import Category, OptionFacet
from kassa.pages.language import gettext

LONGEST = 200
SORTS = ("newest", "price", "-price", "name")
MOST_OPTIONS = 3
_PRICE = re.compile(r"\d{1,12}(?:[.,]\d{1,3})?")
_LEVEL = re.compile(" [/>] ")
_FEW = 12
"""So many categories stand above a list; all of them are among its filters."""


class Narrowed(NamedTuple):
    """What is chosen. The names are those of the API's parameters, but that a category has those below it, too."""

    q: str = ""
    category: str = ""
    sort: str = ""
    min_price: str = ""
    max_price: str = ""
    in_stock: bool = False
    options: tuple[str, ...] = ()

    @classmethod
    def read(cls, asked: Mapping[str, str] | MultiDict[Any]) -> "Narrowed":
        """What an address says; what makes no sense there is left out."""
        options = asked.getall("option", []) if isinstance(asked, MultiDict) else []
        sort, prices = asked.get("sort", ""), [asked.get(name, "").strip() for name in ("minPrice", "maxPrice")]
        low, high = (each.replace(",", ".") if _PRICE.fullmatch(each) else "" for each in prices)
        return cls(
            asked.get("q", "").strip()[:LONGEST],
            asked.get("category", "").strip()[:LONGEST],
            sort if sort in SORTS else "",
            low,
            high,
            asked.get("inStock") == "true",
            tuple(dict.fromkeys(each for each in options if is_option(each)))[:MOST_OPTIONS],
        )

    @property
    def is_everything(self) -> bool:
        """Whether the whole shop is shown, in whatever order."""
        return self._replace(sort="") == Narrowed()

    @property
    def is_filtered(self) -> bool:
        """Whether something is chosen besides words and a category."""
        return bool(self.min_price or self.max_price or self.in_stock or self.options)

    @property
    def address(self) -> dict[str, Any]:
        """As the page's address has it."""
        return {"q": self.q, "category": self.category, "sort": self.sort, **self._filters}

    @property
    def asked(self) -> dict[str, Any]:
        """As the API is asked for the list."""
        stock = {"inStock": "true"} if self.in_stock else {}
        return {**self.counted, "sort": self.sort, **stock}

    @property
    def counted(self) -> dict[str, Any]:
        """As the API is asked what the list can be narrowed by."""
        prices = {"minPrice": self.min_price, "maxPrice": self.max_price}
        return {"q": self.q, "within": self.category, **prices, "option": list(self.options)}

    @property
    def chosen(self) -> list[tuple[str, dict[str, Any]]]:
        """What is chosen in words, each with the address of the list without it."""
        found: list[tuple[str, Narrowed]] = []
        if self.category:
            found.append((self.category, self._replace(category="")))
        for each in self.options:
            rest = tuple(one for one in self.options if one != each)
            found.append((each.replace(":", ": ", 1), self._replace(options=rest)))
        if self.min_price:
            found.append((gettext("From %(price)s") % {"price": self.min_price}, self._replace(min_price="")))
        if self.max_price:
            found.append((gettext("Up to %(price)s") % {"price": self.max_price}, self._replace(max_price="")))
        if self.in_stock:
            found.append((gettext("In stock"), self._replace(in_stock=False)))
        return [(words, rest.address) for words, rest in found]

    @property
    def _filters(self) -> dict[str, Any]:
        stock = "true" if self.in_stock else ""
        return {"minPrice": self.min_price, "maxPrice": self.max_price, "inStock": stock, "option": list(self.options)}


def is_option(text: str) -> bool:
    """Whether a text names an option and a value."""
    name, colon, value = text.partition(":")
    return bool(name and colon and value) and len(text) <= LONGEST


class Branch(NamedTuple):
    """A category by its whole name, what it is called in its level, how deep that is, and how much is in it."""

    name: str
    label: str
    depth: int
    products: int


def tree(categories: Iterable[Category]) -> list[Branch]:
    """All categories, those above them, too, each before those below it; each counts what is below it."""
    counts: dict[tuple[str, ...], int] = {}
    names: dict[tuple[str, ...], str] = {}
    for each in categories:
        levels = tuple(_LEVEL.split(each.category))
        end = 0
        for depth in range(1, len(levels) + 1):
            end += len(levels[depth - 1])
            counts[levels[:depth]] = counts.get(levels[:depth], 0) + each.products
            names.setdefault(levels[:depth], each.category[:end])
            end += 3
    return [Branch(names[levels], levels[-1], len(levels) - 1, counts[levels]) for levels in sorted(counts)]


def nearest(branches: Iterable[Branch], chosen: str) -> list[Branch]:
    """The categories just below the chosen one; if there are none, those beside it. Not too many."""
    known = list(branches)
    below = [each for each in known if above(each.name) == chosen]
    return (below or [each for each in known if above(each.name) == above(chosen)])[:_FEW]


def above(name: str) -> str:
    """The category above one; empty of those at the top."""
    levels = list(_LEVEL.finditer(name))
    return name[: levels[-1].start()] if levels else ""


def way_to(name: str) -> list[str]:
    """The categories above this one, from the top, and itself."""
    way = [name] if name else []
    while way and (higher := above(way[0])):
        way.insert(0, higher)
    return way


def offered(options: Iterable[OptionFacet], chosen: Iterable[str]) -> list[tuple[OptionFacet, str]]:
    """The options that there is a choice of, each with the chosen value."""
    pairs = dict(each.split(":", 1) for each in chosen)
    return [(each, pairs.get(each.name, "")) for each in options if len(each.values) > 1 or each.name in pairs]
