"""Money: an integer of minor units and a currency; exact decimals only at the edges.

The list of currencies is explicit: sources disagree on the exotic ones, and a wrong exponent
charges a hundredfold. A currency that is not here is refused.

Where not said otherwise the tables are those of Stripe's page docs.stripe.com/currencies, as it was in November 2026.
`tests/kit/test_currencies.py` holds them against ISO 4217 and CLDR, and lists each difference that is meant.
"""

from collections.abc import Sequence
from decimal import Context, Decimal, Inexact

import msgspec

from kassa.kit.clock import Millis, day_of

# The decimals of the currencies that Kassa sells, or has sold, in.
_ZERO = "bif clp djf gnf isk jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf"
_TWO = (
    "aed amd aud bam bgn brl cad chf cny cop czk dkk egp eur gbp gel hkd huf idr ils inr kes kzt mad mdl mxn myr "
    "ngn nok nzd pen php pln qar ron rsd sar sek sgd thb try twd uah usd uyu zar"
)
_THREE = "bhd jod kwd omr tnd"
EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_ZERO.split(), 0),
    **dict.fromkeys(_TWO.split(), 2),
    **dict.fromkeys(_THREE.split(), 3),
}

WITHDRAWN = {"bgn": ("2026-01-01", "eur")}
"""Currencies that nobody can pay in any more: since which day, and what has taken their place (ISO 4217, list three, of
January 2026). What was sold in one is still shown and accounted for."""

# ISK and UGX have no decimals but are sent as if they had two, ending in 00. HUF and TWD are the other way round, but
# for payouts alone, which Kassa does not make.
_SENT_TIMES_100 = frozenset({"isk", "ugx"})

# The default context rounds to 28 digits in silence: 1.0000000000000000000000000000001 would pass for 1.
_EXACT = Context(prec=80, traps=[Inexact])

STRIPE_MAXIMUM = 999_999_999_999
"""The most that a card can be charged in any currency: twelve digits, in Stripe's units. Stripe offers only methods
that take the amount."""
EVERY_METHODS_MAXIMUM = 99_999_999
"""What every method takes: eight digits, in Stripe's units (API reference: amount)."""

# Where eight digits are worth more than 90,000 US dollars (in November 2026) a shop needs no more: an amount beyond is
# rather a slip of the pen, and no method but a card would take it.
_EIGHT_DIGITS = (
    "aed aud bam bgn bhd brl cad chf clp cny djf dkk eur gbp gel hkd ils jod jpy kmf kwd mad myr nok nzd omr pen pln "
    "qar ron sar sek sgd usd vuv xaf xof xpf"
)
_LESS_THAN_CARDS = frozenset(_EIGHT_DIGITS.split())

# The minimum of a charge, in Stripe's units, where it is settled in its own currency. Where Stripe names none, or it is
# settled in another, the equivalent decides at the time of the charge, so that only zero can be refused here.
_STRIPE_MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "cop": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "idr": 50, "ils": 50, "inr": 50, "jpy": 50, "krw": 50, "mxn": 1000, "myr": 200,
    "nok": 300, "nzd": 50, "php": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "zar": 50,
}  # fmt: skip


class InvalidMoney(ValueError):
    """The amount or the currency cannot be used; the text says why and what would be right."""


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount: `minor` units (cents; yen; fils) of a lower-case ISO 4217 `currency`."""

    minor: int
    currency: str

    @property
    def major(self) -> Decimal:
        """The exact amount in major units with the currency's own number of decimals: 19998 cents are 199.98."""
        return major(self.minor, self.currency)


def known_currency(code: str) -> str:
    """The lower-case code, if Kassa sells in it, or has done so; else InvalidMoney."""
    currency = code.lower()
    if currency not in EXPONENTS:
        listed = " ".join(sorted(EXPONENTS.keys() - WITHDRAWN.keys()))
        raise InvalidMoney(f"currency {code!r} is not supported; use one of {listed}")
    return currency


def check_in_use(currency: str, now: Millis) -> None:
    """Return if people can pay in the currency at this time; else InvalidMoney, which names its successor."""
    since, successor = WITHDRAWN.get(currency, ("", ""))
    if since and day_of(now) >= since:
        raise InvalidMoney(f"{currency} was withdrawn on {since}, and nobody can pay in it; use {successor}")


def major(minor: int, currency: str) -> Decimal:
    """Minor units as an exact decimal in major units: (19998, usd) is 199.98, (500, jpy) is 500."""
    return Decimal(minor).scaleb(-EXPONENTS[currency], _EXACT)


def minor(amount: Decimal, currency: str) -> int:
    """An amount in major units as minor units; InvalidMoney if it has too many decimals or is no number."""
    if not amount.is_finite() or amount.adjusted() > 30:
        raise InvalidMoney("must be a finite decimal number of a sensible size")
    exponent = EXPONENTS[currency]
    try:
        units = amount.scaleb(exponent, _EXACT)
    except Inexact:
        units = None
    if units is None or units != units.to_integral_value():
        raise InvalidMoney(f"must have at most {exponent} decimals in {currency}")
    # Stripe docs, currencies: the last digit of a three-decimal amount must be 0.
    if exponent == 3 and int(units) % 10:
        raise InvalidMoney(f"must end in 0 at the third decimal in {currency}: card networks take no finer amounts")
    return int(units)


def to_stripe(minor: int, currency: str) -> int:
    """Minor units as the integer that Stripe wants for this currency."""
    return minor * 100 if currency in _SENT_TIMES_100 else minor


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's integer as minor units; InvalidMoney if it is no whole number of them."""
    if currency not in _SENT_TIMES_100:
        return amount
    if amount % 100:
        raise InvalidMoney(f"{amount} is no whole amount of {currency}")
    return amount // 100


def chargeable(minor: int, currency: str, now: Millis) -> None:
    """Return if Stripe would charge this total at this time; else InvalidMoney."""
    check_in_use(currency, now)
    amount = to_stripe(minor, currency)
    least = _STRIPE_MINIMUM.get(currency, 1)
    if amount < least:
        raise InvalidMoney(f"must be at least {major(from_stripe(least, currency), currency)} {currency}")
    if amount > maximum(currency):
        raise InvalidMoney(f"must be at most {most_major(currency)} {currency}")


def maximum(currency: str) -> int:
    """The most that Kassa charges in a currency, in Stripe's units."""
    return EVERY_METHODS_MAXIMUM if currency in _LESS_THAN_CARDS else STRIPE_MAXIMUM


def most_major(currency: str) -> Decimal:
    """The largest amount that can be charged, in major units."""
    return major(maximum(currency) // to_stripe(1, currency), currency)


def step(currency: str) -> int:
    """The least amount that can be paid, in minor units: a third decimal must be 0 (Stripe docs: currencies)."""
    return 10 if EXPONENTS[currency] == 3 else 1


def split(amount: int, weights: Sequence[int], unit: int) -> list[int]:
    """The amount in parts as the weights are to each other, in whole units: what is left over goes to those with the
    largest remainders, the first of equals. Amount and weights are multiples of the unit, and no part exceeds its
    weight if the amount does not exceed their sum."""
    total, units = sum(weights), amount // unit
    if not total:
        return [0] * len(weights)
    parts = [units * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: (-(units * weights[place] % total), place))
    for place in by_remainder[: units - sum(parts)]:
        parts[place] += 1
    return [part * unit for part in parts]
