"""What became of the cost of a paid journey: docs/against.jsonl, lines of comparisons with another checkout."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from generator.markdown import table

LINES = Path(__file__).parents[1] / "against.jsonl"

COMMANDS = """\
```sh
git worktree add ../before f4c6c08
python -m bench forms --seconds 24 --against ../before
python -m bench webhooks browse --seconds 5 --against ../before
python -m bench.profile ../before
python -m bench.profile
```"""


class Wanted(NamedTuple):
    """A ratio that was aimed at: which one is measured, in words and in the lines, and how much it should be."""

    what: str
    workload: str
    part: str
    figure: str
    at_most: float


WANTED = (
    Wanted("one process, SQLite: CPU of Kassa", "forms", "one process, SQLite", "cpu_kassa", 0.40),
    Wanted("one process, MongoDB: CPU of Kassa", "forms", "one process, MongoDB and Valkey", "cpu_kassa", 0.40),
    Wanted("one process, MongoDB: CPU of MongoDB", "forms", "one process, MongoDB and Valkey", "cpu_mongod", 0.50),
    Wanted("one process, MongoDB: p99 of a journey", "forms", "one process, MongoDB and Valkey", "p99_ms", 0.50),
    Wanted("six processes: CPU of Kassa", "forms", "six processes, MongoDB and Valkey", "cpu_kassa", 0.45),
    Wanted("six processes: CPU of MongoDB", "forms", "six processes, MongoDB and Valkey", "cpu_mongod", 0.50),
    Wanted("a webhook answered and stored", "webhooks", "stored_only", "cpu_kassa", 0.60),
    Wanted("a page of 20 products", "browse", "line", "cpu_kassa", 0.60),
)


def told() -> str:
    """The section."""
    lines = [json.loads(line) for line in LINES.read_text().splitlines()]
    ratios = {name: found for line in lines if "ratios" in line for name, found in line["ratios"].items()}
    rows = [_row(each, ratios[each.workload][each.part][each.figure]) for each in WANTED]
    aims = table(("", "aimed at", "median", "the three"), rows)
    before, now = (line for line in lines if line.get("name") == "profile")
    return f"{COMMANDS}\n\n{aims}\n\n{WHERE}\n\n{_areas(before['by_form'], now['by_form'])}\n\n{FLOOR}"


def _row(wanted: Wanted, found: dict[str, Any]) -> tuple[object, ...]:
    raw = ", ".join(f"{ratio:.2f}" for ratio in found["raw"])
    return (wanted.what, f"{wanted.at_most:.2f}", f"{found['median']:.2f}", raw)


def _areas(before: dict[str, Any], now: dict[str, Any]) -> str:
    areas = list(dict.fromkeys(area for form in (*now.values(), *before.values()) for area in form))
    rows = [(area, *(_both(before[form].get(area, 0), now[form].get(area, 0)) for form in now)) for area in areas]
    sums = (_both(sum(before[form].values()), sum(now[form].values())) for form in now)
    return table(("", *now), [*rows, ("in all", *sums)])


def _both(before: float, now: float) -> str:
    return f"{before:.2f} → {now:.2f} ms"


WHERE = """\
Where Kassa's CPU of a journey goes, before and now: every 4 ms of CPU time it is looked which functions are under way,
and the innermost that belongs to an area counts. One run each, on a busy machine, before the last cuts in HTTP and the
gateway: read it for where the time goes."""

FLOOR = """\
What is not reached, and why:

- **SQLite.** A journey is six requests, two calls to Stripe and twelve writes. A bare request (`/health`) costs
  0.09 ms, the SDK 0.18 ms for both calls before anything is sent, a save 0.065 ms where six are committed together:
  1.5 ms, of which nothing is the shop's own work. The rest is spread thinly: no module of the shop's own has over 4 %.
  Since that table was made, groups wait for what is about to come
  ([ADR 6](adr/0006-sqlite-commits-in-groups-on-the-event-loop.md)): 0.81 of the CPU on SQLite, 0.86 and 0.84 of
  MongoDB's in one process, 0.97 in six. And a journey tells more: an invoice, its number, what was sold. Both together,
  beside the code before quotes and invoices: 1.01, 1.02 and 1.03.
- **MongoDB's own CPU.** It spends 0.45 ms on a write command and its journal, and 0.06 ms on the statements in it. A
  journey is still some four write commands when 16 buyers are there; more buyers share them. Half of a write is the
  journal, which is the promise.
- **A page of products** and **a webhook** are as good as there; what is left is two queries and 4 kB of JSON, or a
  signature, a commit and its answer, with the server and the gateway two fifths of the one and a third of the other.
- **A second process** does 1.64 times the work of one, each held to a fifth of a core; 1.7 was aimed at. A journey
  takes some two reads and two write commands more, for what one process has written the other must read, and each
  bundles its own writes only; and with both cores busy every function takes a fifth more CPU time."""
