"""Arithmetic with minor units: parts of an amount, and shares of it that add up to it exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

_HUNDRED = Decimal(100)


def percentage(amount: int, percent: Decimal, step: int) -> int:
    """So many per cent of an amount, rounded half up to a multiple of `step`."""
    return _rounded(amount * percent / _HUNDRED, step)


def contained(amount: int, percent: Decimal, step: int) -> int:
    """What of an amount is a tax of so many per cent that it already contains, rounded half up to `step`."""
    return min(amount, _rounded(amount * percent / (_HUNDRED + percent), step))


def shares(amount: int, parts: Sequence[int], step: int) -> list[int]:
    """`amount`, which is no more than all parts together, spread over them in proportion.

    The shares add up to `amount`, none is more than its part, and each is a multiple of `step` if the parts are. What
    rounding down leaves goes to those that lost most by it, the first of them first.
    """
    whole = sum(parts)
    if amount == whole:
        return list(parts)
    if any(value % step for value in (amount, *parts)):
        step = 1
    found = [amount * part // (whole * step) * step for part in parts]
    left = amount - sum(found)
    by_loss = sorted(range(len(parts)), key=lambda position: found[position] * whole - amount * parts[position])
    for position in by_loss[: left // step]:
        found[position] += step
    return found


def _rounded(value: Decimal, step: int) -> int:
    return int((value / step).to_integral_value(ROUND_HALF_UP)) * step
