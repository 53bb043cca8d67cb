"""What somebody may write in the hope that it is read in another way: where an order goes, and how a shop sells."""

from decimal import Decimal
from typing import Any

import pytest

from kassa.contracts.parts import Address
from kassa.kit.audit import Cause
from kassa.kit.problem import Invalid
from kassa.order import destination, discount_checks, selling_checks
from kassa.order.discount_wire import NewDiscount
from kassa.order.selling import Selling, offers, zone_of
from kassa.order.selling_wire import MethodIn, PlaceIn, SellingIn, WeightBracket, ZoneIn

CAUSE = Cause("req_1", "usr_1", "edited", "")


def sells(place: PlaceIn, **method: Any) -> Selling:
    zones = [ZoneIn("land", "Land", [PlaceIn("DE")]), ZoneIn("islands", "Islands", [place])]
    methods = [
        MethodIn("by-land", "By land", zone="land", price=Decimal(5)),
        MethodIn("by-sea", "By sea", zone="islands", price=Decimal(50), **method),
    ]
    return selling_checks.checked(SellingIn(zones=zones, shipping_methods=methods), "eur", 0)


def to(code: str) -> Address:
    return destination.checked(Address("A Buyer", "DE", ("Street 1",), "Sylt", "", code))


@pytest.mark.parametrize("code", ["25980", "２５９８０", " 25980 "])
@pytest.mark.parametrize("prefix", ["259", "2 5 9", "２５９"])
def test_a_zone_has_its_postal_codes_however_wide_they_are_written(code: str, prefix: str) -> None:
    there = offers(sells(PlaceIn("DE", postal_prefixes=[prefix])), to(code), 0, 100)
    assert (to(code).postal_code, [each.method.id for each in there]) == ("25980", ["by-sea"])


def test_blanks_make_no_prefix_closer() -> None:
    shop = sells(PlaceIn("DE", postal_prefixes=["2 5 9"]))
    closer = sells(PlaceIn("DE", postal_prefixes=["2598"])).zones[1]
    both = Selling(id="selling", zones=(shop.zones[1], closer), methods=shop.methods)
    assert zone_of(both, to("25980")) is closer


@pytest.mark.parametrize("written", ["JP-13", "jp-13", "13", "Tokyo", "tokyo", "東京都"])
def test_a_region_is_known_by_its_name_and_by_its_iso_code(written: str) -> None:
    tokyo = Address("A Buyer", "JP", ("Chiyoda 1-1",), "", written, "100-0001")
    assert destination.checked(tokyo).region == "東京都"
    zone = ZoneIn("tokyo", "Tokyo", [PlaceIn("JP", regions=[written])])
    assert selling_checks.checked(SellingIn(zones=[zone]), "jpy", 0).zones[0].places[0].regions == ("東京都",)


@pytest.mark.parametrize("place", [("US", "XX"), ("JP", "48"), ("FR", "IDF"), ("JP", "JP-")])
def test_what_is_no_region_is_none(place: tuple[str, str]) -> None:
    assert destination.region_code(*place) is None


@pytest.mark.parametrize(
    ("places", "at"),
    [
        ([[PlaceIn("US", regions=["CA", "California"])]], r"zones\[0\]\.places\[0\]\.regions\[1\]"),
        ([[PlaceIn("JP", regions=["13", "Tokyo"])]], r"zones\[0\]\.places\[0\]\.regions\[1\]"),
        ([[PlaceIn("DE", postal_prefixes=["25 9", "259"])]], r"zones\[0\]\.places\[0\]\.postalPrefixes\[1\]"),
        ([[PlaceIn("DE"), PlaceIn("DE")]], r"zones\[0\]\.places\[1\]: is there already, in zones\[0\]"),
        (
            [[PlaceIn("DE")], [PlaceIn("FR"), PlaceIn("de")]],
            r"zones\[1\]\.places\[1\]: is there already, in zones\[0\]",
        ),
        ([[PlaceIn("*")], [PlaceIn("*")]], r"zones\[1\]\.places\[0\]: is there already"),
        (
            [[PlaceIn("US", regions=["CA", "OR"])], [PlaceIn("US", regions=["us-or"])]],
            r"zones\[1\]\.places\[0\]: .* OR",
        ),
        (
            [[PlaceIn("DE", postal_prefixes=["259"])], [PlaceIn("DE", postal_prefixes=["1", "259"])]],
            r"zones\[1\].* 259",
        ),
        (
            [
                [PlaceIn("US", regions=["CA"], postal_prefixes=["9"])],
                [PlaceIn("US", regions=["CA"], postal_prefixes=["9"])],
            ],
            r"zones\[1\].* CA",
        ),
    ],
)
def test_what_is_named_twice_is_refused_with_where_it_is_already(places: list[list[PlaceIn]], at: str) -> None:
    zones = [ZoneIn(f"zone-{number}", "Zone", each) for number, each in enumerate(places)]
    with pytest.raises(Invalid, match=at):
        selling_checks.checked(SellingIn(zones=zones), "eur", 0)


def test_a_part_of_what_another_zone_has_is_a_zone_of_its_own() -> None:
    us, west, north = (
        PlaceIn("US"),
        PlaceIn("US", regions=["CA"]),
        PlaceIn("US", regions=["OR"], postal_prefixes=["97"]),
    )
    south = PlaceIn("US", regions=["CA"], postal_prefixes=["97", "9"])
    zones = [ZoneIn(f"zone-{number}", "Zone", [each]) for number, each in enumerate((us, west, north, south))]
    assert len(selling_checks.checked(SellingIn(zones=zones), "eur", 0).zones) == 4


def test_a_postal_code_is_in_digits_that_zones_know() -> None:
    with pytest.raises(Invalid, match="digits 0 to 9"):
        to("٢٥٩٨٠")


@pytest.mark.parametrize("place", [PlaceIn("DE", postal_prefixes=["-"]), PlaceIn("DE", regions=[""])])
def test_a_part_of_a_country_is_not_all_of_it(place: PlaceIn) -> None:
    with pytest.raises(Invalid, match=r"zones\[1\]\.places\[0\]"):
        sells(place)


@pytest.mark.parametrize("grams", [-5, 0, 10**30])
def test_a_weight_is_one_that_goods_can_have(grams: int) -> None:
    with pytest.raises(Invalid, match="grams"):
        sells(PlaceIn("DE", postal_prefixes=["259"]), by_weight=[WeightBracket(Decimal(1), grams)])


@pytest.mark.parametrize("name", ["a\nb", "a\x00b", " ", "x" * 41])
def test_the_name_of_a_discount_is_one_line(name: str) -> None:
    new = NewDiscount(name, "amount", amount=Decimal(1))
    with pytest.raises(Invalid, match="name: must be one line"):
        discount_checks.made("dsc_1", new, "eur", CAUSE, 0)
    known = discount_checks.made("dsc_1", NewDiscount("Autumn", "amount", amount=Decimal(1)), "eur", CAUSE, 0)
    with pytest.raises(Invalid, match="name: must be one line"):
        discount_checks.edited(known, {"name": name}, CAUSE, 1)
    assert discount_checks.edited(known, {"name": "\u202eautumn"}, CAUSE, 1).name == "autumn"


@pytest.mark.parametrize("category", ["", "x" * 101, "a\x00"])
def test_categories_are_what_products_can_have(category: str) -> None:
    new = NewDiscount("Autumn", "amount", amount=Decimal(1), categories=[category])
    with pytest.raises(Invalid, match="categories: must be lines"):
        discount_checks.made("dsc_1", new, "eur", CAUSE, 0)
