"""The tables of currencies, Kassa's and the sandbox's, against each other and against two well-kept libraries.

`iso4217` ships the maintenance agency's own list; `babel` has CLDR's, which counts the decimals that are in daily use.
A difference is either meant, and then it stands here with its reason, or it is a fault of ours.
"""

from datetime import date
from typing import Any

from babel.core import get_global
from babel.numbers import get_currency_precision, get_territory_currencies
from iso4217 import Currency

from kassa.kit import money
from kassa.sandbox import currencies as sandbox
from kassa.sandbox.errors import ApiError

OURS = money.EXPONENTS
SANDBOX = {code: sandbox.decimals(code) for code in sandbox.SUPPORTED}
ISO = {currency.code.lower(): currency.exponent for currency in Currency}

NOT_IN_USE = "CLDR counts no coins that are hardly used; Stripe is sent hundredths all the same (docs: currencies)"
AGAINST_CLDR = dict.fromkeys(
    ("afn", "all", "cop", "huf", "idr", "lak", "lbp", "mmk", "sos", "std", "yer"), NOT_IN_USE
) | {
    "isk": "Stripe is sent króna times 100 (docs: currencies, special cases)",
    "ugx": "Stripe is sent shillings times 100 (docs: currencies, special cases)",
}
AGAINST_ISO = {
    "isk": AGAINST_CLDR["isk"],
    "ugx": AGAINST_CLDR["ugx"],
    "mga": "ISO writes an ariary's five iraimbilanja as two decimals; Stripe takes whole ariary (docs: zero-decimal)",
    "bgn": "withdrawn on 2026-01-01; kept so that what was sold in it can be shown",
    "std": "ISO calls the dobra stn since 2018; Stripe's list has the old code",
}


def differing(ours: dict[str, int], theirs: dict[str, int | None]) -> set[str]:
    return {code for code, exponent in ours.items() if theirs.get(code) != exponent}


def test_the_decimals_are_isos_but_for_what_is_meant() -> None:
    assert differing(OURS, ISO) == {"mga", "bgn"}
    assert differing(SANDBOX, ISO) == {"isk", "mga", "std", "ugx"}
    assert differing(OURS, ISO) | differing(SANDBOX, ISO) == AGAINST_ISO.keys()


def test_the_decimals_are_cldrs_but_for_what_is_meant() -> None:
    cldr: dict[str, int | None] = {code: get_currency_precision(code.upper()) for code in SANDBOX.keys() | OURS.keys()}
    assert differing(OURS, cldr) == {"cop", "huf", "idr"}
    assert differing(OURS, cldr) | differing(SANDBOX, cldr) == AGAINST_CLDR.keys()


def test_what_is_withdrawn_is_said_to_be_so_since_the_right_day_and_nothing_else() -> None:
    assert OURS.keys() - ISO.keys() == money.WITHDRAWN.keys()
    assert SANDBOX.keys() - ISO.keys() == {"std"}
    rows = [(row["currency"].lower(), row["from"], row["to"]) for rows in _paid_with().values() for row in rows]
    in_use = {code for code, _, until in rows if until is None}
    assert OURS.keys() - in_use == money.WITHDRAWN.keys()
    for code, (since, successor) in money.WITHDRAWN.items():
        assert successor in in_use & OURS.keys()
        # Both may be taken for some weeks: what counts is since when cards are charged in the new one.
        places = [rows for rows in _paid_with().values() if code in {row["currency"].lower() for row in rows}]
        begins = {row["from"] for rows in places for row in rows if row["currency"].lower() == successor}
        assert {str(begin) for begin in begins} == {since}


def _paid_with() -> dict[str, list[dict[str, Any]]]:
    """What each country has paid with since the year 2000, as CLDR knows it: since when, and until when."""
    return {
        place: get_territory_currencies(place, date(2000, 1, 1), date(2100, 1, 1), include_details=True)
        for place in get_global("territory_currencies")
    }


def test_the_sandbox_takes_what_kassa_sells_in_and_counts_it_alike() -> None:
    in_use = OURS.keys() - money.WITHDRAWN.keys()
    assert in_use <= SANDBOX.keys()
    for code in in_use:
        assert 10 ** SANDBOX[code] == money.to_stripe(10 ** OURS[code], code), code


def test_kassa_and_the_sandbox_charge_between_the_same_bounds() -> None:
    around = {10**digits + step for digits in range(2, 13) for step in (-1, 0)}
    for code in OURS.keys() - money.WITHDRAWN.keys():
        for minor in (*range(60), *range(100, 18_000, 100), *around):
            amount = money.to_stripe(minor, code)
            if amount > money.maximum(code):
                assert not _takes_kassa(minor, code), (code, minor)
                continue
            # Below 50 the sandbox stands for the rate to the account's currency, which Kassa does not know.
            if amount >= 50 or code in ("gbp", "usd", "eur", "jpy"):
                assert _takes_kassa(minor, code) == _takes_sandbox(amount, code), (code, minor)


def _takes_kassa(minor: int, code: str) -> bool:
    try:
        money.chargeable(minor, code, 0)
    except money.InvalidMoney:
        return False
    return True


def _takes_sandbox(amount: int, code: str) -> bool:
    try:
        sandbox.check_total(amount, code, "amount")
    except ApiError:
        return False
    return True
