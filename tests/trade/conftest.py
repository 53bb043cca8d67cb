"""Shops to trade in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.trade.world import World, world


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as opened:
        yield opened
        # Whatever a test does to a shop: afterwards the invariants hold.
        assert await opened.audit() == []


@pytest.fixture
async def patient_shop(tmp_path: Path) -> AsyncIterator[World]:
    """A shop that lets the buyer try another card."""
    async with world(tmp_path, policy="retry") as opened:
        yield opened
        assert await opened.audit() == []
