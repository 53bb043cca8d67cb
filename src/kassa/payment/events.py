"""Stripe's events as they are read: with a snapshot of the object that they are about, or thin. Pure."""

from typing import Annotated, Any

import msgspec

from kassa.kit.clock import SECOND, from_rfc3339, from_unix, rfc3339
from kassa.payment.metadata import written_by_us

THIN_PREFIX = "v1."
"""What the type of a thin event about an object of API v1 begins with (docs: changelog/endive/2026-09-30)."""


class PaymentError(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a card was declined, and which charge it was."""

    code: str | None = None
    decline_code: str | None = None
    message: str | None = None
    charge: str | None = None


class EventObject(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is read of the object that an event is about; a hint only, the object itself is fetched."""

    id: str = ""
    object: str = ""
    metadata: dict[str, str] | None = None
    payment_intent: str | dict[str, Any] | None = None
    last_payment_error: PaymentError | None = None

    @property
    def intent_id(self) -> str | None:
        """The PaymentIntent's id, whether it came as an id or expanded."""
        if isinstance(self.payment_intent, dict):
            return str(self.payment_intent.get("id"))
        return self.id if self.object == "payment_intent" else self.payment_intent


class EventState(msgspec.Struct, frozen=True):
    """An event. `id` is that of the snapshot event, where a thin one names it. `kind` is its type as a snapshot event
    has it; `created` is in seconds. `is_thin`: its object is known by its id alone. `account`: whose it is, where
    Stripe says so, as it does for connected accounts and for those of an organization."""

    id: str
    type: str
    kind: str
    created: int
    livemode: bool
    object: EventObject
    is_thin: bool
    account: str = ""


class _Data(msgspec.Struct, frozen=True):
    object: msgspec.Raw


Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
"""An id or a type: Stripe's have up to 255 characters (docs: upgrades, "Length of object IDs")."""


class _Snapshot(msgspec.Struct, frozen=True):
    id: Name
    type: Name
    created: int
    livemode: bool
    data: _Data
    account: str | None = None
    context: str | None = None


class _Reference(msgspec.Struct, frozen=True):
    id: str = ""
    object: str = ""
    type: str = ""


class _Thin(msgspec.Struct, frozen=True):
    id: Name
    type: Name
    created: str
    livemode: bool = False
    related_object: _Reference | None = None
    context: str | None = None
    snapshot_event: Name | None = None


class _Form(msgspec.Struct, frozen=True):
    object: str = "event"


_form = msgspec.json.Decoder(_Form)
_snapshot = msgspec.json.Decoder(_Snapshot)
_thin = msgspec.json.Decoder(_Thin)
_object = msgspec.json.Decoder(EventObject)
_reference = msgspec.json.Decoder(_Reference)


def read_event(body: bytes | str) -> EventState:
    """The event in a webhook's body; ValueError if there is none."""
    try:
        return _read_thin(body) if _form.decode(body).object == "v2.core.event" else _read_snapshot(body)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _read_snapshot(body: bytes | str) -> EventState:
    event = _snapshot.decode(body)
    try:
        subject, is_thin = _object.decode(event.data.object), False
    except msgspec.ValidationError:  # not as Kassa knows such objects: where it matters, it is fetched
        reference = _reference.decode(event.data.object)
        subject, is_thin = EventObject(reference.id, reference.object), True
    account = event.account or _account_of(event.context)
    return EventState(event.id, event.type, event.type, event.created, event.livemode, subject, is_thin, account)


def _read_thin(body: bytes | str) -> EventState:
    event = _thin.decode(body)
    related = event.related_object or _Reference()
    subject, created = EventObject(related.id, related.type), from_rfc3339(event.created) // SECOND
    kind = event.type.removeprefix(THIN_PREFIX)
    account = _account_of(event.context)
    # Where Stripe sends both kinds the thin one names its twin, and they are one (docs: event-destinations, migration).
    event_id = event.snapshot_event or event.id
    return EventState(event_id, event.type, kind, created, event.livemode, subject, is_thin=True, account=account)


def to_store(event: EventState) -> str:
    """The body that reads as the same event, with nothing in it that is not read: what Stripe tells of the buyer, who
    they are and where they live, is not stored."""
    if event.is_thin:
        related = {"id": event.object.id, "type": event.object.object}
        form: dict[str, Any] = {"object": "v2.core.event", "related_object": related, "context": event.account}
        created: int | str = rfc3339(from_unix(event.created))
    else:
        kept = msgspec.structs.replace(
            event.object, metadata=written_by_us(event.object.metadata), payment_intent=event.object.intent_id
        )
        form = {"object": "event", "data": {"object": kept}, "account": event.account}
        created = event.created
    head = {"id": event.id, "type": event.type, "created": created, "livemode": event.livemode}
    return msgspec.json.encode(head | form).decode()


def _account_of(context: str | None) -> str:
    """The account that a context leads to: its last part (docs: context)."""
    return (context or "").rpartition("/")[2]
