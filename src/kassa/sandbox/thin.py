"""Thin events: what happened and to which object, but not the object (Stripe docs: event-destinations#thin-events)."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from kassa.sandbox import params
from kassa.sandbox.errors import Json
from kassa.sandbox.reading import LISTINGS
from kassa.sandbox.tables import Reader

_PREFIX, _SNAPSHOT_PREFIX = "evt_test_65", "evt_1"
_PATHS = {listing.kind: listing.path for listing in LISTINGS}


def thin_event(event: Json) -> Json:
    """The thin event beside a snapshot: always the same one, with an id of its own."""
    about = event["data"]["object"]
    path = _PATHS.get(about.get("object", ""))
    related = {"id": about["id"], "type": about["object"], "url": f"{path}/{about['id']}"} if path else None
    request = event["request"]
    return {
        "id": _PREFIX + event["id"].removeprefix(_SNAPSHOT_PREFIX),
        "object": "v2.core.event",
        "type": f"v1.{event['type']}",
        "context": None,
        "created": f"{datetime.fromtimestamp(event['created'], UTC):%Y-%m-%dT%H:%M:%S}.000Z",
        "livemode": False,
        "reason": {"type": "request", "request": request} if request["id"] else None,
        "related_object": related,
        "snapshot_event": event["id"],
    }


def retrieve(reader: Reader, event_id: str, given: Json) -> bytes:
    """A thin event as JSON; `ApiError` 404 if there is none."""
    params.only(given, ())
    snapshot = event_id.replace(_PREFIX, _SNAPSHOT_PREFIX, 1) if event_id.startswith(_PREFIX) else ""
    return msgspec.json.encode(thin_event(reader.get(snapshot, "event")))
