"""What the pages tell a reader to type does what they say, in a shop that really runs."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.process import Running, environment, started
from tests.docs.pages import ROOT, block

README, OPERATIONS = ROOT / "README.md", ROOT / "docs" / "operations.md"
ADDRESS = "http://localhost:3000"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shop was started: its data is in `.kassa`."""
    return tmp_path_factory.mktemp("tour")


@pytest.fixture(scope="module")
def shop(place: Path) -> Iterator[Running]:
    with started(place, "up", "--sample") as running:
        running.wait_until_ready()
        yield running


def typed(place: Path, script: str) -> str:
    """What bash prints when somebody types this there; fails if any line fails."""
    bin_first = environment()
    bin_first["PATH"] = f"{Path(sys.executable).parent}:{bin_first['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=place,
        env=bin_first,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


PROVED = re.compile(
    r"All invariants hold: [1-9][\d,]* orders?, [1-9][\d,]* payments?, "
    r"[1-9]\d* products, [1-9][\d,]* stock movements.\n"
)


def test_the_tour_of_the_api_ends_with_a_confirmed_order(shop: Running, place: Path) -> None:
    script = block(README, "sh", "/auth/register")
    assert ADDRESS in script
    stock, answered = typed(place, script.replace(ADDRESS, shop.url)).strip().split("\n", 1)
    assert json.loads(stock.split("}", 1)[0] + "}")["stock"] > 0
    assert '"status":"CONFIRMED"' in stock + answered
    payment = json.loads(answered[answered.rindex('{"orderId"') :])
    assert (payment["status"], payment["refundedMinor"]) == ("SUCCESS", 0)


def test_the_shop_of_the_tour_passes_the_audit(shop: Running, place: Path) -> None:
    assert PROVED.fullmatch(typed(place, block(README, "sh", "kassa audit")))


def test_a_backup_of_the_running_shop_passes_the_audit(shop: Running, place: Path) -> None:
    assert PROVED.fullmatch(typed(place, block(OPERATIONS, "sh", ".backup(")))
    assert PROVED.fullmatch(block(OPERATIONS, "text", "All invariants hold"))
    kept = {path.name for path in (place / "backup").iterdir()}
    assert kept >= {"kassa.db", "jwt-secret", "internal-secret"}


def test_a_restored_backup_is_a_shop(shop: Running, place: Path, tmp_path: Path) -> None:
    typed(place, block(OPERATIONS, "sh", ".backup("))
    (tmp_path / ".kassa").mkdir()
    for name in ("kassa.db", "jwt-secret", "internal-secret"):
        (tmp_path / ".kassa" / name).write_bytes((place / "backup" / name).read_bytes())
    with started(tmp_path, "up") as restored:
        restored.wait_until_ready()
        assert "prd_" in typed(place, f"curl -sf {restored.url}/products?limit=1")


def test_the_daily_commands_are_content(shop: Running, place: Path) -> None:
    told = typed(place, block(OPERATIONS, "sh", "kassa reconcile --fix"))
    assert PROVED.fullmatch(f"{told.splitlines()[0]}\n")
    assert told.splitlines()[-1] == "Stripe, payments, orders and stock agree."
