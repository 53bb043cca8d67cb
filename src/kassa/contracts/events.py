"""Events: what happened in the shop, told to whoever wants to know; kept in one log, in the order in which it is told.

The log is the order service's: its process hosts it, at its address.
"""

from typing import Any, Protocol

import msgspec

from kassa.kit.problem import Problem
from kassa.kit.wire import get, post

MOST_AT_ONCE = 100


class NewEvent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Something that happened to `subject`, the `sequence`th thing of those that are told of it.

    `id` follows from what happened: the same is told once, however often it is published. `about` is what it is told
    in order with: the id of an order for all that concerns it. `data` has nothing that names a person.
    """

    id: str
    type: str
    occurred_at: int
    subject: str
    sequence: int
    about: str
    data: dict[str, Any] = {}


class Listening(msgspec.Struct, frozen=True):
    """Since when somebody wants to be told what happens; None: nobody does."""

    since: int | None


class EventsGone(Problem):
    """Events behind the one that was asked for are removed by now, and cannot be told any more."""

    code, title, status = "events_gone", "Events that were asked for are removed", 410

    def __init__(self, first: int) -> None:
        super().__init__(
            f"events that were not fetched are removed by now; read what you need anew, then ask after={first - 1}",
            after=first - 1,
        )


class TooManyEndpoints(Problem):
    """There are as many endpoints as there may be."""

    code, title, status = "too_many_endpoints", "There are too many endpoints", 409

    def __init__(self, most: int) -> None:
        super().__init__(f"there may be {most} endpoints; remove one that is not needed any more", most=most)


class FeedInUse(Problem):
    """Endpoints are there that want to be told."""

    code, title, status = "feed_in_use", "There are endpoints that want to be told", 409

    def __init__(self) -> None:
        super().__init__("endpoints are there that want to be told what happens; remove them first")


class Events(Protocol):
    """What is told of the shop."""

    @get("/events/listening", callers=("product", "inventory", "payment"))
    async def listening(self) -> Listening:
        """Whether anybody wants to be told."""

    @post("/events/publish", callers=("product", "inventory", "payment"))
    async def publish(self, events: list[NewEvent]) -> None:
        """Have these told, in this order, behind all that was told before; those that are in the log already stay as
        they are. Afterwards all of them are in the log. Invalid for more than 100."""
