"""Reservations against orders and levels against the ledger: told, mended when asked, and entered in the ledger."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kassa.contracts.inventory import Line
from kassa.inventory.reconcile import BY
from kassa.inventory.stock import SET_BY_LEDGER, Kind, State
from kassa.inventory.stock_redis import RedisStock
from kassa.inventory.stock_sqlite import SqliteStock
from kassa.kit.audit import Finding
from kassa.kit.clock import DAY, HOUR, MINUTE
from kassa.kit.problem import Unavailable
from kassa.order.domain import Order
from tests.trade.world import ADMIN, BUYER, World, found, world


@pytest.fixture
async def shop(tmp_path: Path, form: str) -> AsyncIterator[World]:
    """Not all of what is done to it can be mended."""
    async with world(tmp_path, form=form) as opened:
        yield opened


async def compared(shop: World, *, fix: bool, since: int = 0) -> list[Finding]:
    return found(await shop.stock_reconciler.compare(fix=fix, since=since))


async def paid(shop: World, product_id: str) -> Order:
    order = await shop.place((product_id, 2))
    await shop.pay(await shop.open(order))
    return order


async def cancelled(shop: World, product_id: str) -> Order:
    order = await shop.place((product_id, 2))
    await shop.order.cancel(order.id, BUYER)
    await shop.settle()
    return order


async def forget(shop: World, order: Order) -> None:
    """Somebody deletes a reservation, and all that the ledger has of it."""
    if isinstance(shop.stock, SqliteStock):

        def delete(connection: Any) -> None:
            connection.execute("DROP TRIGGER IF EXISTS movements_no_delete")
            connection.execute("DELETE FROM movements WHERE input_id = ?", (order.reservation_id,))
            connection.execute("DELETE FROM reservations WHERE id = ?", (order.reservation_id,))

        await shop.stock._sqlite.write(delete)
    else:
        assert isinstance(shop.stock, RedisStock)
        await shop.stock.drain()
        await shop.stock._server.send("DEL", shop.stock._keys.reservation(order.reservation_id))
        await shop.stock._server.send("ZREM", shop.stock._keys.held, order.reservation_id)
        entries = shop.stock._ledger._entries
        for item in order.items:
            for kind in Kind:
                await entries.delete(f"{kind}:{item.product_id}:{order.reservation_id}")
    await shop.stock.set_by_ledger([item.product_id for item in order.items], shop.clock.now(), BY)


async def put(shop: World, product_id: str, available: int, received: int) -> None:
    """Somebody writes a level by hand."""
    if isinstance(shop.stock, SqliteStock):
        sql = "UPDATE stock SET available = ?, received = ? WHERE product_id = ?"
        await shop.stock._sqlite.write(
            lambda connection: connection.execute(sql, (available, received, product_id)) and None
        )
    else:
        assert isinstance(shop.stock, RedisStock)
        key = shop.stock._keys.stock(product_id)
        await shop.stock._server.send("HSET", key, "available", available, "received", received)


async def test_what_goes_together_is_counted_and_nothing_is_told(shop: World) -> None:
    mug = await shop.sell()
    await paid(shop, mug)
    await cancelled(shop, mug)
    await shop.place((mug, 1))
    reservations, levels = await shop.stock_reconciler.compare(fix=True)
    assert (reservations.looked_at, reservations.findings) == (3, [])
    assert levels.looked_at >= 1
    assert levels.findings == []


async def test_a_reservation_that_an_ended_order_left_is_released(shop: World) -> None:
    mug = await shop.sell(stock=10)
    order = await cancelled(shop, mug)
    await forget(shop, order)
    await shop.stock.reserve(order.reservation_id, [Line(mug, 2)], shop.clock.now())
    await shop.stock.mark(order.reservation_id)
    (told,) = await compared(shop, fix=False)
    assert told.subject == order.id
    assert told.text == f"reservation {order.reservation_id} is held, its order wants it released"
    assert (await shop.level(mug)).available == 8
    assert [each.is_mended for each in await compared(shop, fix=True)] == [True]
    assert (await shop.level(mug)).available == 10
    last = (await shop.stock.recent(1))[0]
    assert (last.kind, last.who, last.input_id) == (Kind.RELEASE, "reconciliation", order.reservation_id)
    story = await shop.order.timeline(order.id, ADMIN)
    assert {"product": mug, "by": "reconciliation"} in [entry.data for entry in story]
    assert await compared(shop, fix=False) == []
    assert await shop.audit() == []


async def test_the_goods_of_a_paid_order_are_held_and_sold_again(shop: World) -> None:
    mug = await shop.sell(stock=10)
    order = await paid(shop, mug)
    await forget(shop, order)
    (told,) = await compared(shop, fix=True)
    assert (told.is_mended, told.text) == (
        True,
        f"reservation {order.reservation_id} is missing, its order wants it committed",
    )
    level = await shop.level(mug)
    assert (level.available, level.sold) == (8, 2)
    assert await shop.audit() == []


async def test_goods_that_are_gone_cannot_be_held_again_and_stay_told(shop: World) -> None:
    mug = await shop.sell(stock=2)
    order = await paid(shop, mug)
    await forget(shop, order)
    await shop.place((mug, 2))
    for _ in range(2):
        assert [(each.subject, each.is_mended) for each in await compared(shop, fix=True)] == [(order.id, False)]


async def test_sold_goods_of_an_order_without_money_are_left_to_somebody(shop: World) -> None:
    mug = await shop.sell(stock=10)
    order = await shop.place((mug, 2))
    await shop.stock.commit(order.reservation_id, shop.clock.now())
    assert [each.is_mended for each in await compared(shop, fix=True)] == [False]
    (found,) = await shop.stock.reservations_of([order.reservation_id])
    assert found is not None
    assert found.state is State.COMMITTED


async def test_only_lately_changed_orders_are_compared_if_asked_so(shop: World) -> None:
    mug = await shop.sell(stock=10)
    old = await cancelled(shop, mug)
    shop.clock.advance(DAY)
    new = await shop.place((mug, 1))
    for order in (old, new):
        await forget(shop, order)
    assert [each.subject for each in await compared(shop, fix=True, since=shop.clock.now() - HOUR)] == [new.id]


async def test_a_level_is_set_to_what_the_ledger_says(shop: World) -> None:
    mug = await shop.sell(stock=10)
    await paid(shop, mug)
    await put(shop, mug, available=9, received=11)
    told = await compared(shop, fix=False)
    assert f"{mug}: available by the ledger: expected 8, found 9" in [f"{each.subject}: {each.text}" for each in told]
    assert {each.is_mended for each in told} == {False}
    assert {each.is_mended for each in await compared(shop, fix=True)} == {True}
    level = await shop.level(mug)
    assert (level.available, level.sold, level.received) == (8, 2, 10)
    last = (await shop.stock.recent(1))[0]
    assert (last.kind, last.quantity, last.reason, last.who) == (Kind.ADJUST, 0, SET_BY_LEDGER, "reconciliation")
    assert await compared(shop, fix=True) == []
    assert await shop.audit() == []


async def test_a_ledger_that_sums_up_to_less_than_nothing_is_left_to_somebody(shop: World) -> None:
    mug = await shop.sell(stock=10)
    await paid(shop, mug)
    if isinstance(shop.stock, SqliteStock):

        def delete(connection: Any) -> None:
            connection.execute("DROP TRIGGER IF EXISTS movements_no_delete")
            connection.execute("DELETE FROM movements WHERE kind = 'init' AND product_id = ?", (mug,))

        await shop.stock._sqlite.write(delete)
    else:
        assert isinstance(shop.stock, RedisStock)
        await shop.stock.drain()
        (init,) = [each for each in await shop.stock.recent(50) if (each.kind, each.product_id) == (Kind.INIT, mug)]
        await shop.stock._ledger._entries.delete(f"init:{mug}:{init.input_id}")
        await shop.stock._operations._collection.delete(f"init:{mug}:{init.input_id}")
    before = await shop.level(mug)
    assert {each.is_mended for each in await compared(shop, fix=True)} == {False}
    assert await shop.level(mug) == before


async def test_a_level_that_moves_on_meanwhile_is_left_as_it_is(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mug = await shop.sell(stock=10)
    if not isinstance(shop.stock, RedisStock):
        assert await shop.stock.set_by_ledger([mug], shop.clock.now(), BY)  # One write: nothing comes between.
        return
    audit = shop.stock._audit
    read = audit.levels_and_ledger

    async def read_then_sold(product_ids: Sequence[str]) -> Any:
        answer = await read(product_ids)
        await shop.place((mug, 1))
        return answer

    monkeypatch.setattr(audit, "levels_and_ledger", read_then_sold)
    assert not await shop.stock.set_by_ledger([mug], shop.clock.now(), BY)
    assert (await shop.level(mug)).available == 9


async def test_what_an_order_is_about_to_have_done_is_no_difference(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by chaos: after a crash the effect that releases waits for its lease to run out."""

    async def away(reservation_id: str) -> None:
        raise Unavailable("the inventory is away")

    order = await shop.place((await shop.sell(stock=10), 2))
    with monkeypatch.context() as patched:
        patched.setattr(shop.inventory, "release", away)
        await shop.order.cancel(order.id, BUYER)
        await shop.settle()
    assert await compared(shop, fix=True) == []
    await shop.later(MINUTE)
    assert await compared(shop, fix=True) == []
    assert await shop.audit() == []
