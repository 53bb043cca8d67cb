"""How money, times and counts are written for people, and what they type as such."""

import re
from datetime import UTC, datetime
from decimal import Decimal

from kassa.kit.money import EXPONENTS, InvalidMoney, major, minor
from kassa.kit.text import counted

_SYMBOLS = {
    "usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹", "krw": "₩", "ils": "₪", "vnd": "₫", "php": "₱",
    "uah": "₴", "ngn": "₦", "cad": "CA$", "aud": "A$", "nzd": "NZ$", "hkd": "HK$", "sgd": "S$", "twd": "NT$",
    "brl": "R$", "mxn": "MX$", "cny": "CN¥",
}  # fmt: skip
_TYPED = re.compile(r"[0-9]{1,15}([.,][0-9]{1,10})?")
_THOUSANDS_OR_DECIMALS = re.compile(r"[0-9]{1,3}[.,][0-9]{3}")
# Language: what groups thousands, what marks decimals, whether the symbol comes after the number.
_LOCALES = {
    "en": (",", ".", False),
    "ja": (",", ".", False),
    "de": (".", ",", True),
    "es": (".", ",", True),
    "it": (".", ",", True),
    "nl": (".", ",", False),
    "fr": ("\u202f", ",", True),
    "sv": ("\u202f", ",", True),
    "pl": ("\u202f", ",", True),
}


def money(minor: int, currency: str, locale: str = "en") -> str:
    """`money(19998, "usd")` is $199.98, `money(500, "jpy")` ¥500, `money(1230, "bhd")` BHD 1.230."""
    group, mark, is_after = _LOCALES.get(locale.replace("_", "-").split("-")[0].lower(), _LOCALES["en"])
    whole, _, fraction = major_text(abs(minor), currency).partition(".")
    number = f"{int(whole):,}".replace(",", group) + (mark + fraction if fraction else "")
    sign = "\u2212" if minor < 0 else ""
    symbol = _SYMBOLS.get(currency.lower(), currency.upper())
    if is_after:
        return f"{sign}{number}\u00a0{symbol}"
    return f"{sign}{symbol}\u00a0{number}" if symbol.isalpha() or group == "." else f"{sign}{symbol}{number}"


def major_text(minor: int, currency: str) -> str:
    """The amount as a person types it into a form and as the API accepts it: `199.98`."""
    return f"{major(minor, currency.lower()):f}"


def typed_amount(text: str, currency: str) -> int:
    """What a person types as an amount, in minor units: `1.50`, `1,50` or `1.50 $`. ValueError says what is wrong with
    it: 1,234 may be thousands or decimals, so it is not guessed."""
    typed = text.strip().removeprefix(_SYMBOLS.get(currency, "")).removesuffix(_SYMBOLS.get(currency, "")).strip()
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


def amount(value: Decimal, currency: str, locale: str = "en") -> str:
    """An amount in major units, such as an average, to the nearest minor unit. A currency that is not known here, as
    money that no order knows may be in, is written as it came."""
    if currency.lower() not in EXPONENTS:
        return f"{currency.upper()}\u00a0{value}"
    return money(int(value.scaleb(EXPONENTS[currency.lower()]).to_integral_value()), currency, locale)


def percent(value: Decimal) -> str:
    """`percent(Decimal("19.0"))` is 19 %, with a blank that does not break."""
    return f"{value.normalize():f}\u00a0%"


def relative(at: datetime, now: datetime) -> str:
    """How long ago, or in how long: what a person wants to know before the exact time."""
    seconds = round((at - now).total_seconds())
    size = abs(seconds)
    if size < 45:
        return "just now" if seconds <= 0 else "in less than a minute"
    for unit, length, limit in (("minute", 60, 3600), ("hour", 3600, 86_400), ("day", 86_400, 30 * 86_400)):
        if size < limit:
            count = max(1, round(size / length))
            words = counted(count, unit)
            return f"in {words}" if seconds > 0 else f"{words} ago"
    return f"{at.day} {at:%B %Y}"


def exact(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M:%S} UTC"


def minute(at: datetime) -> str:
    """A moment that must not be mistaken, without its seconds."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def day(at: datetime | str) -> str:
    """The day alone, of a moment that is read or as the API writes it."""
    at = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)
    return f"{at.day} {at:%B %Y}"


def clock(at: datetime) -> str:
    """The time of day; which day it is shows the relative time beside it."""
    return f"{at.astimezone(UTC):%H:%M} UTC"
