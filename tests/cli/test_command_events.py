"""What commands change about accounts and keys: said in words, and told as events only where logs are collected."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.app.process import environment, kassa, started

BOB, PASSWORD = "bob@shop.example", "correct horse battery"
SAID = {
    ("admin", "create", "ada@shop.example"): "authz_change",
    ("admin", "create", BOB): "authz_change",
    ("admin", "disable", BOB): "authz_change",
    ("key", "create", "till", "--scope", "orders:read"): "authn_token_created",
    ("customer", "erase", "cy@shop.example", "--yes"): "user_deleted",
    ("keys", "rotate"): "crypt_keys_rotated",
}
"""Commands, and the event that is told of each."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a customer, that has stopped, to be copied."""
    folder = tmp_path_factory.mktemp("shop")
    with started(folder, "up") as running:
        running.wait_until_ready()
        account = {"email": "cy@shop.example", "password": PASSWORD}
        assert httpx.post(f"{running.url}/auth/register", json=account, trust_env=False).status_code == 201
    return folder


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Path:
    """Such a shop of one's own."""
    return shutil.copytree(made, tmp_path, dirs_exist_ok=True)


def on_a_terminal(place: Path, *command: str, **settings: str) -> str:
    """What a command says on stderr, if that is a terminal."""
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "kassa.cli.main", *command],
        cwd=place,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        timeout=120,
        check=False,
    )
    said = os.read(ours, 65536).decode()
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 0, said
    return said


def test_no_event_stands_amid_what_a_command_says(shop: Path) -> None:
    for command in SAID:
        done = kassa(shop, *command, KASSA_ADMIN_PASSWORD=PASSWORD)
        assert done.returncode == 0, done.stderr
        assert done.stdout
        assert done.stderr == ("" if command[0] == "keys" else "Shop: .kassa (SQLite)\n")


def test_where_logs_are_collected_events_are_told(shop: Path) -> None:
    for command, event in SAID.items():
        done = kassa(shop, *command, KASSA_ADMIN_PASSWORD=PASSWORD, LOG_FORMAT="json")
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
        assert [(line["event"], line["by"]) for line in lines] == [(event, "operator")], command


def test_a_terminal_is_nobody_s_log(shop: Path) -> None:
    said = on_a_terminal(shop, "admin", "create", BOB, KASSA_ADMIN_PASSWORD=PASSWORD, LOG_FORMAT="json")
    assert said.splitlines() == ["Shop: .kassa (SQLite)"]
