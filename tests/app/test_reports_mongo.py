"""Reports and totals in MongoDB read indexes alone: with many documents stored those take seconds to read."""

import asyncio
from typing import Any

import pytest

from kassa.kit.clock import DAY
from kassa.kit.documents import Between, Collection, CollectionSpec, In, Where
from kassa.order.store import ORDERS
from kassa.order.wire import STATUSES
from kassa.payment.store import PAYMENTS
from tests.servers import mongod
from tests.storage.worlds import mongo

SPECS: tuple[CollectionSpec[Any], ...] = (ORDERS, PAYMENTS)
REPORTS: list[tuple[CollectionSpec[Any], Where, str, dict[str, Any]]] = [
    (ORDERS, {}, "status", {"sum_of": "total_minor"}),
    (ORDERS, {"status": In(STATUSES), "created_at": Between(DAY)}, "created_at", {"per": DAY}),
    (PAYMENTS, {}, "status", {"sum_of": "amount_minor"}),
    (
        PAYMENTS,
        {"status": "SUCCESS", "paid_at": Between(DAY)},
        "paid_at",
        {"sum_of": "amount_minor", "per": DAY},
    ),
    (PAYMENTS, {"created_at": Between(DAY)}, "created_at", {"per": DAY}),
]


@pytest.mark.slow
async def test_reports_and_totals_read_indexes_alone() -> None:
    async with mongo() as database:
        for spec in SPECS:
            await database.collection(spec)
            raw = database.raw[spec.name]
            await database.raw.command({"collMod": spec.name, "validationLevel": "off"})
            fields = {"created_at": 2 * DAY, "paid_at": 2 * DAY, "total_minor": 7, "amount_minor": 7}
            await raw.insert_many(
                [{"_id": f"x{number}", "version": 1, "status": STATUSES[number % 2], **fields} for number in range(200)]
            )
        await database.raw.command("profile", 2)
        for spec, where, by, how in REPORTS:
            collection: Collection[Any] = await database.collection(spec)
            found = await collection.totals(where, by, **how)
            assert sum(each.count for each in found) in (0, 200)
            assert await collection.count({}) == 200
        await database.raw.command("profile", 0)
        asked = (
            await database.raw["system.profile"].find({"command.aggregate": {"$in": ["orders", "payments"]}}).to_list()
        )
        assert len(asked) == 2 * len(REPORTS)
        assert {each["docsExamined"] for each in asked} == {0}, [each["planSummary"] for each in asked]
        assert {"COLLSCAN"} & {each["planSummary"] for each in asked} == set()


@pytest.mark.slow
async def test_a_report_may_take_longer_than_anything_else() -> None:
    async with mongo(patience=500) as database:
        orders = await database.collection(ORDERS)
        mongod.shared().fail("aggregate", blockConnection=True, blockTimeMS=1_000)
        assert await orders.totals({}, "status") == []


@pytest.mark.slow
async def test_one_report_is_worked_out_at_a_time() -> None:
    under_way, most = 0, 0

    async def ask() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    async with mongo() as database:
        await asyncio.gather(*(database.report(ask) for _ in range(5)))
    assert most == 1
