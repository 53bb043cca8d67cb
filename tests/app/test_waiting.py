"""Services started before their stores wait for them, and say so."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.app.process import Running, started
from tests.servers.mongod import Mongod
from tests.servers.valkey import Valkey
from tests.support import OWN_SECRETS

pytestmark = pytest.mark.slow

SECRETS = OWN_SECRETS
NOBODY = "http://127.0.0.1:1"


def says(running: Running, text: str) -> None:
    until = time.monotonic() + 40
    while text not in running.log.read_text():
        assert running.process.poll() is None, running.log.read_text()
        assert time.monotonic() < until, running.log.read_text()
        time.sleep(0.05)


def test_a_service_waits_for_its_stores_and_can_be_stopped_meanwhile(tmp_path: Path) -> None:
    mongod, stock = Mongod(), Valkey(tmp_path / "valkey")
    urls = {f"{name}_SERVICE_URL": NOBODY for name in ("AUTH", "ORDER")}
    stores = {"MONGO_URI": mongod.uri, "REDIS_URL": stock.url}
    with ExitStack() as closing:
        closing.callback(mongod.remove)
        closing.callback(stock.remove)
        inventory, auth = (
            closing.enter_context(started(tmp_path, "serve", name, log=f"{name}.log", **SECRETS, **urls, **stores))
            for name in ("inventory", "auth")
        )
        for each in (inventory, auth):
            says(each, "MongoDB does not answer")
        assert auth.stop() == 0
        mongod.start()
        says(inventory, "Redis does not answer")
        stock.start()
        inventory.wait_until_ready("/health")
        assert inventory.stop() == 0
        assert "Traceback" not in inventory.log.read_text()


def test_a_store_that_will_never_do_is_not_waited_for(tmp_path: Path) -> None:
    alone = Mongod(is_alone=True)
    alone.start()
    try:
        with started(tmp_path, "serve", "auth", **SECRETS, MONGO_URI=alone.uri) as auth:
            assert auth.process.wait(40) == 2
            assert "MONGO_URI cannot be used: MongoDB must run as a replica set" in auth.log.read_text()
    finally:
        alone.remove()
