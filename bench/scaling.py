"""What a second process adds."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import reduce
from pathlib import Path

from bench.servers import ON_SERVERS, servers
from kassa.bench import visits
from kassa.bench.driving import Outcome
from kassa.bench.figures import Line, driven, figures
from kassa.bench.running import Form, Shop, pin, shop

CLIENTS = 16
PROCESSES = {1: ON_SERVERS, 2: Form(("--workers", "2"), servers)}
SHARE = 0.2
"""Of a core, for each process. Its stores need more for a journey than it does: with more, two cores are full."""

_ROUNDS = 4
_PERIOD_MICROSECONDS = 50_000
_GROUPS = Path("/sys/fs/cgroup")


def scaling(seconds: float) -> Line:
    """Journeys through one process and through two, in turn, on MongoDB and Valkey, with 16 clients for each process.
    Each process is held to a fifth of a core of its own, so that stores and drivers find the rest free. `ratio`: the
    throughput of two by that of one; `per_cpu_ratio`: journeys for a second of Kassa's CPU, of two by those of one;
    `cores`: how much of them each had, `left` how much nobody. `share` is None where this machine gives out no shares
    of a core: then all compete for whole cores. The line's own figures are those of two."""
    with ExitStack() as closing:
        running = {count: closing.enter_context(_settled(form, count)) for count, form in PROCESSES.items()}
        shares = [closing.enter_context(_held(each, count)) for count, each in running.items()]
        products = {count: each.stock_up() for count, each in running.items()}
        rounds: dict[int, list[Outcome]] = {count: [] for count in running}
        for count in (*running,) * _ROUNDS:
            outcome = driven(running[count], visits.journey, CLIENTS * count, seconds / 2 / _ROUNDS, products[count])
            rounds[count].append(outcome)
        one, two = (_told(reduce(Outcome.joined, found), running[count]) for count, found in rounds.items())
        return {
            "clients": 2 * CLIENTS,
            **two,
            "share": SHARE if all(shares) else None,
            "ratio": round(two["throughput"] / one["throughput"], 2),
            "per_cpu_ratio": round(one["cpu_ms"]["kassa"] / two["cpu_ms"]["kassa"], 2),
            "by_processes": {"1": one, "2": two},
        }


@contextmanager
def _settled(form: Form, count: int) -> Iterator[Shop]:
    """A shop whose processes have a core each; the one that only starts others has none."""
    with shop(with_sandbox=True, form=form) as running:
        cores = sorted(os.sched_getaffinity(0))
        for number, pid in enumerate(running.pids["kassa"][-count:]):
            pin(pid, cores[number % len(cores)])
        yield running


@contextmanager
def _held(running: Shop, count: int) -> Iterator[bool]:
    """Each process gets its share of a core for as long as this lasts; whether that could be had."""
    with ExitStack() as closing:
        try:
            for pid in running.pids["kassa"][-count:]:
                closing.enter_context(_group(pid))
        except OSError:
            closing.close()
            yield False
        else:
            yield True


@contextmanager
def _group(pid: int) -> Iterator[None]:
    """A control group of the process alone, of the first or the second version. OSError if none can be had."""
    quota = round(SHARE * _PERIOD_MICROSECONDS)
    first = _GROUPS / "cpu"
    parent = first if first.is_dir() else _GROUPS
    group = parent / f"kassa-bench-{pid}"
    group.mkdir()
    try:
        if parent is first:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD_MICROSECONDS))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {_PERIOD_MICROSECONDS}")
        (group / "cgroup.procs").write_text(str(pid))
        yield
        (parent / "cgroup.procs").write_text(str(pid))
    finally:
        with suppress(OSError):  # It has ended with its process, or somebody is still in it.
            group.rmdir()


def _told(outcome: Outcome, running: Shop) -> Line:
    cores = {name: round(used / outcome.seconds, 2) for name, used in outcome.cpu.items()}
    left = len(os.sched_getaffinity(0)) - sum(cores.values())
    return {**figures(outcome, running), "cores": cores, "left": round(left, 2)}
