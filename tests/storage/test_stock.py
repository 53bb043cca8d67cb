"""The stock port: what every adapter must do."""

import asyncio

import pytest

from kassa.contracts.inventory import InsufficientStock, Level, Line, ReservationEnded, StockExists, UnknownStock
from kassa.inventory.stock import By, Kind, Movement, MovementTotal, Reservation, State, Stock, Summary
from kassa.kit.clock import DAY

NOBODY = By("usr_1", "req_1")


async def shelve(stock: Stock, **quantities: int) -> None:
    for product_id, quantity in quantities.items():
        await stock.init(product_id, quantity, f"init-{product_id}", "delivery", 1, NOBODY)


async def level(stock: Stock, product_id: str) -> Level:
    return (await stock.levels([product_id]))[product_id]


async def kinds(stock: Stock) -> list[str]:
    return [f"{entry.kind} {entry.product_id} {entry.quantity}" for entry in await stock.ledger(0, 100)]


async def test_a_product_begins_with_its_pieces_available(stock: Stock) -> None:
    await shelve(stock, tea=5)
    assert await level(stock, "tea") == Level("tea", available=5, reserved=0, sold=0, received=5)
    assert await stock.ledger(0, 10) == [Movement(1, 1, "tea", Kind.INIT, 5, "init-tea", "delivery", *NOBODY)]


async def test_a_second_init_is_refused_but_the_same_one_again_is_a_no_op(stock: Stock) -> None:
    await shelve(stock, tea=5)
    await shelve(stock, tea=5)
    with pytest.raises(StockExists):
        await stock.init("tea", 5, "another", "", 2, NOBODY)
    assert await kinds(stock) == ["init tea 5"]


async def test_an_adjustment_changes_what_is_available_once(stock: Stock) -> None:
    await shelve(stock, tea=5)
    assert await stock.adjust("tea", -2, "op1", "broken", 2, NOBODY) == Level("tea", 3, 0, 0, 3)
    assert await stock.adjust("tea", -2, "op1", "broken", 3, NOBODY) == Level("tea", 3, 0, 0, 3)
    assert await stock.adjust("tea", 4, "op2", "found", 4, NOBODY) == Level("tea", 7, 0, 0, 7)
    assert await kinds(stock) == ["init tea 5", "adjust tea -2", "adjust tea 4"]


async def test_an_adjustment_below_zero_is_refused(stock: Stock) -> None:
    await shelve(stock, tea=5)
    await stock.reserve("r", [Line("tea", 4)], 2)
    with pytest.raises(InsufficientStock) as caught:
        await stock.adjust("tea", -2, "op", "", 3, NOBODY)
    assert caught.value.members == {"productId": "tea", "asked": 2, "available": 1}
    with pytest.raises(UnknownStock):
        await stock.adjust("milk", 1, "op", "", 3, NOBODY)
    assert await level(stock, "tea") == Level("tea", 1, 4, 0, 5)


async def test_a_reservation_holds_all_its_lines_once(stock: Stock) -> None:
    await shelve(stock, tea=5, cup=2)
    lines = [Line("tea", 2), Line("cup", 1), Line("tea", 1)]
    await stock.reserve("o.1", lines, 2)
    await stock.reserve("o.1", lines, 3)
    assert await stock.levels(["tea", "cup", "milk"]) == {
        "tea": Level("tea", 2, 3, 0, 5),
        "cup": Level("cup", 1, 1, 0, 2),
    }
    held = Reservation("o.1", State.HELD, (Line("tea", 3), Line("cup", 1)), 2, False)
    assert await stock.reservations_of(["o.1"]) == [held]
    assert (await kinds(stock))[2:] == ["reserve tea 3", "reserve cup 1"]


async def test_a_reservation_holds_all_or_nothing(stock: Stock) -> None:
    await shelve(stock, tea=5, cup=1)
    with pytest.raises(InsufficientStock) as caught:
        await stock.reserve("o.1", [Line("tea", 2), Line("cup", 2)], 2)
    assert caught.value.members == {"productId": "cup", "asked": 2, "available": 1}
    with pytest.raises(UnknownStock):
        await stock.reserve("o.1", [Line("tea", 2), Line("milk", 1)], 2)
    assert await level(stock, "tea") == Level("tea", 5, 0, 0, 5)
    assert await stock.reservations_of(["o.1"]) == [None]
    assert len(await kinds(stock)) == 2
    await stock.reserve("o.1", [Line("tea", 2)], 3)  # a refusal does not use the id up


