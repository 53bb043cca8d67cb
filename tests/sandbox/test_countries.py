"""The sandbox's countries are Stripe's, and their names CLDR's."""

from __future__ import annotations

from babel import Locale

from kassa.sandbox import countries
from tests.sandbox import stripe_api


def test_the_countries_are_those_that_stripe_ships_to_and_their_names_are_cldrs() -> None:
    choices = dict(stripe_api.choices(stripe_api.endpoints()["POST /v1/checkout/sessions"]))
    assert countries.names().keys() == choices["shipping_address_collection", "allowed_countries", "0"]
    territories = Locale("en").territories
    assert countries.names() == {code: territories[code] for code in countries.names()}


def test_they_are_in_the_order_in_which_people_look_for_them() -> None:
    names = list(countries.names().values())
    assert names.index("Åland Islands") < names.index("Austria") < names.index("Zimbabwe")
