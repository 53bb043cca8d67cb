"""Shops to trade in."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.servers import mongod
from tests.trade.parcels_door import Api, api
from tests.trade.stores import FORMS
from tests.trade.world import World, world


@pytest.fixture(scope="session", autouse=True)
def _servers() -> Iterator[None]:
    """A server that tests have started ends with the tests."""
    yield
    mongod.stop_shared()


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def shop(tmp_path: Path, form: str) -> AsyncIterator[World]:
    async with world(tmp_path, form=form) as opened:
        yield opened
        # Whatever a test does to a shop: afterwards the invariants hold.
        assert await opened.audit() == []


@pytest.fixture
async def patient_shop(tmp_path: Path, form: str) -> AsyncIterator[World]:
    """A shop that lets the buyer try another card."""
    async with world(tmp_path, policy="retry", form=form) as opened:
        yield opened
        assert await opened.audit() == []


@pytest.fixture
async def ask(shop: World, tmp_path: Path) -> AsyncIterator[Api]:
    """The API of that shop."""
    async with api(shop, tmp_path) as opened:
        yield opened
