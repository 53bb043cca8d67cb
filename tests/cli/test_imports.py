"""A command is quick: what it does not need it does not import."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.process import environment

SERVES = {"litestar", "aiohttp", "stripe", "uvicorn", "jinja2", "httpx"}
STORES = {"apsw", "pymongo", "redis"}
CODE = """
import sys
from kassa.cli.main import app
app(sys.argv[1:], standalone_mode=False)
print(*sys.modules, sep="\\n", file=sys.stderr)
"""


def imported(place: Path, *arguments: str) -> set[str]:
    """What a command imports, which must succeed."""
    command = [sys.executable, "-c", CODE, *arguments]
    done = subprocess.run(command, cwd=place, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines())


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert imported(tmp_path, "--help") & (SERVES | STORES) == set()


@pytest.mark.parametrize("command", ["audit", "export", "acts", "admin list", "key list"])
def test_what_works_on_a_shop_s_files_imports_nothing_that_serves(started_once: Path, command: str) -> None:
    found = imported(started_once, *command.split()) & (SERVES | STORES)
    assert found == {"apsw"}
