"""The table of ASVS is whole: each requirement once, each with its state, and evidence that is there."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "asvs.md"
# How many requirements of level 1 and 2 each section of ASVS 5.0.0 has. Those of level 3 come behind them, so that the
# numbers of a section are 1, 2, 3 …; a section that is of level 3 alone has none.
SECTIONS: dict[int, tuple[int, ...]] = {
    1: (2, 9, 11, 3, 2),
    2: (3, 3, 4, 1),
    3: (0, 2, 4, 6, 5, 0, 2),
    4: (3, 1, 2, 4),
    5: (1, 3, 2, 3),
    6: (3, 12, 4, 4, 5, 3, 0, 4),
    7: (3, 4, 2, 5, 2, 2),
    8: (2, 3, 1, 1),
    9: (3, 4),
    10: (2, 2, 4, 11, 5, 2, 3),
    11: (2, 3, 3, 4, 1, 1),
    12: (3, 2, 4),
    13: (1, 5, 2, 5),
    14: (2, 4, 3),
    15: (3, 3, 7),
    16: (1, 5, 4, 3, 3),
    17: (1, 4, 2),
}
NUMBERS = [
    f"{chapter}.{section}.{number}"
    for chapter, counts in SECTIONS.items()
    for section, count in enumerate(counts, 1)
    for number in range(1, count + 1)
]
HOLDS, APPLIES_NOT = "holds", "does not apply"
STATES = (HOLDS, "in part", APPLIES_NOT, "open")
_LINK = re.compile(r"\[(`?)([^\]`]+)`?\]\(([^)#\s]+)\S*\)")
_LEAST_WORDS = 3


class Row(NamedTuple):
    """One requirement."""

    number: str
    about: str
    state: str
    shown: str


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def rows() -> list[Row]:
    return [Row(*cells(line)) for line in PAGE.read_text().splitlines() if re.match(r"\| \d", line)]


def faults(row: Row) -> Iterator[str]:
    """What is wrong with the row."""
    if row.state not in STATES:
        yield "has no state"
    if not row.about:
        yield "does not say what it is about"
    named = [(text, (PAGE.parent / target)) for _, text, target in _LINK.findall(row.shown) if "://" not in target]
    for text, target in named:
        if not target.exists():
            yield f"names {target.name}, which is not there"
        elif text.startswith("test_") and f"def {text}(" not in target.read_text():
            yield f"names {text}, which is not in {target.name}"
    words = re.findall(r"[^\W_]+", _LINK.sub("", row.shown))
    if row.state == HOLDS and not named:
        yield "has no evidence"
    if row.state != HOLDS and len(words) < _LEAST_WORDS:
        yield "does not say what is missing"


def test_each_requirement_is_there_once_and_in_its_place() -> None:
    assert len(NUMBERS) == 253
    assert [row.number for row in rows()] == NUMBERS


def test_each_row_shows_why_it_says_so() -> None:
    assert {row.number: found for row in rows() if (found := list(faults(row)))} == {}


@pytest.mark.parametrize(
    ("state", "shown", "found"),
    [
        ("surely", "so they say: [`kit/ids.py`](../src/kassa/kit/ids.py)", "has no state"),
        (HOLDS, "as everybody can see for themselves", "has no evidence"),
        (HOLDS, "[`kit/idz.py`](../src/kassa/kit/idz.py)", "names idz.py, which is not there"),
        (HOLDS, "[`test_nothing`](../tests/docs/test_asvs.py)", "names test_nothing, which is not in test_asvs.py"),
        ("in part", "[`kit/ids.py`](../src/kassa/kit/ids.py)", "does not say what is missing"),
        ("open", "", "does not say what is missing"),
    ],
)
def test_a_row_that_shows_nothing_is_found(state: str, shown: str, found: str) -> None:
    assert list(faults(Row("1.1.1", "something", state, shown))) == [found]


def test_the_counts_at_the_top_are_those_of_the_rows() -> None:
    told = {
        state: int(count) for state, count in re.findall(r"^\| ([a-z ]+) \| (\d+) \|", PAGE.read_text(), re.MULTILINE)
    }
    counted = Counter(row.state for row in rows())
    assert told == {**{state: counted[state] for state in STATES}, "all": len(NUMBERS)}