async def test_a_product_named_twice_is_checked_against_the_sum(stock: Stock) -> None:
    await shelve(stock, tea=5)
    with pytest.raises(InsufficientStock) as caught:
        await stock.reserve("o.1", [Line("tea", 3), Line("tea", 3)], 2)
    assert caught.value.members["asked"] == 6


@pytest.mark.parametrize("quantity", [0, -1])
async def test_a_line_of_less_than_one_piece_is_an_error(stock: Stock, quantity: int) -> None:
    await shelve(stock, tea=5)
    with pytest.raises(ValueError, match="at least 1"):
        await stock.reserve("o.1", [Line("tea", quantity)], 2)
    with pytest.raises(ValueError, match="at least 1"):
        await stock.restock("op", [Line("tea", quantity)], "", 2)
    with pytest.raises(ValueError, match="negative"):
        await stock.init("cup", -1, "op", "", 2, NOBODY)


async def test_a_commit_sells_what_was_held_once(stock: Stock) -> None:
    await shelve(stock, tea=5)
    await stock.reserve("o.1", [Line("tea", 2)], 2)
    await stock.commit("o.1", 3)
    await stock.commit("o.1", 4)
    await stock.reserve("o.1", [Line("tea", 2)], 5)
    assert await level(stock, "tea") == Level("tea", 3, 0, 2, 5)
    with pytest.raises(ReservationEnded):
        await stock.release("o.1", 6)
    assert await kinds(stock) == ["init tea 5", "reserve tea 2", "commit tea 2"]


async def test_a_release_gives_back_what_was_held_once_and_for_good(stock: Stock) -> None:
    await shelve(stock, tea=5)
    await stock.reserve("o.1", [Line("tea", 2)], 2)
    await stock.release("o.1", 3)
    await stock.release("o.1", 4)
    assert await level(stock, "tea") == Level("tea", 5, 0, 0, 5)
    for late in (stock.reserve("o.1", [Line("tea", 2)], 5), stock.commit("o.1", 5)):
        with pytest.raises(ReservationEnded):
            await late
    await stock.reserve("o.2", [Line("tea", 2)], 6)
    assert await kinds(stock) == ["init tea 5", "reserve tea 2", "release tea 2", "reserve tea 2"]


async def test_a_release_that_comes_first_refuses_the_late_reservation(stock: Stock) -> None:
    await shelve(stock, tea=5)
    await stock.release("o.1", 2)
    await stock.release("o.1", 3)
    with pytest.raises(ReservationEnded):
        await stock.reserve("o.1", [Line("tea", 2)], 4)
    assert await stock.reservations_of(["o.1"]) == [Reservation("o.1", State.RELEASED, (), 2, False)]
    assert await kinds(stock) == ["init tea 5"]


async def test_a_commit_of_what_was_never_held_is_refused(stock: Stock) -> None:
    with pytest.raises(ReservationEnded):
        await stock.commit("o.1", 2)
    assert await stock.reservations_of(["o.1"]) == [None]


async def test_returned_goods_come_back_on_the_shelf_once(stock: Stock) -> None:
    await shelve(stock, tea=5, cup=1)
    await stock.restock("rfd", [Line("tea", 2), Line("cup", 1)], "refund", 2)
    await stock.restock("rfd", [Line("tea", 2), Line("cup", 1)], "refund", 3)
    assert await level(stock, "tea") == Level("tea", 7, 0, 0, 7)
    with pytest.raises(UnknownStock):
        await stock.restock("rfd2", [Line("tea", 1), Line("milk", 1)], "", 4)
    assert await level(stock, "tea") == Level("tea", 7, 0, 0, 7)


