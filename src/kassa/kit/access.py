"""Who may do what: the permissions, the roles that have them, and which of the public endpoints needs which one."""

from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Permission(StrEnum):
    """One thing that staff or a program may do."""

    READ_ORDERS = "orders:read"
    CANCEL_ORDERS = "orders:cancel"
    WRITE_PARCELS = "parcels:write"
    READ_PAYMENTS = "payments:read"
    MEND_PAYMENTS = "payments:mend"
    REFUND = "refunds:write"
    REFUND_ANY_AMOUNT = "refunds:unlimited"
    ANSWER_DISPUTES = "disputes:write"
    READ_PRODUCTS = "products:read"
    WRITE_PRODUCTS = "products:write"
    READ_STOCK = "inventory:read"
    WRITE_STOCK = "inventory:write"
    READ_ACTS = "acts:read"
    MANAGE_STAFF = "staff:manage"
    WRITE_SELLING = "selling:write"
    WRITE_PROFILE = "shop:write"
    READ_DISCOUNTS = "discounts:read"
    WRITE_DISCOUNTS = "discounts:write"
    READ_EVENTS = "events:read"
    WRITE_EVENTS = "events:write"
    READ_MAILS = "mails:read"
    READ_SYSTEM = "system:read"


P = Permission
MEANING = MappingProxyType(
    {
        P.READ_ORDERS: "see all orders, their buyers, timelines and invoices",
        P.CANCEL_ORDERS: "cancel anybody's unpaid order",
        P.WRITE_PARCELS: "note what was sent, take returns, hold orders back, and change where they go",
        P.READ_PAYMENTS: "see all payments, refunds, disputes and what Stripe said",
        P.MEND_PAYMENTS: "replay Stripe's events, dismiss money that no order knows, retry what failed, give up mails",
        P.REFUND: "refund, up to `SUPPORT_REFUND_LIMIT` at once and `SUPPORT_REFUND_DAY_LIMIT` a day",
        P.REFUND_ANY_AMOUNT: "refund without these limits",
        P.ANSWER_DISPUTES: "answer disputes, and read for that what is stored of their orders and buyers",
        P.READ_PRODUCTS: "see withdrawn products, too, and what products have cost",
        P.WRITE_PRODUCTS: "make, change and withdraw products, and make and change families",
        P.READ_STOCK: "see how stock moved, by whom, and how many wait for what is sold out",
        P.WRITE_STOCK: "begin to track a product's stock, and adjust it",
        P.READ_ACTS: "see what staff and API keys did",
        P.WRITE_SELLING: "change where the shop sends to, by which methods, for what, and its tax rates",
        P.WRITE_PROFILE: "change the shop's profile: its name, looks and languages, and its legal pages",
        P.READ_DISCOUNTS: "see discounts, their codes and how often they were used",
        P.WRITE_DISCOUNTS: "make, change and end discounts",
        P.READ_EVENTS: "fetch all that happens, with orders and their buyers, and see where it is sent to",
        P.WRITE_EVENTS: "choose where all that happens is sent to, and send it again",
        P.READ_MAILS: "read the mails that the shop has put into files, with the links in them",
        P.READ_SYSTEM: "see how the shop's services and stores are doing, and what the nightly checks found",
        P.MANAGE_STAFF: "see the staff, change their roles, disable and enable them; make and end API keys",
    }
)

USER, SUPPORT, STOCK, ADMIN = "user", "support", "stock", "admin"
ROLES = MappingProxyType(
    {
        USER: frozenset[Permission](),
        SUPPORT: frozenset(
            (
                P.READ_ORDERS,
                P.WRITE_PARCELS,
                P.READ_PAYMENTS,
                P.REFUND,
                P.ANSWER_DISPUTES,
                P.READ_PRODUCTS,
                P.READ_STOCK,
                P.READ_DISCOUNTS,
            )
        ),
        STOCK: frozenset((P.READ_PRODUCTS, P.WRITE_PRODUCTS, P.READ_STOCK, P.WRITE_STOCK)),
        ADMIN: frozenset(Permission),
    }
)
"""What each role may do besides what every user may with what is their own."""
STAFF = (ADMIN, SUPPORT, STOCK)
SCOPES = tuple(each for each in Permission if each not in (P.MANAGE_STAFF, P.READ_MAILS))
"""What an API key may be good for: a program makes neither staff nor other keys, and reads no links that let it in
as somebody else."""


