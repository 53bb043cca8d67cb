"""`kassa simulate`: the whole shop under simulated trouble, many times over, each run from a seed of its own."""

import gc
import importlib.util
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from kassa.cli.running import typed
from kassa.cli.trouble import Refusal
from kassa.kit.text import counted

if TYPE_CHECKING:
    from kassa.simulation.coverage import Reached
    from kassa.simulation.run import Result

_EVERY = 15.0


def simulate(
    seed: Annotated[int, typer.Option(help="The first run's seed; each further run has the next one.")] = 1,
    runs: Annotated[int, typer.Option(help="How many runs.", min=1)] = 20,
    buyers: Annotated[int, typer.Option(help="How many buyers come in each run.", min=1)] = 300,
    often: Annotated[
        list[str] | None, typer.Option(help="A kind of trouble that comes for sure; again for more.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="How many runs at a time; as many as there are cores.")] = None,
) -> None:
    """Simulate shops in trouble: crashes, lost and doubled messages, Stripe's failures, wrong clocks. A violation of
    what must hold ends it with status 1, and is told with its seed and a history made as short as can be."""
    if importlib.util.find_spec("lupa") is None:
        missing = "lupa, which a shop does not need, is missing"
        raise Refusal(f"{missing}: pip install 'kassa[simulation]', or make install-test in a clone of the repository")
    from kassa.simulation.faults import KINDS

    if unknown := set(often or ()) - set(KINDS):
        raise typer.BadParameter(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(KINDS)}")
    tally = _Tally(seed, buyers)
    try:
        for result in _results(seed, runs, buyers, frozenset(often or ()), jobs or os.cpu_count() or 1):
            tally.add(result)
            if result.violations:
                _tell_violation(result)
                raise typer.Exit(1)
            tally.tell_now_and_then(runs)
    except KeyboardInterrupt:
        tally.tell("Interrupted after ")
        raise typer.Exit(130) from None
    tally.tell()
    if not tally.orders:
        typer.echo("That proves nothing: no order was placed. Ask for more --buyers, or more --runs.")
        raise typer.Exit(1)


class _Tally:
    """What the runs so far have come to."""

    def __init__(self, seed: int, buyers: int) -> None:
        self._seed, self._buyers = seed, buyers
        self._began = self._told = time.monotonic()
        self._runs = self.orders = 0
        self._faults: Counter[str] = Counter()
        self._among: Counter[str] = Counter()
        self._reached: set[Reached] = set()

    def add(self, result: "Result") -> None:
        """One more run."""
        self._runs += 1
        self.orders += result.orders
        self._faults.update(result.faults)
        self._among.update(result.among)
        self._reached |= result.reached

    def tell_now_and_then(self, runs: int) -> None:
        """How far it is, of so many runs."""
        if time.monotonic() - self._told > _EVERY:
            self._told = time.monotonic()
            figures = f"{counted(self.orders, 'order')}, {counted(self._faults.total(), 'fault')}"
            typer.echo(f"{self._runs:,} of {counted(runs, 'run')}, {figures}, {self._pace()}")

    def tell(self, begin: str = "") -> None:
        """All of it."""
        seconds = time.monotonic() - self._began
        runs, orders = counted(self._runs, "run"), counted(self.orders, "order")
        typer.echo(
            f"{begin}{runs} from seed {self._seed}: {orders} of {counted(self._runs * self._buyers, 'buyer')} "
            f"in {seconds:.0f} s ({self._pace()}), no violation."
        )
        if self._among:
            typer.echo(f"Of the orders: {', '.join(f'{kind} {count:,}' for kind, count in self._among.most_common())}.")
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in self._faults.most_common())
        typer.echo(f"{counted(self._faults.total(), 'fault')}: {kinds}.")
        _tell_coverage(self._reached)

    def _pace(self) -> str:
        return f"{self.orders / (time.monotonic() - self._began):.0f} orders/s"


def _tell_coverage(reached: "set[Reached]") -> None:
    from kassa.simulation.coverage import coverage

    found = coverage(reached)
    typer.echo(
        f"Reached: {found.moves} of {found.moves + len(found.missing)} moves of orders and payments and {found.others} "
        f"of refunds and disputes; {found.pairs} of {found.possible} pairs of a move and the trouble before it."
    )
    if found.missing:
        typer.echo(f"Not reached: {'; '.join(found.missing)}.")


def _results(seed: int, runs: int, buyers: int, often: frozenset[str], jobs: int) -> Iterator["Result"]:
    from kassa.simulation.run import Plan

    # A run is repeated exactly only if sets of texts are gone through in the same order.
    os.environ["PYTHONHASHSEED"] = "0"
    plans = (Plan(each, buyers, often=often) for each in range(seed, seed + runs))
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _prepare)
    try:
        waiting = [pool.submit(_run, plan) for plan in islice(plans, jobs * 2)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(_run, plan) for plan in islice(plans, 1)]
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare() -> None:
    """Each process: whoever interrupts means the command; and a run keeps its history, in which there is no garbage."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(100_000, 20, 20)


def _run(plan: object) -> "Result":
    gc.collect()  # Of the run before nothing is kept.
    import structlog

    from kassa.simulation.run import Plan, history_of, run, shrunk

    assert isinstance(plan, Plan)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    result = run(plan)
    if result.violations:
        result = shrunk(result)
    result.history = history_of(result) if result.violations else []
    return result


def _tell_violation(result: "Result") -> None:
    plan = result.plan
    typer.echo(f"Seed {plan.seed} with {counted(plan.buyers, 'buyer')} violates:")
    for text in result.violations[:10]:
        typer.echo(f"  {text}")
    typer.echo(f"Trouble that is needed: {', '.join(sorted(plan.kinds & result.faults.keys())) or 'none'}.")
    for happening in result.history[-100:]:
        typer.echo(f"  {happening.at:10.3f} s  {happening.text}")
    asked = "".join(f" --often '{kind}'" for kind in sorted(plan.often))
    typer.echo(f"Again: {typed('simulate')} --seed {result.plan.seed} --buyers {plan.buyers} --runs 1{asked}")
