"""No visitor reads what the API says to programs: each of its refusals that a page can show has words of the pages'."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kassa.app.web import HANDLERS
from kassa.auth import weak
from kassa.auth.domain import checked_name
from kassa.contracts.parts import Address
from kassa.gateway.description import described
from kassa.kit.access import ACCESS
from kassa.kit.email import normalised_email
from kassa.kit.problem import Invalid
from kassa.kit.web import PROBLEM_JSON
from kassa.order import discounts, quoting
from kassa.order.destination import checked
from kassa.pages import told
from kassa.pages.checkout_form import NOT_VALID
from kassa.pages.client import ApiProblem
from kassa.pages.language import speak

BY_STATUS = {"unauthenticated", "invalid_refresh_token", "not_found", "unknown_stock", "too_many_requests"}
"""What pages do not tell but act on: they ask for a log-in, say that there is no such page, or when to try again."""
OF_STRIPE = {"invalid_signature", "unreadable_event"}
HOME = {"name": "Ada", "lines": ("Markt 1",), "city": "Oldenburg", "region": ""}


def _refused_to_visitors() -> Iterator[str]:
    paths = described([handler for handlers in HANDLERS.values() for handler in handlers])["paths"]
    for name, access in ACCESS.items():
        verb, path = name.split()
        if access.is_open or access.is_own or access.is_guests:
            for status, answer in paths[path][verb.lower()]["responses"].items():
                yield from answer["content"][PROBLEM_JSON]["examples"] if "400" <= status < "500" else ()


def test_each_refusal_of_what_visitors_may_ask_has_words() -> None:
    codes = set(_refused_to_visitors())
    assert len(codes) > 30
    assert codes - BY_STATUS - OF_STRIPE - told.PROBLEMS.keys() == set()
    assert told.PROBLEMS.keys() - codes - {"forbidden"} == set(), "nobody is refused that"


@pytest.mark.parametrize(
    ("check", "given"),
    [
        (normalised_email, "nobody"),
        (normalised_email, f"{'a' * 300}@shop.example"),
        (checked_name, "x" * 500),
        (lambda text: weak.checked(text, "ada@shop.example"), "short"),
        (lambda text: weak.checked(text, "ada@shop.example"), "a   b    c"),
        (lambda text: weak.checked(text, "ada@shop.example"), "x" * 5000),
        (lambda text: weak.checked(text, "ada@shop.example"), "password1"),
        (lambda text: weak.checked(text, "ada@shop.example"), "abababababab"),
        (lambda text: weak.checked(text, "lovelace@shop.example"), "lovelace1"),
        (lambda text: checked(Address(country=text, **HOME)), "ZZ"),  # type: ignore[arg-type]
        (lambda text: checked(Address(country="DE", postal_code=text, **HOME)), "99"),  # type: ignore[arg-type]
        (lambda text: checked(Address(country="DE", postal_code=text, **HOME)), "٢٦١٣٣"),  # type: ignore[arg-type]
        (lambda text: checked(Address("Ada", "DE", ("Markt 1",), text, "", "26133")), "x" * 500),
        (lambda text: checked(Address("Ada", "DE", ("Markt 1",), text, "", "26133")), "Olden\x00burg"),
        (lambda text: checked(Address("Ada", "DE", (text,) * 9, "Oldenburg", "", "26133")), "Markt 1"),
        (lambda text: checked(Address("Ada", "US", ("1 Main St",), "Reno", text, "89501")), "Nowhere"),
        (lambda text: checked(Address("Ada", "DE", ("Markt 1",), text, "", "26133")), ""),
        (lambda text: checked(Address(text, "DE", ("Markt 1",), "Oldenburg", "", "26133")), ""),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_words_of_its_own(check: Callable[[str], Any], given: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(given)
    for error in refused.value.errors:
        english = told.wrong(error.message)
        assert english not in (told.ANY_FIELD, error.message)
        speak("de")
        try:
            german = told.wrong(error.message)
        finally:
            speak("en")
        assert german.startswith(("Bitte", "Diese", "Das")), german


def test_what_is_not_known_is_told_in_general_words_and_never_in_the_api_s() -> None:
    speak("de")
    try:
        odd = ApiProblem(422, "new_code", "the flux is out of order", {"flux": "is out of order"})
        assert told.refusal(odd).startswith("Das hat nicht geklappt.")
        assert told.wrong_fields(odd)["flux"].startswith("Bitte prüfen Sie diese Angabe")
    finally:
        speak("en")


def test_why_a_code_does_not_apply_is_told_for_each_reason_there_is() -> None:
    given = re.findall(r'return "([^"]+)"', inspect.getsource(discounts.lacking))
    given += re.findall(r'raise DiscountRefused\(.+, "([^"]+)"\)', inspect.getsource(quoting))
    assert len(given) >= 6
    assert {each for each in given if not any(each.startswith(known) for known in NOT_VALID)} == set()
