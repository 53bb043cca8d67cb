"""What a script that broke off has left, as they could before they wrote all or nothing: it is entered and counted."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest
from redis import Redis

from kassa.contracts.inventory import Level, Line
from kassa.inventory.ledger import Entry
from kassa.inventory.stock import By, Kind
from kassa.inventory.stock_redis import RedisStock
from kassa.inventory.stock_redis_moves import Keys
from tests.storage.test_stock import NOBODY

KEYS = Keys()
LINES = [Line("tea", 1), Line("cup", 2)]
WRITTEN_LAST = [KEYS.figures, KEYS.movements]
LEVELS = [KEYS.stock("tea"), KEYS.stock("cup"), KEYS.available]
RECONCILIATION = By("reconciliation")
Change = Callable[[RedisStock], Awaitable[Any]]
BEGUN: Mapping[str, Change] = {
    "adjust": lambda stock: stock.adjust("tea", -2, "op", "broken", 2, NOBODY),
    "restock": lambda stock: stock.restock("op", LINES, "back", 2),
    "reserve": lambda stock: stock.reserve("new.1", LINES, 2),
    "commit": lambda stock: stock.commit("held.1", 2),
    "release": lambda stock: stock.release("held.1", 2),
}
TEA = {
    "adjust": Level("tea", 6, 1, 0, 7),
    "restock": Level("tea", 9, 1, 0, 10),
    "reserve": Level("tea", 7, 2, 0, 9),
    "commit": Level("tea", 8, 0, 1, 9),
    "release": Level("tea", 9, 0, 0, 9),
}


async def filled(stock: RedisStock) -> None:
    for product in ("tea", "cup", "odd"):
        await stock.init(product, 9, "i", "", 1, NOBODY)
    await stock.reserve("held.1", LINES, 1)
    await stock.drain()


async def broken_off(inside: Redis, change: Awaitable[Any], lost: list[str]) -> None:
    """It is done but for what it writes to these keys."""
    dump: Any = inside.dump
    before = {key: dump(key) for key in lost}
    await change
    for key, value in before.items():
        inside.delete(key)
        if value is not None:
            inside.restore(key, 0, value)


async def mended(stock: RedisStock) -> None:
    products = {each.product_id for each in await stock.differences()}
    assert await stock.set_by_ledger(products, 3, RECONCILIATION) == products
    assert await stock.differences() == []
    levels = await stock.all_levels(10)
    assert (await stock.summary(0)).available == sum(each.available for each in levels)


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        *((name, WRITTEN_LAST) for name in BEGUN),
        *((name, WRITTEN_LAST + LEVELS) for name in ("reserve", "commit", "release")),
    ],
)
async def test_it_is_as_if_it_had_been_done(own: RedisStock, raw: Redis, name: str, lost: list[str]) -> None:
    await filled(own)
    await broken_off(raw, BEGUN[name](own), lost)
    assert await own.differences() != []
    await mended(own)
    (kind, by) = next((each.kind, each.who) for each in await own.recent(9) if each.quantity)
    assert (kind, by) == (name, "reconciliation")
    levels = await own.levels(["tea", "cup"])
    await BEGUN[name](own)
    assert await own.levels(["tea", "cup"]) == levels
    assert levels["tea"] == TEA[name]


async def test_a_product_whose_first_movement_is_missing_has_its_pieces(own: RedisStock, raw: Redis) -> None:
    await filled(own)
    await broken_off(raw, own.init("milk", 4, "i", "delivery", 2, NOBODY), WRITTEN_LAST)
    await mended(own)
    assert (await own.levels(["milk"]))["milk"] == Level("milk", 4, 0, 0, 4)


@pytest.mark.parametrize("is_compared_first", [False, True])
async def test_a_hold_without_a_movement_that_was_given_up_leaves_nothing(
    own: RedisStock, raw: Redis, is_compared_first: bool
) -> None:
    await filled(own)
    await broken_off(raw, own.reserve("new.1", LINES, 2), WRITTEN_LAST)
    if is_compared_first:
        await mended(own)
    await own.release("new.1", 3)
    await mended(own)
    assert (await own.levels(["tea"]))["tea"] == Level("tea", 8, 1, 0, 9)
    assert [each.kind for each in await own.moved_by(["new.1"], ["tea"])].count(Kind.RESERVE) == 1
    before = await own.recent(50)
    await mended(own)
    assert await own.recent(50) == before


@pytest.mark.parametrize("count", [2, 20])
async def test_the_ledger_is_gone_through_as_often_for_many_products_as_for_one(
    own: RedisStock, raw: Redis, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    products = [f"p{number}" for number in range(count)]
    for product in products:
        await own.init(product, 9, product, "", 1, NOBODY)
        raw.hset(KEYS.stock(product), "available", 5)
    await own.drain()
    walked, walk = 0, own._ledger.walk

    async def counting(after: int, up_to: int) -> AsyncIterator[list[Entry]]:
        nonlocal walked
        async for page in walk(after, up_to):
            walked += len(page)
            yield page

    monkeypatch.setattr(own._ledger, "walk", counting)
    assert await own.set_by_ledger(products, 3, RECONCILIATION) == set(products)
    assert walked == 2 * count, "each entry once for what is missing, and once for the levels"
    assert {each.available for each in await own.all_levels(100)} == {9}


@pytest.fixture
def raw(own: RedisStock, inside: Redis) -> Redis:
    """A client that has values as they are."""
    return Redis(port=inside.connection_pool.connection_kwargs["port"])
