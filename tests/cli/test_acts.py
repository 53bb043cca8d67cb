"""What an operator is told of what staff and programs did."""

from pathlib import Path

import httpx
import pytest

from kassa.auth.acts import OUTCOMES
from kassa.cli.acts import Outcome
from tests.app.process import kassa, started

ADA, BOB, PASSWORD = "ada@shop.example", "bob@shop.example", "correct horse battery"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a shop is in which one administrator has done something, and another nothing."""
    place = tmp_path_factory.mktemp("shop")
    with started(place, "up") as running:
        running.wait_until_ready()
        none = kassa(place, "acts")
        assert (none.returncode, none.stdout) == (0, "")
        assert none.stderr.splitlines()[-1] == "Nothing was done yet."
        for email in (ADA, BOB):
            assert kassa(place, "admin", "create", email, KASSA_ADMIN_PASSWORD=PASSWORD).returncode == 0
        body = {"email": ADA, "password": PASSWORD}
        token = httpx.post(f"{running.url}/auth/login", json=body, trust_env=False).json()["token"]
        bearer = {"authorization": f"Bearer {token}"}
        refused = httpx.post(f"{running.url}/auth/admin/staff/usr_none/disable", headers=bearer, trust_env=False)
        assert refused.status_code == 404
    return place


def test_who_is_found_by_address_as_it_is_typed(place: Path) -> None:
    for typed in (ADA, ADA.upper()):
        found = kassa(place, "acts", "--who", typed)
        assert (found.returncode, len(found.stdout.splitlines())) == (0, 1), found.stderr
        assert "/auth/admin/staff/" in found.stdout


def test_a_list_with_nothing_in_it_says_so(place: Path) -> None:
    for asked in (("--who", BOB), ("--who", "usr_none"), ("--subject", BOB), ("--outcome", "done", "--who", BOB)):
        none = kassa(place, "acts", *asked)
        assert (none.returncode, none.stdout) == (0, "")
        assert none.stderr.splitlines()[-1] == "There is no such act."


@pytest.mark.parametrize("option", ["--who", "--subject"])
def test_an_address_that_nobody_has_is_refused(place: Path, option: str) -> None:
    refused = kassa(place, "acts", option, "eve@shop.example")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "nobody has registered eve@shop.example; look it up with `kassa admin list`" in refused.stderr


def test_an_outcome_that_there_is_not_is_refused(place: Path) -> None:
    assert tuple(Outcome) == OUTCOMES
    refused = kassa(place, "acts", "--outcome", "bogus")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert all(each in refused.stderr for each in OUTCOMES)
