"""What a shopkeeper types about how the shop sells, and what the API takes."""

from typing import Any

import msgspec
import pytest

from kassa.pages.client import ApiProblem
from kassa.pages.selling_form import at_fields, body_of, values_of
from kassa.pages.selling_models import Method, Rate, Selling, Zone

KNOWN = Selling(currency="usd", zones=(Zone(id="home", name="Home"), Zone(id="far", name="Far")))


@pytest.mark.parametrize(
    ("part", "kind", "sent"),
    [
        ("zones", Zone, {"id": "home", "name": "Home", "places": [
            {"country": "US", "regions": ["CA", "OR"], "postalPrefixes": []},
            {"country": "DE", "regions": [], "postalPrefixes": ["26", "27"]},
            {"country": "*", "regions": [], "postalPrefixes": []},
        ]}),
        ("methods", Method, {"name": "Parcel", "kind": "delivery", "zone": "home", "price": "4.90", "freeFrom": "50",
                             "byWeight": [], "byValue": []}),
        ("methods", Method, {"name": "Heavy", "kind": "delivery", "zone": "home", "price": "0", "byWeight": [
            {"upTo": 1000, "price": "4.90"}, {"price": "9.90"}], "byValue": []}),
        ("methods", Method, {"name": "Here", "kind": "pickup", "price": "0", "byWeight": [], "byValue": []}),
        ("rates", Rate, {"name": "VAT", "country": "DE", "region": "", "percent": "8.875", "taxClass": "books",
                         "isIncluded": True}),
    ],
)  # fmt: skip
def test_what_is_shown_is_what_is_sent_again(part: str, kind: Any, sent: dict[str, Any]) -> None:
    one = msgspec.convert({"id": "x", **sent} if part == "methods" else sent, kind, strict=False)
    made = body_of(part, values_of(part, one), KNOWN, 0 if part == "zones" else None)
    if part == "methods":
        assert made.pop("id") == sent["name"].lower()
    assert made == sent


@pytest.mark.parametrize(
    ("typed", "countries"),
    [
        ("Germany", ["DE"]),
        ("Deutschland\nÖsterreich", ["DE", "AT"]),
        ("austria, Switzerland", ["AT", "CH"]),
        ("de, at", ["DE", "AT"]),
        ("United States: CA, OR", ["US"]),
        ("Germany; 26, 27", ["DE"]),
        ("*", ["*"]),
        ("Germania", ["GERMANIA"]),  # The API refuses it.
    ],
)
def test_a_country_is_typed_by_its_name_or_its_letters(typed: str, countries: list[str]) -> None:
    places = body_of("zones", {"name": "x", "places": typed}, KNOWN, None)["places"]
    assert [each["country"] for each in places] == countries


def test_what_is_told_of_a_field_ends_once() -> None:
    problem = ApiProblem(422, "validation_failed", errors={"zone": "Add a zone first.", "methods[0].price": "is dear"})
    assert at_fields(problem, "methods[0]") == {"zone": "Add a zone first.", "price": "It is dear."}


def test_a_new_one_has_an_id_that_tells_its_name_and_is_its_own() -> None:
    typed = {"name": "Über Föhr!", "places": "DE"}
    assert body_of("zones", typed, KNOWN, None)["id"] == "uber-fohr"
    assert body_of("zones", {**typed, "name": "Home"}, KNOWN, None)["id"] == "home-2"
    assert body_of("zones", {**typed, "name": "日本"}, KNOWN, None)["id"] == "one"
    assert body_of("zones", {**typed, "name": "Another"}, KNOWN, 1)["id"] == "far"


@pytest.mark.parametrize(
    ("part", "typed", "wrong"),
    [
        ("zones", {"name": "", "places": " "}, {"name", "places"}),
        ("methods", {"kind": "delivery", "price": "a lot", "byWeight": "4.90"}, {"zone", "price", "byWeight"}),
        ("methods", {"kind": "pickup", "byWeight": "0.5: 4.90", "byValue": "x: 1"}, {"byWeight", "byValue"}),
        ("rates", {"percent": "", "country": ""}, {"percent", "country"}),
    ],
)
def test_what_cannot_be_is_told_at_its_field(part: str, typed: dict[str, str], wrong: set[str]) -> None:
    with pytest.raises(ApiProblem) as refused:
        body_of(part, {**dict.fromkeys(values_of(part, None), ""), "name": "x", **typed}, KNOWN, None)
    assert set(refused.value.errors) == wrong


def test_what_the_api_says_stands_at_its_field() -> None:
    places = {"zones[2].places[0].country": "must be a country", "zones[2].places[3].regions": "'X' is none"}
    errors = {**places, "home": "must be one", "zones[2]": "is there twice"}
    told = at_fields(ApiProblem(422, "validation_failed", errors=errors), "zones[2]")
    lines = "Line 1: it must be a country. Line 4: 'X' is none."
    assert told == {"places": lines, "home": "It must be one.", "name": "It is there twice."}
