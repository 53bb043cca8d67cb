"""The rights that the stores' users need: those of the handbook are enough, and each one that is missing is named."""

import asyncio
import inspect
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from kassa.app.settings import read_settings
from kassa.app.shop import Place, present
from kassa.app.wiring import all_here, open_shop
from kassa.contracts.inventory import Line
from kassa.inventory.stock_redis import RedisStock
from kassa.kit.identity import Principal
from kassa.kit.ids import ORDER, PRODUCT
from kassa.kit.problem import Unavailable
from kassa.storage.documents_mongo import MongoDatabase
from tests.app.process import kassa, started
from tests.servers.mongod import Mongod
from tests.servers.valkey import Valkey, running
from tests.servers.valkey_shop import Shop
from tests.servers.valkey_user import ALL_KEYS, COMMANDS, HANDBOOK, OPTIONS, allow, kept, restore, stock_of_user, url_of
from tests.storage import test_stock
from tests.support import sqlite

ACTIONS = re.findall(r'"(\w+)"', re.search(r'"actions": \[(.*?)\]', HANDBOOK, re.DOTALL)[1])  # type: ignore[index]
DATABASES = re.findall(r'"(\w+)"', re.search(r'"privileges": \[(.*?)\]', HANDBOOK)[1])  # type: ignore[index]


async def test_with_the_rights_of_the_handbook_redis_does_all_that_stock_must(
    guarded: Valkey, inside: Redis, tmp_path: Path
) -> None:
    conforming = {name: test for name, test in vars(test_stock).items() if name.startswith("test_")}
    for name, conforms in conforming.items():
        given = {"quantity": 0} if "quantity" in inspect.signature(conforms).parameters else {}
        inside.flushall()
        async with stock_of_user(guarded, tmp_path / name) as stock:
            await conforms(stock, **given)
            await stock.probe()


async def test_and_is_mended_after_it_was_restarted(tmp_path: Path) -> None:
    with running(tmp_path, *OPTIONS) as server:
        async with sqlite(tmp_path) as file:
            stock = await RedisStock.open(url_of(server), file)
            shop = Shop(stock, server, file)
            await stock.init("tea", 3, "i", "", 1, test_stock.NOBODY)
            await shop.place("o", Line("tea", 1))
            await shop.crash()
            assert await shop.mend()
            assert await stock.differences() == []
            await stock.probe()
            await stock.close()


@pytest.mark.parametrize("command", [each for each in COMMANDS if each != "select"])
async def test_a_command_that_redis_does_not_allow_is_named(
    guarded: Valkey, inside: Redis, tmp_path: Path, command: str
) -> None:
    async with stock_of_user(guarded, tmp_path) as stock:
        await stock.init("tea", 3, "i", "", 1, test_stock.NOBODY)
        before = kept(inside)
        await stock.probe()
        assert kept(inside) == before
        allow(inside, f"-{command}")
        with pytest.raises(Unavailable, match=rf"does not allow {re.escape(command.upper())}\b.*docs/operations.md"):
            await stock.probe()


@pytest.mark.parametrize("missing", ALL_KEYS)
async def test_keys_that_redis_does_not_allow_are_noticed(
    guarded: Valkey, inside: Redis, tmp_path: Path, missing: str
) -> None:
    async with stock_of_user(guarded, tmp_path) as stock:
        allowed = [f"~{{kassa}}:{name}" for name in ALL_KEYS if name != missing]
        allow(inside, "resetkeys", *allowed)
        with pytest.raises(Unavailable, match="does not allow"):
            await stock.probe()


async def test_without_a_right_every_call_is_unavailable_and_none_fails_otherwise(
    guarded: Valkey, inside: Redis, tmp_path: Path
) -> None:
    async with stock_of_user(guarded, tmp_path) as stock:
        await stock.init("tea", 3, "i", "", 1, test_stock.NOBODY)
        for taken in (("-@all",), ("-evalsha",), ("-hset",), ("resetkeys", "~shop:*"), ("off",)):
            restore(inside)
            allow(inside, *taken)
            inside.client_kill_filter(_type="normal", skipme=True)
            with pytest.raises(Unavailable):
                await stock.reserve("o.1", [Line("tea", 1)], 1)
            with pytest.raises(Unavailable):
                await stock.adjust("tea", 1, f"op{taken}", "", 1, test_stock.NOBODY)


def test_the_doctor_has_a_line_on_redis(guarded: Valkey, inside: Redis, tmp_path: Path) -> None:
    with started(tmp_path, "up", REDIS_URL=url_of(guarded)) as shop:
        shop.wait_until_ready()
        shop.stop()
    well = kassa(tmp_path, "doctor", REDIS_URL=url_of(guarded))
    assert "✓ Redis: does all that stock needs" in well.stdout
    allow(inside, "-evalsha")
    ill = kassa(tmp_path, "doctor", REDIS_URL=url_of(guarded))
    assert ill.returncode == 1
    assert "✗ Redis: does not do all that stock needs (the stock's server does not allow EVALSHA" in ill.stdout
    allow(inside, "-info")
    closed = kassa(tmp_path, "doctor", REDIS_URL=url_of(guarded))
    assert (closed.returncode, closed.stderr) == (1, "")
    assert "✗ the shop cannot be opened: the stock's server does not allow INFO" in closed.stdout


