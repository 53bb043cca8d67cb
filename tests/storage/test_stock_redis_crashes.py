"""Redis is killed under load, and wherever its log breaks off: every order has its stock, nothing is sold twice."""

import asyncio
import random
from contextlib import suppress

import pytest

from kassa.contracts.inventory import InsufficientStock, Level, Line
from kassa.inventory.stock import State
from kassa.inventory.stock_redis_repair import MARGIN
from kassa.kit.problem import Unavailable
from tests.servers.valkey_shop import ADMIN, Shop


async def test_buyers_go_on_through_two_crashes_and_get_exactly_what_there_is(shop: Shop) -> None:
    await shop.stock.init("tea", 50, "init-tea", "delivery", shop.now, ADMIN)
    sold: list[str] = []

    async def buy(order_id: str) -> None:
        while True:
            try:
                await shop.place(order_id, Line("tea", 1))
                sold.append(order_id)
                return await shop.confirm(order_id)
            except InsufficientStock:
                return None
            except Unavailable:
                await asyncio.sleep(0.05)

    async def buy_and_confirm(number: int) -> None:
        await asyncio.sleep(number * 0.005)
        await buy(f"o{number}")

    buying = asyncio.gather(*(buy_and_confirm(number) for number in range(120)))
    for _ in range(2):
        await asyncio.sleep(0.1)
        kept = shop.server.logged()
        await asyncio.sleep(0.02)
        await shop.crash(kept)
        await asyncio.sleep(0.1)
        await shop.mend()
    await buying
    assert len(set(sold)) == 50
    assert await shop.levels() == {"tea": Level("tea", 0, 0, 50, 50)}
    await shop.check()


SEEDS = [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 40))]


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_was_done_and_wherever_the_log_breaks_off(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    received = {"tea": 12, "cup": 8}
    for product, quantity in received.items():
        await shop.stock.init(product, quantity, f"init-{product}", "", shop.now, ADMIN)
    for crash in range(3):
        kept = shop.server.logged()
        for step in range(30):
            if chance.random() < 0.1:
                kept = shop.server.logged()
            with suppress(InsufficientStock):
                await _do_something(shop, chance, f"{crash}-{step}", received)
        end = shop.server.logged()
        await shop.crash(chance.randint(kept, end))
        await shop.mend()
        await shop.check()
        assert {id: level.received for id, level in (await shop.levels()).items()} == received


async def _do_something(shop: Shop, chance: random.Random, name: str, received: dict[str, int]) -> None:
    product, quantity = chance.choice(sorted(received)), chance.randint(1, 3)
    shop.now += chance.choice([1, 1, 1, MARGIN])
    pending = [id for id, (_, wanted) in shop.orders.items() if wanted.state is State.HELD]
    match chance.choice(["place", "place", "confirm", "cancel", "adjust", "restock", "orphan", "drain", "init"]):
        case "place":
            await shop.place(name, *(Line(each, chance.randint(1, 2)) for each in chance.sample(sorted(received), 2)))
        case "confirm" if pending:
            await shop.confirm(chance.choice(pending))
        case "cancel" if pending:
            await shop.cancel(chance.choice(pending))
        case "adjust":
            change = chance.choice([quantity, -quantity])
            await shop.stock.adjust(product, change, name, "", shop.now, ADMIN)
            received[product] += change
        case "restock":
            await shop.stock.restock(name, [Line(product, quantity)], "", shop.now)
            received[product] += quantity
        case "orphan":
            await shop.stock.reserve(f"{name}.1", [Line("tea", 1), Line("cup", 1)], shop.now)
        case "init":
            await shop.stock.init(f"new-{name}", quantity, name, "", shop.now, ADMIN)
            received[f"new-{name}"] = quantity
        case "drain":
            await shop.stock.drain()
