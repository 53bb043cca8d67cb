"""What a shop is known by: what the API takes of it, what it answers, and what mails and invoices make of it."""

import re
from typing import Any

import msgspec
import pytest

from kassa.kit.colour import DARK, LEAST, LIGHT, contrast, least_contrast, readable
from kassa.kit.problem import Invalid
from kassa.order.profile import ID, NOTHING_SET, Profile, Texts, footer_of
from kassa.order.profile_checks import checked
from kassa.order.profile_wire import LONGEST_LEGAL, LinkIn, ShopProfileIn, TextsIn
from kassa.order.profiles import KEPT_FOR
from tests.trade.parcels_door import Api
from tests.trade.world import World

PROFILE: dict[str, Any] = {
    "name": "Mugs of Bremen",
    "logo": "https://pictures.example/logo.svg",
    "accentLight": "#7a1f5c",
    "orderButton": "obligation",
    "languages": ["de"],
    "texts": [
        {
            "language": "de",
            "footer": "Becher GmbH · Bremen\nHRB 1234",
            "links": [{"label": "Größen", "address": "/shop/sizes"}],
            "imprint": "# Impressum\n\nBecher GmbH",
        }
    ],
}


async def test_a_shop_that_has_set_nothing_is_known_by_its_settings(ask: Api) -> None:
    answer = await ask("GET", "/shop-profile", who="")
    assert answer.headers["cache-control"] == "public, max-age=10"
    assert answer.json()["shopProfile"] == {
        "name": "Kassa shop",
        "logo": None,
        "logoDark": None,
        "accentLight": None,
        "accentDark": None,
        "orderButton": "order_and_pay",
        "languages": ["en", "de"],
        "texts": [],
        "updatedAt": None,
    }


async def test_a_shop_is_known_by_what_staff_with_the_right_have_set(ask: Api, shop: World) -> None:
    for who, status in (("", 401), ("user", 403), ("support", 403)):
        assert (await ask("PUT", "/shop-profile", PROFILE, who=who)).status_code == status
    put = await ask("PUT", "/shop-profile", PROFILE)
    assert put.status_code == 200, put.text
    shown = (await ask("GET", "/shop-profile", who="")).json()["shopProfile"]
    assert shown == put.json()["shopProfile"]
    assert shown.items() >= {key: value for key, value in PROFILE.items() if key != "texts"}.items()
    assert shown["accentDark"] == readable("#7a1f5c", DARK)
    assert shown["texts"] == [{"terms": "", "privacy": "", "returns": "", **PROFILE["texts"][0]}]
    known = await shop.profiles.profile()
    assert [(each.who, each.what) for each in known.audit] == [("usr_admin", "edited")]


