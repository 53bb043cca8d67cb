"""Keys are made and changed without anybody being logged out."""

from pathlib import Path

import httpx
import pytest

from kassa.app.settings import SettingError, read_settings
from tests.app.process import kassa, started


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
    elsewhere = kassa(tmp_path, "keys", "rotate", JWT_SECRET="j" * 32)
    assert elsewhere.stderr.startswith("KASSA: JWT_SECRET is set")


@pytest.mark.parametrize("name", ["JWT_SECRET", "INTERNAL_SECRET"])
@pytest.mark.parametrize("text", ["changeme", "x" * 31, f"{'x' * 32} {'x' * 32}"])
def test_what_can_be_guessed_is_no_secret(name: str, text: str) -> None:
    with pytest.raises(SettingError, match=f"{name} must have at least 32 characters") as refused:
        read_settings({name: text})
    assert text not in str(refused.value)


def test_each_of_several_secrets_is_looked_at() -> None:
    assert read_settings({"JWT_SECRET": f"{'n' * 32},{'o' * 32}"}).jwt_secrets == ("n" * 32, "o" * 32)
    with pytest.raises(SettingError, match="JWT_SECRET"):
        read_settings({"JWT_SECRET": f"{'n' * 32},old"})


@pytest.mark.parametrize("text", ["j" * 32, "changeme" * 4])
def test_the_doctor_names_a_secret_that_repeats_itself(tmp_path: Path, text: str) -> None:
    with started(tmp_path, "up") as shop:
        shop.wait_until_ready()
    found = kassa(tmp_path, "doctor", JWT_SECRET=text)
    assert found.returncode == 1
    assert "✗ JWT_SECRET: repeats itself, and can be found by trying" in found.stdout
    assert text not in found.stdout + found.stderr
