"""The audit finds what should never be: each invariant is broken by hand and must be named."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kassa.app.audit import Audit, LookedAt, audit
from kassa.app.audit_parts import OrderBooks
from kassa.contracts.inventory import Line
from kassa.kit.clock import MINUTE
from kassa.order.domain import Order, Stage
from kassa.payment.domain import Stage as PaymentStage
from tests.trade.world import World, world


async def confirmed(shop: World) -> Order:
    order = await shop.place((await shop.sell(stock=5), 2))
    await shop.pay(await shop.open(order))
    return await shop.order_now(order)


async def lose_the_money(shop: World, order: Order) -> None:
    payment = await shop.payment_now(order)
    await shop.payment.payments.save(msgspec.structs.replace(payment, stage=PaymentStage.FAILED))


async def charge_another_amount(shop: World, order: Order) -> None:
    payment = await shop.payment_now(order)
    behind_its_back: Any = shop.payment.payments
    await behind_its_back.inner.save(msgspec.structs.replace(payment, amount_minor=1))


async def cancel_but_keep_the_money(shop: World, order: Order) -> None:
    await shop.order.orders.save(msgspec.structs.replace(order, stage=Stage.CANCELLED))


async def refund_behind_its_back(shop: World, order: Order) -> None:
    await shop.order.orders.save(msgspec.structs.replace(order, stage=Stage.REFUNDED))


async def forget_an_audit_entry(shop: World, order: Order) -> None:
    await shop.order.orders.save(msgspec.structs.replace(order, audit=order.audit[:-1]))


async def apply_an_input_twice(shop: World, order: Order) -> None:
    await shop.order.orders.save(msgspec.structs.replace(order, audit=(*order.audit, order.audit[-1])))


async def hold_without_an_order(shop: World, order: Order) -> None:
    another = f"{order.id[:-1]}{'1' if order.id.endswith('0') else '0'}"
    await shop.inventory.reserve(f"{another}.1", [Line(order.items[0].product_id, 1)])
    shop.clock.advance(5 * MINUTE)


async def bring_a_piece_back_once_more(shop: World, order: Order) -> None:
    product_id = order.items[0].product_id
    await shop.payment.refunding.refund(order.id, "rfd_1", 0, "", items=[Line(product_id, 2)], who="usr_admin")
    await shop.settle()
    await shop.inventory.restock(f"{order.id}.restock", [Line(product_id, 1)])


async def lose_a_piece_that_came_back(shop: World, order: Order) -> None:
    product_id = order.items[0].product_id
    await shop.payment.refunding.refund(order.id, "rfd_1", 100, "", items=[Line(product_id, 1)], who="usr_admin")
    await shop.settle()
    payment = await shop.payment_now(order)
    (refund,) = payment.refunds
    more = msgspec.structs.replace(refund, items=(Line(product_id, 2),))
    await shop.payment.payments.save(msgspec.structs.replace(payment, refunds=(more,)))


async def lose_the_order(shop: World, order: Order) -> None:
    await shop.order.orders.delete(order.id)


@pytest.mark.parametrize(
    ("breaks", "invariant"),
    [
        (lose_the_money, "I3"),
        (charge_another_amount, "I3"),
        (cancel_but_keep_the_money, "I2"),
        (cancel_but_keep_the_money, "I4"),
        (refund_behind_its_back, "I3"),
        (forget_an_audit_entry, "I8"),
        (apply_an_input_twice, "I8"),
        (hold_without_an_order, "I4"),
        (lose_the_order, "I2"),
        (bring_a_piece_back_once_more, "I9"),
        (lose_a_piece_that_came_back, "I9"),
    ],
)
async def test_a_broken_invariant_is_found(
    tmp_path: Path, form: str, breaks: Callable[[World, Order], Awaitable[None]], invariant: str
) -> None:
    async with world(tmp_path, form=form) as shop:
        order = await confirmed(shop)
        assert await shop.audit() == []
        await breaks(shop, order)
        found = {difference.invariant[:2] for difference in await shop.audit()}
        assert invariant in found


async def test_what_only_one_reading_shows_is_not_reported(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path, form=form) as shop:
        order = await confirmed(shop)
        await cancel_but_keep_the_money(shop, order)
        sleep = shop.clock.sleep

        async def mended_meanwhile(duration: int) -> None:
            current = await shop.order_now(order)
            await shop.order.orders.save(msgspec.structs.replace(current, stage=Stage.CONFIRMED))
            await sleep(duration)

        monkeypatch.setattr(shop.clock, "sleep", mended_meanwhile)
        assert await shop.audit() == []


async def test_an_audit_tells_what_it_has_looked_at(tmp_path: Path, form: str) -> None:
    told: list[tuple[str, int, int | None]] = []
    async with world(tmp_path, form=form) as shop:
        await confirmed(shop)
        await shop.place((await shop.sell(stock=5), 1))
        await shop.tend_stock()
        books = (OrderBooks.of(shop.stores[1], shop.stores[3]), shop.payment.payments, shop.unclaimed.money)
        result = await audit(*books, shop.stock, shop.clock, lambda *step: told.append(step))
    assert result == Audit(LookedAt(orders=2, payments=1, products=2, movements=5), [])
    assert told == [("stock", 0, 2), ("stock", 2, 2), ("orders", 2, 2), ("payments", 1, 1)]


async def test_a_comparison_tells_how_far_it_is(tmp_path: Path, form: str) -> None:
    told: list[tuple[str, int, int | None]] = []
    async with world(tmp_path, form=form) as shop:
        for _ in range(2):
            await shop.open(await shop.place((await shop.sell(stock=5), 1)))
        await shop.reconciler.compare(fix=False, told=lambda *step: told.append(step))
    name = "payments that are not settled"
    assert [step for step in told if step[0] == name] == [(name, 1, 2), (name, 2, 2)]
