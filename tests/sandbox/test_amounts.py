"""Sums are exact: whatever the lines, the discount, the shipping and the currency are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.sandbox.amounts import contained, percentage, shares
from kassa.sandbox.currencies import step_of
from kassa.sandbox.reckoning import breakdown, reckon, with_parts
from kassa.sandbox.taxes import PENDING

CURRENCIES = ["usd", "jpy", "kwd", "isk", "ugx"]
"""Two, no and three decimals, and the two that are sent times 100."""


def session_of(subtotals: list[int], currency: str, **extras: Any) -> tuple[Any, Any]:
    """A session over lines of these amounts, before anything is reckoned, and its private part."""
    behaviors = ["exclusive", "inclusive", "unspecified"]
    items = [
        {
            "id": f"li_{at}",
            "amount_subtotal": each,
            "amount_discount": 0,
            "amount_tax": 0,
            "amount_total": each,
            "currency": currency,
            "price": {"tax_behavior": behaviors[at % 3]},
        }
        for at, each in enumerate(subtotals)
    ]
    session = {"amount_subtotal": sum(subtotals), "currency": currency, "automatic_tax": PENDING}
    none = {
        "behavior": "exclusive",
        "chosen": 0,
        "coupon": None,
        "discount": None,
        "rates": [],
        "tax": None,
        "own_rates": {},
    }
    return session, {"line_items": items, "extras": {**none, "untaxed": ["li_1"], **extras}}


def tax_of(percent: Decimal) -> Any:
    rates = {
        behavior: {"id": behavior, "percentage": float(percent), "inclusive": behavior == "inclusive"}
        for behavior in ("exclusive", "inclusive")
    }
    return {"rates": rates, "reason": "standard_rated"}


def coupon_of(amount: int | None, percent: float | None) -> Any:
    coupon = {"id": "TEN", "amount_off": amount, "percent_off": percent}
    return {"coupon": coupon, "discount": {"source": {"coupon": "TEN", "type": "coupon"}}}


@given(
    st.sampled_from(CURRENCIES),
    st.lists(st.integers(0, 10**7), min_size=1, max_size=20),
    st.one_of(st.integers(1, 10**8), st.decimals(Decimal("0.01"), 100, places=2)),
    st.lists(st.integers(0, 10**5), max_size=1),
    st.one_of(st.none(), st.decimals(0, 100, places=3)),
    st.sampled_from(["exclusive", "inclusive", "unspecified"]),
)
def test_the_lines_add_up_to_the_session_in_every_currency(
    currency: str,
    units: list[int],
    off: int | Decimal,
    shipping: list[int],
    percent: Decimal | None,
    behavior: str,
) -> None:
    step = step_of(currency)
    worth = coupon_of(off * step, None) if isinstance(off, int) else coupon_of(None, float(off))
    rates = [
        {"id": "shr_1", "fixed_amount": {"amount": amount * step}, "tax_behavior": behavior, "tax_code": None}
        for amount in shipping
    ]
    tax = None if percent is None else tax_of(percent)
    given = session_of([unit * step for unit in units], currency, **worth, rates=rates, tax=tax)
    session, private = reckon(*given)
    items, details, cost = private["line_items"], session["total_details"], session["shipping_cost"]
    parts = breakdown(session, private)["taxes"]
    on_top = sum(part["amount"] for part in parts if not part["rate"]["inclusive"])
    assert session["amount_total"] == (
        session["amount_subtotal"] - details["amount_discount"] + details["amount_shipping"] + on_top
    )
    of_shipping = cost or {"amount_tax": 0, "amount_total": 0}
    assert sum(item["amount_total"] for item in items) + of_shipping["amount_total"] == session["amount_total"]
    assert sum(item["amount_tax"] for item in items) + of_shipping["amount_tax"] == details["amount_tax"]
    assert sum(part["amount"] for part in parts) == details["amount_tax"]
    assert sum(item["amount_discount"] for item in items) == details["amount_discount"]
    for item in items:
        assert 0 <= item["amount_discount"] <= item["amount_subtotal"]
        paid = item["amount_subtotal"] - item["amount_discount"]
        assert item["amount_total"] - paid in (0, item["amount_tax"])
        assert item["amount_total"] % step == item["amount_tax"] % step == 0
        for part in with_parts(item, private, ["taxes"])["taxes"]:
            net = paid - (part["amount"] if part["rate"]["inclusive"] else 0)
            assert part["taxable_amount"] in (0, net)
            assert part["amount"] == item["amount_tax"] <= paid
    assert details["amount_discount"] <= session["amount_subtotal"] == sum(units) * step
    assert details["amount_shipping"] == sum(shipping) * step


@given(
    st.lists(st.integers(0, 999), min_size=1, max_size=9).flatmap(
        lambda parts: st.tuples(st.just(parts), st.integers(0, sum(parts)))
    ),
    st.sampled_from([1, 10, 100]),
)
def test_shares_add_up_and_none_is_more_than_its_part(asked: tuple[list[int], int], step: int) -> None:
    parts, amount = asked
    found = shares(amount, parts, step)
    assert sum(found) == amount
    assert all(0 <= share <= part for share, part in zip(found, parts, strict=True))


@pytest.mark.parametrize(
    ("amount", "parts", "step", "shared"),
    [
        (1000, [3000, 1000], 1, [750, 250]),
        (100, [100, 100, 100], 1, [34, 33, 33]),
        (1, [500, 1500], 1, [0, 1]),
        (0, [5, 5], 1, [0, 0]),
        (300, [100, 100, 100], 100, [100, 100, 100]),
        (200, [100, 100, 100], 100, [100, 100, 0]),
        (20, [10, 50, 60], 10, [0, 10, 10]),
    ],
)
def test_an_amount_is_shared_in_proportion(amount: int, parts: list[int], step: int, shared: list[int]) -> None:
    assert shares(amount, parts, step) == shared


@pytest.mark.parametrize(
    ("amount", "percent", "step", "on_top", "inside"),
    [
        (1000, "19", 1, 190, 160),
        (1999, "7.25", 1, 145, 135),
        (50, "5", 1, 3, 2),
        (70_000, "24", 100, 16_800, 13_500),
        (1250, "10", 10, 130, 110),
        (0, "19", 1, 0, 0),
    ],
)
def test_parts_of_an_amount_are_rounded_half_up_to_what_the_currency_has(
    amount: int, percent: str, step: int, on_top: int, inside: int
) -> None:
    assert percentage(amount, Decimal(percent), step) == on_top
    assert contained(amount, Decimal(percent), step) == inside