class Access(NamedTuple):
    """Whom an endpoint lets in: anybody (`is_open`), users to what is theirs (`is_own`), guests to their orders
    (`is_guests`), and who has `permission`: to all of it, or, where anybody may come in, to what others do not see."""

    is_open: bool = False
    is_own: bool = False
    permission: Permission | None = None
    is_guests: bool = False


ANYBODY, USERS = Access(is_open=True), Access(is_own=True)
BUYERS = Access(is_own=True, is_guests=True)


def _or(access: Access, permission: Permission) -> Access:
    return access._replace(permission=permission)


def _only(permission: Permission) -> Access:
    return Access(permission=permission)


ACCESS = MappingProxyType(
    {
        "GET /.well-known/jwks.json": ANYBODY,
        "GET /.well-known/security.txt": ANYBODY,
        "POST /auth/register": ANYBODY,
        "POST /auth/login": ANYBODY,
        "POST /auth/login/second-factor": ANYBODY,
        "POST /auth/refresh": ANYBODY,
        "POST /auth/logout": ANYBODY,
        "GET /auth/ended": ANYBODY,
        "GET /auth/verify": USERS,
        "POST /auth/password": USERS,
        "POST /auth/password/forgotten": ANYBODY,
        "POST /auth/password/reset": ANYBODY,
        "POST /auth/email/verify": USERS,
        "GET /auth/email/verification": USERS,
        "POST /auth/email/verification": USERS,
        "GET /auth/sessions": USERS,
        "POST /auth/account/export": USERS,
        "POST /auth/account/erase": USERS,
        "GET /auth/second-factor": USERS,
        "POST /auth/second-factor": USERS,
        "POST /auth/second-factor/confirm": USERS,
        "POST /auth/second-factor/recovery-codes": USERS,
        "POST /auth/second-factor/remove": USERS,
        "DELETE /auth/sessions": USERS,
        "DELETE /auth/sessions/{session_id}": USERS,
        "GET /auth/acts": _only(P.READ_ACTS),
        "GET /auth/keys": _only(P.MANAGE_STAFF),
        "POST /auth/keys": _only(P.MANAGE_STAFF),
        "DELETE /auth/keys/{key_id}": _only(P.MANAGE_STAFF),
        "GET /auth/admin/staff": _only(P.MANAGE_STAFF),
        "POST /auth/admin/staff/{user_id}/role": _only(P.MANAGE_STAFF),
        "POST /auth/admin/staff/{user_id}/demote": _only(P.MANAGE_STAFF),
        "POST /auth/admin/staff/{user_id}/disable": _only(P.MANAGE_STAFF),
        "POST /auth/admin/staff/{user_id}/enable": _only(P.MANAGE_STAFF),
        "POST /auth/admin/staff/{user_id}/end-sessions": _only(P.MANAGE_STAFF),
        "POST /auth/admin/staff/{user_id}/reset-second-factor": _only(P.MANAGE_STAFF),
        "GET /products": _or(ANYBODY, P.READ_PRODUCTS),
        "GET /products/categories": ANYBODY,
        "GET /products/facets": ANYBODY,
        "GET /products/suggest": ANYBODY,
        "GET /products/{product_id}": _or(ANYBODY, P.READ_PRODUCTS),
        "GET /products/{product_id}/prices": _only(P.READ_PRODUCTS),
        "POST /products": _only(P.WRITE_PRODUCTS),
        "POST /products/import": _only(P.WRITE_PRODUCTS),
        "PUT /products/{product_id}": _only(P.WRITE_PRODUCTS),
        "DELETE /products/{product_id}": _only(P.WRITE_PRODUCTS),
        "GET /families": ANYBODY,
        "GET /families/{family_id}": ANYBODY,
        "POST /families": _only(P.WRITE_PRODUCTS),
        "PUT /families/{family_id}": _only(P.WRITE_PRODUCTS),
        "POST /pictures": _only(P.WRITE_PRODUCTS),
        "GET /pictures/{name}": ANYBODY,
        "GET /inventory/{product_id}": ANYBODY,
        "POST /inventory/init": _only(P.WRITE_STOCK),
        "POST /inventory/adjust": _only(P.WRITE_STOCK),
        "GET /inventory/admin/analytics/inventory": _only(P.READ_STOCK),
        "GET /inventory/admin/analytics/inventory/movements": _only(P.READ_STOCK),
        "POST /quotes": ANYBODY,
        "GET /selling": ANYBODY,
        "PUT /selling": _only(P.WRITE_SELLING),
        "GET /selling/destinations": ANYBODY,
        "GET /shop-profile": ANYBODY,
        "PUT /shop-profile": _only(P.WRITE_PROFILE),
        "GET /discounts": _only(P.READ_DISCOUNTS),
        "GET /discounts/{discount_id}": _only(P.READ_DISCOUNTS),
        "POST /discounts": _only(P.WRITE_DISCOUNTS),
        "PUT /discounts/{discount_id}": _only(P.WRITE_DISCOUNTS),
        "POST /orders": Access(is_open=True, is_own=True, is_guests=True),
        "GET /orders": BUYERS,
        "GET /orders/{order_id}": _or(BUYERS, P.READ_ORDERS),
        "GET /orders/{order_id}/timeline": _or(BUYERS, P.READ_ORDERS),
        "POST /orders/{order_id}/cancel": _or(BUYERS, P.CANCEL_ORDERS),
        "POST /orders/{order_id}/claim": USERS,
        "POST /orders/{order_id}/shipments": _only(P.WRITE_PARCELS),
        "POST /orders/{order_id}/shipments/{number}/delivered": _only(P.WRITE_PARCELS),
        "POST /orders/{order_id}/shipments/{number}/cancel": _only(P.WRITE_PARCELS),
        "PUT /orders/{order_id}/destination": _or(BUYERS, P.WRITE_PARCELS),
        "POST /orders/{order_id}/hold": _only(P.WRITE_PARCELS),
        "POST /orders/{order_id}/release": _only(P.WRITE_PARCELS),
        "POST /orders/{order_id}/returns": _or(BUYERS, P.WRITE_PARCELS),
        "POST /orders/{order_id}/returns/{number}/approve": _only(P.WRITE_PARCELS),
        "POST /orders/{order_id}/returns/{number}/decline": _only(P.WRITE_PARCELS),
        "POST /orders/{order_id}/returns/{number}/receive": _only(P.WRITE_PARCELS),
        "POST /orders/{order_id}/returns/{number}/close": _only(P.WRITE_PARCELS),
        "POST /withdrawals": _or(Access(is_open=True, is_own=True, is_guests=True), P.WRITE_PARCELS),
        "POST /orders/{order_id}/withdrawals/{number}/close": _only(P.WRITE_PARCELS),
        "GET /orders/admin/withdrawals": _only(P.READ_ORDERS),
        "POST /orders/{order_id}/effects/{number}/retry": _only(P.MEND_PAYMENTS),
        "POST /orders/{order_id}/effects/{number}/give-up": _only(P.MEND_PAYMENTS),
        "GET /orders/{order_id}/invoices": _or(BUYERS, P.READ_ORDERS),
        "GET /invoices": _only(P.READ_ORDERS),
        "GET /invoices/{number}": _or(BUYERS, P.READ_ORDERS),
        "GET /invoices/{number}/pdf": _or(BUYERS, P.READ_ORDERS),
        "GET /orders/admin/all": _only(P.READ_ORDERS),
        "GET /orders/admin/customers": _only(P.READ_ORDERS),
        "GET /orders/admin/attention": _only(P.READ_ORDERS),
        "GET /orders/admin/analytics/orders": _only(P.READ_ORDERS),
        "GET /orders/admin/analytics/sales": _only(P.READ_ORDERS),
        "POST /payments/create-session": BUYERS,
        "GET /payments/status/{order_id}": _or(BUYERS, P.READ_PAYMENTS),
        "GET /payments/{order_id}/refunds": _only(P.READ_PAYMENTS),
        "POST /payments/{order_id}/effects/{number}/retry": _only(P.MEND_PAYMENTS),
        "GET /payments/{order_id}/fee": _only(P.READ_PAYMENTS),
        "POST /payments/{order_id}/refund": _only(P.REFUND),
        "GET /payments/{order_id}/disputes/{dispute_id}/evidence": _only(P.ANSWER_DISPUTES),
        "POST /payments/{order_id}/disputes/{dispute_id}/evidence": _only(P.ANSWER_DISPUTES),
        "POST /payments/webhook": ANYBODY,
        "GET /payments/admin/events": _only(P.READ_PAYMENTS),
        "POST /payments/admin/events/{event_id}/replay": _only(P.MEND_PAYMENTS),
        "GET /payments/admin/attention": _only(P.READ_PAYMENTS),
        "GET /payments/admin/disputes": _only(P.READ_PAYMENTS),
        "GET /payments/admin/checks": _only(P.READ_SYSTEM),
        "GET /payments/admin/unclaimed": _only(P.READ_PAYMENTS),
        "POST /payments/admin/unclaimed/{session_id}/dismiss": _only(P.MEND_PAYMENTS),
        "GET /payments/admin/analytics/revenue": _only(P.READ_PAYMENTS),
        "GET /payments/admin/analytics/payments": _only(P.READ_PAYMENTS),
        "GET /system": _only(P.READ_SYSTEM),
        "GET /events": _only(P.READ_EVENTS),
        "GET /events/feed": _only(P.READ_EVENTS),
        "PUT /events/feed": _only(P.WRITE_EVENTS),
        "GET /events/endpoints": _only(P.READ_EVENTS),
        "GET /events/endpoints/{endpoint_id}": _only(P.READ_EVENTS),
        "POST /events/endpoints": _only(P.WRITE_EVENTS),
        "PUT /events/endpoints/{endpoint_id}": _only(P.WRITE_EVENTS),
        "DELETE /events/endpoints/{endpoint_id}": _only(P.WRITE_EVENTS),
        "POST /events/endpoints/{endpoint_id}/roll": _only(P.WRITE_EVENTS),
        "POST /events/endpoints/{endpoint_id}/resend": _only(P.WRITE_EVENTS),
        "POST /stock-notices": ANYBODY,
        "GET /stock-notices/{token}": ANYBODY,
        "DELETE /stock-notices/{token}": ANYBODY,
        "POST /stock-notices/{token}/confirm": ANYBODY,
        "DELETE /stock-notices/{token}/{notice_id}": ANYBODY,
        "GET /stock-notices/admin/products/{product_id}": _only(P.READ_STOCK),
        "GET /mails": _only(P.READ_MAILS),
        "GET /mails/{mail_id}": _only(P.READ_MAILS),
    }
)
"""All public endpoints. One that is not here lets nobody in."""

API = frozenset(endpoint.split("/")[1] for endpoint in ACCESS) - {".well-known"}
"""First parts of the paths that are the API's; everything else is pages, and what machines look up (RFC 8615)."""


def reaches(role: str, endpoint: str) -> bool:
    """Whether a role has the permission with which an endpoint of the table lets in to what is others'."""
    return ACCESS[endpoint].permission in ROLES.get(role, frozenset())
