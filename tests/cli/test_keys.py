"""Keys are made and changed without anybody being logged out, and those that can be guessed are refused."""

import random
from pathlib import Path
from string import ascii_letters, digits

import httpx
import pytest

from kassa.app.settings import SettingError, read_settings
from tests.app.process import kassa, started
from tests.support import OWN_SECRET, WEBHOOK_SECRET

KEY = {"STRIPE_SECRET_KEY": "sk_test_1"}
MADE = {
    "jwt-secret": "JWT_SECRET",
    "internal-secret": "INTERNAL_SECRET",
    "sandbox-webhook-secret": "STRIPE_WEBHOOK_SECRET",
}


def test_services_get_a_key_each(tmp_path: Path) -> None:
    done = kassa(tmp_path, "keys", "services")
    given = dict(line.split("=", 1) for line in done.stdout.splitlines())
    public = given.pop("SERVICE_PUBLIC_KEYS")
    assert set(given) == {f"{name}_KEYS" for name in ("GATEWAY", "AUTH", "PRODUCT", "INVENTORY", "ORDER", "PAYMENT")}
    assert len({keys.partition(":")[2] for keys in given.values()}) == 6
    for name, keys in given.items():
        settings = read_settings({"SERVICE_KEYS": keys, "SERVICE_PUBLIC_KEYS": public})
        service = name.removesuffix("_KEYS").lower()
        assert set(settings.service_keys) == {service}
        if service != "auth":
            settings.require_services_form((service,))
        with pytest.raises(SettingError, match="JWT_SECRET"):
            settings.require_services_form(("auth",))
        with pytest.raises(SettingError, match="SERVICE_KEYS must have a key of the"):
            settings.require_services_form(("order" if service != "order" else "payment",))
        assert keys.partition(":")[2] not in repr(settings)


def test_a_new_key_logs_nobody_out(tmp_path: Path) -> None:
    def verified(url: str, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{url}/auth/verify", headers=headers, trust_env=False).status_code

    account = {"email": "ada@shop.example", "password": "correct horse battery"}
    with started(tmp_path, "up") as shop:
        shop.wait_until_ready()
        before = httpx.post(f"{shop.url}/auth/register", json=account, trust_env=False).json()["token"]
    keys = []
    for _ in range(2):
        assert "Start the shop again" in kassa(tmp_path, "keys", "rotate").stdout
        with started(tmp_path, "up") as shop:
            shop.wait_until_ready()
            keys.append(httpx.get(f"{shop.url}/.well-known/jwks.json", trust_env=False).json()["keys"])
            assert len(keys[-1]) == 2
            after = httpx.post(f"{shop.url}/auth/login", json=account, trust_env=False).json()["token"]
            assert verified(shop.url, after) == 200
            assert verified(shop.url, before) == (200 if len(keys) == 1 else 401)
    assert keys[0][0] == keys[1][1]


def test_only_a_key_that_is_there_is_changed(tmp_path: Path) -> None:
    nothing = kassa(tmp_path, "keys", "rotate")
    assert (nothing.returncode, list(tmp_path.iterdir())) == (1, [])
    assert "no key in .kassa yet" in nothing.stderr
    elsewhere = kassa(tmp_path, "keys", "rotate", JWT_SECRET=OWN_SECRET)
    assert elsewhere.stderr.startswith("KASSA: JWT_SECRET is set")


@pytest.mark.parametrize("name", ["JWT_SECRET", "INTERNAL_SECRET"])
@pytest.mark.parametrize("text", ["changeme", "x" * 31, f"{'x' * 32} {'x' * 32}"])
def test_what_can_be_guessed_is_no_secret(name: str, text: str) -> None:
    with pytest.raises(SettingError, match=f"{name} must have at least 32 characters") as refused:
        read_settings({name: text})
    assert text not in str(refused.value)


def test_each_of_several_secrets_is_looked_at() -> None:
    older = OWN_SECRET[::-1]
    assert read_settings({"JWT_SECRET": f"{OWN_SECRET},{older}"}).jwt_secrets == (OWN_SECRET, older)
    for weak in ("old", "o" * 32):
        with pytest.raises(SettingError, match="JWT_SECRET"):
            read_settings({"JWT_SECRET": f"{OWN_SECRET},{weak}"})


REPEATED = ["j" * 32, "ab" * 20, "changeme" * 4, "0123456789abcdef" * 2, "correct-horse-battery-" * 2 + "corr"]


@pytest.mark.parametrize("name", ["JWT_SECRET", "INTERNAL_SECRET"])
@pytest.mark.parametrize("text", [*REPEATED, f"{'0' * 31}1", "abc-" * 7 + "abcd"])
def test_what_repeats_itself_is_no_secret(name: str, text: str) -> None:
    with pytest.raises(SettingError, match=rf"{name} repeats itself.*`openssl rand -hex 32` makes one") as refused:
        read_settings({name: text})
    assert text not in str(refused.value)


BEHIND = ["", "1", "test", "x" * 15, "x" * 32, "ab" * 16, "test" * 8, "changeme" * 2, "secret" * 4]


@pytest.mark.parametrize("before", ["", f"{WEBHOOK_SECRET},"])
@pytest.mark.parametrize("text", [f"whsec_{each}" for each in BEHIND] + ["guess", "x" * 32])
def test_what_can_be_guessed_signs_no_webhook(before: str, text: str) -> None:
    with pytest.raises(SettingError, match=r"STRIPE_WEBHOOK_SECRET must be .*Stripe's dashboard") as refused:
        read_settings({"STRIPE_WEBHOOK_SECRET": before + text})
    assert text not in str(refused.value).replace("behind whsec_ that", "")


def test_what_is_made_by_chance_is_taken() -> None:
    chance = random.Random(7)
    for _ in range(2000):
        own, behind = chance.randbytes(32).hex(), "".join(chance.choices(ascii_letters + digits, k=32))
        for signing in (f"whsec_{behind}", f"whsec_{own}", f"whsec_{own[:40]}"):
            read_settings({"JWT_SECRET": own, "INTERNAL_SECRET": own, **KEY, "STRIPE_WEBHOOK_SECRET": signing})


def test_what_the_shop_and_the_sandbox_make_themselves_is_taken(tmp_path: Path) -> None:
    with started(tmp_path, "up") as shop:
        shop.wait_until_ready()
    made = {name: (tmp_path / ".kassa" / name).read_text().strip() for name in MADE}
    given = {setting: made[name] for name, setting in MADE.items()}
    assert read_settings({**KEY, **given}).stripe_webhook_secrets == (made["sandbox-webhook-secret"],)


@pytest.mark.parametrize("text", REPEATED[:2])
def test_the_doctor_says_of_a_secret_what_the_start_says(tmp_path: Path, text: str) -> None:
    refused, found = (kassa(tmp_path, command, JWT_SECRET=text) for command in ("up", "doctor"))
    assert (refused.returncode, found.returncode) == (2, 2)
    assert refused.stderr == found.stderr
    assert found.stderr.startswith("KASSA: JWT_SECRET repeats itself, and can be found by trying")
    assert text not in found.stdout + found.stderr


def test_the_sandbox_signs_with_nothing_that_the_shop_refuses(tmp_path: Path) -> None:
    refused = kassa(tmp_path, "sandbox", "--secret", "whsec_test")
    assert refused.returncode == 1
    assert refused.stderr.startswith("KASSA: --secret must be")
    assert not (tmp_path / ".kassa").exists()
