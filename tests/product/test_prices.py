"""The prior price of a reduction, against a reckoning that is slow and plain: day by day."""

from decimal import Decimal
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.kit.audit import Cause
from kassa.kit.clock import DAY, HOUR, Millis
from kassa.kit.money import major
from kassa.product.domain import Product, checked, edited, entered, made
from kassa.product.prices import PriceChange, at_odds, in_order, lowest

NOW = 1000 * DAY


class Set(NamedTuple):
    """A price that somebody sets, some days after the last one; with `above`, so much less than its regular price."""

    days: int
    price: int
    above: int | None


SETS = st.lists(
    st.builds(Set, st.integers(1, 25), st.integers(1, 40), st.none() | st.integers(1, 9)), min_size=1, max_size=12
)


def history(*priced: tuple[Millis, int]) -> list[PriceChange]:
    """Entries of one product: since when it cost how much."""
    return [
        PriceChange(
            id=f"prd_1:{number:010d}",
            product_id="prd_1",
            price_minor=price,
            compare_at_minor=None,
            currency="usd",
            at=at,
            who="usr_1",
        )
        for number, (at, price) in enumerate(priced)
    ]


def in_force(history: list[tuple[Millis, int]], at: Millis) -> int | None:
    """What it cost at this moment."""
    return next((price for since, price in reversed(history) if since <= at), None)


def slowly(history: list[tuple[Millis, int]], before: Millis) -> int | None:
    """The lowest price of each of the 30 days before; prices change at midnight."""
    each_day = (in_force(history, before - days * DAY) for days in range(1, 31))
    return min((price for price in each_day if price is not None), default=None)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 99)), unique_by=lambda each: each[0]))
def test_the_lowest_price_is_that_of_a_reckoning_day_by_day(priced: list[tuple[int, int]]) -> None:
    since = sorted((NOW - days * DAY, price) for days, price in priced)
    assert lowest(history(*since), NOW) == slowly(since, NOW)


@pytest.mark.parametrize("currency", ["jpy", "usd", "kwd"])
@given(sets=SETS)
def test_a_reduction_keeps_the_prior_price_of_its_beginning(currency: str, sets: list[Set]) -> None:
    product: Product | None = None
    known: list[tuple[Millis, int]] = []
    expected: int | None = None
    now = NOW
    for each in sets:
        now += each.days * DAY
        price, compare_at = each.price * 10, None if each.above is None else (each.price + each.above) * 10
        product, was = changed(product, price, compare_at, currency, now), product
        if compare_at is None:
            expected = None
        elif was is None or was.compare_at_minor is None or price > was.price_minor:
            expected = slowly(known, now)
        known.append((now, price))
        assert (product.compare_at_minor, product.prior_minor) == (compare_at, expected)
        assert (product.reduced_since is None) == (compare_at is None)
    assert product is not None
    assert [(change.price_minor, change.currency) for change in entered(product)] == distinct(sets, currency)


def changed(product: Product | None, price: int, compare_at: int | None, currency: str, now: Millis) -> Product:
    """A product with these prices, as somebody gives them in major units; a new one if there is none."""
    prices = {"price": major(price, currency), "compare_at_price": compare_at and major(compare_at, currency)}
    good, errors = checked(prices | {"name": "Mug", "description": "", "category": "x"}, currency)
    assert errors == []
    cause = Cause("req_1", "usr_1")
    return made("prd_1", good, cause, now) if product is None else edited(product, good, cause, now)


def distinct(sets: list[Set], currency: str) -> list[tuple[int, str]]:
    """What is entered of them: not what changes nothing."""
    news = [each for number, each in enumerate(sets) if number == 0 or each[1:] != sets[number - 1][1:]]
    return [(each.price * 10, currency) for each in news]


def test_the_price_in_force_when_the_30_days_begin_counts_and_the_one_before_does_not() -> None:
    year_ago, opened = NOW - 365 * DAY, NOW - 30 * DAY
    assert lowest(history((year_ago, 500), (opened + 1, 900)), NOW) == 500
    assert lowest(history((year_ago, 500), (opened, 900)), NOW) == 900


def test_of_goods_that_are_new_it_is_the_lowest_since_they_were_first_sold() -> None:
    assert lowest(history((NOW - 2 * DAY, 900), (NOW - DAY, 800), (NOW - HOUR, 900)), NOW) == 800
    assert lowest([], NOW) is None


def test_what_was_stored_and_what_is_still_to_be_stored_are_one_history() -> None:
    stored, waiting = history((1, 5), (2, 6)), history((1, 5), (2, 6), (3, 7))
    assert in_order(reversed(stored), waiting[1:]) == waiting


def test_at_a_higher_price_it_is_another_reduction_and_the_lower_one_counts() -> None:
    """Otherwise a price could go up and down for years, each time from the price of the first day."""
    product = changed(None, 2000, None, "usd", NOW)
    for days, price, prior in ((40, 1500, 2000), (41, 1200, 2000), (42, 1600, 1200), (43, 1100, 1200)):
        product = changed(product, price, 2000, "usd", NOW + days * DAY)
        assert product.prior_minor == prior
    assert product.reduced_since == NOW + 42 * DAY


def test_what_was_never_sold_at_another_price_has_no_prior_one() -> None:
    product = changed(None, 1500, 2000, "usd", NOW)
    assert (product.reduced_since, product.prior_minor) == (NOW, None)


def test_a_product_of_a_former_release_brings_its_price_along() -> None:
    former = b"""{"id":"prd_1","version":3,"name":"Mug","description":"","price_minor":2000,"currency":"usd",
        "category":"x","images":[],"search":"mug","created_at":5,"updated_at":7,"is_active":true}"""
    product = msgspec.json.decode(former, type=Product)
    assert (product.compare_at_minor, product.prior_minor, entered(product)) == (None, None, [])

    product = changed(product, 1500, 2000, "usd", NOW)

    assert [(each.at, each.price_minor, each.who) for each in entered(product)] == [
        (7, 2000, "product"),
        (NOW, 1500, "usr_1"),
    ]
    assert product.prior_minor == 2000
    assert len({each.id for each in entered(product)}) == 2


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"compare_at_price": Decimal(15)}, "compareAtPrice"),
        ({"price": Decimal(20), "compare_at_price": Decimal(20)}, "compareAtPrice"),
        ({"price": Decimal(30)}, "price"),
        ({"price": Decimal(20)}, "price"),
        ({"price": Decimal(30), "compare_at_price": None}, ""),
        ({"price": Decimal(30), "compare_at_price": Decimal(31)}, ""),
        ({"price": Decimal("19.99")}, ""),
        ({"compare_at_price": None}, ""),
        ({"name": "Cup"}, ""),
    ],
)
def test_a_price_to_compare_at_is_above_the_price(given: dict[str, Decimal | None], wrong: str) -> None:
    product = changed(None, 1500, 2000, "usd", NOW)
    good, errors = checked(given, "usd")
    assert [error.field for error in errors or at_odds(product, good)] == ([wrong] if wrong else [])
