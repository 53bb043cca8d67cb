"""The operator's console, and in it stored events and money that no order knows. Every page asks the API whether this
is one of the staff, and shows what their role may see and do."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages.admins import require_staff
from kassa.pages.client import path_of
from kassa.pages.console_acts import CONSOLE_ACTS
from kassa.pages.console_customers import CONSOLE_CUSTOMERS
from kassa.pages.console_discounts import CONSOLE_DISCOUNTS
from kassa.pages.console_disputes import CONSOLE_DISPUTES
from kassa.pages.console_endpoints import CONSOLE_ENDPOINTS
from kassa.pages.console_families import CONSOLE_FAMILIES
from kassa.pages.console_health import CONSOLE_HEALTH
from kassa.pages.console_import import CONSOLE_IMPORT
from kassa.pages.console_invoices import CONSOLE_INVOICES
from kassa.pages.console_keys import CONSOLE_KEYS
from kassa.pages.console_labels import labels
from kassa.pages.console_logo import CONSOLE_LOGO
from kassa.pages.console_mails import CONSOLE_MAILS
from kassa.pages.console_models import Events
from kassa.pages.console_order_list import CONSOLE_ORDER_LIST
from kassa.pages.console_orders import CONSOLE_ORDERS
from kassa.pages.console_overview import CONSOLE_OVERVIEW
from kassa.pages.console_parcels import CONSOLE_PARCELS
from kassa.pages.console_pictures import CONSOLE_PICTURES
from kassa.pages.console_products import CONSOLE_PRODUCTS
from kassa.pages.console_profile import CONSOLE_PROFILE
from kassa.pages.console_selling import CONSOLE_SELLING
from kassa.pages.console_staff import CONSOLE_STAFF
from kassa.pages.console_stuck import CONSOLE_STUCK
from kassa.pages.storefront import paging
from kassa.pages.sure import Step, asked_first
from kassa.pages.visit import Visiting, number

_SHOWN = 50
_LONGEST_ID = 255
_DISMISS = Step(
    "Is payment {who} none of this shop's?",
    ("It goes off the list.", "Nothing is refunded: if it is a buyer's money, refund it in Stripe's dashboard."),
    "It is not this shop's",
)


@get("/console/events", include_in_schema=False)
async def events(visit: Visiting) -> Response[str]:
    await require_staff(visit)
    asked = visit.request.query_params
    filters = {"status": asked.get("status", ""), "orderId": asked.get("orderId", "")[:_LONGEST_ID]}
    skip = max(0, number(asked.get("skip")))
    found = await visit.api.get("/payments/admin/events", Events, {**filters, "limit": _SHOWN, "skip": skip})
    pages = paging(skip, _SHOWN, max(found.pagination.total, len(found.events)))
    called = await labels(visit, [filters["orderId"], *(each.order_id or "" for each in found.events)])
    return visit.page("console/events.html", events=found.events, filters=filters, called=called, paging=pages)


@post("/console/events/{event_id:str}/replay", include_in_schema=False)
async def replay(visit: Visiting, event_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    await visit.api.send("POST", path_of("payments", "admin", "events", event_id, "replay"), Any)
    return visit.redirect("/console/events", "replayed")


@post("/console/unclaimed/{session_id:str}/dismiss", include_in_schema=False)
async def dismiss(visit: Visiting, session_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    if asking := asked_first(visit, _DISMISS, session_id, "/console", f"unclaimed/{session_id}/dismiss"):
        return asking
    await visit.api.send("POST", path_of("payments", "admin", "unclaimed", session_id, "dismiss"), Any)
    return visit.redirect("/console", "dismissed")


CONSOLE: tuple[Any, ...] = (
    *CONSOLE_OVERVIEW,
    *CONSOLE_ORDER_LIST,
    *CONSOLE_CUSTOMERS,
    *CONSOLE_ORDERS,
    *CONSOLE_STUCK,
    *CONSOLE_PARCELS,
    *CONSOLE_DISPUTES,
    events,
    replay,
    dismiss,
    *CONSOLE_IMPORT,
    *CONSOLE_PRODUCTS,
    *CONSOLE_PICTURES,
    *CONSOLE_FAMILIES,
    *CONSOLE_ACTS,
    *CONSOLE_HEALTH,
    *CONSOLE_STAFF,
    *CONSOLE_KEYS,
    *CONSOLE_INVOICES,
    *CONSOLE_MAILS,
    *CONSOLE_ENDPOINTS,
    *CONSOLE_DISCOUNTS,
    *CONSOLE_SELLING,
    *CONSOLE_LOGO,
    *CONSOLE_PROFILE,
)
