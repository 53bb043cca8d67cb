"""Regular expressions whose time is in proportion to the text: no character of it is looked at again from each one
before it."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import reduce
from itertools import combinations
from typing import Any, NamedTuple

import pytest

import kassa

parser: Any = importlib.import_module("re._parser")
SAMPLE = [*map(chr, range(128)), "\u00a0", "\u00e9", "\u0660", "\u2028", "\u4e2d"]
CLASSES = {"SPACE": r"\s", "DIGIT": r"\d", "WORD": r"\w"}


class Item(NamedTuple):
    """The characters that stand here, and how often; `most` is None without end."""

    characters: frozenset[str]
    least: int
    most: int | None


def _class(name: str) -> set[str]:
    kind = CLASSES[name.rpartition("_")[2]]
    return {each for each in SAMPLE if re.match(kind, each) is not None} ^ (set(SAMPLE) if "_NOT_" in name else set())


def _characters(op: str, value: Any) -> frozenset[str]:
    if op in ("LITERAL", "NOT_LITERAL"):
        return frozenset(chr(value) if op == "LITERAL" else set(SAMPLE) - {chr(value)})
    if op != "IN":
        return frozenset(SAMPLE)
    parts = {
        "LITERAL": lambda each: {chr(each)},
        "RANGE": lambda each: {c for c in SAMPLE if each[0] <= ord(c) <= each[1]},
        "CATEGORY": lambda each: _class(str(each)),
    }
    named: set[str] = set().union(*(parts[str(kind)](each) for kind, each in value if str(kind) != "NEGATE"))
    return frozenset(set(SAMPLE) - named if str(value[0][0]) == "NEGATE" else named)


def ways(pattern: Any) -> Iterator[list[Item]]:
    """What stands one behind the other, for each choice of alternatives."""
    found: list[list[Item]] = [[]]
    for op, value in pattern:
        name = str(op)
        if name == "BRANCH":
            added = [way for each in value[1] for way in ways(each)]
        elif name == "SUBPATTERN":
            added = list(ways(value[3]))
        elif name.endswith("_REPEAT"):
            least, most, repeated = value
            has_end = most != parser.MAXREPEAT
            inner = list(ways(repeated))
            if all(len(way) == 1 for way in inner):
                either = frozenset().union(*(way[0].characters for way in inner))
                added = [[Item(either, least, most if has_end else None)]]
            else:
                added = [[*one, *other] for one in inner for other in (inner if most > 1 else [[]])]
                added += [] if least else [[]]
        elif name in ("AT", "ASSERT", "ASSERT_NOT"):
            added = [[Item(frozenset(), 1, 1)]]  # No character, but it may fail.
        else:
            added = [[Item(_characters(name, value), 1, 1)]]
        found = [[*before, *way] for before in found for way in added]
    yield from found


def faults(pattern: str) -> Iterator[str]:
    """What makes the time of this pattern grow with the square of the text."""
    for way in ways(parser.parse(pattern)):
        if len(way) > 1 and way[0].most is None:
            yield "begins with a repeat without end, from each character anew"
        endless = [place for place, item in enumerate(way) if item.most is None]
        for one, other in combinations(endless, 2):
            between = [item.characters for item in way[one + 1 : other] if item.least]
            if reduce(frozenset.__and__, between, way[one].characters & way[other].characters):
                yield "two repeats without end that take the same character"


def patterns() -> Iterator[tuple[str, str]]:
    for module in pkgutil.walk_packages(kassa.__path__, "kassa."):
        if module.name.endswith("__main__"):
            continue
        members = vars(importlib.import_module(module.name))
        yield from ((f"{module.name}.{name}", each.pattern) for name, each in members.items() if _is_text(each))


def _is_text(each: object) -> bool:
    return isinstance(each, re.Pattern) and isinstance(each.pattern, str)


@pytest.mark.parametrize(
    "pattern",
    [r"[,;]*\s+", r"a|[,;]+$", r"^[^\n]*[^\s][^\n]*$", r"^(?:https://[^/]+|/)[^\s]*$", r"^\w+x?\d+$", "^(a+b?)*$"],
)
def test_a_pattern_that_grows_with_the_square_is_found(pattern: str) -> None:
    assert list(faults(pattern))


def test_no_pattern_grows_with_the_square_of_the_text() -> None:
    known = dict(patterns())
    assert len(known) > 20
    assert {name: found for name, each in known.items() if (found := list(faults(each)))} == {}
