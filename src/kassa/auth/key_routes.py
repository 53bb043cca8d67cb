"""API keys for programs, as administrators make and end them."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta

from kassa.auth.api_keys import A_YEAR, LONGEST_DAYS, LONGEST_NAME, ApiKey, ApiKeys
from kassa.kit.access import SCOPES
from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.lists import Pagination, documented, paging
from kassa.kit.problem import NotFound
from kassa.kit.text import ONE_LINE
from kassa.kit.web import JsonResponse, principal_of, read_body, takes

_TAGS = ["auth"]
_SCHEMA = {"enum": list(SCOPES)}
Scope = Annotated[str, documented("A permission", **_SCHEMA)]


class NewKey(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A key to be made."""

    name: Annotated[str, documented("What it is for", minLength=1, maxLength=LONGEST_NAME, pattern=ONE_LINE)]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(SCOPES)), documented("What it may do")]
    days: Annotated[int, documented("How long it is good", minimum=1, maximum=LONGEST_DAYS)] = A_YEAR


class KeyOut(msgspec.Struct, frozen=True, rename="camel"):
    """A key. `lastUsedAt` is up to 15 minutes before its last request; `endedAt` is null unless it was ended before its
    time."""

    id: str
    name: str
    scopes: list[str]
    created_at: Timestamp
    creator: str
    expires_at: Timestamp
    last_used_at: Timestamp | None
    ended_at: Timestamp | None


class KeyMade(msgspec.Struct, frozen=True):
    """The new key, and what a program sends as `Authorization: Bearer …`: it is shown this once, and kept nowhere."""

    key: KeyOut
    secret: str

    def __repr__(self) -> str:
        return "KeyMade(…)"


class KeyList(msgspec.Struct, frozen=True):
    """All keys, ended ones too, the latest first."""

    keys: list[KeyOut]
    pagination: Pagination


@get("/auth/keys", tags=_TAGS)
async def list_keys(
    request: Request[Any, Any, Any],
    limit: FromQuery[int] = 20,
    skip: FromQuery[int] = 0,
    cursor: FromQuery[str | None] = None,
) -> Response[KeyList]:
    """The API keys: what they may do, until when, and when they were used last."""
    await principal_of(request)
    asked = paging(limit, skip, cursor)
    found, total = await _keys(request).listed(asked)
    pagination = asked.pagination(total, found, lambda each: each.id)
    return JsonResponse(KeyList([_shown(each) for each in found[: asked.limit]], pagination))


@post("/auth/keys", operation_class=takes(NewKey), status_code=201, tags=_TAGS)
async def make_key(request: Request[Any, Any, Any]) -> Response[KeyMade]:
    """Make an API key for a program. Its secret is in this answer and nowhere else."""
    staff = await principal_of(request)
    new = await read_body(request, NewKey)
    key, secret = await _keys(request).make(new.name, new.scopes, new.days, staff.id)
    return JsonResponse(KeyMade(_shown(key), secret), status_code=201, headers={"Cache-Control": "no-store"})


@delete("/auth/keys/{key_id:str}", status_code=204, tags=_TAGS, refuses=(NotFound,))
async def end_key(request: Request[Any, Any, Any], key_id: FromPath[str]) -> None:
    """End an API key, at once and for good."""
    staff = await principal_of(request)
    await _keys(request).end(key_id, staff.id)


HANDLERS = (list_keys, make_key, end_key)


def _keys(request: Request[Any, Any, Any]) -> ApiKeys:
    keys: ApiKeys = request.app.state["auth"].api_keys
    return keys


def _shown(key: ApiKey) -> KeyOut:
    used, ended = (None if each is None else rfc3339(each) for each in (key.used_at, key.ended_at))
    made, expires = rfc3339(key.created_at), rfc3339(key.expires_at)
    return KeyOut(key.id, key.name, list(key.scopes), made, key.created_by, expires, used, ended)
