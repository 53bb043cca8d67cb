"""MongoDB that hangs under a whole shop: each request is told so once it has waited as long as one waits for a store,
however many times it would ask; and all works when the server goes on."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator

import pytest

from kassa.app.settings import Settings
from kassa.app.wiring import Parts
from kassa.kit.clock import SECOND, Millis
from kassa.kit.documents import Database
from kassa.storage.documents_mongo import MongoDatabase
from tests.app.whole import Answer, Whole, whole
from tests.servers import mongod, valkey
from tests.servers.mongod import Mongod

pytestmark = pytest.mark.slow

PATIENCE: Millis = 4 * SECOND
PASSWORD = "four words that nobody has"
PRODUCT, ORDER = "prd_01kg8v3y6dqz4m2n7r5t9w1x0c", "ord_01kg8v3y6dqz4m2n7r5t9w1x0c"
LINES = {"items": [{"productId": PRODUCT, "quantity": 1}]}

ASKED = [
    ("GET", "/orders", None, "buyer"),
    ("POST", "/orders", LINES, "buyer"),
    ("GET", f"/orders/{ORDER}", None, "buyer"),
    ("POST", "/payments/create-session", {"orderId": ORDER}, "buyer"),
    ("GET", f"/payments/status/{ORDER}", None, "buyer"),
    ("GET", "/auth/sessions", None, "buyer"),
    ("GET", "/orders/admin/all", None, "admin"),
    ("GET", "/orders/admin/analytics/orders", None, "admin"),
    ("POST", "/auth/login", {"email": "buyer@shop.example", "password": PASSWORD}, ""),
    ("POST", "/auth/register", {"email": "new@shop.example", "password": PASSWORD}, ""),
    ("GET", "/products", None, ""),
    ("GET", "/products", None, "buyer"),
    ("GET", f"/products/{PRODUCT}", None, ""),
]


async def open_database(settings: Settings, name: str) -> Database:
    assert settings.mongo_uri is not None
    return await MongoDatabase.open(settings.mongo_uri, name, patience=PATIENCE)


@pytest.fixture(scope="module")
def server() -> Iterator[Mongod]:
    with mongod.running() as own:
        yield own


@pytest.fixture(scope="module")
def shop(server: Mongod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    directory = tmp_path_factory.mktemp("shop")
    with (
        valkey.running(directory) as stock,
        whole(directory, Parts(open_database=open_database), MONGO_URI=server.uri, REDIS_URL=stock.url) as made,
    ):
        yield made


async def asked(shop: Whole) -> list[tuple[str, Answer, float]]:
    """What each was answered, and after how many seconds."""

    async def one(method: str, path: str, value: object, who: str) -> tuple[str, Answer, float]:
        begun = time.monotonic()
        answer = await shop.asking_as(method, path, value, who)
        return f"{method} {path} {who}", answer, time.monotonic() - begun

    return list(await asyncio.gather(*(one(*each) for each in ASKED)))


def test_a_request_waits_for_mongodb_that_hangs_once_however_often_it_asks(shop: Whole, server: Mongod) -> None:
    async def while_it_hangs() -> list[tuple[str, Answer, float]]:
        await asyncio.sleep(1.1)  # So that whether the tokens were ended is asked again, too.
        server.signal(signal.SIGSTOP)
        try:
            first = asyncio.create_task(asked(shop))
            await asyncio.sleep(1.5)
            return [*await asked(shop), *await first]  # Those who come later wait behind the first.
        finally:
            server.signal(signal.SIGCONT)

    for what, answer, took in shop.run(while_it_hangs()):
        assert answer.status == 503, (what, answer)
        assert answer.headers["content-type"] == "application/problem+json", what
        assert int(answer.headers["retry-after"]) > 0, what
        assert json.loads(answer.body)["code"] == "unavailable", what
        assert took < 2 * PATIENCE / SECOND, what

    until = time.monotonic() + 30
    while any(answer.status >= 500 for _, answer, _ in shop.run(asked(shop))):
        assert time.monotonic() < until
