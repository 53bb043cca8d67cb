"""For all tests of the simulation."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True, scope="module")
def nothing_is_logged() -> Iterator[None]:
    """What goes wrong is meant to, thousands of times a run: to write it down took more than half of the time."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.reset_defaults()
