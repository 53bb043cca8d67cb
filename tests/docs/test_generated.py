"""The pages that are told from the code say what the code says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT

NEVER_PUBLIC = {"problem", "reservation_ended"}


def check(docs: Path) -> "subprocess.CompletedProcess[str]":
    """`python docs/generate.py --check`."""
    command = [sys.executable, str(docs / "generate.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_generated_pages_are_what_the_code_says() -> None:
    done = check(ROOT / "docs")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_page_that_differs_is_named_with_the_command_to_run(tmp_path: Path) -> None:
    docs = Path(shutil.copytree(ROOT / "docs", tmp_path / "docs"))
    (docs / "settings.md").write_text("# Settings\n")
    (docs / "api.md").unlink()
    figures = (docs / "figures.jsonl").read_text()
    (docs / "figures.jsonl").write_text(figures.replace('"kassa": ', '"kassa": 1'))
    done = check(docs)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"docs/{name} is not what the code says: run python docs/generate.py"
        for name in ("settings.md", "api.md", "performance.md", "performance.svg")
    ]
    assert (docs / "settings.md").read_text() == "# Settings\n"


def test_every_code_of_an_error_is_documented() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "src" / "kassa").rglob("*.py"))
    codes = set(re.findall(r'^    code(?:, title, status)?(?:: ClassVar\[str\])? = "(\w+)"', sources, re.MULTILINE))
    told = (ROOT / "docs" / "api.md").read_text()
    assert len(codes) > 20
    assert [code for code in sorted(codes - NEVER_PUBLIC) if f"| `{code}` |" not in told] == []


def test_each_story_has_a_diagram_of_its_own() -> None:
    told = (ROOT / "docs" / "stories.md").read_text().split("\n## ")[1:]
    assert [each.splitlines()[0] for each in told] == [
        "Paid",
        "Declined",
        "Expired",
        "Cancelled while paying",
        "Late money, kept",
        "Late money, sent back",
        "Refunded",
        "Disputed",
    ]
    assert [each.count("```mermaid\nsequenceDiagram") for each in told] == [1] * len(told)


def test_every_effect_of_an_order_and_a_payment_says_what_it_makes_happen() -> None:
    rows = [line.split(" | ") for line in (ROOT / "docs" / "states.md").read_text().splitlines() if "| `" in line]
    moves = [row for row in rows if len(row) == 6]
    assert len(moves) > 40
    assert [row for row in moves if bool(row[4].strip()) != bool(row[5].strip(" |"))] == []
