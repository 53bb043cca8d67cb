"""Endpoints that events are sent to, over the wire."""

import re
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from kassa.kit.clock import Millis, Timestamp, rfc3339
from kassa.kit.lists import Id, documented
from kassa.kit.problem import Invalid
from kassa.outgoing.sending import LONGEST_URL
from kassa.outgoing.signing import valid
from kassa.outgoing.store import Attempt, Endpoint
from kassa.outgoing.wire import TYPES

LONGEST_DESCRIPTION = 200
ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
_OneType = Annotated[str, documented("What happened", enum=TYPES, maxLength=64)]
_Types = Annotated[list[_OneType], documented("Which events; none: all", maxItems=len(TYPES))]
_Url = Annotated[str, documented("Where events are sent to, by POST", minLength=1, maxLength=LONGEST_URL)]
_Words = Annotated[str, documented("For whom it is", maxLength=LONGEST_DESCRIPTION, pattern=ONE_LINE)]


class NewEndpoint(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where events are to be sent."""

    url: _Url
    types: _Types = []
    description: _Words = ""


class EndpointChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is to be otherwise."""

    url: _Url | UnsetType = UNSET
    types: _Types | UnsetType = UNSET
    description: _Words | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET


class Resend(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which event."""

    event_id: Id


class EndpointOut(msgspec.Struct, frozen=True, rename="camel"):
    """Where events are sent. `why`: why the shop has stopped. `waiting`: of how many things events wait to be sent
    again. `secrets`: how many sign."""

    id: str
    url: str
    types: list[str]
    description: str
    is_enabled: bool
    why: str
    waiting: int
    secrets: int
    created_at: Timestamp


class AttemptOut(msgspec.Struct, frozen=True, rename="camel"):
    """An event was sent. `status` is what was answered, 0 if nothing was; `error` what went wrong."""

    at: Timestamp
    event_id: str
    type: str
    status: int
    error: str
    milliseconds: int


class EndpointAnswer(msgspec.Struct, frozen=True):
    """One endpoint."""

    endpoint: EndpointOut


class EndpointWithAttempts(msgspec.Struct, frozen=True):
    """One endpoint, and what was sent there last, the newest first."""

    endpoint: EndpointOut
    attempts: list[AttemptOut]


class EndpointWithSecret(msgspec.Struct, frozen=True):
    """One endpoint, and the secret that signs what is sent there; it is not shown again."""

    endpoint: EndpointOut
    secret: Annotated[str, documented("For any library for Standard Webhooks")]


class EndpointsAnswer(msgspec.Struct, frozen=True):
    """All endpoints, the oldest first."""

    endpoints: list[EndpointOut]


class AttemptAnswer(msgspec.Struct, frozen=True):
    """What came of it."""

    attempt: AttemptOut


def checked(types: list[str], description: str) -> tuple[tuple[str, ...], str]:
    """Types each once, and a description on one line; Invalid."""
    for number, each in enumerate(types):
        if each not in TYPES:
            raise Invalid.field(f"types[{number}]", f"is none; there are {', '.join(TYPES)}")
    if len(description) > LONGEST_DESCRIPTION:
        raise Invalid.field("description", f"must have at most {LONGEST_DESCRIPTION} characters")
    if not re.fullmatch(ONE_LINE, description):
        raise Invalid.field("description", "must be one line of text")
    return tuple(dict.fromkeys(types)), description


def endpoint_shown(endpoint: Endpoint, waiting: int, now: Millis) -> EndpointOut:
    """The endpoint as the wire shows it."""
    return EndpointOut(
        endpoint.id,
        endpoint.url,
        list(endpoint.types),
        endpoint.description,
        endpoint.is_enabled,
        endpoint.why,
        waiting,
        len(valid(endpoint.secrets, now)),
        rfc3339(endpoint.made_at),
    )


def attempt_shown(attempt: Attempt) -> AttemptOut:
    """The attempt as the wire shows it."""
    at = rfc3339(attempt.at)
    return AttemptOut(at, attempt.event_id, attempt.type, attempt.status, attempt.error, attempt.took)
