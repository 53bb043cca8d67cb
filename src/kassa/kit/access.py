"""Who may do what: the permissions, the roles that have them, and which of the public endpoints needs which one."""

from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Permission(StrEnum):
    """One thing that staff or a program may do."""

    READ_ORDERS = "orders:read"
    CANCEL_ORDERS = "orders:cancel"
    READ_PAYMENTS = "payments:read"
    MEND_PAYMENTS = "payments:mend"
    REFUND = "refunds:write"
    REFUND_ANY_AMOUNT = "refunds:unlimited"
    READ_PRODUCTS = "products:read"
    WRITE_PRODUCTS = "products:write"
    READ_STOCK = "inventory:read"
    WRITE_STOCK = "inventory:write"
    READ_ACTS = "acts:read"
    MANAGE_STAFF = "staff:manage"


P = Permission
MEANING = MappingProxyType(
    {
        P.READ_ORDERS: "see all orders, their buyers and timelines",
        P.CANCEL_ORDERS: "cancel anybody's unpaid order",
        P.READ_PAYMENTS: "see all payments, refunds, disputes and what Stripe said",
        P.MEND_PAYMENTS: "replay Stripe's events, dismiss money that no order knows",
        P.REFUND: "refund, up to `SUPPORT_REFUND_LIMIT` at once and `SUPPORT_REFUND_DAY_LIMIT` a day",
        P.REFUND_ANY_AMOUNT: "refund without these limits",
        P.READ_PRODUCTS: "see withdrawn products, too, and what products have cost",
        P.WRITE_PRODUCTS: "make, change and withdraw products",
        P.READ_STOCK: "see how stock moved, and by whom",
        P.WRITE_STOCK: "begin to track a product's stock, and adjust it",
        P.READ_ACTS: "see what staff and API keys did",
        P.MANAGE_STAFF: "see the staff, change their roles, disable and enable them; make and end API keys",
    }
)

USER, SUPPORT, STOCK, ADMIN = "user", "support", "stock", "admin"
ROLES = MappingProxyType(
    {
        USER: frozenset[Permission](),
        SUPPORT: frozenset((P.READ_ORDERS, P.READ_PAYMENTS, P.REFUND, P.READ_PRODUCTS, P.READ_STOCK)),
        STOCK: frozenset((P.READ_PRODUCTS, P.WRITE_PRODUCTS, P.READ_STOCK, P.WRITE_STOCK)),
        ADMIN: frozenset(Permission),
    }
)
"""What each role may do besides what every user may with what is their own."""
STAFF = (ADMIN, SUPPORT, STOCK)
SCOPES = tuple(each for each in Permission if each is not P.MANAGE_STAFF)
"""What an API key may be good for: a program makes neither staff nor other keys."""


class Access(NamedTuple):
    """Whom an endpoint lets in: anybody (`is_open`), users to what is theirs (`is_own`), and who has `permission`: to
    all of it, or, where anybody may come in, to what others do not see."""

    is_open: bool = False
    is_own: bool = False
    permission: Permission | None = None


ANYBODY, USERS = Access(is_open=True), Access(is_own=True)


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
        "GET /products/{product_id}": _or(ANYBODY, P.READ_PRODUCTS),
        "GET /products/{product_id}/prices": _only(P.READ_PRODUCTS),
        "POST /products": _only(P.WRITE_PRODUCTS),
        "PUT /products/{product_id}": _only(P.WRITE_PRODUCTS),
        "DELETE /products/{product_id}": _only(P.WRITE_PRODUCTS),
        "GET /inventory/{product_id}": ANYBODY,
        "POST /inventory/init": _only(P.WRITE_STOCK),
        "POST /inventory/adjust": _only(P.WRITE_STOCK),
        "GET /inventory/admin/analytics/inventory": _only(P.READ_STOCK),
        "GET /inventory/admin/analytics/inventory/movements": _only(P.READ_STOCK),
        "POST /orders": USERS,
        "GET /orders": USERS,
        "GET /orders/{order_id}": _or(USERS, P.READ_ORDERS),
        "GET /orders/{order_id}/timeline": _or(USERS, P.READ_ORDERS),
        "POST /orders/{order_id}/cancel": _or(USERS, P.CANCEL_ORDERS),
        "GET /orders/admin/all": _only(P.READ_ORDERS),
        "GET /orders/admin/attention": _only(P.READ_ORDERS),
        "GET /orders/admin/analytics/orders": _only(P.READ_ORDERS),
        "POST /payments/create-session": USERS,
        "GET /payments/status/{order_id}": _or(USERS, P.READ_PAYMENTS),
        "GET /payments/{order_id}/refunds": _only(P.READ_PAYMENTS),
        "POST /payments/{order_id}/refund": _only(P.REFUND),
        "POST /payments/webhook": ANYBODY,
        "GET /payments/admin/events": _only(P.READ_PAYMENTS),
        "POST /payments/admin/events/{event_id}/replay": _only(P.MEND_PAYMENTS),
        "GET /payments/admin/attention": _only(P.READ_PAYMENTS),
        "GET /payments/admin/disputes": _only(P.READ_PAYMENTS),
        "GET /payments/admin/unclaimed": _only(P.READ_PAYMENTS),
        "POST /payments/admin/unclaimed/{session_id}/dismiss": _only(P.MEND_PAYMENTS),
        "GET /payments/admin/analytics/revenue": _only(P.READ_PAYMENTS),
        "GET /payments/admin/analytics/payments": _only(P.READ_PAYMENTS),
    }
)
"""All public endpoints. One that is not here lets nobody in."""


def reaches(role: str, endpoint: str) -> bool:
    """Whether a role has the permission with which an endpoint of the table lets in to what is others'."""
    return ACCESS[endpoint].permission in ROLES.get(role, frozenset())
