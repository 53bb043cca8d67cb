"""`python -m bench [NAME …]`: run benchmarks, print one JSON line each."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from bench.workloads import WORKLOADS, Line

_TURNS = 2


def main() -> int:
    """Run what the command line names; 1 if anything was answered as it must not be."""
    asked = _arguments()
    is_right = True
    for name in asked.names or WORKLOADS:
        sides = [None, asked.against] * _TURNS if asked.against else [None]
        lines = [_run(name, asked.seconds / len(sides), side) for side in sides]
        if asked.against:
            print(json.dumps({"name": name, "cpu_ratio": _ratio(lines)}), flush=True)
        is_right = is_right and all(line["is_right"] for line in lines)
    return 0 if is_right else 1


def _run(name: str, seconds: float, other: Path | None) -> Line:
    line = {"code": str(other), **_run_there(name, seconds, other)} if other else _run_here(name, seconds)
    print(json.dumps(line), flush=True)
    return line


def _run_here(name: str, seconds: float) -> Line:
    line: Line = {"name": name, **WORKLOADS[name](seconds)}
    line["is_right"] = line.get("is_right", True) and not line["wrong"]
    return line


def _run_there(name: str, seconds: float, checkout: Path) -> Line:
    """By that checkout's own benchmarks, which know its tokens and settings."""
    command = [sys.executable, "-m", "bench", name, "--seconds", str(seconds)]
    environment = {**os.environ, "PYTHONPATH": str(checkout / "src")}
    done = subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, check=False)
    line: Line = json.loads(done.stdout)
    return line


def _ratio(lines: list[Line]) -> float:
    """Kassa's CPU (or the sandbox's alone) for an operation, this code's divided by the other one's; both in yards."""
    yards = [float(line["cpu_ms"].get("kassa", line["cpu_ms"].get("sandbox"))) / line["yardstick_us"] for line in lines]
    ours, theirs = sum(yards[0::2]), sum(yards[1::2])
    ratio: float = round(ours / theirs, 3)
    return ratio


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(WORKLOADS)}; all if left out")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each is measured; 10 if left out")
    parser.add_argument(
        "--against",
        type=lambda path: Path(path).resolve(),
        metavar="CHECKOUT",
        help="compare with another checkout of Kassa (git worktree add), in turn",
    )
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(WORKLOADS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
