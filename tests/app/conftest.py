"""A stock server with the user of the handbook, for the tests that take rights away."""

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.servers.valkey import Valkey
from tests.servers.valkey_user import OPTIONS, restore


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A server with the user of the handbook."""
    server = Valkey(tmp_path_factory.mktemp("valkey"), *OPTIONS)
    server.start()
    yield server
    server.remove()


@pytest.fixture
def inside(guarded: Valkey) -> Iterator[Redis]:
    """Somebody who may do all there; afterwards the user is as the handbook has it."""
    with guarded.client() as client:
        client.flushall()
        yield client
        restore(client)
