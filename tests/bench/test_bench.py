"""The benchmarks run, and what they print can be read. No time is asserted: that is for people to compare."""

import asyncio
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from bench.against import ratios
from bench.profile import areas
from bench.workloads import WORKLOADS

from kassa.bench import workloads
from kassa.bench.growth import Stored, buy, fill_files
from kassa.bench.running import prepared

ROOT = Path(__file__).parents[2]
KEYS = {
    "name", "machine", "is_right", "clients", "operations", "seconds", "throughput", "p50_ms", "p99_ms", "cpu_ms",
    "yardstick_us", "memory_mb", "memory_at_rest_mb", "memory_at_rest_pss_mb", "ready_seconds", "wrong",
}  # fmt: skip
MORE = {
    "order": {"by_clients"},
    "webhooks": {"drained_per_second", "stored_only"},
    "flash-sale": {"buyers", "pieces", "sold", "refused"},
    "growth": {"ratio", "by_orders", "start_cpu_seconds", "page_ratio", "pages"},
    "growth-servers": {"ratio", "by_orders", "start_cpu_seconds", "page_ratio", "pages"},
    "forms": {"ratio", "by_form"},
    "clients": {"ratio", "by_client"},
    "overload": {"ratio", "by_form", "loads", "accepted", "stored", "lost", "audit"},
    "scaling": {"share", "ratio", "per_cpu_ratio", "by_processes", "cores", "left"},
    "beside": {"ratio", "beside"},
    "beside-servers": {"ratio", "beside"},
}
WITHOUT_SANDBOX = ("browse", "quote", "order", "flash-sale", "clients", "overload")
KASSA = ("-m", "kassa.cli.main", "bench")
BENCH = ("-m", "bench")


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKLOADS)
def test_every_workload_prints_one_line_with_its_figures(name: str) -> None:
    line = benched(name)
    assert set(line) == KEYS | MORE.get(name, set())
    assert line["name"] == name
    assert line["is_right"], line["wrong"]
    assert line["operations"] > 0
    assert {"sandbox" if name == "sandbox" else "kassa", "drivers"} <= set(line["cpu_ms"])
    assert ("sandbox" in line["cpu_ms"]) == (name not in WITHOUT_SANDBOX)


@pytest.mark.slow
def test_the_flash_sale_sells_exactly_its_pieces() -> None:
    line = benched("flash-sale")
    assert (line["sold"], line["sold"] + line["refused"]) == (workloads.PIECES, line["buyers"])


@pytest.mark.slow
def test_what_a_shop_is_filled_with_is_a_shop_without_fault() -> None:
    with prepared(with_sandbox=True) as running:
        with running.up(rest=0):
            asyncio.run(buy(running))
        fill_files(running, Stored(100, 100))
        found = json.loads(running.command("audit", "--json"))
    assert (found["lookedAt"]["orders"], found["differences"]) == (101, [])


@pytest.mark.parametrize("program", [KASSA, BENCH], ids=["kassa bench", "python -m bench"])
def test_an_unknown_name_is_refused_with_those_that_there_are(program: tuple[str, ...]) -> None:
    done = run(*program, "browze")
    assert done.returncode == 2
    assert "flash-sale" in done.stderr


def test_no_other_command_pays_for_the_benchmarks() -> None:
    done = run("-c", "import sys, kassa.cli.main; print([name for name in sys.modules if 'kassa.bench' in name])")
    assert done.stdout.strip() == "[]", done.stderr


def figures(cpu: float, yardstick: float = 30.0, **more: Any) -> dict[str, Any]:
    return {"cpu_ms": {"kassa": cpu, "mongod": 2.0}, "yardstick_us": yardstick, "p99_ms": 10.0, **more}


def test_two_checkouts_are_compared_by_the_median_of_the_ratios_of_each_turn() -> None:
    ours, theirs = ([figures(cpu) for cpu in (1.0, 9.0, 1.0)], [figures(cpu) for cpu in (2.0, 3.0, 4.0)])
    found = ratios(ours, theirs)["line"]
    assert found["cpu_kassa"] == {"median": 0.5, "raw": [0.5, 3.0, 0.25]}
    assert found["cpu_mongod"] == found["p99_ms"] == {"median": 1.0, "raw": [1.0, 1.0, 1.0]}


def test_each_form_is_compared_with_itself() -> None:
    ours = [figures(2.0, by_form={"one": figures(1.0), "six": figures(3.0)}, stored_only=figures(5.0))]
    theirs = [figures(2.0, by_form={"one": figures(2.0), "six": figures(2.0)}, stored_only=figures(2.0))]
    medians = {part: found["cpu_kassa"]["median"] for part, found in ratios(ours, theirs).items()}
    assert medians == {"line": 1.0, "one": 0.5, "six": 1.5, "stored_only": 2.5}


def test_cpu_is_compared_by_what_the_machine_made_of_the_yardstick() -> None:
    found = ratios([figures(2.0, yardstick=60.0)], [figures(2.0, yardstick=30.0)])["line"]
    assert found["cpu_kassa"]["median"] == 0.5
    assert found["p99_ms"]["median"] == 1.0


def test_what_an_older_checkout_does_not_tell_is_left_out() -> None:
    ours = [figures(2.0, memory_at_rest_pss_mb=80.0, by_form={"new": figures(1.0)})]
    found = ratios(ours, [figures(2.0)])
    assert list(found) == ["line"]
    assert "memory_at_rest_pss_mb" not in found["line"]


def test_the_sampler_tells_where_the_time_of_a_shop_goes(tmp_path: Path) -> None:
    busy = tmp_path / "kassa" / "storage" / "busy.py"
    busy.parent.mkdir(parents=True)
    busy.write_text("import time\nwhile time.process_time() < 1.5:\n    sum(range(1000))\n")
    looking = {"PYTHONPATH": str(ROOT / "bench" / "sampler"), "KASSA_SAMPLES": str(tmp_path)}
    looking["KASSA_SAMPLES_AFTER"] = "0"
    subprocess.run([sys.executable, str(busy), "up"], env={**os.environ, **looking}, check=True, timeout=100)
    found = areas([*tmp_path.glob("one-*")])
    assert found["the database"] > 0.5
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.slow
def test_the_last_line_has_the_ratios_of_both_checkouts() -> None:
    done = run(*BENCH, "sandbox", "--seconds", "0.1", "--turns", "1", "--against", str(ROOT))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("code") for line in lines] == [None, str(ROOT), None], done.stderr
    assert len(lines[-1]["ratios"]["sandbox"]["line"]["cpu_sandbox"]["raw"]) == 1


@cache
def benched(name: str) -> dict[str, Any]:
    """The line of one workload, run for a moment; of the installed package's, by its command."""
    done = run(*(KASSA if name in workloads.WORKLOADS else BENCH), name, "--seconds", "0.4")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1
    line: dict[str, Any] = json.loads(lines[0])
    return line


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Python to its end: `kassa` anywhere, and it leaves nothing there; the other one in the checkout."""
    with TemporaryDirectory() as elsewhere:
        place = ROOT if arguments[:2] == BENCH else Path(elsewhere)
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=400, check=False)
        assert list(Path(elsewhere).iterdir()) == []
        return done
