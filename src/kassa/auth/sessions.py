"""Sessions: begun by a log-in, kept up by refresh tokens, seen and ended by their user."""

import hashlib

from kassa.auth import family as families
from kassa.auth.accounts import Accounts
from kassa.auth.domain import Guarded, User
from kassa.auth.family import Family, Seen
from kassa.auth.store import AuthStore
from kassa.auth.tokens import Tokens
from kassa.contracts.auth import InvalidRefreshToken
from kassa.kit import security
from kassa.kit.access import STAFF
from kassa.kit.clock import MINUTE, Clock, Millis
from kassa.kit.documents import Between, Conflict, Where, change, pages, remove_due
from kassa.kit.ended import KEPT, Ended, EndedTokens, session_mark, user_mark
from kassa.kit.ids import Ids
from kassa.kit.problem import NotFound

FAMILY = "fam"
MOST_SESSIONS = 100
"""Of one user; a log-in more ends the oldest."""
_MOST_EPOCHS = 8
"""How often a user's sessions may all be ended within 16 minutes and each time be told."""
_SLICE: Millis = 4 * MINUTE


class Session(Guarded, frozen=True):
    """What a log-in gives: the access token, the refresh token, whose they are, and what the device shows next time."""

    token: str
    refresh_token: str
    user: User
    device_token: str | None = None


