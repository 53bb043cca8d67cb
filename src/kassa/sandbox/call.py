"""One call of the API, already taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field

from kassa.sandbox.errors import Json
from kassa.sandbox.events import Cause


@dataclass(frozen=True)
class Call:
    """What a handler is given: parameters as nested dictionaries of text, and the id in the path, if any.

    `is_older` says that the caller did not ask for the API version that the sandbox speaks, but for an older one or
    for none, and may use what that one has removed since.
    """

    method: str
    path: str
    params: Json
    request_id: str
    object_id: str = ""
    idempotency_key: str | None = None
    is_older: bool = False
    cause: Cause = field(default_factory=Cause)
