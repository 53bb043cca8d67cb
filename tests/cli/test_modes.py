"""Live, test mode or the sandbox: what each command makes of the key that is set."""

from pathlib import Path

import pytest

from kassa.app.settings import Settings
from kassa.cli.server import payments
from tests.app.process import kassa
from tests.support import WEBHOOK_SECRET

LIVE = {"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}


def test_the_sample_is_not_sold_for_real_money(tmp_path: Path) -> None:
    done = kassa(tmp_path, "up", "--sample", "--port", "1", **LIVE)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("KASSA: --sample would sell what nobody has for real money")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("sk_live_1", "Stripe, live: real money moves."),
        ("rk_live_1", "Stripe, live: real money moves."),
        ("sk_test_1", "Stripe, in test mode: no real money moves."),
    ],
)
def test_a_start_says_whether_real_money_moves(key: str, said: str) -> None:
    assert payments(Settings(stripe_secret_key=key), None) == f"Payments    {said}"


def test_a_start_with_the_sandbox_says_so() -> None:
    assert "http://s is a sandbox: no real money moves" in payments(Settings(), "http://s")


def test_the_sandbox_needs_no_setting_but_its_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = kassa(tmp_path, "sandbox", "--port", "1", KASSA_DATA="file", STRIPE_SECRET_KEY="sk_test_1", CURRENCY="gold")
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr
        == "KASSA: the data directory file (KASSA_DATA, --data) cannot be used: it is no folder, or is in none\n"
    )
