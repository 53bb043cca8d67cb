"""How money, times and counts are written for people, and what they type as such."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from babel.numbers import get_currency_symbol

from kassa.kit.money import EXPONENTS, InvalidMoney, major, minor
from kassa.pages.language import Language, _, spoken

_TYPED = re.compile(r"[0-9]{1,15}([.,][0-9]{1,10})?")
_THOUSANDS_OR_DECIMALS = re.compile(r"[0-9]{1,3}[.,][0-9]{3}")


def money(minor: int, currency: str) -> str:
    """`money(19998, "usd")` is $199.98, and 199,98 $ for whoever reads German."""
    return _money(spoken(), minor, currency.lower())


@lru_cache(4096)  # A page of products has a hundred amounts, and many visitors.
def _money(language: Language, minor: int, currency: str) -> str:
    return language.formats.money(major_text(minor, currency), currency)


def major_text(minor: int, currency: str) -> str:
    """The amount as a person types it into a form and as the API accepts it: `199.98`."""
    return f"{major(minor, currency.lower()):f}"


def typed_amount(text: str, currency: str) -> int:
    """What a person types as an amount, in minor units: `1.50`, `1,50` or `1.50 $`. ValueError says what is wrong with
    it: 1,234 may be thousands or decimals, so it is not guessed."""
    symbol = get_currency_symbol(currency.upper(), "en")
    typed = text.strip().removeprefix(symbol).removesuffix(symbol).strip()
    example = major_text(1250, currency)
    if not _TYPED.fullmatch(typed):
        raise ValueError(f"Write the amount with digits, such as {example}.")
    if _THOUSANDS_OR_DECIMALS.fullmatch(typed) and EXPONENTS[currency] != 3:
        raise ValueError(f"This may be thousands or decimals. Write it such as {example}, without thousands marked.")
    try:
        units = minor(Decimal(typed.replace(",", ".")), currency)
    except InvalidMoney as error:
        raise ValueError(f"The amount {error}.") from error
    if units == 0:
        raise ValueError("The amount must be more than 0.")
    return units


def amount(value: Decimal, currency: str) -> str:
    """An amount in major units, such as an average, to the nearest minor unit. A currency that is not known here, as
    money that no order knows may be in, is written as it came."""
    if currency.lower() not in EXPONENTS:
        return f"{currency.upper()}\u00a0{value}"
    return money(int(value.scaleb(EXPONENTS[currency.lower()]).to_integral_value()), currency)


def count(number: int) -> str:
    """`count(1200)` is 1,200, or 1.200."""
    return spoken().formats.count(number)


def percent(value: Decimal) -> str:
    """`percent(Decimal("19.0"))` is 19%, or 19 %, with a blank that does not break."""
    return spoken().formats.percent(value)


def relative(at: datetime, now: datetime) -> str:
    """How long ago, or in how long: what a person wants to know before the exact time. The day, if it is far."""
    apart = at - now
    if abs(apart) < timedelta(seconds=45):
        return _("just now") if apart <= timedelta() else _("in less than a minute")
    if abs(apart) < timedelta(days=30):
        return spoken().formats.apart(apart)
    return day(at)


def exact(at: datetime) -> str:
    """A moment to the second, in UTC, and so said."""
    return spoken().formats.moment(at, "medium")


def minute(at: datetime) -> str:
    """A moment that must not be mistaken, without its seconds."""
    return spoken().formats.moment(at, "short")


def day(at: datetime | str) -> str:
    """The day alone, of a moment that is read or as the API writes it."""
    return spoken().formats.day(at if isinstance(at, str) else at.isoformat())


def clock(at: datetime) -> str:
    """The time of day; which day it is shows the relative time beside it."""
    return spoken().formats.clock(at)
