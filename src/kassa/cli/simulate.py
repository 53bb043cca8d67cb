"""`kassa simulate`: the whole shop under simulated trouble, many times over, each run from a seed of its own."""

import gc
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

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
    from kassa.simulation.faults import KINDS

    if unknown := set(often or ()) - set(KINDS):
        raise typer.BadParameter(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(KINDS)}")
    began, told = time.monotonic(), time.monotonic()
    total, orders = 0, 0
    faults: Counter[str] = Counter()
    reached: set[Reached] = set()
    for result in _results(seed, runs, buyers, frozenset(often or ()), jobs or os.cpu_count() or 1):
        total, orders = total + 1, orders + result.orders
        faults.update(result.faults)
        reached |= result.reached
        if result.violations:
            _tell_violation(result)
            raise typer.Exit(1)
        if time.monotonic() - told > _EVERY:
            told = time.monotonic()
            pace = orders / (told - began)
            typer.echo(f"{total} of {runs} runs, {orders} orders, {sum(faults.values())} faults, {pace:.0f} orders/s")
    seconds = time.monotonic() - began
    typer.echo(
        f"{total} runs from seed {seed}: {orders} orders of {total * buyers} buyers in {seconds:.0f} s "
        f"({orders / seconds:.0f} orders/s), no violation."
    )
    typer.echo(
        f"{sum(faults.values())} faults: {', '.join(f'{kind} {count}' for kind, count in faults.most_common())}."
    )
    _tell_coverage(reached)


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
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _rarely_collect) as pool:
        waiting = [pool.submit(_run, plan) for plan in islice(plans, jobs * 2)]
        while waiting:
            result = waiting.pop(0).result()
            waiting += [pool.submit(_run, plan) for plan in islice(plans, 1)]
            yield result
            if result.violations:
                pool.shutdown(cancel_futures=True)
                return


def _rarely_collect() -> None:
    """A run keeps its history, which nobody needs to look through for garbage."""
    gc.set_threshold(100_000, 20, 20)


def _run(plan: object) -> "Result":
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
    typer.echo(f"Seed {plan.seed} with {plan.buyers} buyers violates:")
    for text in result.violations[:10]:
        typer.echo(f"  {text}")
    typer.echo(f"Trouble that is needed: {', '.join(sorted(plan.kinds & result.faults.keys())) or 'none'}.")
    for happening in result.history[-100:]:
        typer.echo(f"  {happening.at:10.3f} s  {happening.text}")
    asked = "".join(f" --often '{kind}'" for kind in sorted(plan.often))
    typer.echo(f"Again: kassa simulate --seed {result.plan.seed} --buyers {plan.buyers} --runs 1{asked}")
