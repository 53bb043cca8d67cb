"""What a second process adds."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.servers import ON_SERVERS, servers
from kassa.bench import visits
from kassa.bench.driving import Outcome
from kassa.bench.figures import Line, driven, figures
from kassa.bench.running import Form, Shop, pin, shop

CLIENTS = 32
PROCESSES = {1: ON_SERVERS, 2: Form(("--workers", "2"), servers)}


def scaling(seconds: float) -> Line:
    """Journeys through one process and through two, in turn, on MongoDB and Valkey; each process is held to a core of
    its own. `ratio`: the throughput of two by that of one; `per_cpu_ratio`: journeys for a second of Kassa's CPU, of
    two by those of one. Stores and drivers take what is left of the cores: `cores` tells how many each had, `left` how
    many nobody. The line's own figures are those of two."""
    with ExitStack() as closing:
        running = {count: closing.enter_context(_settled(form, count)) for count, form in PROCESSES.items()}
        products = {count: each.stock_up() for count, each in running.items()}
        rounds: dict[int, list[Outcome]] = {count: [] for count in running}
        for count in (*running, *running):
            outcome = driven(running[count], visits.journey, CLIENTS, seconds / 4, products[count])
            rounds[count].append(outcome)
        one, two = (_told(first.joined(second), running[count]) for count, (first, second) in rounds.items())
        return {
            "clients": CLIENTS,
            **two,
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


def _told(outcome: Outcome, running: Shop) -> Line:
    cores = {name: round(used / outcome.seconds, 2) for name, used in outcome.cpu.items()}
    left = len(os.sched_getaffinity(0)) - sum(cores.values())
    return {**figures(outcome, running), "cores": cores, "left": round(left, 2)}