async def test_orphans_are_held_old_and_unmarked(stock: Stock) -> None:
    await shelve(stock, tea=50)
    for number, reservation_id in enumerate(["late", "e", "d", "c", "b", "a"]):
        await stock.reserve(reservation_id, [Line("tea", 1)], 100 - number)
    await stock.mark("a")
    await stock.mark("a")
    await stock.mark("nobody's")
    await stock.commit("b", 101)
    await stock.release("c", 101)
    assert [found.id for found in await stock.unmarked(100, 9)] == ["d", "e"]
    assert [found.id for found in await stock.unmarked(100, 1)] == ["d"]
    (marked,) = await stock.reservations_of(["a"])
    assert marked is not None
    assert marked.is_marked


async def test_the_ledger_is_numbered_and_read_in_pieces(stock: Stock) -> None:
    await shelve(stock, a=1, b=2, c=3)
    first = await stock.ledger(0, 2)
    rest = await stock.ledger(first[-1].number, 9)
    assert [entry.product_id for entry in first + rest] == ["a", "b", "c"]
    assert [entry.product_id for entry in await stock.recent(2)] == ["c", "b"]


async def test_movements_are_found_by_what_caused_them(stock: Stock) -> None:
    await shelve(stock, a=5, b=5)
    await stock.reserve("one.1", [Line("a", 2), Line("b", 1)], 10)
    await stock.reserve("two.1", [Line("a", 1)], 20)
    await stock.release("one.1", 30)
    await stock.reserve("one.2", [Line("a", 2), Line("b", 1)], 40)
    await stock.commit("one.2", 50)
    await stock.restock("one.restock", [Line("a", 2)], "refunded", 60)
    found = await stock.moved_by(["one.1", "one.2", "one.restock", "one.3"], ["b", "a"])
    assert [(each.at, each.kind, each.quantity) for each in found if each.product_id == "a"] == [
        (10, Kind.RESERVE, 2),
        (30, Kind.RELEASE, 2),
        (40, Kind.RESERVE, 2),
        (50, Kind.COMMIT, 2),
        (60, Kind.RESTOCK, 2),
    ]
    assert len(found) == 9
    assert [each.product_id for each in await stock.moved_by(["one.1", "two.1"], ["b"])] == ["b", "b"]
    assert await stock.moved_by([], ["a"]) == []
    assert await stock.moved_by(["one.1"], []) == []


async def test_movements_are_summed_by_day_kind_and_reason(stock: Stock) -> None:
    await stock.init("tea", 50, "i", "delivery", DAY, NOBODY)
    await stock.adjust("tea", -2, "a1", "broken", 2 * DAY, NOBODY)
    await stock.adjust("tea", -3, "a2", "broken", 3 * DAY - 1, NOBODY)
    await stock.adjust("tea", -3, "a3", "broken", 3 * DAY, NOBODY)
    assert await stock.movement_totals(2 * DAY) == [
        MovementTotal(2 * DAY, Kind.ADJUST, "broken", 2, -5),
        MovementTotal(3 * DAY, Kind.ADJUST, "broken", 1, -3),
    ]


async def test_all_levels_come_in_pages_and_are_summed_up(stock: Stock) -> None:
    await shelve(stock, d=11, b=0, a=10, c=1)
    page = await stock.all_levels(3)
    assert [found.product_id for found in page] == ["a", "b", "c"]
    assert [found.product_id for found in await stock.all_levels(3, after="c")] == ["d"]
    assert await stock.summary(10) == Summary(products=4, low_stock=2, out_of_stock=1, available=22)


async def test_an_empty_stock_has_figures_too(stock: Stock) -> None:
    assert await stock.summary(10) == Summary(0, 0, 0, 0)
    assert await stock.levels([]) == {}
    assert await stock.differences() == []


async def test_200_buyers_of_50_pieces_get_exactly_50(stock: Stock) -> None:
    await shelve(stock, tea=50, cup=500)
    tries = [stock.reserve(f"o{n}.1", [Line("cup", 1), Line("tea", 1)], n) for n in range(200)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 50
    assert sum(isinstance(outcome, InsufficientStock) for outcome in outcomes) == 150
    assert await level(stock, "tea") == Level("tea", 0, 50, 0, 50)
    assert await level(stock, "cup") == Level("cup", 450, 50, 0, 500)
    assert await stock.differences() == []
