"""The benchmarks run, and what they print can be read. No time is asserted: that is for people to compare."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bench.workloads import PIECES, WORKLOADS

ROOT = Path(__file__).parents[2]
KEYS = {
    "name", "is_right", "clients", "operations", "seconds", "throughput", "p50_ms", "p99_ms", "cpu_ms", "yardstick_us",
    "memory_mb", "memory_at_rest_mb", "ready_seconds", "wrong",
}  # fmt: skip
MORE = {
    "order": {"by_clients"},
    "webhooks": {"drained_per_second", "stored_only"},
    "flash-sale": {"buyers", "pieces", "sold", "refused"},
    "growth": {"ratio", "by_orders"},
    "forms": {"ratio", "by_form"},
    "clients": {"ratio", "by_client"},
    "beside": {"ratio", "beside"},
    "beside-servers": {"ratio", "beside"},
}
WITH_SANDBOX = ("journey", "webhooks", "forms", "sandbox", "beside", "beside-servers")

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_workload_prints_one_line_with_its_figures(name: str) -> None:
    line = benched(name)
    assert set(line) == KEYS | MORE.get(name, set())
    assert line["name"] == name
    assert line["is_right"], line["wrong"]
    assert line["operations"] > 0
    assert {"sandbox" if name == "sandbox" else "kassa", "drivers"} <= set(line["cpu_ms"])
    assert ("sandbox" in line["cpu_ms"]) == (name in WITH_SANDBOX)


def test_the_flash_sale_sells_exactly_its_pieces() -> None:
    line = benched("flash-sale")
    assert (line["sold"], line["sold"] + line["refused"]) == (PIECES, line["buyers"])


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    done = bench("browze")
    assert done.returncode == 2
    assert "flash-sale" in done.stderr


def benched(name: str) -> dict[str, Any]:
    """The line of one workload, run for a second."""
    done = bench(name, "--seconds", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1
    line: dict[str, Any] = json.loads(lines[0])
    return line


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the benchmarks to their end."""
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=180, check=False
    )
