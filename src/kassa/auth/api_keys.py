"""API keys: what programs show instead of a log-in. Of each only the hash is kept."""

import re
from collections.abc import Sequence

import msgspec

from kassa.contracts.auth import KeyHolder
from kassa.kit import security
from kassa.kit.access import SCOPES
from kassa.kit.clock import DAY, MINUTE, Clock, Millis
from kassa.kit.documents import Collection, CollectionSpec, Document, Index, change
from kassa.kit.ended import EndedTokens, session_mark
from kassa.kit.identity import KEY_PREFIX, key_hash
from kassa.kit.ids import API_KEY, Ids
from kassa.kit.lists import Paging
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.text import ONE_LINE, normalised

LONGEST_NAME = 100
LONGEST_DAYS = 1825
A_YEAR = 365
_NOTED_EVERY: Millis = 5 * MINUTE


class ApiKey(Document, frozen=True, kw_only=True):
    """A key, who made it, and what it is for. It is good until `expires_at`, unless it was ended before."""

    name: str
    hash: str
    scopes: tuple[str, ...]
    created_at: Millis
    created_by: str
    expires_at: Millis
    used_at: Millis | None = None
    ended_at: Millis | None = None
    ended_by: str = ""


API_KEYS = CollectionSpec(
    "api_keys", ApiKey, (Index("by_hash", ("hash",), unique=True), Index("by_end", ("ended_at",)))
)


class ApiKeys:
    """Makes keys, knows them again, ends them."""

    def __init__(self, keys: Collection[ApiKey], ended: EndedTokens, ids: Ids, clock: Clock) -> None:
        self._keys = keys
        self._ended = ended
        self._ids = ids
        self._clock = clock

    async def make(self, name: str, scopes: Sequence[str], days: int, by: str) -> tuple[ApiKey, str]:
        """A new key of this name, which may do what its scopes say, for so many days; and the secret that a program
        shows, which nobody can see again. Invalid."""
        shown = normalised(name, LONGEST_NAME)
        if len(shown) > LONGEST_NAME or not re.fullmatch(ONE_LINE, shown):
            raise Invalid.field("name", f"must be one line of at most {LONGEST_NAME} characters")
        if not scopes or not set(scopes) <= set(SCOPES):
            raise Invalid.field("scopes", f"must be one or more of {', '.join(SCOPES)}")
        if not 1 <= days <= LONGEST_DAYS:
            raise Invalid.field("days", f"must be from 1 to {LONGEST_DAYS}")
        now, secret = self._clock.now(), f"{KEY_PREFIX}{self._ids.secret()}"
        key = ApiKey(
            id=self._ids.new(API_KEY),
            name=shown,
            hash=key_hash(secret),
            scopes=tuple(each for each in SCOPES if each in scopes),
            created_at=now,
            created_by=by,
            expires_at=now + days * DAY,
        )
        stored = await self._keys.insert(key)
        security.event(security.API_KEY_MADE, key.id, by=by, scopes=" ".join(key.scopes))
        return stored, secret

    async def listed(self, asked: Paging) -> tuple[list[ApiKey], int]:
        """A page of the keys, the latest first, with one more if there is more; and how many there are."""
        found = await self._keys.find({}, limit=asked.limit + 1, skip=asked.skip, after=asked.after)
        return found, await self._keys.count({})

    async def end(self, key_id: str, by: str) -> ApiKey:
        """The key is good for nothing any more, at once. NotFound."""
        now = self._clock.now()

        def step(key: ApiKey) -> ApiKey:
            return msgspec.structs.replace(key, ended_at=now, ended_by=by) if key.ended_at is None else key

        ended = await change(self._keys, key_id, step)
        if ended is None:
            raise NotFound("there is no such key")
        self._ended.add([session_mark(key_id)])
        security.event(security.API_KEY_ENDED, key_id, by=by)
        return ended

    async def holder(self, hash: str) -> KeyHolder:
        """See contracts.auth.Auth."""
        key, now = await self._keys.first({"hash": hash}), self._clock.now()
        if key is None or key.ended_at is not None or key.expires_at <= now:
            raise NotFound("no key that is good has this hash")
        if now - (key.used_at or 0) >= _NOTED_EVERY:
            await change(self._keys, key.id, lambda known: msgspec.structs.replace(known, used_at=now))
        return KeyHolder(key.id, key.name, list(key.scopes), key.expires_at)
