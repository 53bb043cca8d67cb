"""The pages of a second factor before a whole shop: what no cache keeps, and what no QR code holds."""

import html
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from pyotp import TOTP

from .whole import Answer, Whole, whole

PASSWORD = "four words that nobody has"
LONGEST_ADDRESS = "😀" * 64 + "@" + ".".join(["語" * 40] * 4)
CSRF = "c" * 43


def form(shop: Whole, path: str, who: str = "", **typed: str) -> Answer:
    """A form of a page that the browser has."""
    cookies = f"kassa_csrf={CSRF}" + (f"; kassa_token={shop.tokens[who]}" if who else "")
    lines = [(b"content-type", b"application/x-www-form-urlencoded"), (b"cookie", cookies.encode())]
    return shop.ask("POST", path, lines, urlencode({"csrf": CSRF, **typed}).encode())


def uri_of(answer: Answer) -> str:
    found = re.search(r'name="uri" value="([^"]+)"', answer.body.decode())
    assert found is not None
    return html.unescape(found[1])


def test_whoever_has_the_longest_address_can_set_one_up(tmp_path: Path) -> None:
    with whole(tmp_path) as shop:
        shop.log_in("long", LONGEST_ADDRESS)
        begun = form(shop, "/account/second-factor", "long", password=PASSWORD)
        assert (begun.status, b"<svg" in begun.body) == (200, True)
        again = form(shop, "/account/second-factor/confirm", "long", uri=uri_of(begun), code="12345")
        assert (again.status, uri_of(again)) == (401, uri_of(begun))


@pytest.mark.parametrize("rest", ["😀" * 900, "a" * 5_000, "%F0" * 2_000])
def test_what_no_qr_code_holds_is_not_drawn(tmp_path: Path, rest: str) -> None:
    with whole(tmp_path) as shop:
        form(shop, "/account/second-factor", "buyer", password=PASSWORD)
        answer = form(shop, "/account/second-factor/confirm", "buyer", uri=f"otpauth://totp/{rest}", code="12345")
        assert (answer.status, b"<svg" in answer.body) == (401, False)


def test_half_a_log_in_is_kept_by_no_cache(tmp_path: Path) -> None:
    with whole(tmp_path) as shop:
        right = {"email": "buyer@shop.example", "password": PASSWORD}
        wrong = form(shop, "/account/login", email=right["email"], password="four words that I guess")
        refused = shop.as_json("POST", "/auth/login", {**right, "password": "four words that I guess"})
        assert (wrong.status, wrong.headers["cache-control"]) == (401, "private, no-store")
        assert (refused.status, refused.headers["cache-control"]) == (401, "no-store")
        shown = shop.ask("GET", "/account/login")
        assert shown.headers["cache-control"] == "private, no-cache"


def test_the_staff_list_marks_who_asks_and_says_who_has_a_second_factor(tmp_path: Path) -> None:
    with whole(tmp_path) as shop:
        cookie = [(b"cookie", f"kassa_token={shop.tokens['admin']}".encode())]
        page = shop.ask("GET", "/console/staff", cookie)
        assert (page.status, b'<span class="badge">You</span>' in page.body) == (200, True)
        assert (b"Second factor</th>" in page.body, b"<td>none</td>" in page.body) == (True, True)


def test_a_wrong_code_is_told_beside_the_field_it_was_typed_in(tmp_path: Path) -> None:
    with whole(tmp_path) as shop:
        secret = re.search(r"secret=(\w+)", uri_of(form(shop, "/account/second-factor", "buyer", password=PASSWORD)))
        assert secret is not None
        form(shop, "/account/second-factor/confirm", "buyer", uri="", code=TOTP(secret[1]).now())
        asked = form(shop, "/account/login", email="buyer@shop.example", password=PASSWORD).body.decode()
        challenge = re.search(r'name="challenge" value="([^"]+)"', asked)
        assert challenge is not None
        for kind, field, other in (("recovery", "recovery", "code"), ("", "code", "recovery")):
            page = form(shop, "/account/login/code", challenge=challenge[1], code="12345", kind=kind).body.decode()
            assert (f'id="{field}-error"' in page, f'id="{other}-error"' in page) == (True, False)
            assert ("<details open>" in page, "Wait for the next one" in page) == (bool(kind), not kind)
