"""The audit of totals and discounts: each invariant is broken by hand and must be named."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kassa.contracts.inventory import Line
from kassa.contracts.parts import DiscountPart, LinePart, Parts, ShippingPart, TaxPart
from kassa.kit.clock import MINUTE
from kassa.kit.inputs import reservation_of
from kassa.order.domain import Order
from kassa.order.quoting import Asked
from tests.trade.world import World, world

CODE = Asked(code="AUTUMN", buyer="somebody")


async def bought(shop: World, *, is_paid: bool = True) -> Order:
    """An order with a code of which there are two in all, and one for each buyer."""
    await shop.discount(code="AUTUMN", limit=2, limit_per_buyer=1)
    order = await shop.place((await shop.sell(stock=5), 2), asked=CODE)
    if is_paid:
        await shop.pay(await shop.open(order))
    return await shop.order_now(order)


def parts_of(order: Order) -> Parts:
    assert order.sale is not None
    return order.sale.parts


async def with_parts(shop: World, order: Order, **changes: Any) -> None:
    """Store the order with other parts, behind the back of what keeps invariants."""
    assert order.sale is not None
    parts = msgspec.structs.replace(order.sale.parts, **changes)
    await store(shop, order, sale=msgspec.structs.replace(order.sale, parts=parts))


async def store(shop: World, order: Order, **changes: Any) -> None:
    behind_its_back: Any = shop.order.orders
    await behind_its_back.inner.save(msgspec.structs.replace(order, **changes))


async def change_the_total(shop: World, order: Order) -> None:
    await store(shop, order, total_minor=order.total_minor + 1)


async def take_more_off_a_line(shop: World, order: Order) -> None:
    await with_parts(shop, order, lines=(LinePart(discount_minor=1),))


async def take_too_much_off_a_line(shop: World, order: Order) -> None:
    await with_parts(shop, order, lines=(LinePart(discount_minor=4_000),))


async def lose_a_line(shop: World, order: Order) -> None:
    await with_parts(shop, order, lines=())


async def tax_a_line_only(shop: World, order: Order) -> None:
    (line,) = parts_of(order).lines
    await with_parts(shop, order, lines=(msgspec.structs.replace(line, tax_minor=7),))


async def tax_by_a_rate_only(shop: World, order: Order) -> None:
    await with_parts(shop, order, taxes=(TaxPart("VAT", 7, 190_000, is_included=True),))


async def make_the_shipping_free(shop: World, order: Order) -> None:
    await with_parts(shop, order, shipping=ShippingPart("post", "Post", "delivery", 500, discount_minor=500))


async def take_too_much_off_the_shipping(shop: World, order: Order) -> None:
    await with_parts(shop, order, shipping=ShippingPart("post", "Post", "delivery", 500, discount_minor=501))


async def take_more_off_than_it_costs(shop: World, order: Order) -> None:
    (part,) = parts_of(order).discounts
    await with_parts(shop, order, discounts=(msgspec.structs.replace(part, amount_minor=99_999),))


async def leave_the_tax_open(shop: World, order: Order) -> None:
    await with_parts(shop, order, is_tax_open=True)


async def take_another_amount(shop: World, order: Order) -> None:
    payment = await shop.payment_now(order)
    behind_its_back: Any = shop.payment.payments
    await behind_its_back.inner.save(msgspec.structs.replace(payment, taken_minor=payment.taken_minor + 1))


async def lower_the_limit(shop: World, order: Order) -> None:
    (part,) = parts_of(order).discounts
    discount = await shop.offering.discount(part.discount_id)
    await shop.stores[1].discounts.save(msgspec.structs.replace(discount, limit=1))


async def give_back_the_buyers_use(shop: World, order: Order) -> None:
    (part,) = parts_of(order).discounts
    await shop.stores[1].uses.delete(part.use)


async def give_another_the_buyers_use(shop: World, order: Order) -> None:
    (part,) = parts_of(order).discounts
    use = await shop.stores[1].uses.get(part.use)
    assert use is not None
    await shop.stores[1].uses.save(msgspec.structs.replace(use, order_id="ord_another"))


async def forget_the_discount(shop: World, order: Order) -> None:
    await with_parts(shop, order, discounts=(msgspec.structs.replace(parts_of(order).discounts[0], is_limited=False),))


async def forget_the_payment(shop: World, order: Order) -> None:
    await shop.payment.payments.delete((await shop.payment_now(order)).id)


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (change_the_total, "I10: a total is its parts: its parts come to 3598, its total is 3599"),
        (take_more_off_a_line, "1 is taken off its lines, its discounts come to 400"),
        (take_too_much_off_a_line, "4000 is taken off"),
        (lose_a_line, "it has 1 line, its parts have 0 lines"),
        (tax_a_line_only, "the tax of its lines is 7, by rates it is 0"),
        (tax_by_a_rate_only, "the tax of its lines is 0, by rates it is 7"),
        (make_the_shipping_free, "500 is taken off its shipping, its discounts come to 0"),
        (take_too_much_off_the_shipping, "501 is taken off the shipping, which costs 500"),
        (take_more_off_than_it_costs, "more is taken off than it costs"),
        (leave_the_tax_open, "CONFIRMED, and its tax is not told yet"),
        (take_another_amount, "its payment took 3599, and was to take 3598"),
        (lower_the_limit, "I11: uses of discounts: its limit is 1, the stock knows of 2"),
        (give_back_the_buyers_use, "which is nobody's"),
        (give_another_the_buyers_use, "which is order ord_another's"),
        (forget_the_discount, "0 orders have it, held or sold: 1"),
        (forget_the_payment, "I3: confirmed is paid: CONFIRMED, but its payment is missing"),
    ],
)
async def test_a_total_or_a_use_that_is_wrong_is_named(
    tmp_path: Path, form: str, breaks: Callable[[World, Order], Awaitable[None]], words: str
) -> None:
    async with world(tmp_path, form=form) as shop:
        order = await bought(shop)
        assert await shop.audit() == []
        await breaks(shop, order)
        told = [f"{each.invariant}: {each.text}" for each in await shop.audit()]
        assert any(words in each for each in told), told


async def test_a_use_that_a_stock_has_too_many_of_is_named(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form) as shop:
        order = await bought(shop, is_paid=False)
        (part,) = parts_of(order).discounts
        await shop.settle()
        await shop.inventory.restock("raised behind its back", [Line(part.discount_id, 3)])
        words = [each.text for each in await shop.audit()]
        assert words == ["its limit is 2, the stock knows of 5"]


async def test_more_orders_than_a_limit_allows_are_named(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form) as shop:
        order = await bought(shop, is_paid=False)
        assert order.sale is not None
        product = order.items[0].product_id
        for number in range(2):
            await store(
                shop,
                await shop.place((product, 1), asked=Asked(note=f"{number}")),
                sale=msgspec.structs.replace(order.sale, parts=free_of(parts_of(order).discounts[0])),
                total_minor=1999,
            )
        words = [each.text for each in await shop.audit()]
        assert "its limit is 2, and 3 orders have it" in words
        assert "3 orders have it, held or sold: 1" in words


def free_of(part: DiscountPart) -> Parts:
    return Parts(lines=(LinePart(),), discounts=(msgspec.structs.replace(part, amount_minor=0, use=""),))


async def test_an_order_for_nothing_needs_no_payment(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form) as shop:
        await shop.discount(kind="percentage", percent=Decimal(100), code="GIFT", limit=1)
        order = await shop.place((await shop.sell(), 1), asked=Asked(code="GIFT"))
        await shop.settle()
        assert (order.status, order.total_minor, await shop.payment.of_order(order.id)) == ("CONFIRMED", 0, None)
        assert await shop.audit() == []


async def test_what_is_held_for_an_order_that_is_being_made_is_no_difference(tmp_path: Path, form: str) -> None:
    async with world(tmp_path, form=form) as shop:
        order = await bought(shop, is_paid=False)
        (part,) = parts_of(order).discounts
        other = f"{order.id[:-1]}{'1' if order.id.endswith('0') else '0'}"
        lines = [Line(order.items[0].product_id, 1), Line(part.discount_id, 1)]
        await shop.inventory.reserve(reservation_of(other, 1), lines)
        assert await shop.audit() == []
        shop.clock.advance(5 * MINUTE)
        assert {each.invariant for each in await shop.audit()} == {"I4: orphans"}
