"""What the benchmarks print: one line of figures each."""

import json
import os
import platform
import statistics
from pathlib import Path
from typing import Any, TypeAlias

from kassa.bench.accounting import memory_mb
from kassa.bench.driving import Outcome, Plan, drive
from kassa.bench.running import Shop
from kassa.bench.visits import OK, Visit
from kassa.kit.text import counted

Line: TypeAlias = dict[str, Any]


def driven(running: Shop, visit: Visit, clients: int, seconds: float, products: list[str]) -> Outcome:
    """So many clients repeat a visit, each as a buyer of its own."""
    visitors = [running.client(products=products) for _ in range(clients)]
    return drive(Plan(visit, visitors, seconds, warm_up=visit), running.pids)


def figures(outcome: Outcome, running: Shop, right: tuple[str, ...] = (OK,)) -> Line:
    """What every line has: per second, latencies, CPU of each process per operation, memory; and what went wrong."""
    count = max(1, len(outcome.took))
    hundredths = statistics.quantiles([*outcome.took, *outcome.took], n=100) if outcome.took else [0.0] * 99
    return {
        "operations": len(outcome.took),
        "seconds": round(outcome.seconds, 2),
        "throughput": round(len(outcome.took) / outcome.seconds, 1),
        "p50_ms": round(hundredths[49] * 1000, 2),
        "p99_ms": round(hundredths[98] * 1000, 2),
        "cpu_ms": {name: round(used / count * 1000, 3) for name, used in outcome.cpu.items()},
        "yardstick_us": outcome.yardstick_us,
        "memory_mb": {name: sum(memory_mb(pid) for pid in pids) for name, pids in running.pids.items()},
        "memory_at_rest_mb": running.memory_at_rest_mb,
        "memory_at_rest_pss_mb": running.memory_at_rest_pss_mb,
        "ready_seconds": running.ready_seconds,
        "wrong": {end: times for end, times in outcome.ends.items() if end not in right},
    }


def ratio(ours: Line, theirs: Line, process: str = "kassa") -> float:
    """The CPU of a process for an operation, by that on the other line."""
    divided: float = round(ours["cpu_ms"][process] / theirs["cpu_ms"][process], 2)
    return divided


def judged(name: str, line: Line) -> Line:
    """The line as it is printed: named, with where it was measured, and whether all was answered as it must be."""
    return {"name": name, "machine": _machine(), **line, "is_right": line.get("is_right", True) and not line["wrong"]}


def _machine() -> str:
    about = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in about if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0))
    return f"{counted(cores, 'core')} of {next(iter(models), platform.machine())}, Python {platform.python_version()}"


def printed(line: Line) -> str:
    """As one line of JSON."""
    return json.dumps(line)
