"""The simulation finds every bug of totals, discounts, guests, mails, events and parcels that is put in."""

import pytest

from tests.simulation.finding import MODULES, bugs_of, is_found

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [*bugs_of(*(each for each in MODULES if each != "bugs"))])
def test_every_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_found(name, monkeypatch)
