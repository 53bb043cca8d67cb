"""What an operator does with a customer's data."""

import json
import shutil
from pathlib import Path

import httpx

from tests.app.process import kassa, started

EMAIL, PASSWORD = "ada.canary@example.com", "correct horse battery"


def test_a_backup_is_erased_again(tmp_path: Path) -> None:
    with started(tmp_path, "up") as running:
        running.wait_until_ready()
        body = {"email": EMAIL, "password": PASSWORD, "name": "Ada Canary"}
        assert httpx.post(f"{running.url}/auth/register", json=body, trust_env=False).status_code == 201
    data, backup = tmp_path / ".kassa", tmp_path / "backup"
    shutil.copytree(data, backup)
    told = kassa(tmp_path, "customer", "export", EMAIL)
    assert json.loads(told.stdout)["account"]["name"] == "Ada Canary"
    refused = kassa(tmp_path, "customer", "erase", EMAIL, input="n\n")
    assert refused.returncode != 0
    assert EMAIL in refused.stderr
    done = kassa(tmp_path, "customer", "erase", EMAIL, "--yes")
    assert done.returncode == 0, done.stderr
    assert b"anary" not in (data / "kassa.db").read_bytes()
    again = kassa(tmp_path, "customer", "erase", EMAIL, "--yes")
    assert again.returncode != 0
    assert f"there is no customer {EMAIL}" in again.stderr
    listed = tmp_path / "erased.txt"
    listed.write_text(kassa(tmp_path, "customer", "erased").stdout)
    shutil.rmtree(data)
    backup.rename(data)
    assert b"anary" in b"".join(path.read_bytes() for path in data.glob("kassa.db*"))
    done = kassa(tmp_path, "customer", "erase-again", str(listed))
    assert done.stdout == "1 of 1 are here, and erased.\n", done.stderr
    assert b"anary" not in b"".join(path.read_bytes() for path in data.glob("kassa.db*"))


def test_the_staff_are_refused_before_it_asks_and_told_how(tmp_path: Path) -> None:
    with started(tmp_path, "up") as running:
        running.wait_until_ready()
    for role in ("admin", "support", "stock"):
        email = f"{role}@shop.example"
        made = kassa(tmp_path, "admin", "create", email, "--role", role, KASSA_ADMIN_PASSWORD=PASSWORD)
        assert made.returncode == 0, made.stderr
        refused = kassa(tmp_path, "customer", "erase", email, input="y\n")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "for good?" not in refused.stderr
        assert f"{email} is on the staff, and has to become a buyer first" in refused.stderr
        assert f"kassa admin demote {email}" in refused.stderr
