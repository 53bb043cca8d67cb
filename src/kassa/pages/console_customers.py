"""The console's customers: who has ordered, and one of them with all that is theirs."""

from typing import Any

from litestar import Response, get

from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem
from kassa.pages.customer_models import Customer, FoundCustomers, addresses
from kassa.pages.destinations import KnowingDestinations
from kassa.pages.listed_models import FoundOrders, ListedOrder
from kassa.pages.mails_models import Mail, Mails
from kassa.pages.visit import Visit, Visiting

_SHOWN, _ORDERS, _MAILS = 25, 50, 20
_LONGEST = 200


@get("/console/customers", include_in_schema=False)
async def all_customers(visit: Visiting) -> Response[str]:
    """Who ordered last comes first."""
    await require_staff(visit)
    asked = visit.request.query_params
    q, cursor = asked.get("q", "").strip()[:_LONGEST], asked.get("cursor", "")
    found = await visit.api.get(
        "/orders/admin/customers", FoundCustomers, {"q": q, "limit": _SHOWN, "cursor": cursor or None}
    )
    return visit.page("console/customers.html", found=found, q=q, is_first=not cursor)


@get("/console/customers/one", include_in_schema=False)
async def one_customer(visit: Visiting, destinations: KnowingDestinations) -> Response[str]:
    """An account's by its id, a guest's by the e-mail address."""
    await require_staff(visit)
    asked = visit.request.query_params
    user_id, email = asked.get("userId", "")[:_LONGEST], asked.get("email", "")[:_LONGEST]
    key = {"userId": user_id} if user_id else {"email": email}
    if not any(key.values()):
        raise ApiProblem(404, "not_found", "There is no such customer.")
    found = await visit.api.get("/orders/admin/customers", FoundCustomers, key)
    if not found.customers:
        raise ApiProblem(404, "not_found", "Nobody has ordered with this account or address.")
    customer = found.customers[0]
    theirs = await visit.api.get("/orders/admin/all", FoundOrders, {**customer.key, "limit": _ORDERS})
    # The orders of an address are those of an account with it, too.
    orders = [each for each in theirs.orders if each.is_guests is (customer.user_id is None)]
    return visit.page(
        "console/customer.html",
        customer=customer,
        orders=orders,
        addresses=addresses(orders),
        refunded=[each for each in orders if each.refunded_minor],
        returned=[each for each in orders if each.returns or each.withdrawals],
        mails=await _mails(visit, customer, orders),
        labels={each.id: each.label for each in orders},
        country=await destinations.names(visit.api),
    )


async def _mails(visit: Visit, customer: Customer, orders: list[ListedOrder]) -> tuple[Mail, ...] | None:
    """What the shop wrote to them; None where mails are not kept, or not for this role."""
    if not visit.may("GET /mails"):
        return None
    about = [each for each in (customer.user_id, *(order.id for order in orders)) if each]
    try:
        return (await visit.api.get("/mails", Mails, {"about": about, "limit": _MAILS})).mails
    except ApiProblem as problem:
        if problem.code != "mails_not_kept":
            raise
        return None


CONSOLE_CUSTOMERS: tuple[Any, ...] = (all_customers, one_customer)
