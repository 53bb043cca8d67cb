"""Who calls: API keys, and what a restricted one may do (Stripe docs: api/authentication, keys#limit-access)."""

from __future__ import annotations

import base64

from kassa.sandbox.account import ACCOUNT_ID
from kassa.sandbox.errors import ApiError
from kassa.sandbox.http import Request
from kassa.sandbox.tables import Reader

# By the first part of a path below the version. The names are Stripe's (docs: stripe-apps/reference/permissions): a
# price is still called plan, and refunds are a part of charges. Fraud warnings have no name of their own.
_PERMISSIONS = {
    "account": "accounts_kyc_basic",
    "balance_transactions": "balance_transaction_source",
    "charges": "charge",
    "checkout": "checkout_session",
    "core": "event",
    "coupons": "coupon",
    "customers": "customer",
    "disputes": "dispute",
    "events": "event",
    "payment_intents": "payment_intent",
    "payment_methods": "payment_method",
    "payment_pages": "checkout_session",
    "prices": "plan",
    "products": "product",
    "radar": "charge",
    "refunds": "charge",
    "shipping_rates": "shipping_rate",
    "tax_rates": "tax_rate",
    "test_helpers": "billing_clock",
    "webhook_endpoints": "webhook",
}


def authenticate(request: Request) -> str:
    """The key of a call; 401 if there is none, or it is no test key."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    key = credentials.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key, validate=True).decode("latin-1").partition(":")[0]
        except ValueError:
            key = ""
    if scheme.lower() not in ("bearer", "basic") or not key:
        text = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, using"
            " Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). The sandbox takes any key that starts with"
            " sk_test_."
        )
        raise ApiError(text, status=401, headers={"WWW-Authenticate": 'Bearer realm="Stripe"'})
    if not key.startswith(("sk_test_", "rk_test_")) or len(key) < 9:
        raise _invalid(key, "The sandbox takes any key that starts with sk_test_.")
    return key


def check_permission(key: str, method: str, path: str, reader: Reader) -> None:
    """401 for a restricted key that the sandbox was not told of, 403 for one that lacks the right to this call.

    Stripe asks this first, before it looks at the parameters or at what the call is about.
    """
    if not key.startswith("rk_"):
        return
    rights = reader.account.restricted_keys.get(key)
    if rights is None:
        raise _invalid(key, "A restricted key is taken once POST /sandbox/account names it and its permissions.")
    name = _PERMISSIONS.get(path.split("/")[2])
    if name is None or f"rak_{name}_write" in rights:
        return
    wanted = f"rak_{name}_{'read' if method == 'GET' else 'write'}"
    if wanted in rights:
        return
    text = (
        f"The provided key '{key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}' does not have the required permissions"
        f" for this endpoint on account '{ACCOUNT_ID}'. Having the '{wanted}' permission would allow this request to"
        " continue."
    )
    raise ApiError(text, status=403)


def _invalid(key: str, advice: str) -> ApiError:
    shown = f"{key[:3]}****{key[-4:]}" if len(key) > 12 else "****"
    return ApiError(f"Invalid API Key provided: {shown}. {advice}", status=401)
