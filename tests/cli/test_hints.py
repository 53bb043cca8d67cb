"""What commands tell the user to type can be typed as it stands, where it was told."""

import re
import subprocess
import sys
from pathlib import Path

from tests.app.process import environment, kassa, started

ROOT = Path(__file__).parents[2]


def test_the_line_that_makes_an_administrator_works_as_it_is_printed(tmp_path: Path) -> None:
    data = tmp_path / "my shop"
    with started(tmp_path, "up", "--data", str(data), PATH="/usr/bin:/bin") as running:
        running.wait_until_ready()
        (line,) = re.findall(r"^Make an administrator with: (.*)$", running.log.read_text(), re.MULTILINE)
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=tmp_path,
            env=environment(PATH="/usr/bin:/bin", KASSA_ADMIN_PASSWORD="correct horse battery"),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"Shop: {data} (SQLite)\n"


def test_a_port_that_is_taken_is_told_with_what_works_with_make_too(tmp_path: Path) -> None:
    with started(tmp_path, "up") as running:
        running.wait_until_ready()
        taken = kassa(tmp_path, "up", "--data", "other", "--port", str(running.port))
    (arguments,) = re.findall(r"make (up ARGS='.*')", taken.stderr)
    dry = subprocess.run(
        ["/bin/sh", "-c", f"make --no-print-directory -n {arguments}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert dry.stdout.rstrip().endswith("kassa up --sample --port 4000"), dry.stdout


def test_a_simulation_without_orders_proves_nothing() -> None:
    code = (
        "from kassa.cli import simulate\n"
        "simulate._results = lambda *_: iter(())\n"
        "from typer.testing import CliRunner\n"
        "from kassa.cli.main import app\n"
        "done = CliRunner().invoke(app, ['simulate', '--runs', '1'])\n"
        "assert done.exit_code == 1, done.output\n"
        "assert 'no order was placed' in done.output, done.output\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_the_extra_a_simulation_says_what_to_install() -> None:
    code = (
        "import sys\n"
        "from kassa.cli.main import main\n"
        "sys.modules['lupa'] = None\n"
        "sys.argv = ['kassa', 'simulate']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"KASSA: lupa, .* is missing: pip install 'kassa\[simulation\]', or .*\n", done.stderr)
