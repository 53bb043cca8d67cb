"""The page on performance: told from figures that are whole, by commands that exist."""

import json
import re
from pathlib import Path

import pytest
from bench.workloads import WORKLOADS

from kassa.bench import workloads
from tests.docs.pages import PAGES, ROOT, blocks, code

PRINTED = [json.loads(line) for line in (ROOT / "docs" / "figures.jsonl").read_text().splitlines()]
FIGURES = [line for line in PRINTED if "name" in line]
PERFORMANCE = ROOT / "docs" / "performance.md"
COMPARING = re.compile(r"\.\./before|bench\.profile")


def named(page: Path, program: str) -> set[str]:
    """The workloads that a page calls by this command."""
    asked = re.compile(rf"(?<!\w){re.escape(program)}((?: [a-z][a-z-]*)+)")
    return {word for text in code(page) for found in asked.finditer(text) for word in found[1].split()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_benchmark_that_is_named_exists(page: Path) -> None:
    assert named(page, "kassa bench") - set(workloads.WORKLOADS) == set()
    assert named(page, "python -m bench") - set(WORKLOADS) == set()


def test_a_benchmark_that_does_not_exist_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Call `kassa bench browse browze --seconds 3`, or:\n\n```sh\npython -m bench forms formes\n```\n")
    assert named(page, "kassa bench") == {"browse", "browze"}
    assert named(page, "python -m bench") == {"forms", "formes"}


def test_the_figures_are_of_every_benchmark_and_all_was_answered_as_it_must_be() -> None:
    assert {line["name"] for line in FIGURES} == set(WORKLOADS)
    assert [line["name"] for line in FIGURES if not line["is_right"]] == []


def test_the_page_has_every_benchmark_with_the_command_for_it() -> None:
    told = {line for block in blocks(PERFORMANCE, "sh") for line in block.splitlines() if not COMPARING.search(line)}
    alone = {name: "kassa bench" if name in workloads.WORKLOADS else "python -m bench" for name in WORKLOADS}
    assert told == {f"{program} {name}" for name, program in alone.items()}


def test_the_page_says_what_the_figures_say() -> None:
    """That it is generated of them is held by test_generated.py; this is that it is of no others."""
    forms = next(line for line in FIGURES if line["name"] == "forms")
    for name, figures in forms["by_form"].items():
        row = next(line for line in PERFORMANCE.read_text().splitlines() if line.startswith(f"| {name} |"))
        cpu = figures["cpu_ms"]["kassa"]
        assert f"| {cpu:,.2f} ms |" in row or f"| {cpu:,.0f} ms |" in row
