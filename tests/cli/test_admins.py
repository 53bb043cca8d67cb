"""What an operator does with administrators, beside a shop that runs."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kassa.kit.clock import SECOND
from kassa.kit.ended import FRESH_FOR
from tests.app.process import Running, kassa, started

ADA, BOB, PASSWORD = "ada@example.com", "bob@example.com", "correct horse battery"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Running]]:
    """A shop that runs, with two administrators."""
    place = tmp_path_factory.mktemp("shop")
    with started(place, "up") as running:
        running.wait_until_ready()
        for email in (ADA, BOB):
            assert kassa(place, "admin", "create", email, KASSA_ADMIN_PASSWORD=PASSWORD).returncode == 0
        yield place, running


def token_of(running: Running, email: str) -> tuple[int, str]:
    body = {"email": email, "password": PASSWORD}
    answer = httpx.post(f"{running.url}/auth/login", json=body, trust_env=False)
    return answer.status_code, answer.json().get("token", "")


def is_good(running: Running, token: str) -> bool:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.get(f"{running.url}/auth/verify", headers=headers, trust_env=False).status_code == 200


def said(place: Path, *command: str) -> str:
    done = kassa(place, "admin", *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_whom_it_is_done_to_is_out_of_the_running_shop(shop: tuple[Path, Running]) -> None:
    place, running = shop
    for command, words in (
        ("end-sessions", f"{BOB} has to log in again; all sessions have ended.\n"),
        ("disable", f"{BOB} is disabled; all sessions have ended.\n"),
    ):
        _, token = token_of(running, BOB)
        assert is_good(running, token)
        assert said(place, command, BOB) == words
        # Another process has ended it: the shop asks for that once a second.
        time.sleep(FRESH_FOR / SECOND)
        assert not is_good(running, token)
    assert token_of(running, BOB)[0] == 403
    lines = said(place, "list").splitlines()
    assert [(line.split()[0], line.endswith("  disabled")) for line in lines] == [(ADA, False), (BOB, True)]
    assert said(place, "enable", BOB) == f"{BOB} can log in.\n"
    assert token_of(running, BOB)[0] == 200


@pytest.mark.parametrize("command", ["demote", "disable"])
def test_the_last_one_takes_a_plain_word(shop: tuple[Path, Running], command: str) -> None:
    place, _ = shop
    said(place, "disable", BOB)
    refused = kassa(place, "admin", command, ADA)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines()[-1] == (
        f"KASSA: {ADA} is the last administrator who is enabled; add --even-the-last"
    )
    said(place, "enable", BOB)


def test_nobody_has_the_address(shop: tuple[Path, Running]) -> None:
    refused = kassa(shop[0], "admin", "demote", "eve@example.com")
    assert refused.returncode == 1
    assert "nobody has registered eve@example.com" in refused.stderr


@pytest.mark.parametrize("role", ["support", "stock", "admin"])
def test_whoever_is_on_the_staff_is_demoted_and_a_buyer_is_not(shop: tuple[Path, Running], role: str) -> None:
    place, eve = shop[0], f"eve-{role}@example.com"
    assert kassa(place, "admin", "create", eve, "--role", role, KASSA_ADMIN_PASSWORD=PASSWORD).returncode == 0
    assert said(place, "demote", eve) == f"{eve} is no longer on the staff; all sessions have ended.\n"
    for more in ((), ("--even-the-last",)):
        again = kassa(place, "admin", "demote", eve, *more)
        assert (again.returncode, again.stdout) == (1, "")
        assert again.stderr.splitlines()[-1] == (f"KASSA: {eve} is not on the staff; `kassa admin list` shows who is")


def test_all_are_demoted_and_the_list_says_what_to_do(shop: tuple[Path, Running]) -> None:
    place, _ = shop
    said(place, "demote", BOB)
    said(place, "demote", ADA, "--even-the-last")
    none = kassa(place, "admin", "list")
    assert (none.returncode, none.stdout) == (0, "")
    assert "kassa admin create EMAIL" in none.stderr
