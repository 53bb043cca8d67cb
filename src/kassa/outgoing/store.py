"""What is kept of outgoing events."""

from typing import Any

import msgspec

from kassa.kit.clock import Millis
from kassa.kit.documents import Collection, CollectionSpec, Database, Document, Index


class Told(Document, frozen=True, kw_only=True):
    """One event of the log. `due_at` is when it is removed. What it tells of an order is read from the order when it
    is told: `data` has only what happened, and nothing that names a person."""

    position: int
    type: str
    occurred_at: Millis
    subject: str
    sequence: int
    about: str
    data: dict[str, Any] = msgspec.field(default_factory=dict)


class Head(Document, frozen=True, kw_only=True):
    """The end of the log: the position of its last event, and the events that came with it; these are stored before
    others are added. And its beginning: what is before `first` is removed or about to be, and none of it happened after
    `gone_to`."""

    position: int = 0
    first: int = 1
    gone_to: Millis = 0
    added: tuple[Told, ...] = ()


class Feed(Document, frozen=True, kw_only=True):
    """Whether somebody wants to be told what happens, and since when."""

    since: Millis | None = None


class Secret(msgspec.Struct, frozen=True):
    """With what an endpoint's events are signed, until it is not any more (None: until it is rolled)."""

    text: str
    until: Millis | None = None

    def __repr__(self) -> str:
        return "Secret(…)"


class Endpoint(Document, frozen=True, kw_only=True):
    """Where events are sent. `types`: which; none: all. `why`: why the shop has stopped sending there."""

    url: str
    types: tuple[str, ...]
    description: str
    secrets: tuple[Secret, ...]
    is_enabled: bool = True
    why: str = ""
    made_at: Millis


class Attempt(msgspec.Struct, frozen=True):
    """An event was sent: what was answered (0: nothing), or what went wrong, and how long it took."""

    at: Millis
    event_id: str
    type: str
    status: int
    error: str
    took: Millis

    @property
    def is_good(self) -> bool:
        """Whether the event has arrived."""
        return 200 <= self.status < 300


class Queue(Document, frozen=True, kw_only=True):
    """How far an endpoint was told, by whom it is being told until when, and what was sent last."""

    position: int
    owner: str = ""
    leased_until: Millis = 0
    attempts: tuple[Attempt, ...] = ()


class Held(Document, frozen=True, kw_only=True):
    """An endpoint could not be told all of something: what is behind `position` waits. `since`: the first failure of
    those in a row. `due_at` is when it is tried again."""

    endpoint_id: str
    about: str
    position: int
    since: Millis
    attempts: int
    error: str


EVENTS = CollectionSpec(
    "outgoing_events",
    Told,
    (Index("by_about", ("about",)),),
    sort="position",
)
HEADS = CollectionSpec("outgoing_head", Head)
FEEDS = CollectionSpec("outgoing_feed", Feed)
ENDPOINTS = CollectionSpec("outgoing_endpoints", Endpoint)
QUEUES = CollectionSpec("outgoing_queues", Queue)
HELD = CollectionSpec("outgoing_held", Held, (Index("by_endpoint", ("endpoint_id",)),))
OUTGOING: tuple[CollectionSpec[Any], ...] = (EVENTS, HEADS, FEEDS, ENDPOINTS, QUEUES, HELD)
"""All of them."""
ONLY = "log"
"""The id of what there is one of."""


class EventStore(msgspec.Struct, frozen=True):
    """The open collections."""

    events: Collection[Told]
    heads: Collection[Head]
    feeds: Collection[Feed]
    endpoints: Collection[Endpoint]
    queues: Collection[Queue]
    held: Collection[Held]

    @classmethod
    async def open(cls, database: Database) -> "EventStore":
        """Open the collections; make them if they are not there."""
        return cls(
            await database.collection(EVENTS),
            await database.collection(HEADS),
            await database.collection(FEEDS),
            await database.collection(ENDPOINTS),
            await database.collection(QUEUES),
            await database.collection(HELD),
        )
