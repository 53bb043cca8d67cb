"""Redis forgets the reservations that ended long ago, and nobody can tell: the ledger has them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from redis import Redis

from kassa.contracts.inventory import Level, Line, ReservationEnded
from kassa.inventory.ledger import MOVEMENTS
from kassa.inventory.stock import Kind, Reservation, State
from kassa.inventory.stock_redis_mend import SECOND_LOOK
from kassa.inventory.stock_redis_reservations import KEPT, Reservations
from kassa.kit.clock import MINUTE
from kassa.kit.ids import ORDER, Ids
from kassa.kit.inputs import movement_id, reservation_of
from tests.servers.valkey_shop import ADMIN, Shop, opened
from tests.support import NOON, FakeClock

TEA, CUP = Line("tea", 2), Line("cup", 1)


async def year_old(shop: Shop) -> None:
    """One is sold, one was cancelled, one is held, and one was released before it was ever made."""
    await shop.stock.init("tea", 10, "init-tea", "delivery", shop.now, ADMIN)
    await shop.stock.init("cup", 10, "init-cup", "delivery", shop.now, ADMIN)
    for order in ("sold", "cancelled", "held"):
        await shop.place(order, TEA, CUP)
    await shop.confirm("sold")
    await shop.cancel("cancelled")
    await shop.stock.release("never.1", shop.now)
    shop.now += 12 * KEPT


async def forget(shop: Shop) -> None:
    await shop.stock.forget(FakeClock(shop.now))


def known(inside: Redis) -> set[str]:
    return {str(key).rpartition(":res:")[2] for key in inside.keys("{kassa}:res:*")}


async def test_what_ended_long_ago_is_not_in_redis_any_more_and_is_told_all_the_same(shop: Shop, inside: Redis) -> None:
    await year_old(shop)
    await shop.place("young", TEA)
    await shop.confirm("young")
    before = await shop.levels()
    await forget(shop)
    assert known(inside) == {"held.1", "never.1", "young.1"}
    assert await shop.stock.reservations_of(["sold.1"]) == [
        Reservation("sold.1", State.COMMITTED, (TEA, CUP), NOON, True)
    ]
    (cancelled,) = await shop.stock.reservations_of(["cancelled.1"])
    assert cancelled == Reservation("cancelled.1", State.RELEASED, (TEA, CUP), NOON, True)
    assert await shop.stock.reservations_of(["nobodys.1"]) == [None]
    assert await shop.levels() == before
    await shop.check()
    await shop.confirm("held")
    shop.now += KEPT + 1
    await forget(shop)
    assert known(inside) == {"never.1"}
    await shop.check()


async def test_what_is_asked_of_a_forgotten_one_again_changes_nothing(shop: Shop) -> None:
    await year_old(shop)
    await forget(shop)
    before = await shop.levels()
    stock, now = shop.stock, shop.now
    await stock.reserve("sold.1", [TEA], now)
    await stock.commit("sold.1", now)
    await stock.mark("sold.1")
    await stock.release("cancelled.1", now)
    for refused in (
        stock.release("sold.1", now),
        stock.reserve("cancelled.1", [TEA], now),
        stock.commit("cancelled.1", now),
        stock.reserve("never.1", [TEA], now),
    ):
        with pytest.raises(ReservationEnded):
            await refused
    assert await shop.levels() == before
    await shop.check()


async def test_what_the_ledger_never_had_of_its_beginning_does_not_matter(shop: Shop, inside: Redis) -> None:
    """An older release could break off between a change and its entry."""
    await year_old(shop)
    await shop.stock.drain()
    for line in (TEA, CUP):
        await (await shop.file.collection(MOVEMENTS)).delete(movement_id(Kind.RESERVE, line.product_id, "sold.1"))
    await forget(shop)
    assert known(inside) == {"held.1", "never.1"}
    assert await shop.stock.reservations_of(["sold.1"]) == [
        Reservation("sold.1", State.COMMITTED, (TEA, CUP), NOON, True)
    ]


@pytest.mark.parametrize("lost", ["nothing", "that it forgot", "a year", "all"])
async def test_an_old_order_that_was_changed_lately_is_not_sold_again_after_a_loss(
    shop: Shop, inside: Redis, lost: str
) -> None:
    await year_old(shop)
    await shop.stock.drain()
    kept = {"a year": shop.server.logged(), "all": 0}
    await shop.place("young", TEA)
    kept["that it forgot"] = shop.server.logged()
    await forget(shop)
    for order, state in (("sold", State.COMMITTED), ("cancelled", State.RELEASED)):
        shop.note(order, state)
    before = await shop.levels()
    await shop.crash(kept.get(lost))
    assert await shop.mend()
    assert await shop.levels() == before
    await shop.check()
    await forget(shop)
    shop.now += SECOND_LOOK
    assert await shop.mend()
    assert await shop.levels() == before
    assert not {"sold.1", "cancelled.1"} & known(inside)
    await shop.check()


async def test_a_second_look_that_comes_a_month_late_sells_nothing_again(shop: Shop, inside: Redis) -> None:
    """What it restores was young when it moved, and is forgotten by now."""
    await shop.stock.init("tea", 10, "init-tea", "delivery", shop.now, ADMIN)
    kept = shop.server.logged()
    sold, cancelled = (Ids(FakeClock(shop.now)).new(ORDER) for _ in range(2))
    for order in (sold, cancelled):
        await shop.place(order, TEA)
    await shop.confirm(sold)
    await shop.cancel(cancelled)
    await shop.stock.drain()
    before = await shop.levels()
    await shop.crash(kept)
    assert await shop.mend()
    shop.now += KEPT + MINUTE
    await forget(shop)
    assert known(inside) == set()
    assert await shop.mend()
    assert await shop.levels() == before
    await shop.check()


async def test_several_may_forget_at_a_time_and_be_cut_off(shop: Shop, inside: Redis, tmp_path: Path) -> None:
    await shop.stock.init("tea", 9_000, "init-tea", "delivery", shop.now, ADMIN)
    ids = [f"o{number}.1" for number in range(700)]
    await asyncio.gather(*(shop.stock.reserve(each, [TEA], shop.now) for each in ids))
    await asyncio.gather(*(shop.stock.commit(each, shop.now) for each in ids))
    shop.now += KEPT + 1
    async with opened(shop.server, tmp_path) as other:
        tasks = [asyncio.create_task(forget(each)) for each in (shop, other, shop)]
        while len(known(inside)) == len(ids):
            await asyncio.sleep(0.001)
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await forget(shop)
    assert known(inside) == set()
    assert await shop.levels() == {"tea": Level("tea", 7_600, 0, 1_400, 9_000)}
    await shop.check()


async def test_of_a_young_order_nothing_more_is_asked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    original = Reservations.of

    async def of(self: Reservations, ids: Sequence[str]) -> list[Reservation | None]:
        asked.extend(ids)
        return await original(self, ids)

    monkeypatch.setattr(Reservations, "of", of)
    await shop.stock.init("tea", 10, "init-tea", "delivery", shop.now, ADMIN)
    first, second = (reservation_of(Ids(FakeClock(shop.now)).new(ORDER), 1) for _ in range(2))
    await shop.stock.reserve(first, [TEA], shop.now)
    await shop.stock.commit(first, shop.now + MINUTE)
    await shop.stock.reserve(second, [TEA], shop.now)
    await shop.stock.release(second, shop.now + MINUTE)
    assert asked == []
    await shop.stock.commit(first, shop.now + KEPT)
    assert asked == [first]
