"""`1 orders`: how many there are of something is said in words in one place, `kit.text.counted`."""

import re
from pathlib import Path

import kassa

PACKAGE = Path(kassa.__file__).parent
THINGS = (
    "buyers differences documents effects errors events faults files hours lines minutes movements orders payments "
    "pieces problems products refunds rows seconds sessions steps times webhooks"
)
# A constant is always the same number, and the simulation tells of what happened more than once.
COUNTED = re.compile(rf"\{{(?![A-Z_]+\}})[^{{}}]+\}} (?:stock )?({'|'.join(THINGS.split())})\b(?!/s)")


def test_how_many_there_are_is_said_in_one_place() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}: {match[0]}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.is_relative_to(PACKAGE / "simulation")
        for match in COUNTED.finditer(path.read_text())
    ]
    assert found == []
