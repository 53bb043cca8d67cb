"""The commands: what they say of themselves, what they do, and what they say when they cannot."""

import asyncio
import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from kassa import __version__
from kassa.app.audit import Audit, Difference, LookedAt
from kassa.app.shop import present
from kassa.cli.checks import _show_report, _verdict
from kassa.cli.main import app
from kassa.cli.running import opened, settings_for
from kassa.kit.audit import Comparison, Finding
from kassa.payment.check_reports import CheckReport
from tests.app.process import environment, kassa, started
from tests.support import WEBHOOK_SECRET

COMMANDS = [
    "up",
    "serve",
    "sandbox",
    "demo",
    "admin create",
    "admin list",
    "admin demote",
    "admin disable",
    "admin enable",
    "admin end-sessions",
    "admin reset-second-factor",
    "import",
    "export",
    "audit",
    "reconcile",
    "replay",
    "doctor",
]
SHOP = "Shop: .kassa (SQLite)\n"
"""What a command says on stderr: which shop it acts on."""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does(command: str) -> None:
    answer = CliRunner().invoke(app, [*command.split(), "--help"])
    assert answer.exit_code == 0
    assert "Usage:" in answer.output
    assert len(answer.output) > 200


def test_the_version_is_told_without_a_command() -> None:
    answer = CliRunner().invoke(app, ["--version"])
    assert (answer.exit_code, answer.output) == (0, f"kassa {__version__}\n")


@pytest.mark.parametrize("command", ["up", "audit", "export", "doctor", "reconcile"])
def test_a_wrong_setting_stops_every_command_with_one_line(tmp_path: Path, command: str) -> None:
    done = kassa(tmp_path, command, CURRENCY="gold")
    assert done.returncode == 2
    assert done.stderr.startswith("KASSA: CURRENCY ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def place(started_once: Path, tmp_path: Path) -> Path:
    """A new shop of one's own."""
    return shutil.copytree(started_once, tmp_path, dirs_exist_ok=True)


def test_a_new_administrator_is_made_and_an_old_one_kept(place: Path) -> None:
    def create(**settings: str) -> subprocess.CompletedProcess[str]:
        return kassa(place, "admin", "create", "boss@example.com", **settings)

    made = create(KASSA_ADMIN_PASSWORD="correct horse battery")
    assert (made.returncode, made.stdout) == (0, "boss@example.com now has the role admin.\n")
    again = create(KASSA_ADMIN_PASSWORD="correct horse battery")
    assert (again.returncode, again.stdout) == (0, "boss@example.com already had the role admin.\n")


def test_where_no_terminal_is_the_password_comes_from_the_environment(place: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "kassa.cli.main", "admin", "create", "new@example.com"],
        cwd=place,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines()[-1].startswith(
        "KASSA: there is no terminal to ask for the password at: set KASSA_ADMIN_PASSWORD"
    )


def test_who_has_registered_an_address_is_told_and_is_not_made_an_administrator(place: Path) -> None:
    def create(*options: str, password: str) -> subprocess.CompletedProcess[str]:
        return kassa(place, "admin", "create", "boss@example.com", *options, KASSA_ADMIN_PASSWORD=password)

    with started(place, "up") as running:
        running.wait_until_ready()
        stranger = {"email": "boss@example.com", "password": "a strangers password"}
        assert httpx.post(f"{running.url}/auth/register", json=stranger, trust_env=False).status_code == 201
        running.stop()
    for password in ("", "correct horse battery"):
        refused = create(password=password)
        assert (refused.returncode, refused.stdout.count("\n")) == (1, 1)
        assert re.search(
            r"boss@example\.com was registered on 20\d\d-\d\d-\d\d as usr_\w+, with 0 orders", refused.stdout
        )
        assert "kassa admin create boss@example.com --promote" in refused.stderr
    for password in ("", "a strangers password"):
        assert create("--promote", password=password).returncode == 1
    promoted = create("--promote", password="correct horse battery")
    assert promoted.stdout.splitlines()[1:] == [
        "boss@example.com now has the role admin.",
        "The password was changed, and all sessions have ended.",
    ]


def test_a_password_that_is_too_short_is_refused_in_one_line(place: Path) -> None:
    refused = kassa(place, "admin", "create", "boss@example.com", KASSA_ADMIN_PASSWORD="x")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"{SHOP}KASSA: password: ")
    assert refused.stderr.count("\n") == 2


