"""The simulation: no violation in the code as it is, exactly repeatable, and it finds every bug that is put in."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from kassa.simulation import faults, run
from kassa.simulation.faults import KINDS
from kassa.simulation.run import Plan
from tests.simulation.bugs import BUGS
from tests.simulation.finding import MOST_SEEDS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(1, 13))
def test_nothing_is_violated_whatever_happens(seed: int) -> None:
    result = run.run(Plan(seed, 100))
    assert result.violations == []
    assert result.orders > 0


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_trouble_happens_and_violates_nothing(kind: str) -> None:
    # Not every shop writes mails, or sends events.
    seed = 4 if "mail" in kind else 17 if "endpoint" in kind else 7
    result = run.run(Plan(seed, 60, kinds=frozenset({kind}), often=frozenset({kind})))
    assert result.violations == []
    assert set(result.faults) == {kind}


def test_processes_die_after_the_deed_and_before_it_is_noted() -> None:
    results = [run.run(Plan(seed, 60, often=frozenset({"crash"}))) for seed in range(1, 6)]
    assert [result.violations for result in results] == [[]] * 5
    assert sum(result.deeds_not_noted for result in results) >= 5


def test_a_violation_is_shown_with_a_history_that_is_made_short(monkeypatch: pytest.MonkeyPatch) -> None:
    BUGS["a_closed_order_keeps_its_stock"](monkeypatch)
    found = next(result for result in (run.run(Plan(seed, 60)) for seed in range(MOST_SEEDS)) if result.violations)
    small = run.shrunk(found)
    assert small.violations
    assert small.plan.buyers <= 12
    assert small.plan.kinds < found.plan.kinds
    history = run.history_of(small)
    assert 0 < len(history) < 60
    named = re.findall(r"ord_\w+", " ".join(small.violations))
    assert {each.about for each in history} == {faults.body_of(each) for each in named}


def test_a_seed_repeats_its_run_exactly() -> None:
    """In processes of their own, as the order of sets may differ from one to the next."""
    first, second = (told_by_another_process(3) for _ in range(2))
    assert first == second
    assert "process 0 is killed" in first


def told_by_another_process(seed: int) -> str:
    code = (
        "import structlog; structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))\n"
        "from kassa.simulation.run import Plan, run\n"
        f"result = run(Plan({seed}, 40, often=frozenset({{'crash', 'answer lost'}})))\n"
        "print(result.violations, result.ends, *result.history, sep='\\n')\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_the_command_tells_what_was_reached(tmp_path: object) -> None:
    done = kassa("--runs", "2", "--buyers", "20", "--often", "crash")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 runs from seed 1" in done.stdout
    assert "no violation" in done.stdout
    assert "crash" in done.stdout


def test_the_command_tells_what_was_reached_when_it_is_interrupted() -> None:
    command = [sys.executable, "-m", "kassa.cli.main", "simulate", "--runs", "100000", "--buyers", "5"]
    pipe = subprocess.PIPE
    # Whoever runs the tests in the background may have it ignored.
    with subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True, preexec_fn=heed) as running:
        time.sleep(4)
        running.send_signal(signal.SIGINT)
        printed, _ = running.communicate(timeout=60)
    assert running.returncode == 130, printed
    assert "Interrupted after " in printed
    assert "Reached: " in printed


def test_the_command_knows_the_kinds_of_trouble() -> None:
    done = kassa("--often", "earthquake")
    assert done.returncode != 0
    assert "earthquake" in done.stdout + done.stderr


def heed() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def kassa(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "kassa.cli.main", "simulate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
