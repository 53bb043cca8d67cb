"""What is stored of a buyer's orders: told, and forgotten. An order of goods alone knows its buyer by the account's id,
so that nothing in it has to be forgotten; others have an e-mail address and places."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from kassa.contracts.invoicing import Invoices
from kassa.contracts.order import OrderRecord, OrderRecords, Sale
from kassa.contracts.parts import Address
from kassa.contracts.payment import Payments
from kassa.kit import inputs
from kassa.kit.clock import rfc3339
from kassa.kit.documents import Between, Collection, Where, pages
from kassa.kit.problem import Invalid
from kassa.order.domain import Order
from kassa.order.invoices_wire import invoice_shown
from kassa.order.machine import is_guest
from kassa.order.parcels import Parcels
from kassa.order.told import buyers_timeline
from kassa.order.wire import shown

PAGE = 20
MOST_ASKED = 500


def of_address(email: str) -> Where:
    """What finds the orders with this e-mail address, those of accounts among them."""
    first = inputs.contact_of(email, "")
    return {"contact": Between(first, f"{first}~")}


async def of_guests(orders: Collection[Order], email: str) -> AsyncIterator[Order]:
    """The orders that guests have made with this e-mail address, the oldest first."""
    async for page in pages(orders, of_address(email), size=100):
        for order in page:
            if is_guest(order.user_id):
                yield order


async def records(
    orders: Collection[Order], where: Where, after: str, payments: Payments, invoices: Invoices | None = None
) -> OrderRecords:
    """A page of all that is stored of a buyer's orders: those of an account, or those of guests of one address."""
    page = await orders.find(where, limit=PAGE, after=after or None, order="oldest")
    more = page[-1].id if len(page) == PAGE else ""
    page = [order for order in page if "contact" not in where or is_guest(order.user_id)]
    found = await asyncio.gather(*(_record(order, payments, invoices) for order in page))
    return OrderRecords(list(found), more)


async def _record(order: Order, payments: Payments, invoices: Invoices | None) -> OrderRecord:
    payment, entries = await asyncio.gather(payments.record(order.id), buyers_timeline(order, payments))
    plain: dict[str, Any] = msgspec.to_builtins(shown(order))
    made_out = await invoices.of_order(order.id) if invoices is not None else []
    told = [{"at": rfc3339(each.at), "text": each.text} for each in entries]
    return OrderRecord(plain, payment, told, [msgspec.to_builtins(invoice_shown(each)) for each in made_out])


async def buyers_among(orders: Collection[Order], user_ids: Sequence[str]) -> list[str]:
    """Those of the users who have an order; Invalid if they are too many."""
    if len(user_ids) > MOST_ASKED:
        raise Invalid.field("userIds", f"must be at most {MOST_ASKED}")
    return [each for each in user_ids if await orders.find({"user_id": each}, limit=1)]


def forgotten(order: Order) -> Order:
    """The order without what names its buyer; the very same if nothing does. Of where it went the country and the
    region stay, by which it was taxed; of its parcels what was in them, and when."""
    sale, parcels = order.sale, order.parcels
    if sale is not None:
        sale = Sale(sale.parts, destination=_place(sale.destination), billing=_place(sale.billing))
    if parcels:
        parcels = _nameless(parcels)
    forgotten = msgspec.structs.replace(order, sale=sale, contact=None, parcels=parcels)
    return order if forgotten == order else forgotten


def _nameless(parcels: Parcels) -> Parcels:
    """Without what leads to a buyer at a carrier, and what was written by people."""
    replace = msgspec.structs.replace
    return replace(
        parcels,
        shipments=tuple(replace(each, tracking_number="", tracking_url="") for each in parcels.shipments),
        returns=tuple(replace(each, reason="", answer="") for each in parcels.returns),
        hold=replace(parcels.hold, why="") if parcels.hold is not None else None,
        withdrawals=tuple(replace(each, name="", email="", remark="", closed_why="") for each in parcels.withdrawals),
    )


def _place(address: Address | None) -> Address | None:
    return None if address is None else Address("", address.country, region=address.region)
