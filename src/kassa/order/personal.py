"""What is stored of a buyer's orders: told, and forgotten. An order knows its buyer by the account's id alone, so that
nothing in it has to be forgotten."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from kassa.contracts.order import OrderRecord, OrderRecords
from kassa.contracts.payment import Payments
from kassa.kit.clock import rfc3339
from kassa.kit.documents import Collection
from kassa.kit.problem import Invalid
from kassa.order.domain import Order
from kassa.order.told import buyers_timeline
from kassa.order.wire import shown

PAGE = 20
MOST_ASKED = 500


async def records(orders: Collection[Order], user_id: str, after: str, payments: Payments) -> OrderRecords:
    """A page of all that is stored of a user's orders."""
    page = await orders.find({"user_id": user_id}, limit=PAGE, after=after or None, order="oldest")
    found = await asyncio.gather(*(_record(order, payments) for order in page))
    return OrderRecords(list(found), page[-1].id if len(page) == PAGE else "")


async def _record(order: Order, payments: Payments) -> OrderRecord:
    payment, entries = await asyncio.gather(payments.record(order.id), buyers_timeline(order, payments))
    plain: dict[str, Any] = msgspec.to_builtins(shown(order))
    return OrderRecord(plain, payment, [{"at": rfc3339(each.at), "text": each.text} for each in entries])


async def buyers_among(orders: Collection[Order], user_ids: Sequence[str]) -> list[str]:
    """Those of the users who have an order; Invalid if they are too many."""
    if len(user_ids) > MOST_ASKED:
        raise Invalid.field("userIds", f"must be at most {MOST_ASKED}")
    return [each for each in user_ids if await orders.find({"user_id": each}, limit=1)]
