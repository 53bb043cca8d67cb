"""Whom to tell of a security hole: the file of RFC 9116, as the shop's own settings have it."""

import time
from pathlib import Path

import pytest

from kassa.gateway.security_txt import PATH
from kassa.kit.clock import DAY, SECOND, from_rfc3339
from tests.app.process import kassa
from tests.app.whole import Whole, whole
from tests.gateway.upstream import client_session, proxied
from tests.support import WEBHOOK_SECRET

CONTACTS = ("mailto:security@shop.example", "https://shop.example/security")
LIVE = {"STRIPE_SECRET_KEY": f"rk_live_{'1' * 24}", "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}
GIVEN = {"SECURITY_CONTACT": ", ".join(CONTACTS), "STRIPE_SECRET_KEY": "sandbox"}


def told(shop: Whole) -> list[tuple[str, str]]:
    """The file's fields, as they come."""
    answer = shop.ask("GET", PATH)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.body.endswith(b"\n")
    pairs = [line.split(": ", 1) for line in answer.body.decode("ascii").splitlines()]
    return [(name, value) for name, value in pairs]


def test_it_names_whom_to_tell_in_the_order_of_the_setting(tmp_path: Path) -> None:
    with whole(tmp_path, **GIVEN) as shop:
        fields = told(shop)
    assert [name for name, _ in fields] == ["Contact", "Contact", "Expires", "Preferred-Languages"]
    assert tuple(value for name, value in fields if name == "Contact") == CONTACTS
    assert ("Preferred-Languages", "en") in fields


def test_it_is_always_good_for_less_than_a_year(tmp_path: Path) -> None:
    with whole(tmp_path, **GIVEN) as shop:
        ends_at = from_rfc3339(dict(told(shop))["Expires"])
    assert DAY < ends_at - time.time() * SECOND < 365 * DAY


@pytest.mark.parametrize(
    ("public", "is_told"),
    [
        ("https://shop.example", True),
        ("https://shop.example/store", True),
        ("http://shop.example", False),
        ("https://storefront.example", False),
    ],
)
def test_its_own_address_is_told_where_it_is_the_one_that_was_asked(public: str, is_told: bool, tmp_path: Path) -> None:
    with whole(tmp_path, FRONTEND_URL=public, **GIVEN) as shop:
        canonical = dict(told(shop)).get("Canonical")
    assert canonical == ("https://shop.example/.well-known/security.txt" if is_told else None)


def test_a_shop_that_does_not_say_it_has_no_such_file(tmp_path: Path) -> None:
    with whole(tmp_path) as shop:
        assert shop.ask("GET", PATH).status == 404


async def test_in_front_of_services_the_gateway_answers_itself() -> None:
    async with proxied("http://127.0.0.1:1", "auth") as url, client_session() as client:
        assert (await client.get(f"{url}/.well-known/jwks.json")).status == 503
        assert (await client.get(f"{url}{PATH}")).status == 200


@pytest.mark.parametrize(
    ("given", "is_warned"),
    [(LIVE, True), ({**LIVE, "SECURITY_CONTACT": CONTACTS[0]}, False), ({"STRIPE_SECRET_KEY": "sandbox"}, False)],
)
def test_the_doctor_misses_it_in_a_live_shop(given: dict[str, str], is_warned: bool, tmp_path: Path) -> None:
    done = kassa(tmp_path, "doctor", STRIPE_API_BASE="http://127.0.0.1:9" if "rk_live" in str(given) else "", **given)
    warned = [line for line in done.stdout.splitlines() if line.startswith("! SECURITY_CONTACT: not set")]
    assert len(warned) == is_warned
