"""The public endpoint of who has ordered, for staff."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromQuery, QueryParameter

from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.email import LONGEST_EMAIL
from kassa.kit.lists import encode_cursor, paging
from kassa.kit.money import major
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, principal_of
from kassa.order import customers
from kassa.order.customers import Customer, Customers
from kassa.order.finding import LONGEST_QUERY, query_of
from kassa.order.service import OrderService

_Words = QueryParameter(
    schema_extra={"maxLength": LONGEST_QUERY},
    description="Words of a customer's e-mail address or name, as their newest order has them",
)


class LastOrder(msgspec.Struct, frozen=True, rename="camel"):
    """A customer's newest order."""

    id: str
    number: int | None
    created_at: Timestamp


class CustomerOut(msgspec.Struct, frozen=True, rename="camel"):
    """Who has ordered; `userId` is null for a guest, who is known by the e-mail address alone. `spent` is what they
    paid less what went back. `isMore`: only the newest 1,000 orders were added up."""

    user_id: str | None
    email: str
    name: str
    orders: int
    spent: Decimal
    spent_minor: int
    currency: str
    is_more: bool
    first_ordered_at: Timestamp
    last_order: LastOrder


class CustomersAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Some customers, who ordered last first. `nextCursor` continues the list; there is none at its end. A page that
    ends early, because many orders were looked through, says with `lookedBackTo` since when they are."""

    customers: list[CustomerOut]
    next_cursor: str | None = None
    looked_back_to: Timestamp | None = None


@get("/orders/admin/customers", tags=["orders"])
async def list_customers(
    request: Request[Any, Any, Any],
    q: Annotated[str | None, _Words] = None,
    user_id: Annotated[str | None, QueryParameter(name="userId", description="Only the one with this account")] = None,
    email: Annotated[
        str | None, QueryParameter(description="Only who has ordered as a guest with exactly this address")
    ] = None,
    limit: FromQuery[int] = 20,
    cursor: FromQuery[str | None] = None,
) -> Response[CustomersAnswer]:
    """Who has ordered, with an account or as a guest, and what their orders come to."""
    await principal_of(request)
    service: OrderService = request.app.state["order"]
    asked = paging(limit, 0, cursor)
    if user_id is not None or email is not None:
        found = await _one(service, user_id, email)
    else:
        found = await customers.customers(service.orders, query_of(q), asked.limit, asked.after, service.contact_of)
    after, back_to = found.after, found.looked_back_to
    answer = CustomersAnswer(
        [_shown(each, service.currency) for each in found.found],
        None if after is None else encode_cursor(after),
        None if back_to is None else rfc3339(back_to),
    )
    return JsonResponse(answer, media_type="application/json")


async def _one(service: OrderService, user_id: str | None, email: str | None) -> Customers:
    if user_id is not None and email is not None:
        raise Invalid.field("email", "is for guests: leave it out with a userId")
    if user_id is not None:
        known = await customers.of_account(service.orders, user_id, service.contact_of)
    elif len(email or "") > LONGEST_EMAIL:
        raise Invalid.field("email", f"must have at most {LONGEST_EMAIL} characters")
    else:
        known = await customers.of_guest(service.orders, email or "", service.contact_of)
    return Customers([known] if known else [])


def _shown(customer: Customer, currency: str) -> CustomerOut:
    last = customer.last
    return CustomerOut(
        user_id=customer.user_id,
        email=customer.email,
        name=customer.name,
        orders=customer.orders,
        spent=major(customer.spent_minor, currency),
        spent_minor=customer.spent_minor,
        currency=currency,
        is_more=customer.is_more,
        first_ordered_at=rfc3339(customer.first_at),
        last_order=LastOrder(last.id, last.number, rfc3339(last.created_at)),
    )


HANDLERS = (list_customers,)
