"""A second factor in a shop that runs: what it asks of its staff, what its operator does, and what its doctor says."""

import time
from pathlib import Path
from typing import Any

import httpx
from pyotp import TOTP

from kassa.app.settings import read_settings
from kassa.app.shop import Place
from kassa.app.wiring import all_here, open_shop
from kassa.cli.doctor import second_factors
from tests.app.process import Running, kassa, started
from tests.support import WEBHOOK_SECRET

BOB, PASSWORD = "bob@example.com", "correct horse battery"
LIVE = {"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}


def asked(running: Running, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
    """The status and the body of an answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.request(method, running.url + path, json=body, headers=headers, trust_env=False)
    return answer.status_code, answer.json()


def set_up(running: Running, token: str) -> dict[str, Any]:
    """A second factor; what its first code is answered, and its secret."""
    status, begun = asked(running, "POST", "/auth/second-factor", {"password": PASSWORD}, token)
    assert (status, "issuer=tea.example" in begun["uri"]) == (200, True)
    code = TOTP(begun["secret"]).generate_otp(int(time.time()) // 30)
    status, made = asked(running, "POST", "/auth/second-factor/confirm", {"code": code}, token)
    assert status == 200
    return {**made, **begun}


def test_staff_set_one_up_before_they_see_anything_and_an_operator_helps_who_lost_it(tmp_path: Path) -> None:
    credentials = {"email": BOB, "password": PASSWORD}
    with started(tmp_path, "up", SECOND_FACTOR_REQUIRED="staff", FRONTEND_URL="http://tea.example") as running:
        running.wait_until_ready()
        made = kassa(tmp_path, "admin", "create", BOB, "--role", "support", KASSA_ADMIN_PASSWORD=PASSWORD)
        assert made.returncode == 0, made.stderr
        token = asked(running, "POST", "/auth/login", credentials)[1]["token"]
        status, refused = asked(running, "GET", "/orders/admin/all", token=token)
        assert (status, refused["code"]) == (403, "second_factor_missing")
        with_factor = set_up(running, token)
        assert asked(running, "GET", "/orders/admin/all", token=with_factor["session"]["token"])[0] == 200
        assert asked(running, "GET", "/orders/admin/all", token=token)[0] == 401
        status, challenge = asked(running, "POST", "/auth/login", credentials)
        assert (status, challenge["code"], challenge["expiresIn"]) == (401, "second_factor_required", 300)
        answer = {"challenge": challenge["challenge"], "code": with_factor["recoveryCodes"][0]}
        assert asked(running, "POST", "/auth/login/second-factor", answer)[0] == 200

        listed = kassa(tmp_path, "admin", "list").stdout.split("  ")
        assert (listed[0], listed[-1]) == (BOB, "second factor\n")
        reset = kassa(tmp_path, "admin", "reset-second-factor", BOB)
        assert (reset.returncode, reset.stdout) == (
            0,
            f"{BOB} logs in with the password alone; all sessions have ended.\n",
        )
        status, session = asked(running, "POST", "/auth/login", credentials)
        assert (status, session["user"]["email"]) == (200, BOB)
        again = kassa(tmp_path, "admin", "reset-second-factor", BOB)
        assert again.returncode == 1
        assert again.stderr.splitlines()[-1] == (
            f"KASSA: {BOB} has no second factor: the password alone lets in already"
        )
        acts = kassa(tmp_path, "acts").stdout
        assert "POST /auth/second-factor/confirm" in acts
        written = running.log.read_text() + acts
        assert [each for each in (with_factor["secret"], *with_factor["recoveryCodes"]) if each in written] == []


async def test_the_doctor_wants_it_in_a_live_shop_and_names_who_is_without(tmp_path: Path) -> None:
    sandbox = read_settings({"KASSA_DATA": str(tmp_path)})
    live = read_settings({"KASSA_DATA": str(tmp_path), **LIVE})
    strict = read_settings({"KASSA_DATA": str(tmp_path), **LIVE, "SECOND_FACTOR_REQUIRED": "staff"})
    async with open_shop(sandbox, Place(all_here(sandbox), serves=False, brings_sandbox=False)) as shop:
        assert await second_factors(shop, sandbox) == []
        assert [str(each) for each in await second_factors(shop, strict)] == ["✓ second factor: required of the staff"]
        assert shop.auth is not None
        await shop.auth.admins.make(BOB, PASSWORD, promote=False)
        told = [str(each) for settings in (live, strict) for each in await second_factors(shop, settings)]
    assert told == [
        "! second factor: not required, 1 of the staff has none — set SECOND_FACTOR_REQUIRED=staff: whoever guesses a "
        "password must not be able to refund",
        f"! second factor: required of the staff, missing at {BOB} — they can do nothing for the shop until it is set "
        "up",
    ]
