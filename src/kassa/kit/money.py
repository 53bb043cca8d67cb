"""Money: an integer of minor units and a currency; exact decimals only at the edges.

The list of currencies is explicit: sources disagree on the exotic ones, and a wrong exponent
charges a hundredfold. A currency that is not here is refused.
"""

from decimal import Context, Decimal, Inexact

import msgspec

# ISO 4217 exponents of the currencies that Kassa sells in (Stripe docs: currencies).
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

# Stripe docs, currencies: ISK and UGX have no decimals but are sent as if they had two, ending in 00.
_SENT_TIMES_100 = frozenset({"isk", "ugx"})

# The default context rounds to 28 digits in silence: 1.0000000000000000000000000000001 would pass for 1.
_EXACT = Context(prec=80, traps=[Inexact])

STRIPE_MAXIMUM = 99_999_999

# Stripe docs, currencies: minimum charge amounts, in Stripe's units. Where Stripe names none, the equivalent of
# 0.50 USD decides at the time of the charge, so that only zero can be refused here.
_STRIPE_MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
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
    """The lower-case code, if Kassa sells in it; else InvalidMoney."""
    currency = code.lower()
    if currency not in EXPONENTS:
        raise InvalidMoney(f"currency {code!r} is not supported; use one of {' '.join(sorted(EXPONENTS))}")
    return currency


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


def chargeable(minor: int, currency: str) -> None:
    """Return if Stripe would charge this total; else InvalidMoney (Stripe docs: currencies)."""
    amount = to_stripe(minor, currency)
    least = _STRIPE_MINIMUM.get(currency, 1)
    if amount < least:
        raise InvalidMoney(f"must be at least {major(from_stripe(least, currency), currency)} {currency}")
    if amount > STRIPE_MAXIMUM:
        most = major(STRIPE_MAXIMUM // 100 if currency in _SENT_TIMES_100 else STRIPE_MAXIMUM, currency)
        raise InvalidMoney(f"must be at most {most} {currency}")
