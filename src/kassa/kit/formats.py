"""Money, shares, countries and times as a language writes them (Unicode CLDR, by Babel). Imported where something is
written: it takes a moment."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import babel
import babel.dates
import babel.numbers

_TOUCHING = re.compile(r"(?<=[A-Z]{3})(?=\d)")


class Formats:
    """Those of one language."""

    def __init__(self, locale: str) -> None:
        self._locale = babel.Locale.parse(locale, sep="-")

    def money(self, amount: Any, currency: str) -> str:
        """An amount in major units."""
        text = babel.numbers.format_currency(
            Decimal(str(amount)), currency.upper(), locale=self._locale, decimal_quantization=False
        )
        # CLDR wants a space between letters and digits (TR35, currencySpacing), which Babel leaves out.
        return _TOUCHING.sub("\xa0", text)

    def count(self, number: int) -> str:
        """A whole number, with its thousands marked."""
        return babel.numbers.format_decimal(number, locale=self._locale)

    def percent(self, percent: Any) -> str:
        """19 is 19 %."""
        share = Decimal(str(percent)) / 100
        return babel.numbers.format_percent(share, locale=self._locale, decimal_quantization=False)

    def country(self, code: str) -> str:
        """A country's name; its code (ISO 3166-1), if there is none."""
        return str(self._locale.territories.get(code, code))

    def day(self, rfc3339: str) -> str:
        """The day of a time, in UTC."""
        return babel.dates.format_date(datetime.fromisoformat(rfc3339).astimezone(UTC), "long", locale=self._locale)

    def time(self, rfc3339: str) -> str:
        """A time, in UTC, and so said."""
        return self.moment(datetime.fromisoformat(rfc3339))

    def moment(self, at: datetime, precision: Literal["short", "medium"] = "short") -> str:
        """Its day and its time, to the minute or (`medium`) to the second; in UTC, and so said."""
        return f"{self.day(at.isoformat())}, {self.clock(at, precision)}"

    def clock(self, at: datetime, precision: Literal["short", "medium"] = "short") -> str:
        """The time of day, in UTC, and so said."""
        return f"{babel.dates.format_time(at.astimezone(UTC), precision, locale=self._locale)} UTC"

    def apart(self, delta: timedelta) -> str:
        """How long ago, or in how long."""
        # Hours up to a whole day, and days up to a month: Babel would call 21 hours a day, and 9 days a week.
        threshold = 5 if abs(delta) >= timedelta(days=7) else 1
        return babel.dates.format_timedelta(delta, threshold=threshold, add_direction=True, locale=self._locale)
