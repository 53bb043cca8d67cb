"""What the cells of a catalogue's file say, and how they are written."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

_PRICE = re.compile(r"[0-9]{1,20}(\.[0-9]{1,10})?")
_PRICE_WITH_COMMA = re.compile(r"[0-9]{1,20},[0-9]{1,2}")
_THOUSANDS_OR_DECIMALS = re.compile(r"[0-9]{1,3}[.,][0-9]{3}")
_STOCK = re.compile(r"[0-9]{1,15}")
_COMPUTED = re.compile(r"[0-9][0-9.,]{0,20}[eE]\+?[0-9]{1,3}")
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")
# A comma or semicolon may be part of an address; between two of them it has a blank behind it, or the next one.
_BEFORE_IMAGE = re.compile(r"[,;](?=https?://|/)")
# What a spreadsheet takes for the beginning of a formula, full-width signs too (OWASP: CSV Injection).
_SIGNS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def _price(cell: str) -> Decimal:
    if not cell.strip():
        raise ValueError("is missing; write it like 12.50")
    if not _PRICE.fullmatch(cell.strip()):
        raise ValueError(f"{cell[:30]!r} is no price; write it like 12.50, without a currency or separators")
    return Decimal(cell.strip())


def price_of(cell: str) -> Decimal:
    """The price that a cell says, with a decimal point or comma; ValueError if it says none."""
    price = cell.strip()
    if _THOUSANDS_OR_DECIMALS.fullmatch(price):
        raise ValueError(f"{price!r} may be thousands or decimals; write it like 1234 or 1234.50")
    return Decimal(price.replace(",", ".")) if _PRICE_WITH_COMMA.fullmatch(price) else _price(cell)


def _or_none(read_price: Callable[[str], Decimal]) -> Callable[[str], Decimal | None]:
    return lambda cell: read_price(cell) if cell.strip() else None


def _stock(cell: str) -> int | None:
    if not cell.strip():
        return None
    if not _STOCK.fullmatch(cell.strip()):
        raise ValueError(f"{cell[:30]!r} is no number of pieces; write it like 25, or leave it empty")
    return int(cell)


def _gtin(cell: str) -> str | None:
    digits = cell.strip()
    if _COMPUTED.fullmatch(digits):
        raise ValueError(f"{digits[:30]!r} is what a spreadsheet made of it; format the column as text")
    return digits or None


def _weight(cell: str) -> int | None:
    if not cell.strip():
        return None
    if not _STOCK.fullmatch(cell.strip()):
        raise ValueError(f"{cell[:30]!r} is no number of whole grams; write it like 250, or leave it empty")
    return int(cell)


def _is_so(cell: str) -> bool | None:
    word = cell.strip().lower()
    if word in ("", *_YES, *_NO):
        return None if not word else word in _YES
    raise ValueError(f"{cell[:30]!r} is neither true nor false; write one of them, or leave it empty")


def _excluded(cell: str) -> str | None:
    """An empty cell says nothing; `none` takes an exclusion away."""
    word = cell.strip().lower()
    return "" if word == "none" else word or None


def _images(cell: str) -> tuple[str, ...]:
    """Where bars separate, a comma is part of an address."""
    if "|" in cell:
        return tuple(cell.replace("|", " ").split())
    parts = (part for word in cell.split() for part in _BEFORE_IMAGE.split(word.rstrip(",;")))
    return tuple(part for part in parts if part)


def inert(cell: str) -> str:
    """The cell, marked as a text if a spreadsheet would compute it."""
    return f"'{cell}" if _is_formula(cell) else cell


def unmarked(cell: str) -> str:
    """The cell without the mark that `inert` sets."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def _is_formula(cell: str) -> bool:
    """Whether it is one, behind our mark or not."""
    return cell.lstrip("'")[:1] in _SIGNS


def images_written(images: tuple[str, ...]) -> str:
    """The cell that is read as these images."""
    cell = " ".join(images)
    return cell if _images(cell) == images else "|".join((*images, ""))


READERS: dict[str, Callable[[str], Any]] = {
    "id": lambda cell: cell.strip() or None,
    "sku": lambda cell: cell.strip() or None,
    "price": _price,
    "stock": _stock,
    "images": _images,
    "compareAtPrice": _or_none(_price),
    "gtin": _gtin,
    "weightGrams": _weight,
    "taxClass": lambda cell: cell.strip() or None,
    "isDigital": _is_so,
    "withdrawalExcluded": _excluded,
    "family": lambda cell: cell.strip() or None,
}
READERS_WITH_COMMA = {"price": price_of, "compareAtPrice": _or_none(price_of)}
