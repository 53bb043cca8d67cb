"""Currencies: which ones, their decimals, the smallest and largest charge, and how an amount is shown.

All amounts are the integers that Stripe is sent. The tables are those of docs.stripe.com/currencies, as it was in
November 2026. The kuna (2023), the guilder of the Antilles (2025) and the lev (2026) are withdrawn and gone from it.
`tests/kit/test_currencies.py` holds the tables against ISO 4217 and CLDR, and lists each difference that is meant.
"""

from __future__ import annotations

from kassa.sandbox.errors import ApiError
from kassa.sandbox.params import words

SUPPORTED = words(
    """usd aed afn all amd aoa ars aud awg azn bam bbd bdt bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf
    clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr
    ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr
    mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd
    shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar
    zmw"""
)
ZERO_DECIMAL = words("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
THREE_DECIMAL = words("bhd jod kwd omr tnd")
SENT_TIMES_HUNDRED = frozenset({"isk", "ugx"})
"""Without decimals, yet sent times 100: the last two digits must be 0."""

LARGEST = 999_999_999_999
"""The largest charge by card."""
_LARGEST_OTHERWISE = {"cop": 9_999_999_999, "idr": 999_999_999_999, "inr": 999_999_999}
_SMALLEST = {
    "aed": 200, "ars": 50, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "cop": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "idr": 50, "ils": 50, "inr": 50, "jpy": 50, "krw": 50, "mxn": 1000,
    "myr": 200, "nok": 300, "nzd": 50, "php": 50, "pln": 200, "ron": 200, "rub": 50, "sek": 300, "sgd": 50,
    "thb": 1000, "usd": 50, "zar": 50,
}  # fmt: skip
_SYMBOLS = {
    "usd": "$",
    "eur": "€",
    "gbp": "£",
    "jpy": "¥",
    "inr": "₹",
    "krw": "₩",
    "brl": "R$",
    "cad": "CA$",
    "aud": "A$",
}


def decimals(currency: str) -> int:
    """How many digits of an amount stand behind the point."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def show(amount: int, currency: str) -> str:
    """An amount for people: `$1,234.50`, `¥500`, `KWD 1.250`, `ISK 500`."""
    places = decimals(currency)
    whole, part = divmod(abs(amount), 10**places)
    hides_part = places == 0 or currency in SENT_TIMES_HUNDRED
    number = f"{whole:,}" if hides_part else f"{whole:,}.{part:0{places}d}"
    symbol = _SYMBOLS.get(currency)
    text = f"{symbol}{number}" if symbol else f"{currency.upper()} {number}"
    return f"-{text}" if amount < 0 else text


def check_currency(currency: str, param: str) -> str:
    """The currency in lower case; refused when Stripe does not take it."""
    lower = currency.lower()
    if lower not in SUPPORTED:
        raise ApiError(f"Invalid currency: {lower}. See the list of supported currencies.", param=param)
    return lower


def largest(currency: str, method: str) -> int:
    """The largest charge by a type of payment method."""
    return LARGEST if method == "card" else _LARGEST_OTHERWISE.get(currency, 99_999_999)


def step_of(currency: str) -> int:
    """The smallest difference between two amounts: the last digits of some currencies are always 0."""
    return 10 if currency in THREE_DECIMAL else 100 if currency in SENT_TIMES_HUNDRED else 1


def check_digits(amount: int, currency: str, param: str) -> None:
    """Refuse an amount whose last digits the currency cannot carry."""
    step = step_of(currency)
    if amount % step:
        raise ApiError(f"Invalid amount for {currency}: it must be divisible by {step}.", param=param)


def check_total(amount: int, currency: str, param: str, name: str = "The Checkout Session's total amount") -> None:
    """Refuse a total outside what Stripe charges: 50 US cents or the like, to twelve digits."""
    if amount > LARGEST:
        text = f"{name} must be no more than {show(LARGEST, currency)}."
        raise ApiError(text, code="amount_too_large", param=param)
    smallest = _SMALLEST.get(currency, 50)
    if amount < smallest:
        text = f"{name} must be at least {show(smallest, currency)}."
        raise ApiError(text, code="amount_too_small", param=param)
