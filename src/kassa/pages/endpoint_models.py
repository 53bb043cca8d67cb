"""The API's answers about where events are sent to, as far as the pages read them."""

from datetime import datetime

from kassa.pages.models import Answer

BY_HAND = "disabled by hand"
"""Why, if somebody of the staff did it."""


class Endpoint(Answer, frozen=True):
    """Where events are sent to."""

    id: str
    url: str
    types: tuple[str, ...]
    is_enabled: bool
    why: str
    waiting: int
    secrets: int
    created_at: datetime
    description: str = ""

    @property
    def was_stopped(self) -> bool:
        """Whether the shop has stopped sending there by itself."""
        return not self.is_enabled and self.why != BY_HAND


class Attempt(Answer, frozen=True):
    """An event that was sent, and what came of it."""

    at: datetime
    event_id: str
    type: str
    status: int
    error: str

    @property
    def is_good(self) -> bool:
        """Whether it has arrived."""
        return not self.error


class Endpoints(Answer, frozen=True):
    endpoints: tuple[Endpoint, ...]


class OneEndpoint(Answer, frozen=True):
    endpoint: Endpoint
    attempts: tuple[Attempt, ...] = ()


class EndpointMade(Answer, frozen=True):
    """An endpoint with its secret, which is told once."""

    endpoint: Endpoint
    secret: str


class Sent(Answer, frozen=True):
    attempt: Attempt