def test_what_is_exported_can_be_imported_and_changes_nothing(place: Path) -> None:
    (place / "in.csv").write_text(
        "name,description,category,price,stock\nTea,Green,Tea,4.50,7\nPot,Round,Tea,19.99,\n", encoding="utf-8"
    )
    done = kassa(place, "import", "in.csv")
    assert (done.returncode, done.stdout) == (0, "2 made, 0 changed, 0 as they were.\n"), done.stderr
    out = place / "out.csv"
    assert kassa(place, "export", "--out", str(out)).returncode == 0
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert {(row["name"], row["price"], row["stock"]) for row in rows} == {("Tea", "4.50", "7"), ("Pot", "19.99", "0")}
    again = kassa(place, "import", "out.csv")
    assert (again.returncode, again.stdout) == (0, "0 made, 0 changed, 2 as they were.\n"), again.stderr


def test_a_file_that_is_wrong_or_missing_changes_nothing(place: Path) -> None:
    (place / "bad.csv").write_text("name,description,category,price\nTea,Green,,free\nPot\n", encoding="utf-8")
    done = kassa(place, "import", "missing.csv")
    assert (done.returncode, done.stderr) == (1, "KASSA: missing.csv cannot be read: No such file or directory\n")
    done = kassa(place, "import", "bad.csv")
    assert done.returncode == 1
    *faults, last = done.stderr.removeprefix(SHOP).splitlines()
    assert [fault.split(": ")[0] for fault in faults] == ["row 2, column category", "row 2, column price", "row 3"]
    assert last == "KASSA: nothing was imported: mend what is told above in bad.csv, and import it again"


def test_a_file_comes_in_from_a_pipe_and_its_stock_counts_when_that_is_said(place: Path) -> None:
    file = "sku;name;description;category;price;stock\nT-1;Tea;Green;Tea;4,50;{stock}\n"
    assert kassa(place, "import", "-", input=file.format(stock=7)).returncode == 0
    left = kassa(place, "import", "-", input=file.format(stock=3))
    assert "The stock of 1 product was left as it is; --set-stock would set it." in left.stdout
    for stock in (3, 12):
        done = kassa(place, "import", "-", "--set-stock", input=file.format(stock=stock))
        assert done.returncode == 0, done.stderr
        assert "The stock of 1 product was set to what the file says." in done.stdout
        (row,) = csv.DictReader(kassa(place, "export").stdout.splitlines())
        assert (row["sku"], row["stock"]) == ("T-1", str(stock))
    assert kassa(place, "audit").returncode == 0


def test_of_an_empty_shop_nothing_is_proved(place: Path) -> None:
    audit = kassa(place, "audit")
    nothing = "Nothing is proved, for there is nothing yet: 0 orders, 0 payments, 0 products, 0 stock movements.\n"
    assert (audit.returncode, audit.stdout, audit.stderr) == (0, nothing, SHOP)
    for options in ((), ("--fix",)):
        done = kassa(place, "reconcile", *options)
        assert (done.returncode, "agree." in done.stdout) == (0, False)
        assert done.stdout.endswith(f"{nothing}There is nothing to compare yet.\n")


def test_a_run_that_mends_is_kept_for_the_console(place: Path) -> None:
    def kept() -> list[CheckReport]:
        async def read() -> list[CheckReport]:
            async with opened(settings_for(place / ".kassa"), reads_only=True) as shop:
                return await present(shop.check_reports, "payment").reports.find({}, limit=10)

        return asyncio.run(read())

    assert kassa(place, "reconcile").returncode == 0
    assert kept() == []
    assert kassa(place, "reconcile", "--fix").returncode == 0
    (report,) = kept()
    assert (report.left, report.mended, report.findings) == (0, 0, ())


def test_a_verdict_says_how_many_there_are_of_everything() -> None:
    looked_at, one = LookedAt(1, 1, 1, 1), Difference("I1", "prd_1", "is wrong")
    assert _verdict(Audit(looked_at, [])) == "All invariants hold: 1 order, 1 payment, 1 product, 1 stock movement."
    assert _verdict(Audit(looked_at, [one])).startswith("1 difference: 1 order,")


