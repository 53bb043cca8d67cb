"""Orders get their invoices and credit notes: once each, exactly, whatever is lost."""

from decimal import Decimal

import pytest

from kassa.contracts.invoicing import DocumentKind, Invoice
from kassa.contracts.parts import Address
from kassa.invoicing.register import Register
from kassa.kit.clock import MINUTE
from kassa.kit.problem import Unavailable
from kassa.order.domain import Order
from kassa.order.quoting import Asked
from tests.trade.parcels_door import Api
from tests.trade.world import BUYER, World

TO = Address("A Buyer", "DE", ("Street 1",), "Berlin", "", "10115")


async def documents(shop: World, order: Order) -> list[Invoice]:
    """Those that there are, without making out any."""
    return await shop.invoices.invoices.of_order(order.id)


async def test_a_paid_order_has_its_invoice_by_itself(shop: World) -> None:
    mug = await shop.sell()
    order = await shop.place((mug, 2), asked=Asked(destination=TO, email="a@shop.example"))
    await shop.settle()
    assert await documents(shop, order) == []
    await shop.pay(await shop.open(order))
    [made] = await documents(shop, order)
    assert (made.id, made.kind, made.total_minor) == ("2026-0000001", DocumentKind.INVOICE, 3998)
    assert (made.destination, made.email, made.payment_id) == (TO, "a@shop.example", order_payment(order))
    assert await shop.invoices.of(await shop.order_now(order)) == [made]


def order_payment(order: Order) -> str:
    return order.id.replace("ord_", "pay_")


async def test_each_refund_has_its_credit_note_and_one_that_fails_later_has_it_cancelled(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 2))
    await ask("POST", f"/payments/{order.id}/refund", {"lines": [{"productId": mug, "quantity": 1}]})
    await shop.later(MINUTE)
    await ask("POST", f"/payments/{order.id}/refund", {"amount": "5.00"})
    await shop.later(MINUTE)
    invoice, first, second = await documents(shop, order)
    assert (first.total_minor, first.lines[0].name, first.corrects) == (1999, "Mug", invoice.id)
    assert (second.total_minor, second.lines[0].kind) == (500, "refund")
    await shop.hook(shop.stripe.send_back("re_1"))
    await shop.later(MINUTE)
    *_, last = await documents(shop, order)
    assert (last.kind, last.corrects, last.total_minor) == (DocumentKind.CANCELLATION, first.id, 1999)


async def test_what_cost_nothing_or_was_not_paid_has_none(shop: World) -> None:
    mug = await shop.sell()
    order = await shop.place((mug, 1))
    assert await shop.invoices.of(order) == []
    assert (await shop.order.cancel(order.id, BUYER))[1]
    assert await shop.invoices.of(await shop.order_now(order)) == []
    await shop.discount(code="ALL", percent=Decimal(100))
    free = await shop.place((mug, 1), asked=Asked(code="ALL", email="a@shop.example"))
    assert free.total_minor == 0
    assert await shop.invoices.of(free) == []


async def test_who_is_erased_is_in_their_invoices_still_and_is_told_so_before(shop: World) -> None:
    mug = await shop.sell()
    order = await shop.place((mug, 1), asked=Asked(destination=TO, email="a@shop.example"))
    await shop.pay(await shop.open(order))
    [record] = (await shop.order.records_of(BUYER.id, "")).records
    assert [each["destination"]["name"] for each in record.invoices] == ["A Buyer"]
    await shop.order.erase_of(BUYER.id)
    erased = await shop.order_now(order)
    assert erased.sale is not None
    assert erased.sale.email == ""
    # Invoices have to be kept (GDPR, Art. 17 (3) (b)).
    [made] = await documents(shop, order)
    assert (made.destination, made.email) == (TO, "a@shop.example")


async def test_a_store_that_fails_only_delays_it(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise Unavailable("the store is full")

    mug = await shop.sell()
    order = await shop.place((mug, 1))
    payment = await shop.open(order)
    monkeypatch.setattr(Register, "enter", fails)
    await shop.pay(payment)
    assert (await shop.order_now(order)).status == "CONFIRMED"
    assert await documents(shop, order) == []
    monkeypatch.undo()
    await shop.later(MINUTE)
    assert [each.total_minor for each in await documents(shop, order)] == [1999]
