"""The threat model: each threat has an answer that is there, and a test that is there, on every boundary."""

import re
from typing import NamedTuple

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "threat-model.md"
STRIDE = set("STRIDE")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)#]+)[^)]*\)")


class Threat(NamedTuple):
    """One row: its kind, what is done, what is answered, and by which tests that is proved."""

    kind: str
    threat: str
    answer: str
    proofs: str


def boundaries(text: str) -> dict[str, list[Threat]]:
    """The threats of each boundary, in its section."""
    part = text.partition("\n## The threats\n")[2].partition("\n## ")[0]
    found = {}
    for section in part.split("\n### ")[1:]:
        rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
        found[section.splitlines()[0]] = [Threat(*(each.strip() for each in row[2:-2].split(" | "))) for row in rows]
    return found


def wrong(threat: Threat) -> str:
    """What the row lacks; empty, if nothing."""
    answers = [(ROOT / "docs" / path).resolve() for _, path in _LINK.findall(threat.answer)]
    proofs = [(name.strip("`"), (ROOT / "docs" / path).resolve()) for name, path in _LINK.findall(threat.proofs)]
    if not answers or not all(each.is_file() for each in answers):
        return "no answer that is there"
    if not proofs or _LINK.sub("", threat.proofs).strip(", "):
        return "no test, or words beside it"
    for name, path in proofs:
        is_test = path.is_file() and path.is_relative_to(ROOT / "tests")
        if not is_test or not re.search(rf"^(?:async )?def {name}\(", path.read_text(), re.MULTILINE):
            return f"{name} is no test of {path.name}"
    return ""


FOUND = boundaries(PAGE.read_text())


def test_every_threat_has_an_answer_and_a_test_that_are_there() -> None:
    threats = [each for rows in FOUND.values() for each in rows]
    assert len(threats) > 60
    assert {each.threat: told for each in threats if (told := wrong(each))} == {}


def test_every_boundary_is_looked_at_for_each_kind_of_threat() -> None:
    drawn = set(re.findall(r"\b[1-9]\b", PAGE.read_text().partition("```text\n")[2].partition("```")[0]))
    assert drawn == {title[0] for title in FOUND}
    assert {title: STRIDE - {each.kind for each in rows} for title, rows in FOUND.items()} == {
        title: set() for title in FOUND
    }


def test_what_is_left_is_told() -> None:
    assert len(re.findall(r"^- \*\*", PAGE.read_text().partition("\n## What is left\n")[2], re.MULTILINE)) > 5


def test_a_row_that_lacks_something_would_be_found() -> None:
    answer, proof = "so: [`a`](../SECURITY.md)", "[`test_what_is_left_is_told`](../tests/docs/test_threats.py)"
    assert wrong(Threat("S", "a threat", answer, proof)) == ""
    assert wrong(Threat("S", "a threat", answer, "")) != ""
    assert wrong(Threat("S", "a threat", answer, f"{proof}, and others")) != ""
    assert wrong(Threat("S", "a threat", answer, proof.replace("left", "right"))) != ""
    assert wrong(Threat("S", "a threat", "we are careful", proof)) != ""
    assert wrong(Threat("S", "a threat", "[ADR 99](adr/0099-nothing.md)", proof)) != ""
