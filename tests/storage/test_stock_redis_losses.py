"""Redis loses its last writes: nothing is sold twice, and nothing that was acknowledged is lost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from kassa.contracts.inventory import InsufficientStock, Level, Line, StockExists
from kassa.inventory.mending import Wanted
from kassa.inventory.stock import Kind, State
from kassa.inventory.stock_redis_mend import SECOND_LOOK
from kassa.inventory.stock_redis_operations import OPERATIONS, operation
from kassa.inventory.stock_redis_repair import MARGIN, Repair
from kassa.kit.clock import HOUR, Millis
from kassa.kit.problem import Unavailable
from tests.servers.valkey_shop import ADMIN, Shop, opened


async def change_much(shop: Shop) -> None:
    """Every kind of change; half of them are in the ledger already."""
    stock = shop.stock
    await shop.place("confirmed", Line("tea", 2), Line("cup", 1))
    await shop.confirm("confirmed")
    await shop.place("cancelled", Line("tea", 1))
    await shop.cancel("cancelled")
    await stock.init("pot", 5, "init-pot", "delivery", shop.now, ADMIN)
    await stock.restock("rfd", [Line("tea", 1), Line("cup", 1)], "refund", shop.now)
    await stock.reserve("orphan.1", [Line("tea", 1), Line("cup", 2)], shop.now)
    await stock.drain()
    await shop.confirm("early")
    await stock.adjust("tea", -3, "broken", "broken", shop.now, ADMIN)
    await stock.adjust("cup", 4, "found", "found", shop.now, ADMIN)
    await shop.place("pending", Line("pot", 1), Line("tea", 1))


async def test_all_that_was_acknowledged_and_lost_is_applied_again(shop: Shop) -> None:
    await shop.stock.init("tea", 10, "init-tea", "delivery", shop.now, ADMIN)
    await shop.stock.init("cup", 10, "init-cup", "delivery", shop.now, ADMIN)
    await shop.place("early", Line("cup", 2))
    kept = shop.server.logged()
    await change_much(shop)
    before = await shop.levels()

    await shop.crash(kept)
    assert (await shop.levels())["tea"] == Level("tea", 10, 0, 0, 10)  # it is really lost
    for change in (
        shop.place("late", Line("tea", 1)),
        shop.stock.commit("early.1", shop.now),
        shop.stock.adjust("tea", 1, "more", "", shop.now, ADMIN),
        shop.stock.mark("early.1"),
        shop.stock.ping(),
    ):
        with pytest.raises(Unavailable, match="mended"):
            await change

    assert await shop.mend()
    assert await shop.levels() == before
    await shop.check()
    entries = await shop.stock.ledger(0, 1000)
    assert len({(entry.input_id, entry.product_id, entry.kind) for entry in entries}) == len(entries) == 19
    assert not await shop.mend()
    await shop.place("late", Line("tea", 1))
    await shop.check()


@pytest.mark.parametrize("is_drained", [True, False])
async def test_a_server_that_lost_everything_is_filled_again(shop: Shop, is_drained: bool) -> None:
    for product in ("tea", "cup"):
        await shop.stock.init(product, 10, f"init-{product}", "delivery", shop.now, ADMIN)
    await shop.place("early", Line("cup", 2))
    await shop.stock.drain()
    shop.now += HOUR
    await change_much(shop)
    if is_drained:
        await shop.stock.drain()
    before = await shop.levels()
    await shop.crash(0)
    assert await shop.mend()
    assert await shop.levels() == before
    await shop.check()


async def test_a_restart_that_lost_nothing_is_accepted(shop: Shop) -> None:
    await shop.stock.init("tea", 10, "init-tea", "delivery", shop.now, ADMIN)
    await shop.place("early", Line("tea", 2))
    await asyncio.to_thread(shop.server.restart)
    with pytest.raises(Unavailable, match="mended"):
        await shop.confirm("early")
    assert await shop.mend()
    await shop.confirm("early")
    await shop.check()
    assert await shop.levels() == {"tea": Level("tea", 8, 0, 2, 10)}


async def test_the_last_piece_is_not_sold_again_while_its_sale_is_lost(shop: Shop) -> None:
    await shop.stock.init("tea", 1, "init-tea", "delivery", shop.now, ADMIN)
    kept = shop.server.logged()
    await shop.place("first", Line("tea", 1))
    await shop.crash(kept)
    with pytest.raises(Unavailable):
        await shop.place("second", Line("tea", 1))
    await shop.mend()
    with pytest.raises(InsufficientStock):
        await shop.place("second", Line("tea", 1))
    await shop.check()


async def test_an_order_written_after_its_stock_was_lost_gets_it_at_the_second_look(shop: Shop) -> None:
    await shop.stock.init("tea", 1, "init-tea", "delivery", shop.now, ADMIN)
    kept = shop.server.logged()
    await shop.stock.reserve("slow.1", [Line("tea", 1)], shop.now)
    await shop.crash(kept)
    await shop.mend()
    shop.note("slow", State.HELD, Line("tea", 1))
    assert not await shop.mend()
    shop.now += SECOND_LOOK
    assert await shop.mend()
    assert not await shop.mend()
    await shop.check()


async def test_what_was_asked_for_just_before_the_loss_is_done_or_refused_by_mending(shop: Shop) -> None:
    await shop.stock.init("tea", 5, "init-tea", "delivery", shop.now, ADMIN)
    shop.server.kill()
    for change in (3, -9):
        with pytest.raises(Unavailable):
            await shop.stock.adjust("tea", change, f"unknown{change}", "", shop.now, ADMIN)
    await asyncio.to_thread(shop.server.start)
    await shop.mend()
    assert await shop.levels() == {"tea": Level("tea", 8, 0, 0, 8)}
    await shop.check()


async def test_what_was_asked_for_long_ago_and_never_answered_is_not_done_by_mending(shop: Shop) -> None:
    await shop.stock.init("tea", 5, "init-tea", "delivery", shop.now, ADMIN)
    lines = (Line("tea", 3),)
    unknown = operation(Kind.ADJUST, lines, "unknown", "", shop.now, ADMIN)
    await (await shop.file.collection(OPERATIONS)).insert(unknown)
    shop.now += MARGIN + 1
    await shop.stock.adjust("tea", 1, "later", "", shop.now, ADMIN)
    for kept in (None, 0):
        await shop.crash(kept)
        await shop.mend()
        assert await shop.levels() == {"tea": Level("tea", 6, 0, 0, 6)}
        await shop.check()


async def test_a_refused_operation_is_not_done_by_mending(shop: Shop) -> None:
    await shop.stock.init("tea", 1, "init-tea", "delivery", shop.now, ADMIN)
    with pytest.raises(InsufficientStock):
        await shop.stock.adjust("tea", -2, "refused", "", shop.now, ADMIN)
    with pytest.raises(StockExists):
        await shop.stock.init("tea", 7, "again", "", shop.now, ADMIN)
    await shop.stock.adjust("tea", 3, "more", "", shop.now, ADMIN)
    await shop.crash()
    await shop.mend()
    assert await shop.levels() == {"tea": Level("tea", 4, 0, 0, 4)}
    assert (await shop.stock.adjust("tea", -2, "refused", "", shop.now, ADMIN)).available == 2
    await shop.check()


async def test_two_processes_may_mend_at_a_time(shop: Shop, tmp_path: Path) -> None:
    await shop.stock.init("tea", 100, "init-tea", "delivery", shop.now, ADMIN)
    kept = shop.server.logged()
    for number in range(20):
        await shop.place(f"o{number}", Line("tea", 1))
    await shop.crash(kept)
    async with opened(shop.server, tmp_path) as other:
        other.orders = shop.orders
        outcomes = await asyncio.gather(shop.mend(), other.mend(), shop.mend(), return_exceptions=True)
        assert all(isinstance(outcome, bool | Unavailable) for outcome in outcomes)
        assert not all(isinstance(outcome, Unavailable) for outcome in outcomes)
        await asyncio.gather(shop.place("a", Line("tea", 1)), other.place("b", Line("tea", 1)))
    await shop.check()
    assert (await shop.levels())["tea"] == Level("tea", 78, 22, 0, 100)


async def test_nobody_changes_stock_while_another_process_mends(shop: Shop, tmp_path: Path) -> None:
    await shop.stock.init("tea", 1, "init-tea", "delivery", shop.now, ADMIN)
    kept = shop.server.logged()
    async with opened(shop.server, tmp_path) as other:
        await other.stock.ping()
        await shop.place("first", Line("tea", 1))
        await shop.crash(kept)

        async def meanwhile(since: Millis, held: Sequence[str]) -> AsyncIterator[Wanted]:
            with pytest.raises(Unavailable, match="mended"):
                await other.place("second", Line("tea", 1))
            async for wanted in shop.wanted(since, held):
                yield wanted

        await shop.stock.mend(meanwhile, shop.now)
        with pytest.raises(InsufficientStock):
            await other.place("second", Line("tea", 1))
    await shop.check()


async def test_a_slow_mender_forces_nothing_once_another_one_is_done(shop: Shop, tmp_path: Path) -> None:
    await shop.stock.init("tea", 1, "init-tea", "delivery", shop.now, ADMIN)
    await shop.crash()
    async with opened(shop.server, tmp_path) as other:

        async def meanwhile(since: Millis, held: Sequence[str]) -> AsyncIterator[Wanted]:
            await other.mend()
            await other.place("first", Line("tea", 1))
            yield Wanted("stale.1", (Line("tea", 1),), State.HELD)

        with pytest.raises(Unavailable, match="by another process"):
            await shop.stock.mend(meanwhile, shop.now)
        await other.check()


async def test_a_mending_that_is_cut_off_is_begun_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.stock.init("tea", 100, "init-tea", "delivery", shop.now, ADMIN)
    kept = shop.server.logged()
    for number in range(5):
        await shop.place(f"o{number}", Line("tea", 1))
    await shop.stock.reserve("orphan.1", [Line("tea", 1)], shop.now)
    await shop.stock.drain()
    before = await shop.levels()
    await shop.crash(kept)
    with monkeypatch.context() as patched:
        patched.setattr(Repair, "carry_out", lambda *_: shop.crash())
        with pytest.raises(Unavailable, match="restarted again"):
            await shop.mend()
    with pytest.raises(Unavailable, match="being mended"):
        await shop.place("late", Line("tea", 1))
    await shop.mend()
    assert await shop.levels() == before
    await shop.check()
