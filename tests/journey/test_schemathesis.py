"""The API keeps to its own description, as schemathesis sees it: all of its checks, in all of its phases, against a
running shop, with data that the description allows and data that it forbids."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.process import Running, kassa, started

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
# None that the description has as an example: a changed password ends the session that all of this is asked with.
PASSWORD = "nobody knows this one"
REPLACED = "positive_data_acceptance,negative_data_rejection,use_after_free"
PHASES = ("Examples", "Coverage", "Fuzzing", "Stateful")


def schemathesis(running: Running, token: str, directory: Path) -> tuple[int, str]:
    """Its exit status and what it printed. `refusals.py` stands in for three of its checks, and says why."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{running.url}/openapi.json", "--no-color"]
    options = ["-H", f"Authorization: Bearer {token}", "--exclude-checks", REPLACED, "--seed", "1"]
    surroundings = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    ran = subprocess.run(
        [*command, *options],
        cwd=directory,
        env={**surroundings, "SCHEMATHESIS_HOOKS": "tests.journey.refusals", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    return ran.returncode, ran.stdout


def test_what_is_described_is_accepted_and_all_else_is_refused(tmp_path: Path) -> None:
    with started(tmp_path, "up", "--sample", RATE_LIMIT="off") as running:
        running.wait_until_ready()
        made = kassa(tmp_path, "admin", "create", "admin@shop.example", KASSA_ADMIN_PASSWORD=PASSWORD)
        assert made.returncode == 0, made.stdout + made.stderr
        with httpx.Client(base_url=running.url, trust_env=False) as http:
            admin = {"email": "admin@shop.example", "password": PASSWORD}
            token = http.post("/auth/login", json=admin).json()["token"]
            document: dict[str, Any] = http.get("/openapi.json").json()
        status, said = schemathesis(running, token, tmp_path)
    assert status == 0, said
    count = sum(len(methods) for methods in document["paths"].values())
    assert f"Tested: {count}\n" in said
    assert all(f"✅ {phase}" in said for phase in PHASES), said