class Sessions:
    """A user's sessions. `longest` is how long a log-in lasts, however often it is used. `wants_second_factor`: those
    of staff without one give no permission."""

    def __init__(
        self,
        store: AuthStore,
        accounts: Accounts,
        tokens: Tokens,
        ids: Ids,
        clock: Clock,
        longest: Millis,
        *,
        wants_second_factor: bool = False,
    ) -> None:
        self._users = store.users
        self._families = store.families
        self._api_keys = store.api_keys
        self._accounts = accounts
        self._tokens = tokens
        self._ids = ids
        self._clock = clock
        self._longest = longest
        self._wants_second_factor = wants_second_factor
        self.ended_tokens = EndedTokens(self.ended, clock)

    async def begin(self, user: User, seen: Seen) -> Session:
        """A new session of the user, who has proved to be who they are."""
        family_id = self._ids.new(FAMILY)
        refresh_token = f"{family_id}.{self._ids.secret()}"
        now = self._clock.now()
        family = families.new_family(family_id, user, _hash(refresh_token), seen, now, self._longest)
        return self._session(user, await self._families.insert(family), refresh_token)

    async def make_room(self, user: User) -> None:
        """End the oldest sessions, if there are as many as a user may have."""
        where: Where = {"user_id": user.id, "is_revoked": False}
        for family in await self._families.find(where, limit=MOST_SESSIONS, skip=MOST_SESSIONS - 1):
            await self._end(family, "too_many")

    async def refresh(self, refresh_token: str, seen: Seen) -> Session:
        """Exchange a refresh token for a fresh pair; InvalidRefreshToken else.

        One that was exchanged before gets the same successor for 30 s, for two tabs may ask at once. Later, or when the
        successor has been used, somebody has a copy, and the session is ended.
        """
        family_id, token_hash = refresh_token.partition(".")[0], _hash(refresh_token)
        while (family := await self._families.get(family_id)) is not None:
            now = self._clock.now()
            verdict = families.judged(family, token_hash, now, self._longest)
            if verdict == "stolen":
                security.event(security.TOKEN_REUSED, family.user_id, session=family.session_id)
                await self._end(family, "token_reuse")
            user = await self._accounts.get(family.user_id)
            if verdict not in ("fresh", "again") or user is None or user.epoch != family.epoch:
                break
            issued = families.token_of(family, token_hash)
            seed = (issued.seed if issued else None) or self._ids.secret()
            successor = families.successor(refresh_token, seed)
            if verdict == "fresh":
                new_hash = _hash(successor)
                rotated = families.rotated(family, token_hash, new_hash, seed, seen, now, self._longest)
                try:
                    await self._families.save(rotated)
                except Conflict:
                    continue
            return self._session(user, family, successor)
        raise InvalidRefreshToken("the refresh token is unknown, expired or revoked; log in again")

    async def log_out(self, refresh_token: str) -> None:
        """Afterwards no token of the session is good for anything. An unknown one changes nothing."""
        family = await self._families.get(refresh_token.partition(".")[0])
        if family is not None:
            await self._end(family, "logout")

    async def of(self, user_id: str) -> list[Family]:
        """The user's sessions, the latest first."""
        user = await self._accounts.get(user_id)
        found = await self._families.find({"user_id": user_id, "is_revoked": False}, limit=MOST_SESSIONS)
        now = self._clock.now()
        return [each for each in found if user and each.epoch == user.epoch and now < (each.due_at or now)]

    async def end(self, user_id: str, session_id: str) -> None:
        """End one session of the user; NotFound if there is no such one."""
        for family in await self.of(user_id):
            if family.session_id == session_id:
                await self._end(family, "ended_by_user")
                return
        raise NotFound("you have no such session")

    async def end_others(self, user_id: str, session_id: str) -> None:
        """End all sessions of the user but this one."""
        for family in await self.of(user_id):
            if family.session_id != session_id:
                await self._end(family, "ended_by_user")

    def all_ended(self, user: User) -> None:
        """All sessions of the user have been ended, who has this epoch since: this process knows it at once."""
        self.ended_tokens.add(_marks_of_user(user.id, user.epoch))
        security.event(security.SESSION_ENDED, user.id, session="all")

    async def forget(self, user: User) -> None:
        """Remove the sessions of the user, whose epoch is a new one: nobody can tell any more when and from where they
        were used."""
        self.all_ended(user)
        async for page in pages(self._families, {"user_id": user.id}):
            for family in page:
                await self._families.delete(family.id)

    async def ended(self, since: Millis) -> Ended:
        """What was ended since then, of the last 16 minutes; at most of some minutes at a time."""
        now = self._clock.now()
        since = min(max(since, now - KEPT), now)
        until = min(since + _SLICE, now)
        # Of the latest also what a process with a faster clock has ended.
        within = {"ended_at": Between(since, until if until < now else None)}
        marks = [session_mark(each.session_id) async for page in pages(self._families, within) for each in page]
        marks += [session_mark(each.id) async for page in pages(self._api_keys, within) for each in page]
        async for page in pages(self._users, within):
            marks += [mark for each in page for mark in _marks_of_user(each.id, each.epoch)]
        return Ended(marks, until, until == now)

    async def remove_expired(self) -> int:
        """Remove families that are good for nothing any more; return how many."""
        return await remove_due(self._families, self._clock)

    async def _end(self, family: Family, why: str) -> None:
        now = self._clock.now()
        await change(self._families, family.id, lambda current: families.revoked(current, now))
        self.ended_tokens.add([session_mark(family.session_id)])
        if not family.is_revoked:
            security.event(security.SESSION_ENDED, family.user_id, session=family.session_id, why=why)

    def _session(self, user: User, family: Family, refresh_token: str) -> Session:
        who = (user.id, user.email, user.role, family.session_id, user.epoch)
        token = self._tokens.issue(*who, needs_second_factor=self.needs_second_factor(user))
        return Session(token, refresh_token, user)

    def needs_second_factor(self, user: User) -> bool:
        """Whether the user may do what the role allows only with a second factor, and has none."""
        return self._wants_second_factor and user.role in STAFF and not user.has_second_factor


def _marks_of_user(user_id: str, epoch: int) -> list[str]:
    """Of all tokens that were issued before the user had this epoch."""
    epochs = range(max(0, epoch - _MOST_EPOCHS), epoch)
    return [user_mark(user_id, None), *(user_mark(user_id, each) for each in epochs)]


def _hash(refresh_token: str) -> str:
    # 256 random bits need no salt and no slow hash.
    return hashlib.sha256(refresh_token.encode("utf-8", "surrogatepass")).hexdigest()
