"""The servers that a shop is benched on: MongoDB and Valkey of its own, as the tests start them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import valkey
from tests.servers.mongod import Mongod

from kassa.bench.running import Form, Stores


@contextmanager
def servers(data: Path) -> Iterator[Stores]:
    """Both, for as long as this lasts."""
    mongod = Mongod()
    try:
        mongod.start()
        with valkey.running(data) as stock:
            settings = {"MONGO_URI": mongod.uri, "REDIS_URL": stock.url}
            yield Stores(settings, {"mongod": [mongod.pid], "valkey": [stock.pid]})
    finally:
        mongod.remove()


ON_SERVERS = Form(stores=servers)
SIX_PROCESSES = Form(("--split",), servers)
