"""`kassa bench`: what this machine makes of this code, measured on shops that go away afterwards."""

from typing import Annotated

import typer


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Which: browse, quote, order, journey, webhooks, flash-sale, growth, sandbox; all if left out.",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="How long each is measured.")] = 10.0,
) -> None:
    """Run benchmarks, and print one line of JSON for each: throughput, latencies, the CPU time of each process for one
    operation, and memory. Each makes a shop in a directory for the time being, on SQLite and the sandbox, and touches
    nobody's data. Exit status 1 if anything was answered as it must not be."""
    from kassa.bench.figures import judged, printed
    from kassa.bench.workloads import WORKLOADS

    if unknown := set(names or ()) - set(WORKLOADS):
        raise typer.BadParameter(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(WORKLOADS)}")
    is_right = True
    for name in names or WORKLOADS:
        line = judged(name, WORKLOADS[name](seconds))
        typer.echo(printed(line))
        is_right = is_right and line["is_right"]
    if not is_right:
        raise typer.Exit(1)
