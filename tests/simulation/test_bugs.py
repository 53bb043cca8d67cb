"""The simulation finds every bug of stock, orders and payments that is put in."""

import re
from pathlib import Path

import pytest

from tests.simulation.bugs import BUGS
from tests.simulation.finding import FIRST, MODULES, NEEDS, bugs_of, is_found

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [*bugs_of("bugs")])
def test_every_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_found(name, monkeypatch)


def test_there_are_bugs_enough_and_none_is_left_out() -> None:
    written = [len(re.findall(r"^@bug$", path.read_text(), re.M)) for path in Path(__file__).parent.glob("bugs*.py")]
    assert len(BUGS) == len(list(bugs_of(*MODULES))) == sum(written) >= 70
    assert {*FIRST, *NEEDS} <= {*BUGS}