@pytest.fixture(scope="module")
def mongod() -> Iterator[Mongod]:
    """A server with the user of the handbook."""
    server = Mongod(is_guarded=True)
    server.start()
    server.client.admin.command({"createRole": "kassa", "privileges": privileges(ACTIONS), "roles": []})
    user: dict[str, Any] = {"createUser": "kassa", "pwd": "hidden", "roles": ["kassa"]}
    server.client.admin.command(user)
    yield server
    server.remove()


def privileges(actions: list[str]) -> list[dict[str, Any]]:
    return [{"resource": {"db": name, "collection": ""}, "actions": actions} for name in DATABASES]


async def test_with_the_role_of_the_handbook_mongodb_does_all_that_a_shop_must(mongod: Mongod, tmp_path: Path) -> None:
    uri = mongod.uri_of("kassa", "hidden")
    settings = read_settings({"MONGO_URI": uri, "KASSA_DATA": str(tmp_path)})
    for _ in range(2):
        async with open_shop(settings, Place(all_here(settings), brings_sandbox=False)) as shop:
            fields = {"name": "Mug", "description": "", "category": "x", "images": [], "price": Decimal(2), "stock": 1}
            product = await present(shop.product, "product").create(shop.ids.new(PRODUCT), fields, "usr_admin")
            await shop.settle()
            order = await present(shop.order, "order").place(shop.ids.new(ORDER), "usr_1", [Line(product.id, 1)])
            assert await present(shop.order, "order").orders.totals({}, "status")
            await present(shop.order, "order").cancel(order.id, Principal("usr_1", "", "user", 2**40))
            await shop.settle()
            assert set(shop.databases) == set(DATABASES)
            for database in shop.databases.values():
                await database.probe()


@pytest.mark.parametrize("action", ACTIONS)
async def test_an_action_that_mongodb_does_not_allow_is_named(mongod: Mongod, action: str) -> None:
    left = [each for each in ACTIONS if each != action]
    database = await MongoDatabase.open(mongod.uri_of("kassa", "hidden"), "orderdb")
    try:
        await database.probe()
        mongod.client.admin.command({"updateRole": "kassa", "privileges": privileges(left)})
        with pytest.raises(Unavailable, match=f"orderdb: the user of MONGO_URI may not {action}: .*docs/operations.md"):
            await database.probe()
    finally:
        mongod.client.admin.command({"updateRole": "kassa", "privileges": privileges(ACTIONS)})
        await database.close()


@pytest.mark.parametrize("command", ["evalsha", "xadd"])
async def test_a_right_that_goes_missing_is_told_by_ready_and_an_order_is_told_to_come_again(
    guarded: Valkey, inside: Redis, tmp_path: Path, command: str
) -> None:
    with started(tmp_path, "up", "--sample", REDIS_URL=url_of(guarded)) as shop:
        await asyncio.to_thread(shop.wait_until_ready)
        async with httpx.AsyncClient(base_url=shop.url, trust_env=False) as http:
            who = {"email": "buyer@shop.example", "password": "correct horse battery"}
            token = (await http.post("/auth/register", json=who)).json()["token"]
            http.headers["Authorization"] = f"Bearer {token}"
            product = (await http.get("/products?limit=1")).json()["products"][0]["id"]
            order = {"items": [{"productId": product, "quantity": 1}]}
            assert (await http.post("/orders", json=order)).status_code == 201
            allow(inside, f"-{command}")
            before = inside.hget(f"{{kassa}}:stock:{product}", "available")
            refused = await http.post("/orders", json=order)
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert refused.headers["content-type"] == "application/problem+json"
            told = await _once(http, 503)
            assert told["failing"] == ["stock"]
            assert f"does not allow {command.upper()}" in told["reasons"]["stock"]
            allow(inside, f"+{command}")
            assert inside.hget(f"{{kassa}}:stock:{product}", "available") == before
            await _once(http, 200)
            assert (await http.post("/orders", json=order)).status_code == 201
        assert shop.stop() == 0
    assert "Traceback" not in shop.log.read_text()


async def _once(http: httpx.AsyncClient, status: int) -> Any:
    """What `/ready` answers, once it has this status."""
    for _ in range(100):
        answer = await http.get("/ready")
        if answer.status_code == status:
            return answer.json()
        await asyncio.sleep(0.1)
    raise AssertionError(answer.text)
