"""The contract of the inventory, in all three ways."""

from typing import Any

import pytest

from kassa.contracts.inventory import (
    Held,
    InsufficientStock,
    Inventory,
    Level,
    Line,
    ReservationEnded,
    StockExists,
    UnknownStock,
)
from kassa.inventory.service import InventoryService
from kassa.inventory.stock_sqlite import SqliteStock
from kassa.kit.ids import PRODUCT, Ids
from kassa.kit.problem import Invalid, NotFound
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.contract.ways import Reach
from tests.support import NOON, FakeClock


class World:
    """The inventory as the order and product services reach it."""

    def __init__(self, inventory: Inventory, products: Inventory, stock: SqliteStock, ids: Ids) -> None:
        self.inventory = inventory
        self.products = products
        self.stock = stock
        self._ids = ids

    def product(self) -> str:
        return self._ids.new(PRODUCT)

    async def stocked(self, quantity: int) -> str:
        product_id = self.product()
        await self.products.open_stock(f"open:{product_id}", product_id, quantity)
        return product_id

    async def level(self, product_id: str) -> Level:
        return (await self.inventory.levels([product_id]))[0]


@pytest.fixture
async def world(reach: Reach, database: SqliteDatabase, clock: FakeClock) -> World:
    stock = await SqliteStock.open(database)
    ids = Ids(clock)
    service = InventoryService(stock, clock, ids, 10)
    inventory = await reach(Inventory, "inventory", service, "order")
    products = await reach(Inventory, "inventory", service, "product")
    return World(inventory, products, stock, ids)


async def test_reserve_and_commit(world: World) -> None:
    product_id = await world.stocked(10)
    await world.inventory.reserve("ord_1.1", [Line(product_id, 4)])
    assert await world.level(product_id) == Level(product_id, 6, 4, 0, 10)
    await world.inventory.commit("ord_1.1")
    assert await world.level(product_id) == Level(product_id, 6, 0, 4, 10)
    with pytest.raises(ReservationEnded) as refused:
        await world.inventory.release("ord_1.1")
    assert refused.value.members == {"reservationId": "ord_1.1"}
    assert await world.stock.differences() == []


async def test_reserve_and_release(world: World) -> None:
    product_id = await world.stocked(10)
    await world.inventory.reserve("ord_1.1", [Line(product_id, 4)])
    await world.inventory.release("ord_1.1")
    assert await world.level(product_id) == Level(product_id, 10, 0, 0, 10)
    for asking in (world.inventory.commit("ord_1.1"), world.inventory.reserve("ord_1.1", [Line(product_id, 1)])):
        with pytest.raises(ReservationEnded):
            await asking
    await world.inventory.reserve("ord_1.2", [Line(product_id, 10)])
    assert (await world.level(product_id)).available == 0


async def test_all_lines_are_held_or_none(world: World) -> None:
    plenty, few = await world.stocked(10), await world.stocked(1)
    with pytest.raises(InsufficientStock) as refused:
        await world.inventory.reserve("ord_1.1", [Line(plenty, 4), Line(few, 2)])
    assert refused.value.members == {"productId": few, "asked": 2, "available": 1}
    assert refused.value.detail == f"2 of product {few} were asked for, 1 can be had"
    unknown = world.product()
    with pytest.raises(UnknownStock) as missing:
        await world.inventory.reserve("ord_1.1", [Line(plenty, 4), Line(unknown, 1)])
    assert missing.value.members == {"productId": unknown}
    assert await world.level(plenty) == Level(plenty, 10, 0, 0, 10)
    await world.inventory.reserve("ord_1.1", [Line(plenty, 4), Line(few, 1)])


async def test_the_last_pieces_can_be_held(world: World) -> None:
    product_id = await world.stocked(3)
    await world.inventory.reserve("ord_1.1", [Line(product_id, 2), Line(product_id, 1)])
    assert await world.level(product_id) == Level(product_id, 0, 3, 0, 3)


async def test_an_id_never_reserved_and_released_cannot_be_reserved_any_more(world: World) -> None:
    product_id = await world.stocked(3)
    await world.inventory.release("ord_1.1")
    with pytest.raises(ReservationEnded):
        await world.inventory.reserve("ord_1.1", [Line(product_id, 1)])


async def test_what_was_never_held_cannot_be_sold(world: World) -> None:
    with pytest.raises(ReservationEnded):
        await world.inventory.commit("ord_1.1")


async def test_goods_come_back(world: World) -> None:
    product_id = await world.stocked(3)
    await world.inventory.restock("ord_1.restock", [Line(product_id, 2)])
    assert await world.level(product_id) == Level(product_id, 5, 0, 0, 5)
    with pytest.raises(UnknownStock):
        await world.inventory.restock("ord_2.restock", [Line(world.product(), 2)])


async def test_stock_is_opened_once(world: World) -> None:
    product_id = await world.stocked(3)
    with pytest.raises(StockExists) as refused:
        await world.products.open_stock("another", product_id, 5)
    assert refused.value.members == {"productId": product_id}
    await world.products.open_stock("empty", empty := world.product(), 0)
    assert await world.level(empty) == Level(empty, 0, 0, 0, 0)


async def test_levels_of_those_that_have_one(world: World) -> None:
    one, other = await world.stocked(1), await world.stocked(2)
    levels = await world.inventory.levels([other, world.product(), "nonsense & more", one, one])
    assert {level.product_id: level.available for level in levels} == {one: 1, other: 2}
    assert len(levels) == 2
    assert await world.inventory.levels([]) == []
    hundred = [one, *(world.product() for _ in range(99))]
    assert [level.product_id for level in await world.products.levels(hundred)] == [one]


async def test_orphans_until_they_are_marked(world: World) -> None:
    product_id = await world.stocked(9)
    for name in ("ord_1.1", "ord_2.1"):
        await world.inventory.reserve(name, [Line(product_id, 3)])
    await world.inventory.mark("ord_2.1")
    await world.inventory.mark("ord_unknown.1")
    assert await world.inventory.orphans(NOON) == []
    assert await world.inventory.orphans(NOON + 1) == [Held("ord_1.1", [Line(product_id, 3)], NOON)]


@pytest.mark.parametrize("lines", [[], [("prd", 0)], [("prd", -1)], [("prd", 1_000_000_001)]])
async def test_lines_that_cannot_be_are_invalid(world: World, lines: list[tuple[Any, int]]) -> None:
    product_id = await world.stocked(9)
    with pytest.raises(Invalid) as refused:
        await world.inventory.reserve("ord_1.1", [Line(product_id, quantity) for _, quantity in lines])
    assert refused.value.errors[0].field == ("lines[0].quantity" if lines else "lines")


async def test_the_movements_of_an_order_are_told(world: World) -> None:
    product_id = await world.stocked(9)
    await world.inventory.reserve("ord_1.1", [Line(product_id, 2)])
    await world.inventory.commit("ord_1.1")
    found = await world.inventory.moved(["ord_1.1", "ord_2.1"], [product_id])
    assert [(each.product_id, each.kind, each.quantity) for each in found] == [
        (product_id, "reserve", 2),
        (product_id, "commit", 2),
    ]


async def test_a_product_that_cannot_be_gets_no_stock(world: World) -> None:
    with pytest.raises(NotFound):
        await world.products.open_stock("op", "nonsense", 1)
    with pytest.raises(Invalid) as refused:
        await world.products.open_stock("op", world.product(), -1)
    assert refused.value.errors[0].field == "quantity"
