"""python -m tests.chaos: real processes on real stores, troubled at random and then audited.

python -m tests.chaos --form "mongodb and valkey" --runs 50 --seed 7 --trouble "kill mongodb" --trouble hang
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence

from tests.chaos.runner import Outcome, Plan, counted, run
from tests.chaos.troubles import TROUBLES, Trouble, of, why_not
from tests.journey.conftest import FORMS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says: 0 if nothing was lost, 1 if something was, 2 if there is nothing to run."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Chaos on the real thing.")
    parser.add_argument("--form", choices=FORMS, default=FORMS[0], help="what the shop consists of")
    parser.add_argument("--runs", type=int, default=20, help="how often something goes wrong")
    parser.add_argument("--seed", type=int, default=1, help="decides what goes wrong, and when")
    parser.add_argument("--trouble", action="append", choices=TROUBLES, help="only this; again for more")
    given = parser.parse_args(arguments)
    plan = Plan(given.form, given.runs, given.seed, tuple(_possible(given.form, given.trouble)))
    if not plan.troubles:
        return 2
    outcome = asyncio.run(run(plan, lambda line: print(line, flush=True)))
    print(summary(plan, outcome))
    return 1 if outcome.violations else 0


def _possible(form: str, names: Sequence[str] | None) -> Iterator[Trouble]:
    """The troubles of these names, or all that the form has; what is left out is told."""
    for trouble in map(TROUBLES.__getitem__, names) if names else of(form):
        reason = why_not(trouble) if trouble in of(form) else f"the form {form} has nothing that it could happen to"
        if reason:
            print(f"left out: {trouble.name}; {reason}")
        else:
            yield trouble


def summary(plan: Plan, outcome: Outcome) -> str:
    """What came of it, for people."""
    lost = f"{len(outcome.violations)} VIOLATIONS" if outcome.violations else "nothing lost"
    runs = f"{outcome.runs} runs from seed {plan.seed} on {plan.form}"
    line = f"{runs}: {counted(outcome, plan)}, {lost}, in {outcome.seconds:.0f} s."
    if not outcome.violations:
        return line
    when, where = f"Seed {plan.seed}, {outcome.during}:", f"The shop's data and its log are in {outcome.directory}"
    return "\n".join([line, when, *(f"  {each}" for each in outcome.violations), where])


if __name__ == "__main__":
    sys.exit(main())
