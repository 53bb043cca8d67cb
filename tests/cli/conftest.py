"""A shop that was started once, for the commands that act on what it has left."""

from pathlib import Path

import pytest

from tests.app.process import started


@pytest.fixture(scope="module")
def started_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder. It is to be read, or to be copied."""
    folder = tmp_path_factory.mktemp("shop")
    with started(folder, "up") as running:
        running.wait_until_ready()
        running.stop()
    return folder
