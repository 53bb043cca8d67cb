"""How money and times are written."""

from contextvars import copy_context
from datetime import UTC, datetime, timedelta

import pytest

from kassa.pages.formats import exact, major_text, money, relative
from kassa.pages.language import speak
from tests.pages.fake_shop import NOW


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (19998, "usd", "$199.98"),
        (124900, "usd", "$1,249.00"),
        (5, "eur", "€0.05"),
        (123456789, "gbp", "£1,234,567.89"),
        (500, "jpy", "¥500"),
        (1230, "bhd", "BHD\u00a01.230"),
        (1500, "chf", "CHF\u00a015.00"),
        (-250, "usd", "-$2.50"),
        (0, "usd", "$0.00"),
    ],
)
def test_money_in_english(minor: int, currency: str, text: str) -> None:
    assert money(minor, currency) == text


@pytest.mark.parametrize(
    ("locale", "text"),
    [("de", "1.249,50\u00a0€"), ("de-AT", "€\u00a01.249,50"), ("fr", "1\u202f249,50\u00a0€")],
)
def test_money_in_other_places(locale: str, text: str) -> None:
    def shown() -> str:
        speak(locale)
        return money(124950, "eur")

    assert copy_context().run(shown) == text


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(19998, "usd", "199.98"), (5, "usd", "0.05"), (500, "jpy", "500"), (10, "kwd", "0.010")],
)
def test_money_as_it_is_typed(minor: int, currency: str, text: str) -> None:
    assert major_text(minor, currency) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (-44, "just now"),
        (30, "in less than a minute"),
        (-60, "1 minute ago"),
        (29 * 60, "in 29 minutes"),
        (-3600 * 5, "5 hours ago"),
        (-86_400 * 3, "3 days ago"),
        (-86_400 * 60, "December 31, 2025"),
    ],
)
def test_times_are_told_from_now(seconds: int, text: str) -> None:
    assert relative(NOW + timedelta(seconds=seconds), NOW) == text


def test_the_exact_time_is_in_utc() -> None:
    assert exact(datetime(2026, 3, 1, 9, 5, 7, tzinfo=UTC)) == "March 1, 2026, 9:05:07\u202fAM UTC"
