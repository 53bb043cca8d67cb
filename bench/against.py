"""Two checkouts compared: the same workloads by each one's own benchmarks, in turn."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from kassa.bench.figures import Line

_AT_REST = ("memory_at_rest_mb", "memory_at_rest_pss_mb")
_PROCESSES = ("kassa", "sandbox", "mongod")

Ratios: TypeAlias = dict[str, dict[str, Any]]


def run_there(name: str, seconds: float, checkout: Path, before: tuple[Path, ...] = ()) -> Line:
    """By that checkout's own benchmarks, which know its tokens and settings, and its own packages, if it has some.
    `before`: where else Python looks for modules, first."""
    own = checkout / ".venv" / "bin" / "python"
    command = [str(own if own.exists() else sys.executable), "-m", "bench", name, "--seconds", str(seconds)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*before, checkout / "src")))}
    done = subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, check=False)
    line: Line = json.loads(done.stdout)
    return line


def ratios(ours: list[Line], theirs: list[Line]) -> Ratios:
    """By form (or what else the lines tell apart; `line` is all of it) and figure: `median`, and `raw`, of this code's
    figure divided by the other one's, a ratio for each turn. What one side does not tell is left out."""
    pairs = [(dict(_parts(one)), dict(_parts(other))) for one, other in zip(ours, theirs, strict=False)]
    found: Ratios = {}
    for part in pairs[0][0] if pairs else ():
        turns = [_figures_of(one[part], other[part]) for one, other in pairs if part in one and part in other]
        if len(turns) == len(pairs):
            known = [figure for figure in turns[0] if all(figure in turn for turn in turns)]
            found[part] = {figure: _told([turn[figure] for turn in turns]) for figure in known}
    return found


def _parts(line: Line) -> Iterator[tuple[str, Line]]:
    """All that has figures of its own."""
    yield "line", line
    for key, value in line.items():
        inside = {key: value} if key == "stored_only" else value if key.startswith("by_") else {}
        yield from inside.items()


def _figures_of(one: Line, other: Line) -> dict[str, float]:
    """CPU is divided in yards: it grows with what others do on the machine."""
    yards = other["yardstick_us"] / one["yardstick_us"]
    cpu = {f"cpu_{name}": (one["cpu_ms"].get(name), other["cpu_ms"].get(name)) for name in _PROCESSES}
    pairs = {**cpu, **{name: (one.get(name), other.get(name)) for name in ("p99_ms", *_AT_REST)}}
    return {
        name: round(mine / its * (yards if name in cpu else 1), 3)
        for name, (mine, its) in pairs.items()
        if mine and its
    }


def _told(raw: list[float]) -> dict[str, Any]:
    return {"median": statistics.median(raw), "raw": raw}
