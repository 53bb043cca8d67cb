"""Money is exact from the first digit on the wire to the last in the books."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kassa.kit.money import (
    EXPONENTS,
    STRIPE_MAXIMUM,
    InvalidMoney,
    Money,
    chargeable,
    from_stripe,
    known_currency,
    major,
    maximum,
    minor,
    to_stripe,
)
from kassa.kit.wire import decode, encode

CURRENCIES = st.sampled_from(sorted(EXPONENTS))
UNITS = st.integers(-(10**18), 10**18)


def payable(units: int, currency: str) -> int:
    """A three-decimal amount ends in 0: card networks take no finer ones."""
    return units * 10 if EXPONENTS[currency] == 3 else units


class Priced(msgspec.Struct, forbid_unknown_fields=True):
    price: Decimal


@given(UNITS, CURRENCIES)
def test_minor_units_come_back_from_major_ones(units: int, currency: str) -> None:
    amount = payable(units, currency)
    assert minor(major(amount, currency), currency) == amount


@given(UNITS, CURRENCIES)
def test_major_units_have_the_currencys_own_decimals(units: int, currency: str) -> None:
    assert -int(major(units, currency).as_tuple().exponent) == EXPONENTS[currency]
    assert Money(units, currency).major == major(units, currency)


@given(st.integers(0, 10**12), CURRENCIES, st.integers(1, 40))
@example(1, "usd", 30)
def test_one_decimal_too_many_is_refused_however_far_behind(units: int, currency: str, zeros: int) -> None:
    tail = "0" * zeros + "1"
    text = f"{units}." + "0" * EXPONENTS[currency] + tail
    with pytest.raises(InvalidMoney, match="decimals"):
        minor(Decimal(text), currency)


@given(UNITS, CURRENCIES, st.integers(0, 40))
def test_zeros_behind_the_last_decimal_do_no_harm(units: int, currency: str, zeros: int) -> None:
    amount = payable(units, currency)
    text = format(major(amount, currency), "f")
    text = text if "." in text else text + "."
    assert minor(Decimal(text + "0" * zeros), currency) == amount


@given(st.integers(10**25, 10**30), CURRENCIES)
def test_a_huge_amount_is_exact_or_refused_never_rounded(whole: int, currency: str) -> None:
    assert minor(Decimal(whole), currency) == whole * 10 ** EXPONENTS[currency]


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999", "1e-999999"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidMoney):
        minor(Decimal(text), "usd")


@pytest.mark.parametrize(
    ("text", "currency", "units"),
    [
        ("199.98", "usd", 19998),
        ("500", "jpy", 500),
        ("5e2", "jpy", 500),
        ("1.50", "kwd", 1500),
        ("0", "eur", 0),
        ("-0.01", "eur", -1),
        ("17.00", "isk", 17),
    ],
)
def test_amounts_of_every_kind_of_currency(text: str, currency: str, units: int) -> None:
    assert minor(Decimal(text), currency) == units


@pytest.mark.parametrize(("text", "currency"), [("0.001", "usd"), ("0.5", "jpy"), ("1.0001", "kwd"), ("1.005", "kwd")])
def test_amounts_that_no_card_can_be_charged_are_refused(text: str, currency: str) -> None:
    with pytest.raises(InvalidMoney):
        minor(Decimal(text), currency)


@given(UNITS, CURRENCIES)
def test_a_price_in_json_is_read_from_its_text(units: int, currency: str) -> None:
    amount = payable(units, currency)
    text = format(major(amount, currency), "f")
    for body in (f'{{"price": {text}}}', f'{{"price": "{text}"}}'):
        assert minor(decode(body.encode(), Priced).price, currency) == amount


@given(UNITS, CURRENCIES)
def test_a_price_in_json_is_written_as_an_exact_number(units: int, currency: str) -> None:
    price = major(units, currency)
    body = encode(Priced(price))
    assert body == f'{{"price":{price}}}'.encode()
    assert decode(body, Priced).price == price


@pytest.mark.parametrize("number", ["0.1", "1.1", "8.41", "4503599627370497.5", "0.30000000000000004", "9" * 40])
def test_a_number_never_passes_through_a_binary_float(number: str) -> None:
    assert str(decode(f'{{"price":{number}}}'.encode(), Priced).price) == number


@given(st.integers(0, 10**9), CURRENCIES)
def test_stripes_amount_comes_back(units: int, currency: str) -> None:
    assert from_stripe(to_stripe(units, currency), currency) == units


def test_stripe_wants_two_decimals_of_crowns_that_have_none() -> None:
    assert to_stripe(1700, "isk") == 170_000
    assert to_stripe(1700, "jpy") == 1700
    with pytest.raises(InvalidMoney):
        from_stripe(170_050, "isk")


@given(CURRENCIES, st.data())
def test_what_is_chargeable_lies_between_stripes_bounds(currency: str, data: st.DataObject) -> None:
    units = data.draw(st.integers(-10, STRIPE_MAXIMUM * 2))
    amount = to_stripe(units, currency)
    try:
        chargeable(units, currency, 0)
    except InvalidMoney:
        assert amount < 20_000 or amount > maximum(currency)
    else:
        assert 1 <= amount <= maximum(currency) <= STRIPE_MAXIMUM


@pytest.mark.parametrize(("currency", "least"), [("usd", 50), ("jpy", 50), ("gbp", 30), ("huf", 17_500), ("kwd", 1)])
def test_the_bounds_themselves_can_be_charged(currency: str, least: int) -> None:
    chargeable(least, currency, 0)
    chargeable(maximum(currency), currency, 0)
    with pytest.raises(InvalidMoney, match="at least"):
        chargeable(least - 1, currency, 0)
    with pytest.raises(InvalidMoney, match="at most"):
        chargeable(maximum(currency) + 1, currency, 0)


def test_a_currency_is_known_in_any_case_or_refused() -> None:
    assert known_currency("EUR") == "eur"
    with pytest.raises(InvalidMoney, match="doge"):
        known_currency("doge")


@pytest.mark.parametrize(("currency", "largest"), [("idr", "9999999999.99"), ("isk", "9999999999"), ("vnd", "9" * 12)])
def test_a_currency_of_small_units_is_charged_as_much_as_cards_are(currency: str, largest: str) -> None:
    units = minor(Decimal(largest), currency)
    chargeable(units, currency, 0)
    with pytest.raises(InvalidMoney, match=f"at most {largest} {currency}"):
        chargeable(units + 1, currency, 0)


def test_a_withdrawn_currency_is_charged_until_its_last_day_and_shown_for_ever() -> None:
    last = 1_767_225_600_000 - 1  # 2025-12-31T23:59:59.999Z
    chargeable(100, "bgn", last)
    with pytest.raises(InvalidMoney, match="bgn was withdrawn on 2026-01-01, and nobody can pay in it; use eur"):
        chargeable(100, "bgn", last + 1)
    assert known_currency("BGN") == "bgn"
    assert str(major(1999, "bgn")) == "19.99"
    with pytest.raises(InvalidMoney) as caught:
        known_currency("doge")
    assert "bgn" not in str(caught.value)
