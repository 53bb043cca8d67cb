"""What a process that is gone has left undone: named, carried out, and not waited for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kassa.app.files import Lock
from kassa.app.settings import read_settings
from kassa.app.shop import Place, Shop, present
from kassa.app.unfinished import compare_unfinished
from kassa.app.wiring import Parts, all_here, open_shop
from kassa.kit.clock import SECOND
from kassa.kit.effects import LEASE, planned, with_effects
from kassa.payment.store import EVENTS, StripeEvent
from kassa.product.domain import Product, Todo
from kassa.product.store import PRODUCTS
from tests.support import NOON, FakeClock, sqlite
from tests.trade.stripe_at_the_port import StripeAtThePort

MUG = Product(
    id="prd_01kdtz6g000000000000000001", name="Mug", description="", price_minor=999, currency="usd", category="",
    images=(), search="", created_at=NOON, updated_at=NOON,
)  # fmt: skip
EVENT = StripeEvent(
    id="evt_1", due_at=NOON + LEASE, sequence="in_1", type="charge.refunded", object_id="ch_1", status="received",
    body='{"id": "evt_1", "type": "none", "created": 1, "livemode": false, "data": {"object": {"id": "ch_1"}}}',
    created_at=NOON, received_at=NOON,
)  # fmt: skip


@asynccontextmanager
async def left_by_a_dead_process(data: Path) -> AsyncIterator[Shop]:
    """A shop, opened again a second after somebody stored a product and an event and died with both of them leased."""
    data.mkdir(exist_ok=True)
    async with sqlite(data, "kassa.db") as database:
        leased = with_effects(MUG, (planned(MUG, Todo.OPEN_STOCK, NOON, quantity="3"),))
        await (await database.collection(PRODUCTS)).insert(leased)
        await (await database.collection(EVENTS)).insert(EVENT)
    clock = FakeClock(NOON + SECOND)
    settings = read_settings({"KASSA_DATA": str(data)})
    place = Place(all_here(settings), brings_sandbox=False)
    async with open_shop(settings, place, Parts(clock=clock, processor=StripeAtThePort(clock))) as shop:
        yield shop


async def due_now(shop: Shop) -> set[str]:
    now = shop.clock.now()
    due = [*await shop.aggregates["product"].due(now, 10), *await present(shop.inbox, "payment").events.due(now, 10)]
    return {document.id for document in due}


async def test_who_is_alone_does_not_wait_for_the_dead(tmp_path: Path) -> None:
    async with left_by_a_dead_process(tmp_path) as shop:
        assert shop.is_alone
        assert await due_now(shop) == set()
        await shop.take_over()
        assert await due_now(shop) == {MUG.id, "evt_1"}


async def test_who_may_not_be_alone_waits(tmp_path: Path) -> None:
    stores = {"MONGO_URI": "mongodb://db", "REDIS_URL": "redis://cache"}
    beside = Place({}, serves=False)
    for settings, place in (({}, beside), (stores, Place({}))):
        async with open_shop(read_settings({"KASSA_DATA": str(tmp_path), **settings}), place) as shop:
            assert not shop.is_alone


@pytest.mark.parametrize("lock", ["lock", "payment.lock"])
async def test_what_a_server_is_at_is_left_to_it(tmp_path: Path, lock: str) -> None:
    async with left_by_a_dead_process(tmp_path) as shop:
        server = Lock(tmp_path / lock)
        comparison = await compare_unfinished(shop, fix=True)
        server.release()
        assert (comparison.looked_at, comparison.findings) == (2, [])
        assert comparison.note == "2 left to who is at it"
        assert await due_now(shop) == set()


async def test_what_nobody_is_at_is_named_and_done_when_asked(tmp_path: Path) -> None:
    async with left_by_a_dead_process(tmp_path) as shop:
        found = (await compare_unfinished(shop, fix=False)).findings
        assert [(each.subject, each.text, each.is_mended) for each in found] == [
            (MUG.id, "not done: open_stock", False),
            ("evt_1", "not acted on: charge.refunded", False),
        ]
        assert await due_now(shop) == set()
        mended = (await compare_unfinished(shop, fix=True)).findings
        assert [each.subject for each in mended if each.is_mended] == [MUG.id, "evt_1"]
        levels = await present(shop.stock, "inventory").levels([MUG.id])
        assert levels[MUG.id].available == 3
        Lock(tmp_path / "lock").release()  # The next server may start.
        assert (await compare_unfinished(shop, fix=False)).findings == []


async def test_a_server_that_leaves_things_undone_is_told(tmp_path: Path) -> None:
    async with left_by_a_dead_process(tmp_path) as shop:
        server = Lock(tmp_path / "lock")
        assert isinstance(shop.clock, FakeClock)
        shop.clock.advance(2 * LEASE)
        comparison = await compare_unfinished(shop, fix=False)
        server.release()
        assert [each.subject for each in comparison.findings] == [MUG.id, "evt_1"]