@pytest.mark.parametrize(("left", "said"), [(1, "1 difference is left"), (2, "2 differences are left")])
def test_a_report_says_how_many_differences_are_left(left: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = [Finding("ord_1", "is wrong", is_mended=False)] * left
    _show_report([Comparison("refunds", 5, found)], Audit(LookedAt(1, 1, 1, 1), []), left, fix=False)
    shown = capsys.readouterr().out
    assert shown.startswith(f"refunds: 5 looked at, {left} {'differs' if left == 1 else 'differ'}\n")
    assert shown.endswith(f"{said}; --fix mends what can be mended.\n")


def test_what_was_looked_at_is_counted(place: Path) -> None:
    (place / "in.csv").write_text("name,description,category,price,stock\nTea,,Tea,4.50,7\nPot,,Tea,19.99,2\n")
    assert kassa(place, "import", "in.csv").returncode == 0
    counted = "All invariants hold: 0 orders, 0 payments, 2 products, 2 stock movements."
    assert kassa(place, "audit").stdout == f"{counted}\n"
    assert counted in kassa(place, "reconcile").stdout
    looked_at = {"orders": 0, "payments": 0, "products": 2, "movements": 2}
    told = kassa(place, "audit", "--json")
    assert json.loads(told.stdout) == {"lookedAt": looked_at, "differences": []}
    report = json.loads(kassa(place, "reconcile", "--json").stdout)
    assert report["lookedAt"] == looked_at
    levels = next(each for each in report["comparisons"] if each["name"] == "stock levels")
    assert levels["lookedAt"] == 2


def test_an_unknown_event_is_told(place: Path) -> None:
    done = kassa(place, "replay", "evt_unknown")
    assert (done.returncode, done.stderr) == (1, f"{SHOP}KASSA: there is no stored event evt_unknown\n")


def test_the_doctor_finds_a_new_shop_well(place: Path) -> None:
    done = kassa(place, "doctor")
    assert done.returncode == 0, done.stdout
    assert "✗" not in done.stdout
    assert "sandbox" in done.stdout


@pytest.mark.parametrize(
    "given", [{"FRONTEND_URL": "https://shop.example"}, {"STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}], ids=str
)
def test_the_doctor_finds_what_keeps_the_shop_from_starting(place: Path, given: dict[str, str]) -> None:
    refused, found = kassa(place, "up", **given), kassa(place, "doctor", **given)
    assert (refused.returncode, found.returncode) == (2, 1)
    wrong = [line for line in found.stdout.splitlines() if line.startswith("✗")]
    said = refused.stderr.splitlines()[-1].removeprefix("KASSA: ")
    assert said.startswith("STRIPE_SECRET_KEY must be set")
    assert [line.removeprefix("✗ ").split(" — ")[0] for line in wrong] == [said]


def test_the_doctor_says_what_to_do(place: Path) -> None:
    done = kassa(
        place,
        "doctor",
        STRIPE_SECRET_KEY="sk_test_1",
        STRIPE_WEBHOOK_SECRET="not-what-stripe-makes",
        STRIPE_API_BASE="http://127.0.0.1:1",
    )
    assert done.returncode == 1
    wrong = [line for line in done.stdout.splitlines() if line.startswith("✗")]
    assert [line.split(":")[0] for line in wrong] == ["✗ STRIPE_WEBHOOK_SECRET", "✗ Stripe"]
    assert "Stripe: the key cannot be used (" in wrong[-1]
    assert wrong[-1].endswith("can this machine reach Stripe, or does it need a proxy (HTTPS_PROXY)?")
    assert all(" — " in line for line in wrong)
    assert "not-what-stripe-makes" not in done.stdout


def test_the_demo_buys_as_it_must() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kassa.cli.main", "demo"],
        env=environment(COLUMNS="100"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("✓") == 3
    assert "CONFIRMED" in done.stdout
    prices = re.findall(r"ordered .* for (\S+) (\S+):", done.stdout)
    assert len(prices) == 3
    assert all(re.fullmatch(r"[0-9]+\.[0-9]{2}", price) and currency == "USD" for price, currency in prices)


def test_the_demo_needs_a_shop(tmp_path: Path) -> None:
    done = kassa(tmp_path, "demo", "--base", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith("KASSA: http://127.0.0.1:1 cannot be reached")
