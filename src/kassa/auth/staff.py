"""Staff: seen, and taken their power from, by other administrators and by an operator at the command line."""

from typing import Any

from kassa.auth import domain
from kassa.auth.domain import User
from kassa.auth.family import Family
from kassa.auth.sessions import Sessions
from kassa.auth.store import AuthStore
from kassa.contracts.auth import LastAdministrator, OwnAccount, SecondFactorOff
from kassa.kit import security
from kassa.kit.access import ADMIN, ROLES, STAFF, USER
from kassa.kit.audit import Cause
from kassa.kit.clock import Clock
from kassa.kit.documents import In, Where, change, pages
from kassa.kit.ids import REQUEST, Ids
from kassa.kit.lists import Paging
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.wire import request_id

_OF_STAFF: Where = {"role": In(STAFF)}


class Staff:
    """Whoever can do more than buy. All that is done here ends all sessions of whom it is done to, at once.

    `by` is the user id of the one who asks: nobody does it to themselves by mistake. An administrator who is enabled is
    always left, unless told to do it `even_to_the_last`.
    """

    def __init__(self, store: AuthStore, sessions: Sessions, ids: Ids, clock: Clock) -> None:
        self._users = store.users
        self._sessions = sessions
        self._ids = ids
        self._clock = clock

    async def listed(self, asked: Paging) -> tuple[list[User], int]:
        """A page of the staff, the latest first, with one more if there is more; and how many there are."""
        found = await self._users.find(_OF_STAFF, limit=asked.limit + 1, skip=asked.skip, after=asked.after)
        return found, await self._users.count(_OF_STAFF)

    async def all(self) -> list[User]:
        """The whole staff, the oldest first."""
        return [each async for page in pages(self._users, _OF_STAFF) for each in page]

    async def sessions(self, member: User) -> list[Family]:
        """Where somebody of the staff is logged in."""
        return await self._sessions.of(member.id)

    async def give_role(self, user_id: str, role: str, by: str) -> User:
        """Somebody of the staff has this other role of it from now on. Nobody comes to the staff this way: that takes a
        password which whoever registered the address does not know (`Admins.make`). Invalid, NotFound, OwnAccount,
        LastAdministrator."""
        if role not in STAFF:
            raise Invalid.field("role", f"must be one of {', '.join(STAFF)}")
        return await self._take(user_id, by, f"made {role}", even_to_the_last=False, role=role)

    async def demote(self, user_id: str, by: str, *, even_to_the_last: bool = False) -> User:
        """Somebody of the staff is a buyer like any other from now on. NotFound, OwnAccount, LastAdministrator."""
        return await self._take(user_id, by, "demoted", even_to_the_last, role=USER)

    async def disable(self, user_id: str, by: str, *, even_to_the_last: bool = False) -> User:
        """The user cannot log in any more. NotFound, OwnAccount, LastAdministrator."""
        return await self._take(user_id, by, "disabled", even_to_the_last, is_disabled=True)

    async def enable(self, user_id: str, by: str) -> User:
        """The user can log in again. NotFound, OwnAccount."""
        return await self._change(user_id, by, "enabled", is_disabled=False)

    async def end_sessions(self, user_id: str, by: str) -> User:
        """The user has to log in again, everywhere. NotFound, OwnAccount."""
        return await self._change(user_id, by, "sessions ended")

    async def reset_second_factor(self, user_id: str, by: str) -> User:
        """The user, who has lost authenticator and recovery codes, logs in with the password alone. NotFound,
        OwnAccount, SecondFactorOff."""
        user = await self._users.get(user_id)
        if user is not None and user_id != by and not user.has_second_factor:
            raise SecondFactorOff("this account has no second factor")
        changed = await self._change(user_id, by, domain.SECOND_FACTOR_RESET, second_factor=None)
        security.event(security.SECOND_FACTOR_OFF, user_id, by=by)
        return changed

    async def _take(self, user_id: str, by: str, what: str, even_to_the_last: bool, **changes: Any) -> User:
        before = await self._users.get(user_id)
        # A role is changed of the staff alone, and somebody else may have taken them out of it just now.
        only = STAFF if "role" in changes else tuple(ROLES)
        if even_to_the_last or before is None or before.role != ADMIN or before.is_disabled:
            return await self._change(user_id, by, what, only, **changes)
        if not await self._has_administrator(besides=user_id):
            raise LastAdministrator
        changed = await self._change(user_id, by, what, only, **changes)
        # Two administrators may do it to each other at the same time.
        if not await self._has_administrator():
            kept = {name: getattr(before, name) for name in changes}
            await self._change(user_id, by, f"not {what}: nobody would be left", **kept)
            raise LastAdministrator
        return changed

    async def _has_administrator(self, besides: str = "") -> bool:
        async for page in pages(self._users, {"role": ADMIN}):
            if any(not each.is_disabled and each.id != besides for each in page):
                return True
        return False

    async def _change(
        self, user_id: str, by: str, what: str, only: tuple[str, ...] = tuple(ROLES), **changes: Any
    ) -> User:
        if user_id == by:
            raise OwnAccount
        cause, now = Cause(self._ids.new(REQUEST), by, what, request_id.get()), self._clock.now()

        def step(user: User) -> User:
            if user.role not in only:
                raise NotFound("nobody of the staff has this id")
            return domain.with_sessions_ended(user, what, cause, now, **changes)

        changed = await change(self._users, user_id, step)
        if changed is None:
            raise NotFound("there is no such user")
        self._sessions.all_ended(changed)
        security.event(security.RIGHTS_CHANGED, changed.id, by=by, what=what)
        return changed
