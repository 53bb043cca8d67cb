"""Numbers of orders: none twice, whoever takes them at once and whatever crashes; and what is found by them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kassa.contracts.inventory import InsufficientStock
from kassa.kit.documents import Database
from kassa.kit.problem import Unavailable
from kassa.order.numbers import BLOCK, FIRST, ONLY, SERIES, Numbers, called
from tests.trade.stores import FORMS, stores
from tests.trade.test_audit_parts import store
from tests.trade.world import World


@pytest.fixture(params=FORMS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with stores(request.param, tmp_path) as (opened, _):
        yield opened


async def numbers(database: Database, first: int = FIRST) -> Numbers:
    """As a process that has just been started has them."""
    return Numbers(await database.collection(SERIES), first)


async def test_many_at_once_in_several_processes_take_each_number_once(database: Database) -> None:
    processes = [await numbers(database) for _ in range(4)]
    taken = await asyncio.gather(*(each.take() for each in processes for _ in range(3 * BLOCK)))
    assert sorted(taken) == list(range(FIRST, FIRST + 12 * BLOCK))


async def test_who_is_killed_skips_what_is_left_of_a_block(database: Database) -> None:
    assert await (await numbers(database)).take() == FIRST
    assert await (await numbers(database)).take() == FIRST + BLOCK


async def test_a_block_whose_taking_may_be_stored_is_not_used(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = await numbers(database)
    stored = of.series.insert

    async def lost(document: object) -> object:
        await stored(document)  # type: ignore[arg-type]
        raise Unavailable("the answer was lost")

    monkeypatch.setattr(of.series, "insert", lost)
    with pytest.raises(Unavailable):
        await of.take()
    assert await of.take() == FIRST + BLOCK


async def test_a_shop_says_where_its_numbers_begin_and_may_say_so_later(database: Database) -> None:
    assert await (await numbers(database, 5000)).take() == 5000
    assert await (await numbers(database, 1)).take() == 5000 + BLOCK
    assert await (await numbers(database, 70_000)).take() == 70_000


async def test_an_order_is_found_by_its_number_as_people_type_it(shop: World) -> None:
    first, second = await shop.place((await shop.sell(), 1)), await shop.place((await shop.sell(), 1))
    assert (first.number, second.number) == (FIRST, FIRST + 1)
    for typed in (str(FIRST + 1), f" #{FIRST + 1} "):
        found = await called(shop.order.orders, typed)
        assert found is not None
        assert found.id == second.id
    for typed in ("", "1", "#", "-1001", "1" * 30, first.id):
        assert await called(shop.order.orders, typed) is None


async def test_an_order_that_is_refused_takes_no_number(shop: World) -> None:
    with pytest.raises(InsufficientStock):
        await shop.place((await shop.sell(stock=1), 2))
    assert (await shop.place((await shop.sell(), 1))).number == FIRST


async def test_the_audit_names_a_number_that_two_orders_have(shop: World) -> None:
    first, second = await shop.place((await shop.sell(), 1)), await shop.place((await shop.sell(), 1))
    assert await shop.audit() == []
    await store(shop, second, number=first.number)
    (found,) = await shop.audit()
    await store(shop, await shop.order_now(second), number=second.number)
    assert (found.invariant, found.subject) == ("I20: numbers of orders", second.id)


async def test_the_audit_names_a_number_that_will_be_given_again(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    await store(shop, order, number=FIRST + BLOCK)
    (found,) = await shop.audit()
    await store(shop, await shop.order_now(order), number=FIRST)
    assert (found.invariant, found.subject) == ("I20: numbers of orders", order.id)
    assert str(FIRST + BLOCK) in found.text


async def test_the_end_of_the_numbers_is_stored_before_the_first_is_used(shop: World) -> None:
    await shop.place((await shop.sell(), 1))
    series = await (await shop.database.collection(SERIES)).get(ONLY)
    assert series is not None
    assert series.next == FIRST + BLOCK