async def test_who_has_read_what_was_changed_since_changes_nothing(ask: Api, shop: World) -> None:
    first = (await ask("PUT", "/shop-profile", PROFILE)).json()["shopProfile"]
    shop.clock.advance(5)
    second = await ask("PUT", "/shop-profile", {"name": "B", "expectedUpdatedAt": first["updatedAt"]})
    assert second.status_code == 200
    late = await ask("PUT", "/shop-profile", {"name": "C", "expectedUpdatedAt": first["updatedAt"]})
    assert (late.status_code, late.json()["code"]) == (409, "profile_changed")
    shown = (await ask("GET", "/shop-profile", who="")).json()["shopProfile"]
    assert (shown["name"], shown["logo"], shown["languages"]) == ("B", None, ["en", "de"])
    assert len((await shop.profiles.profile()).audit) == 2


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"name": "A <b>"}, "name", 'without " < > and @'),
        ({"name": "x" * 61}, "name", "1 to 60"),
        ({"name": "\u00ad"}, "name", "1 to 60"),
        ({"logo": "http://a.example/x.png"}, "logo", "https://"),
        ({"logo": "//a.example/x.png"}, "logo", "https://"),
        ({"logo": "javascript:alert(1)"}, "logo", "https://"),
        ({"logoDark": "/a b.png"}, "logoDark", "https://"),
        ({"accentLight": "teal"}, "accentLight", "such as #0b5d52"),
        ({"accentLight": "#ffff00"}, "accentLight", "must be darker: its contrast with the page is 1.02"),
        ({"accentDark": "#0b5d52"}, "accentDark", "must be lighter"),
        ({"orderButton": "Bestellen"}, "orderButton", "must be one of order_and_pay, obligation, buy_now"),
        ({"languages": []}, "languages", "each once"),
        ({"languages": ["en", "en"]}, "languages", "each once"),
        ({"languages": ["fr"]}, "languages", "each once"),
        ({"texts": [{"language": "de"}, {"language": "de"}]}, "texts", "each once"),
        ({"texts": [{"language": "fr"}]}, "texts", "each once"),
        ({"texts": [{"language": "en", "imprint": "x" * (LONGEST_LEGAL + 1)}]}, "texts[0].imprint", "at most 40000"),
        ({"texts": [{"language": "en", "terms": "x" * 5001}]}, "texts[0].terms", "paragraphs of at most 5000"),
        ({"texts": [{"language": "en", "footer": "a\x1b[2J"}]}, "texts[0].footer", "control characters"),
        ({"texts": [{"language": "en", "links": [{"label": "A", "address": "/"}] * 9}]}, "texts[0].links", "most 8"),
        (
            {"texts": [{"language": "en", "links": [{"label": "A", "address": "data:x"}]}]},
            "texts[0].links[0].address",
            "https://",
        ),
        (
            {"texts": [{"language": "en", "links": [{"label": " ", "address": "/a"}]}]},
            "texts[0].links[0].label",
            "1 to 40",
        ),
    ],
)
async def test_what_is_wrong_is_said_where_it_is(ask: Api, given: dict[str, Any], field: str, said: str) -> None:
    answer = await ask("PUT", "/shop-profile", given)
    assert answer.status_code == 422, answer.text
    assert [(each["field"], said in each["message"]) for each in answer.json()["errors"]] == [(field, True)]
    assert (await ask("GET", "/shop-profile", who="")).json()["shopProfile"]["updatedAt"] is None


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        checked(ShopProfileIn(name='"', accent_light="#ffffff", accent_dark="#000", logo="x"), 0)
    assert [each.field for each in refused.value.errors] == ["accentLight", "accentDark", "name", "logo"]


def test_a_text_is_stored_in_one_spelling() -> None:
    texts = TextsIn("de", "A\r\nB\u200b ", [LinkIn(" Gro\u0308ßen ", "/")], imprint="\n a\u0308 \u2028b")
    stored = checked(ShopProfileIn(texts=[texts]), 0).texts[0]
    assert (stored.footer, stored.links[0].label, stored.imprint) == ("A\nB", "Größen", "ä\nb")


@pytest.mark.parametrize("given", ["accentLight", "accentDark"])
def test_what_is_suggested_for_a_colour_that_cannot_be_read_will_do(given: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(msgspec.convert({given: "#808080"}, ShopProfileIn), 0)
    suggested = re.findall("#[0-9a-f]{6}", refused.value.errors[0].message)[-1]
    stored = checked(msgspec.convert({given: suggested}, ShopProfileIn), 0)
    assert suggested in (stored.accent_light, stored.accent_dark)
    for colour, scheme in ((stored.accent_light, LIGHT), (stored.accent_dark, DARK)):
        assert least_contrast(colour, scheme) >= LEAST


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == contrast("#ffffff", "#000000") == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48  # the well-known grey that just fails
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54


def test_a_foot_that_is_missing_in_a_language_is_the_first_of_the_shop_s_that_there_is() -> None:
    texts = (Texts("en", "English"), Texts("de", ""))
    assert footer_of(Profile(id=ID, texts=texts, languages=("de", "en")), "de") == "English"
    assert footer_of(Profile(id=ID, texts=texts, languages=("de",)), "de") == ""
    assert footer_of(NOTHING_SET, "en") == ""


async def test_mails_and_invoices_know_within_seconds_what_the_shop_is_called(ask: Api, shop: World) -> None:
    assert await shop.profiles.foot("de") == ("Kassa shop", "")
    assert (await ask("PUT", "/shop-profile", PROFILE)).status_code == 200
    assert await shop.profiles.foot("en") == ("Mugs of Bremen", "Becher GmbH · Bremen\nHRB 1234")
    mug = await shop.sell()
    order = await ask.paid((mug, 1))
    [invoice] = await shop.invoices.invoices.of_order(order.id)
    assert invoice.shop == "Mugs of Bremen"
    stored = await shop.stores[1].profiles.get(ID)
    assert stored is not None
    await shop.stores[1].profiles.save(Profile(id=ID, version=stored.version, name="Other"))
    assert await shop.profiles.name() == "Mugs of Bremen"
    shop.clock.advance(KEPT_FOR)
    assert await shop.profiles.name() == "Other"
