"""Documents are made out by whoever comes, from news that may be older than another's."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from kassa.contracts.invoicing import DocumentKind, Refunded, Seller, Sold
from kassa.contracts.order import OrderItem
from kassa.invoicing.domain import wanted
from kassa.invoicing.register import Register
from kassa.invoicing.service import InvoiceService
from kassa.invoicing.store import ONLY, InvoiceStore
from tests.support import FakeClock
from tests.trade.stores import FORMS, stores

SOLD = Sold("ord_1", "pay_1", (OrderItem("prd_1", "Mug", 1000, 3),), 3000, "usd", 0)
GONE = Refunded("rfd_1", "succeeded", 500)
FAILED = msgspec.structs.replace(GONE, status="failed")
ALL = [DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE, DocumentKind.CANCELLATION]


@pytest.fixture(params=FORMS)
async def invoices(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[InvoiceService]:
    async with stores(request.param, tmp_path) as (database, _):
        clock = FakeClock()
        yield InvoiceService(Register(await InvoiceStore.open(database), clock, _nobody, gathered_for=0), clock)


async def _nobody() -> tuple[Seller | None, str]:
    return None, "Mugs"


async def _failed() -> list[Refunded]:
    return [FAILED]


async def test_who_has_old_news_of_a_refund_looks_again_when_it_is_credited(invoices: InvoiceService) -> None:
    async def late() -> list[Refunded]:
        """Somebody who knows that it has failed comes and goes, and finds nothing to cancel."""
        if len(await invoices.of_order("ord_1")) == 1:
            assert len(await invoices.issue(SOLD, _failed)) == 1
            return [GONE]
        return [FAILED]

    await invoices.first(SOLD)
    assert [each.kind for each in await invoices.issue(SOLD, late)] == ALL


async def test_a_credit_note_that_a_killed_process_has_entered_is_cancelled(invoices: InvoiceService) -> None:
    await invoices.first(SOLD)
    known = await invoices.of_order("ord_1")
    (note,) = wanted(SOLD, [GONE], known)
    head = await invoices.store.heads.get(ONLY)
    assert head is not None
    entered = msgspec.structs.replace(note, id=known[0].id[:-1] + "2")
    await invoices.store.heads.save(msgspec.structs.replace(head, number=2, added=(entered,)))
    assert [each.kind for each in await invoices.issue(SOLD, _failed)] == ALL
