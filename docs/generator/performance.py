"""docs/performance.md, of what the benchmarks have printed: docs/figures.jsonl, line by line as it came."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from generator import before
from generator.chart import Bar, drawn
from generator.markdown import page, table
from generator.others import COMPARISON, OTHERS, WRONG, middle, ranging
from kassa.bench.workloads import WORKLOADS

Line: TypeAlias = dict[str, Any]
Row: TypeAlias = tuple[object, ...]

FIGURES = Path(__file__).parents[1] / "figures.jsonl"

INTRODUCTION = """\
A **paid journey** is an order of two items, a session made through Stripe's SDK, the signed webhook, and the order read
as CONFIRMED. All of it is durable: what was answered survives `kill -9` and a power cut. The figures below were printed
by the benchmarks, and each table names the command that prints them anew. `make figures` runs them all on your machine
and writes this page from [their lines](figures.jsonl); no test asserts a time.

CPU is what the operating system has counted for the processes, and says most: other work on the machine changes it
least. Latencies and throughput are those of clients that share the cores with the shop, its stores and the sandbox."""


def made() -> str:
    """The page."""
    lines = _lines()
    notes = [line["note"] for line in _printed() if "note" in line]
    parts = [
        f"## {title}\n\n{text}\n\n{_command(name)}\n\n{tell(lines[name])}" for name, title, text, tell in _SECTIONS
    ]
    machines = sorted({line["machine"] for line in lines.values()})
    return page(
        "Performance",
        INTRODUCTION,
        f"Measured on: {'; '.join(machines)}.",
        *notes,
        *parts,
        f"## What became of the cost\n\n{before.told()}",
        f"## Beside others\n\n{COMPARISON}\n\n![What a paid journey costs](performance.svg)",
        _beside_others(lines),
        WRONG,
    )


def chart() -> str:
    """The picture on it."""
    ours = [Bar(f"Kassa, {name}", cpu, _ms(cpu), True) for name, cpu in _costs(_lines()["forms"]).items()]
    theirs = [Bar(each.name, middle(each), ranging(each), False) for each in OTHERS]
    bars = sorted([*ours, *theirs], key=lambda bar: bar.value)
    return drawn("CPU of a paid journey, all processes and databases", bars)


def _lines() -> dict[str, Line]:
    """By name; of what was measured twice, the last."""
    return {line["name"]: line for line in _printed() if "name" in line}


def _printed() -> list[Line]:
    """As they came; a line with a `note` says what is to be known of the others."""
    return [json.loads(line) for line in FIGURES.read_text().splitlines()]


def _command(name: str) -> str:
    return f"```sh\n{'kassa bench' if name in WORKLOADS else 'python -m bench'} {name}\n```"


def _ms(value: float) -> str:
    return f"{value:,.2f} ms" if value < 10 else f"{value:,.0f} ms"


def _each(line: Line, key: str) -> Iterator[tuple[str, Line]]:
    yield from line[key].items()


_HEAD = ("", "a second", "p50", "p99", "CPU of Kassa", "CPU of MongoDB", "CPU of the sandbox", "of the clients")


def _figures(rows: list[tuple[str, Line]]) -> str:
    """What each line has, with the CPU for one operation; columns that are empty everywhere are left out."""
    cells = [
        (
            name,
            f"{line['throughput']:,.0f}",
            _ms(line["p50_ms"]),
            _ms(line["p99_ms"]),
            *(_ms(line["cpu_ms"][each]) if each in line["cpu_ms"] else "" for each in _PROCESSES),
        )
        for name, line in rows
    ]
    used = [number for number in range(len(_HEAD)) if number == 0 or any(row[number] for row in cells)]
    return table([_HEAD[number] for number in used], [[row[number] for number in used] for row in cells])


_PROCESSES = ("kassa", "mongod", "sandbox", "drivers")


def _alone(line: Line) -> str:
    return _figures([(f"{line['clients']} clients", line)])


def _order(line: Line) -> str:
    return _figures([(f"{count} client{'s' * (count != '1')}", each) for count, each in _each(line, "by_clients")])


def _webhooks(line: Line) -> str:
    told = _figures([("of paid sessions", line), ("of a type that asks for nothing more", line["stored_only"])])
    return f"{told}\n\nAnd all that they ask for done: {line['drained_per_second']:,.0f} a second."


def _sale(line: Line) -> str:
    sold = f"{line['buyers']:,} buyers: {line['sold']} orders, {line['refused']:,} refused, nothing else."
    return f"{sold}\n\n{_figures([('64 clients', line)])}"


def _forms(line: Line) -> str:
    rest = table(
        ("", "memory at rest", "shared pages counted once", "ready after"),
        [
            (name, _mb(each["memory_at_rest_mb"]), _mb(each["memory_at_rest_pss_mb"]), f"{each['ready_seconds']:.1f} s")
            for name, each in _each(line, "by_form")
        ],
    )
    return f"{_figures(list(_each(line, 'by_form')))}\n\n{rest}"


def _mb(value: float) -> str:
    return f"{value:,.0f} MB"


def _growth(line: Line) -> str:
    (few, small), (many, large) = _each(line, "by_orders")
    head = ("", f"{int(few):,} orders stored", f"{int(many):,} stored", "ratio")
    rows: list[Row] = [("an order", _ms(small["cpu_ms"]["kassa"]), _ms(large["cpu_ms"]["kassa"]), line["ratio"])]
    rows += [
        (name, _ms(found["cpu_ms"][few]), _ms(found["cpu_ms"][many]), found["ratio"])
        for name, found in _each(line, "pages")
    ]
    rows.append(("until it is ready", f"{small['ready_seconds']:.1f} s", f"{large['ready_seconds']:.1f} s", ""))
    rows.append(
        ("CPU until it has settled", f"{small['start_cpu_seconds']:.1f} s", f"{large['start_cpu_seconds']:.1f} s", "")
    )
    rows.append(("memory at rest", _mb(small["memory_at_rest_mb"]), _mb(large["memory_at_rest_mb"]), ""))
    rows.append(("memory after it", _mb(small["memory_mb"]["kassa"]), _mb(large["memory_mb"]["kassa"]), ""))
    return table(head, rows)


def _overload(line: Line) -> str:
    rows: list[Row] = []
    for name, form in _each(line, "by_form"):
        rows += [
            (
                name,
                load,
                f"{found['offered']:,.0f}",
                f"{found['throughput']:,.0f}",
                _ms(found["p99_ms"]),
                f"{found['refused_share']:.0%}",
            )
            for load, found in _each(form, "loads")
        ]
    head = ("", "of capacity", "asked a second", "accepted a second", "p99 of those", "answered 503")
    lost, accepted = (sum(form[key] for _, form in _each(line, "by_form")) for key in ("lost", "accepted"))
    return f"{table(head, rows)}\n\nOf {accepted:,} orders that were accepted {lost} were lost; the audits are clean."


def _scaling(line: Line) -> str:
    told = _figures([(f"{count} process{'es' * (count != '1')}", each) for count, each in _each(line, "by_processes")])
    cores = ", ".join(f"{name} {used}" for name, used in line["cores"].items())
    unheld = "" if line.get("share") else "Here no shares of a core could be had: all compete for whole ones. "
    return (
        f"{told}\n\n{unheld}Two do {line['ratio']} times the work of one, and {line['per_cpu_ratio']} times as much "
        f"for a second of CPU. With two the cores were shared so: {cores}, nobody {line['left']}."
    )


def _beside(line: Line) -> str:
    rows = [
        (name, _ms(found["quiet_p99_ms"]), _ms(found["p99_ms"]), _ms(found["longest_ms"]))
        for name, found in _each(line, "beside")
    ]
    return table(("Beside", "p99 in quiet", "p99 beside it", "the longest"), rows)


def _costs(line: Line) -> dict[str, float]:
    """By form, the CPU of a journey: of Kassa and its stores."""
    counted = ("kassa", "mongod", "valkey")
    return {name: sum(each["cpu_ms"].get(process, 0.0) for process in counted) for name, each in _each(line, "by_form")}


def _beside_others(lines: dict[str, Line]) -> str:
    costs = _costs(lines["forms"])
    orders = {next(iter(costs)): f"{lines['order']['throughput']:,.0f}"}
    ours: list[Row] = [
        (
            f"**Kassa**, {name}",
            orders.get(name, ""),
            f"{each['throughput']:,.0f}",
            _ms(costs[name]),
            _mb(sum(used for process, used in each["memory_mb"].items() if process != "sandbox")),
        )
        for name, each in _each(lines["forms"], "by_form")
    ]
    theirs: list[Row] = [(each.name, each.orders, each.journeys, ranging(each), f"{each.memory} MB") for each in OTHERS]
    head = ("", "orders a second", "paid journeys a second", "CPU of a paid journey", "memory")
    return table(head, [*ours, *reversed(theirs)])


Section: TypeAlias = tuple[str, str, str, Callable[[Line], str]]
_SECTIONS: tuple[Section, ...] = (
    ("browse", "Pages of products", "A page of 20 products with their stock.", _alone),
    ("order", "Orders", "An order of two items.", _order),
    ("quote", "Quotes", "Two items with a destination, a shipping method and a discount code.", _alone),
    ("journey", "Paid journeys", "In one process on SQLite.", _alone),
    (
        "forms",
        "Paid journeys in each form",
        "The same, in turn: one process on SQLite, one on MongoDB and Valkey, and six processes on those.",
        _forms,
    ),
    (
        "webhooks",
        "Webhooks",
        "A burst, each stored before it is answered; what they ask for is done afterwards.",
        _webhooks,
    ),
    ("flash-sale", "A flash sale", "Buyers who come once each, for 100 pieces.", _sale),
    (
        "growth",
        "With much stored, on SQLite",
        "What an order and a page cost with little stored, and with much: CPU of Kassa.",
        _growth,
    ),
    ("growth-servers", "With much stored, on MongoDB and Valkey", "The same there.", _growth),
    (
        "overload",
        "More than it can carry",
        "Orders that come at a set rate, whether or not those before are answered. What cannot be done in time is "
        "refused at once, with 503 and `Retry-After`.",
        _overload,
    ),
    (
        "scaling",
        "A second process",
        "Paid journeys on MongoDB and Valkey through one process and through two, with 16 clients for each. Each "
        "process is held to a fifth of a core of its own, so that the stores and the clients find the rest free.",
        _scaling,
    ),
    (
        "beside",
        "Beside what looks at much",
        "What a buyer waits for an order while others search, report and export, on SQLite.",
        _beside,
    ),
    ("beside-servers", "The same, on MongoDB and Valkey", "With as much stored.", _beside),
    ("sandbox", "The sandbox alone", "Sessions made and paid through Stripe's API, on one core.", _alone),
    (
        "clients",
        "Clients of HTTP",
        "The same small question, by each of them.",
        lambda line: _figures(list(_each(line, "by_client"))),
    ),
)
