"""Countries that a buyer can be in, with their names: those that Stripe takes for shipping. The names are CLDR's.

`tests/sandbox/test_countries.py` holds the list against the installed SDK and against CLDR.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("countries.txt")


@cache
def names() -> dict[str, str]:
    """Each two-letter code, in capitals, with its English name."""
    pairs = (line.partition(" ")[::2] for line in _FILE.read_text(encoding="utf-8").splitlines())
    return dict(sorted(pairs, key=lambda pair: _without_accents(pair[1])))


def _without_accents(name: str) -> str:
    return unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode()


def has_regions(country: str) -> bool:
    """Whether taxes there depend on the state or province, so that an address needs it (Stripe docs: tax/customer-
    locations)."""
    return country in ("US", "CA")
