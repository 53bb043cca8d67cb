"""Which handler answers which call of the `/v1` API."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from kassa.sandbox import (
    catalogue,
    coupons,
    customers,
    disputes,
    endpoints,
    events,
    intents,
    methods,
    params,
    reading,
    refunds,
    sessions,
    shipping,
    tax_rates,
    test_clocks,
    thin,
)
from kassa.sandbox.call import Call
from kassa.sandbox.config import SandboxConfig
from kassa.sandbox.errors import Json
from kassa.sandbox.reading import LISTINGS, Listing
from kassa.sandbox.tables import Reader, Tx

Read: TypeAlias = Callable[[Reader, Call], bytes]
Write: TypeAlias = Callable[[Tx, Call], Json]


_CATALOGUE: dict[tuple[str, str], Write] = {
    ("POST", "/v1/products"): catalogue.create_product,
    ("POST", "/v1/products/*"): catalogue.change_product,
    ("DELETE", "/v1/products/*"): catalogue.delete_product,
    ("POST", "/v1/prices"): catalogue.create_price,
    ("POST", "/v1/prices/*"): catalogue.change_price,
    ("POST", "/v1/customers"): customers.create,
    ("POST", "/v1/customers/*"): customers.change,
    ("DELETE", "/v1/customers/*"): customers.remove,
    ("POST", "/v1/coupons"): coupons.create,
    ("POST", "/v1/coupons/*"): coupons.change,
    ("DELETE", "/v1/coupons/*"): coupons.remove,
    ("POST", "/v1/shipping_rates"): shipping.create,
    ("POST", "/v1/shipping_rates/*"): shipping.change,
    ("POST", "/v1/tax_rates"): tax_rates.create,
    ("POST", "/v1/tax_rates/*"): tax_rates.change,
}
"""What a shop keeps at Stripe for its sessions to name."""


def reads() -> dict[str, Read]:
    """GET, by path with `*` for an id."""
    found: dict[str, Read] = {}
    for listing in LISTINGS:
        found[listing.path] = _list(listing)
        found[f"{listing.path}/*"] = _retrieve(listing.kind)
    found["/v1/payment_pages/*"] = _retrieve("checkout.session")
    found["/v1/checkout/sessions/*/line_items"] = lambda reader, call: reading.line_items(
        reader, call.object_id, call.params
    )
    found["/v1/account"] = lambda reader, call: reading.own_account(reader, call.params)
    found["/v2/core/events/*"] = lambda reader, call: thin.retrieve(reader, call.object_id, call.params)
    return found


def writes(public_url: Callable[[], str], config: SandboxConfig) -> dict[tuple[str, str], Write]:
    """POST and DELETE, by method and path. `public_url` tells where the card pages are."""
    return _CATALOGUE | {
        ("POST", "/v1/checkout/sessions"): lambda tx, call: sessions.create(tx, call, public_url()),
        ("POST", "/v1/checkout/sessions/*"): sessions.change,
        ("POST", "/v1/checkout/sessions/*/expire"): _expire,
        ("POST", "/v1/payment_pages/*/confirm"): lambda tx, call: intents.confirm_page(tx, call, config.bank_delay),
        ("POST", "/v1/payment_intents"): lambda tx, call: intents.create(tx, call, public_url()),
        ("POST", "/v1/payment_intents/*"): intents.change,
        ("POST", "/v1/payment_intents/*/confirm"): lambda tx, call: intents.confirm(tx, call, public_url()),
        ("POST", "/v1/payment_intents/*/cancel"): intents.cancel,
        ("POST", "/v1/payment_methods"): methods.create,
        ("POST", "/v1/payment_methods/*"): methods.change,
        ("POST", "/v1/payment_methods/*/attach"): methods.attach,
        ("POST", "/v1/payment_methods/*/detach"): methods.detach,
        ("POST", "/v1/refunds"): lambda tx, call: refunds.create(tx, call, config.later),
        ("POST", "/v1/refunds/*"): refunds.change,
        ("POST", "/v1/disputes/*"): disputes.change,
        ("POST", "/v1/disputes/*/close"): _close_dispute,
        ("POST", "/v1/events/*/retry"): _retry_event,
        ("POST", "/v1/webhook_endpoints"): lambda tx, call: endpoints.create(tx, call, config),
        ("POST", "/v1/webhook_endpoints/*"): lambda tx, call: endpoints.change(tx, call, config),
        ("DELETE", "/v1/webhook_endpoints/*"): endpoints.remove,
        ("POST", "/v1/test_helpers/test_clocks"): test_clocks.create,
        ("POST", "/v1/test_helpers/test_clocks/*/advance"): test_clocks.advance,
        ("DELETE", "/v1/test_helpers/test_clocks/*"): test_clocks.remove,
    }


def _list(listing: Listing) -> Read:
    return lambda reader, call: reading.list_objects(reader, listing, call.params)


def _retrieve(kind: str) -> Read:
    return lambda reader, call: reading.retrieve(reader, kind, call.object_id, call.params)


def _expire(tx: Tx, call: Call) -> Json:
    params.only(call.params, {"expand"})
    return sessions.expire(tx, call)


def _close_dispute(tx: Tx, call: Call) -> Json:
    params.only(call.params, {"expand"})
    return disputes.close_dispute(tx, call.object_id, "lost", call.cause)


def _retry_event(tx: Tx, call: Call) -> Json:
    """Send an event again: what `stripe events resend` calls."""
    params.only(call.params, {"account", "expand", "for_stripecli", "webhook_endpoint"})
    event = tx.get(call.object_id, "event")
    endpoint_id = params.text(call.params, "webhook_endpoint")
    events.send_again(tx, event["id"], endpoint_id)
    return event
