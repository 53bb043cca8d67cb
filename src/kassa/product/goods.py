"""What a product is as goods: its number in trade, what it weighs, how it is taxed, whether anything is sent, whether
it can be withdrawn from. Pure."""

import re
from collections.abc import Callable
from typing import Any

from kassa.contracts.withdrawals import Exclusion

GTIN = r"^(?:[0-9]{8}|[0-9]{12,14})$"
MOST_GRAMS = 100_000_000
"""A hundred tonnes: more is no parcel and no pallet, but a wrong unit."""
STANDARD = "standard"
"""The tax class of what has no other one."""
LONGEST_TAX_CLASS = 40
TAX_CLASS = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
_GTIN, _TAX_CLASS = re.compile(GTIN), re.compile(TAX_CLASS)


def gtin_of(text: str) -> str:
    """The text, if it is a GTIN-8, -12, -13 or -14 with all its digits; ValueError if it is none, or is mistyped.

    GS1 General Specifications, section 7.9 (check digit calculations): from the right, digits count three times and
    once in turn, and with the check digit all of them make a multiple of ten.
    """
    if not _GTIN.fullmatch(text):
        raise ValueError("must have 8, 12, 13 or 14 digits, as under the bar code, with its zeros in front")
    *data, check = map(int, text)
    right = -(3 * sum(data[-1::-2]) + sum(data[-2::-2])) % 10
    if check != right:
        raise ValueError(f"is mistyped: its last digit must be {right} for the others")
    return text


def _checked_gtin(text: str | None) -> str | None:
    return None if text is None else gtin_of(text)


def _checked_weight(grams: int | None) -> int | None:
    if grams is not None and not 0 <= grams <= MOST_GRAMS:
        raise ValueError(f"must be from 0 to {MOST_GRAMS}")
    return grams


def _checked_tax_class(text: str) -> str:
    if len(text) > LONGEST_TAX_CLASS or not _TAX_CLASS.fullmatch(text):
        instead = f"1 to {LONGEST_TAX_CLASS} lower-case letters and digits, with single hyphens within"
        raise ValueError(f"must be {instead}, such as {STANDARD} or reduced")
    return text


def _checked_exclusion(reason: str) -> str:
    if reason and reason not in list(Exclusion):
        raise ValueError(f"must be empty, or one of {', '.join(Exclusion)}")
    return reason


CHECKS: dict[str, Callable[[Any], Any]] = {
    "gtin": _checked_gtin,
    "weight_grams": _checked_weight,
    "tax_class": _checked_tax_class,
    "is_digital": bool,
    "withdrawal_excluded": _checked_exclusion,
}
"""What is checked of each of these members of a product; ValueError if it is wrong."""
