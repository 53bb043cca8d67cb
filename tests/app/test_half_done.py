"""A script of the stock does all or nothing, whatever the server refuses in the middle of it."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis, ResponseError

from kassa.contracts.inventory import Line, UnknownStock
from kassa.inventory import stock_redis_server
from kassa.inventory.stock_redis import RedisStock
from kassa.inventory.stock_redis_moves import Keys
from kassa.inventory.stock_redis_server import Server
from kassa.kit.problem import Unavailable
from tests.servers.valkey import Valkey
from tests.servers.valkey_user import ALL_KEYS, COMMANDS, allow, kept, restore, stock_of_user, url_of
from tests.storage.test_stock import NOBODY

KEYS = Keys()
SCRIPTS = Path(stock_redis_server.__file__).parent
WRITES = sorted({"hset", "hdel", "zadd", "zrem", "set", "xadd"} & set(COMMANDS))
TYPED = (KEYS.figures, KEYS.movements, KEYS.available, KEYS.products, KEYS.held, KEYS.unmarked)
LINES = [Line("tea", 1), Line("cup", 2)]


async def prepared(stock: RedisStock, inside: Redis, server: Server) -> list[Callable[[], Awaitable[object]]]:
    """One of each that changes the stock, ready to be done."""
    for product in ("tea", "cup", "odd"):
        await stock.init(product, 9, "i", "", 1, NOBODY)
    for name in ("sold", "freed", "marked"):
        await stock.reserve(f"{name}.1", LINES, 1)
    inside.hset(KEYS.stock("odd"), "available", 4)
    common = [KEYS.figures, KEYS.movements, KEYS.available]
    entered = ([*common, KEYS.done("enter", "op")], (1, "late", "", "", "", "", '[["tea",0]]', "adjust"))
    mending = (common, (1, "m", "", "", "", "", "run", 0, 0))
    return [
        lambda: stock.init("milk", 1, "i", "", 1, NOBODY),
        lambda: stock.adjust("tea", 1, "op", "", 1, NOBODY),
        lambda: stock.restock("op", LINES, "", 1),
        lambda: stock.reserve("held.1", LINES, 1),
        lambda: stock.mark("marked.1"),
        lambda: stock.commit("sold.1", 1),
        lambda: stock.release("freed.1", 1),
        lambda: stock.release("never.1", 1),
        lambda: stock.set_by_ledger(["odd"], 2, NOBODY),
        lambda: server.run("enter", *entered),
        lambda: server.run("mend_begin", *mending),
        lambda: server.run("mend_end", *mending),
    ]


@contextmanager
def without(inside: Redis, lack: str) -> Iterator[None]:
    """The server while it lacks this: `-` a command, `~` a key that the user may use; `?` a key is of another type, `!`
    a key is gone; or the numbers begin anew."""
    kind, name = lack[0], lack[1:]
    if kind in "-~":
        others = [f"~{{kassa}}:{each}" for each in ALL_KEYS if each != name]
        allow(inside, *([lack] if kind == "-" else ["resetkeys", *others]))
        yield
        restore(inside)
    elif kind in "?!":
        aside = bool(inside.exists(name) and inside.rename(name, "aside"))
        if kind == "?":
            inside.lpush(name, "x")
        yield
        inside.delete(name)
        if aside:
            inside.rename("aside", name)
    else:
        number = str(inside.hget(KEYS.figures, "number"))
        inside.hset(KEYS.figures, "number", 0)
        yield
        inside.hset(KEYS.figures, "number", number)


LACKS = [
    *(f"-{command}" for command in WRITES),
    *(f"~{key}" for key in ALL_KEYS if key != "shop"),
    *(f"?{key}" for key in TYPED),
    f"!{KEYS.stock('cup')}",
    "numbers",
]


@pytest.mark.parametrize("lack", LACKS)
async def test_what_is_refused_in_the_middle_has_changed_nothing(
    guarded: Valkey, inside: Redis, tmp_path: Path, lack: str
) -> None:
    server = await Server.connect(url_of(guarded), KEYS.tag)
    server.is_accepted = _always
    refused = 0
    async with stock_of_user(guarded, tmp_path) as stock:
        for change in await prepared(stock, inside, server):
            await stock.drain()  # which one of them does, too
            before = kept(inside)
            with without(inside, lack):
                try:
                    await change()
                except (Unavailable, UnknownStock, ResponseError):
                    refused += 1
                    is_refused = True
                else:
                    is_refused = False
            assert kept(inside) == before or not is_refused
            await change()
        assert await stock.differences() == []
    await server.close()
    assert refused


def test_no_script_writes_by_itself() -> None:
    texts = {path.stem: path.read_text() for path in SCRIPTS.glob("*.lua") if path.stem != "rights"}
    called = {command for text in texts.values() for command in re.findall(r"redis\.p?call\('(\w+)'", text)}
    assert called.isdisjoint(each.upper() for each in WRITES)
    assert {name for name, text in texts.items() if "redis.call(unpack" in text} == {"common"}
    written = {command for text in texts.values() for command in re.findall(r"\bwrite\('(\w+)'", text)}
    assert written == {each.upper() for each in WRITES}


async def _always(run_id: str) -> bool:
    return True
