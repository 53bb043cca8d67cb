"""Stock is held all or nothing, each operation once, however many ask at the same time."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from kassa.contracts.inventory import InsufficientStock, Line, ReservationEnded, StockExists, UnknownStock
from kassa.inventory.service import MOST_PIECES
from kassa.kit.clock import MINUTE
from kassa.kit.problem import Invalid, NotFound, Problem
from tests.inventory.world import World


async def test_two_hundred_ask_for_fifty_pieces_and_fifty_get_one(world: World) -> None:
    product_id = await world.stocked(50)

    async def reserve(number: int) -> str:
        try:
            await world.service.reserve(f"ord_{number}.1", [Line(product_id, 1)])
        except InsufficientStock as refused:
            return refused.code
        return "held"

    outcomes = Counter(await asyncio.gather(*(reserve(number) for number in range(200))))
    assert outcomes == {"held": 50, "insufficient_stock": 150}
    level = await world.service.level(product_id)
    assert (level.available, level.reserved, level.sold, level.received) == (0, 50, 0, 50)
    assert await world.stock.differences() == []


async def test_orders_over_several_products_hold_all_or_nothing(world: World) -> None:
    products = [await world.stocked(10), await world.stocked(5)]

    async def reserve(number: int) -> bool:
        lines = [Line(product_id, 1) for product_id in (products if number % 2 else products[::-1])]
        try:
            await world.service.reserve(f"ord_{number}.1", lines)
        except InsufficientStock as refused:
            return bool(refused.members["productId"] != products[1])
        return True

    assert sum(await asyncio.gather(*(reserve(number) for number in range(20)))) == 5
    levels = {level.product_id: level.available for level in await world.service.levels(products)}
    assert levels == {products[0]: 5, products[1]: 0}


async def test_every_operation_asked_many_times_at_once_is_done_once(world: World) -> None:
    product_id = await world.stocked(10)
    lines = [Line(product_id, 2)]
    operations: list[Callable[[], Awaitable[None]]] = [
        lambda: world.service.reserve("ord_1.1", lines),
        lambda: world.service.commit("ord_1.1"),
        lambda: world.service.reserve("ord_2.1", lines),
        lambda: world.service.release("ord_2.1"),
        lambda: world.service.restock("ord_1.restock", lines),
    ]
    for operation in operations:
        await asyncio.gather(*(operation() for _ in range(10)))
    level = await world.service.level(product_id)
    assert (level.available, level.reserved, level.sold, level.received) == (10, 0, 2, 12)
    assert await world.stock.differences() == []


async def test_a_release_that_overtakes_its_reservation_wins_for_good(world: World) -> None:
    product_id = await world.stocked(1)
    await world.service.release("ord_1.1")
    with pytest.raises(ReservationEnded):
        await world.service.reserve("ord_1.1", [Line(product_id, 1)])
    assert (await world.service.level(product_id)).available == 1


async def test_stock_is_opened_once_by_its_operation(world: World) -> None:
    product_id = world.product()
    for _ in range(2):
        await world.service.open_stock("effect-1", product_id, 5)
    with pytest.raises(StockExists):
        await world.service.open_stock("effect-2", product_id, 5)
    assert (await world.service.level(product_id)).received == 5


async def test_old_reservations_without_a_known_order_are_orphans(world: World) -> None:
    product_id = await world.stocked(10)
    for name in ("ord_1.1", "ord_2.1", "ord_3.1", "ord_4.1"):
        await world.service.reserve(name, [Line(product_id, 2)])
    await world.service.mark("ord_2.1")
    await world.service.release("ord_3.1")
    await world.service.commit("ord_4.1")
    made_at = world.clock.now()
    world.clock.advance(MINUTE)
    await world.service.reserve("ord_5.1", [Line(product_id, 1)])
    orphans = await world.service.orphans(world.clock.now())
    assert [(each.reservation_id, each.lines, each.made_at) for each in orphans] == [
        ("ord_1.1", [Line(product_id, 2)], made_at)
    ]


@pytest.mark.parametrize("quantity", [0, -1, MOST_PIECES + 1])
async def test_quantities_are_positive_and_not_absurd(world: World, quantity: int) -> None:
    product_id = await world.stocked(10)
    for ask in (world.service.reserve, world.service.restock):
        with pytest.raises(Invalid, match=r"lines\[1\]\.quantity"):
            await ask("ord_1.1", [Line(product_id, 1), Line(product_id, quantity)])
    assert (await world.service.level(product_id)).received == 10


async def test_nothing_cannot_be_held(world: World) -> None:
    with pytest.raises(Invalid, match="lines"):
        await world.service.reserve("ord_1.1", [])


@pytest.mark.parametrize("name", ["", "r" * 201])
async def test_every_operation_has_a_sensible_id(world: World, name: str) -> None:
    line = Line(await world.stocked(1), 1)
    for asking in (
        world.service.reserve(name, [line]),
        world.service.commit(name),
        world.service.release(name),
        world.service.restock(name, [line]),
        world.service.mark(name),
        world.service.open_stock(name, world.product(), 1),
    ):
        with pytest.raises(Invalid):
            await asking


@pytest.mark.parametrize("product_id", ["", "prd_1", "x" * 10_000, "prd_\x00"])
async def test_a_malformed_product_id_is_an_unknown_product(world: World, product_id: str) -> None:
    expected: tuple[type[Problem], ...] = (UnknownStock, NotFound)
    for asking in (
        world.service.reserve("ord_1.1", [Line(product_id, 1)]),
        world.service.restock("ord_1.restock", [Line(product_id, 1)]),
        world.service.adjust(product_id, 1, "", "opn_1", "usr_admin"),
        world.service.open_stock("opn_1", product_id, 1),
        world.service.level(product_id),
    ):
        with pytest.raises(expected) as refused:
            await asking
        assert len(refused.value.detail) < 200
    assert await world.service.levels([product_id]) == []
