"""Events: written in the same transaction as the change that they tell of, one delivery for each endpoint."""

from __future__ import annotations

from dataclasses import dataclass

from kassa.sandbox import params
from kassa.sandbox.config import API_VERSION
from kassa.sandbox.errors import Json
from kassa.sandbox.ids import new_id
from kassa.sandbox.tables import Tx


@dataclass(frozen=True)
class Cause:
    """The request that caused an event; both are None when Stripe acted by itself."""

    request_id: str | None = None
    idempotency_key: str | None = None


BY_ITSELF = Cause()


def changes(before: Json, after: Json) -> Json:
    """`previous_attributes`: the old values of what changed."""
    return {key: value for key, value in before.items() if after.get(key) != value}


def change(tx: Tx, value: Json, new: Json, given: Json, cause: Cause, kind: str = "") -> Json:
    """Store an object with these changes, its metadata merged with what was given, and tell of it."""
    changed = {**value, **new}
    if "metadata" in given:
        changed["metadata"] = params.merged_metadata(value["metadata"], given)
    previous = changes(value, changed)
    if previous:
        tx.update(changed)
        record(tx, kind or f"{value['object']}.updated", changed, cause, previous)
    return changed


def delete(tx: Tx, value: Json, cause: Cause) -> Json:
    """Remove an object and tell of it; what Stripe answers then comes back."""
    tx.delete(value["id"])
    record(tx, f"{value['object']}.deleted", value, cause)
    return {"id": value["id"], "object": value["object"], "deleted": True}


def _is_wanted(endpoint: Json, kind: str) -> bool:
    enabled = endpoint["enabled_events"]
    return "*" in enabled or kind in enabled


def record(tx: Tx, kind: str, snapshot: Json, cause: Cause, previous: Json | None = None) -> str:
    """Store an event of type `kind` about `snapshot` and queue its deliveries; the event's id comes back."""
    return record_versioned(tx, kind, snapshot, cause, API_VERSION, previous)


def record_versioned(
    tx: Tx, kind: str, snapshot: Json, cause: Cause, api_version: str, previous: Json | None = None
) -> str:
    """The same with an API version of its own, as an endpoint pinned to another version would see it."""
    event_id = new_id("event")
    endpoints = [endpoint["id"] for endpoint in tx.endpoints() if _is_wanted(endpoint, kind)]
    data: Json = {"object": snapshot}
    if previous:
        data["previous_attributes"] = previous
    tx.insert(
        {
            "id": event_id,
            "object": "event",
            "api_version": api_version,
            "created": tx.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": len(endpoints),
            "request": {"id": cause.request_id, "idempotency_key": cause.idempotency_key},
            "type": kind,
        }
    )
    for endpoint_id in endpoints:
        queue_delivery(tx, event_id, endpoint_id)
    if kind == "refund.updated" and tx.account.sends_charge_refund_updated:
        record_versioned(tx, "charge.refund.updated", snapshot, cause, api_version, previous)
    return event_id


def send_again(tx: Tx, event_id: str, endpoint_id: str | None = None) -> int:
    """Deliver an event once more, to one endpoint or to all that are enabled; how many that are comes back."""
    wanted = [endpoint_id] if endpoint_id else [endpoint["id"] for endpoint in tx.endpoints()]
    for each in wanted:
        tx.get(each, "webhook_endpoint", "webhook_endpoint")
        queue_delivery(tx, event_id, each)
    return len(wanted)


def queue_delivery(tx: Tx, event_id: str, endpoint_id: str) -> None:
    """Have an event sent to an endpoint as soon as this is committed."""
    now = tx.clock.now()
    tx.connection.execute(
        "INSERT INTO delivery (event, endpoint, first_at, next_at) VALUES (?, ?, ?, ?)",
        (event_id, endpoint_id, now, now),
    )
    tx.touched.add("event")
