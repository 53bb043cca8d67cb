"""`python -m bench [NAME …]`: run benchmarks, print one JSON line each."""

import argparse
import sys
from pathlib import Path

from bench.against import Ratios, ratios, run_there
from bench.workloads import WORKLOADS
from kassa.bench.figures import Line, judged, printed


def main() -> int:
    """Run what the command line names; 1 if anything was answered as it must not be."""
    asked = _arguments()
    sides = [None, asked.against] * asked.turns if asked.against else [None]
    lines: list[Line] = []
    found: dict[str, Ratios] = {}
    for name in asked.names or WORKLOADS:
        turns = [_run(name, asked.seconds, side) for side in sides]
        found[name] = ratios(turns[0::2], turns[1::2])
        lines += turns
    if asked.against:
        print(printed({"against": str(asked.against), "ratios": found}))
    return 0 if all(line["is_right"] for line in lines) else 1


def _run(name: str, seconds: float, other: Path | None) -> Line:
    here = WORKLOADS[name]
    line = {"code": str(other), **run_there(name, seconds, other)} if other else judged(name, here(seconds))
    print(printed(line), flush=True)
    return line


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(WORKLOADS)}; all if left out")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each is measured; 10 if left out")
    parser.add_argument(
        "--against",
        type=lambda path: Path(path).resolve(),
        metavar="CHECKOUT",
        help="compare with another checkout of Kassa (git worktree add): each in turn, and the ratios of them",
    )
    parser.add_argument("--turns", type=int, default=3, help="how many runs of each checkout; 3 if left out")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(WORKLOADS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
