"""The register: numbers without gaps, one document for each place, whoever is killed when."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kassa.contracts.invoicing import DocumentKind, Invoice, Seller
from kassa.contracts.parts import Address
from kassa.invoicing.register import Register
from kassa.invoicing.store import ONLY, InvoiceStore
from kassa.kit.documents import Conflict, Database
from kassa.kit.problem import Unavailable
from tests.support import FakeClock
from tests.trade.stores import FORMS, stores

SELLER = Seller(Address("Mugs & Co", "DE", ("Street 1",), "Berlin", "", "10115"), "DE123456789")
NEW_YEAR_2027 = 1_798_761_600_000


@pytest.fixture(params=FORMS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with stores(request.param, tmp_path) as (opened, _):
        yield opened


@pytest.fixture
async def store(database: Database) -> InvoiceStore:
    return await InvoiceStore.open(database)


def register(store: InvoiceStore, clock: FakeClock | None = None, gathered_for: float = 0) -> Register:
    return Register(store, clock or FakeClock(), _seller, gathered_for)


async def _seller() -> tuple[Seller | None, str]:
    return SELLER, "Mugs"


def document(number: int, order: str = "ord") -> Invoice:
    return Invoice(
        id="", place=f"{order}_{number}.1", order_id=f"{order}_{number}", kind=DocumentKind.INVOICE,
        payment_id="pay_1", paid_at=0, currency="eur", lines=(), taxes=(), total_minor=number,
    )  # fmt: skip


async def stored(store: InvoiceStore) -> list[Invoice]:
    return await store.invoices.find({}, limit=1000, order="oldest")


async def test_numbers_have_no_gaps_and_begin_anew_with_the_year(store: InvoiceStore) -> None:
    clock = FakeClock(NEW_YEAR_2027 - 1)
    of = register(store, clock)
    await of.enter([document(1), document(2)])
    await of.enter([document(1), document(3)])
    clock.advance(1)
    await of.enter([document(4)])
    # Another process whose clock is behind.
    await register(store, FakeClock(NEW_YEAR_2027 - 5000)).enter([document(5)])
    found = await stored(store)
    assert [each.id for each in found] == [
        "2026-0000001", "2026-0000002", "2026-0000003", "2027-0000001", "2027-0000002",
    ]  # fmt: skip
    assert [each.total_minor for each in found] == [1, 2, 3, 4, 5]
    assert [each.issued_at for each in found] == sorted(each.issued_at for each in found)
    assert found[0].seller == SELLER


async def test_those_who_enter_at_once_do_it_together_and_each_place_once(store: InvoiceStore) -> None:
    several = [register(store) for _ in range(3)]
    await asyncio.gather(*(of.enter([document(number)]) for number in range(150) for of in several))
    found = await stored(store)
    assert [each.id for each in found] == [f"2026-{number:07}" for number in range(1, 151)]
    assert len({each.place for each in found}) == 150
    head = await store.heads.get(ONLY)
    assert head is not None
    assert head.version < 150


async def test_what_comes_one_by_one_is_entered_together(store: InvoiceStore) -> None:
    of = register(store, gathered_for=0.5)

    async def soon(number: int) -> None:
        await asyncio.sleep(number / 1000)
        await of.enter([document(number)])

    await of.enter([document(0)])
    await asyncio.gather(*(soon(number) for number in range(1, 40)))
    head = await store.heads.get(ONLY)
    assert head is not None
    assert (head.number, head.version < 10) == (40, True)


async def test_who_is_killed_between_the_number_and_the_document_leaves_no_gap(
    store: InvoiceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = register(store)

    async def dies(_: Any) -> None:
        raise Unavailable("killed")

    monkeypatch.setattr(killed, "_store_one", dies)
    with pytest.raises(Unavailable):
        await killed.enter([document(1), document(2)])
    assert await stored(store) == []
    await register(store).enter([document(2), document(3)])
    assert [(each.id, each.total_minor) for each in await stored(store)] == [
        ("2026-0000001", 1), ("2026-0000002", 2), ("2026-0000003", 3),
    ]  # fmt: skip


async def test_what_was_entered_is_stored_before_anybody_reads(store: InvoiceStore) -> None:
    of = register(store)
    await of.enter([document(1)])
    head = await store.heads.get(ONLY)
    assert head is not None
    more = msgspec.structs.replace(document(2), id="2026-0000002")
    await store.heads.save(msgspec.structs.replace(head, number=2, added=(more,)))
    await of.settle()
    assert [each.total_minor for each in await stored(store)] == [1, 2]


async def test_one_who_loses_the_race_for_the_end_begins_behind_the_winner(
    store: InvoiceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, fast = register(store), register(store)
    await slow.enter([document(1)])
    await fast.enter([document(2)])
    conflicts = []
    save = store.heads.save

    async def noted(head: Any) -> Any:
        try:
            return await save(head)
        except Conflict:
            conflicts.append(head.number)
            raise

    monkeypatch.setattr(type(store.heads), "save", lambda _, head: noted(head))
    await slow.enter([document(2), document(3)])
    assert conflicts == [2]
    assert [each.total_minor for each in await stored(store)] == [1, 2, 3]
