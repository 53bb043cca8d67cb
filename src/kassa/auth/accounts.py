"""Accounts: found by their address, made, given another password."""

from collections.abc import Callable

import msgspec

from kassa.auth import domain, weak
from kassa.auth.domain import User
from kassa.auth.passwords import NOBODY, Passwords
from kassa.auth.queue import Turn
from kassa.contracts.auth import EmailTaken, WrongCredentials
from kassa.kit import security
from kassa.kit.audit import Cause
from kassa.kit.clock import Clock
from kassa.kit.documents import Duplicate, In, change
from kassa.kit.email import normalised_email
from kassa.kit.ids import REQUEST, USER, Ids
from kassa.kit.outbox import Outbox
from kassa.kit.wire import request_id


def as_made(user: User) -> User:
    """The user, with nothing to be done about them."""
    return user


class Accounts:
    """The users, and what makes and changes them."""

    def __init__(self, outbox: Outbox[User], passwords: Passwords, ids: Ids, clock: Clock) -> None:
        self._outbox = outbox
        self._users = outbox.collection
        self._passwords = passwords
        self._ids = ids
        self._clock = clock

    async def get(self, user_id: str) -> User | None:
        """The user of this id."""
        return await self._users.get(user_id)

    async def of(self, text: str) -> User | None:
        """The user whose address this is, however it was spelled when it was stored."""
        if "@" not in text:
            return None  # What an erased account has in its place is no address.
        spellings = domain.spellings(text)
        if len(spellings) == 1:
            return await self._users.first({"email": spellings[0]})
        found = await self._users.find({"email": In(tuple(spellings))}, limit=len(spellings))
        return min(found, key=lambda user: spellings.index(user.email), default=None)

    async def make(
        self,
        name: str,
        email: str,
        password: str,
        role: str,
        who: str | None,
        turn: Turn = NOBODY,
        step: Callable[[User], User] = as_made,
    ) -> User:
        """A new user, made by `who` (None: by themselves), as `step` leaves them. Invalid, EmailTaken, Unavailable."""
        address = normalised_email(email)
        name = domain.checked_name(name)
        weak.checked(password, address, name)
        if await self.of(email) is not None:
            raise EmailTaken
        password_hash = await self._passwords.hash(password, turn)
        now, user_id = self._clock.now(), self._ids.new(USER)
        user = User(
            id=user_id,
            email=address,
            role=role,
            password_hash=password_hash,
            created_at=now,
            updated_at=now,
            name=name,
            used_at=now,
        )
        try:
            registered = domain.registered(user, self._cause(who or user_id, "registration"))
            made = await self._outbox.insert(step(registered))
        except Duplicate as duplicate:
            raise EmailTaken from duplicate
        self._outbox.at_once(made)
        security.event(security.ACCOUNT_MADE, user_id, by=who or user_id, role=role)
        if who is not None:
            security.event(security.RIGHTS_CHANGED, user_id, by=who, what=f"role {role}")
        return made

    async def set_password(self, user: User, password: str, who: str, role: str | None = None) -> User:
        """The user, for whom from now on only this password is right; all sessions have ended. With `role` the user has
        that one. WrongCredentials if the password has been changed meanwhile."""
        known_hash, new_hash = user.password_hash, await self._passwords.hash(password)
        cause, now = self._cause(who, "password changed"), self._clock.now()

        def step(current: User) -> User:
            changed = domain.with_password(current, known_hash, new_hash, cause, now)
            if role is None or role == current.role:
                return changed
            # Whoever registered the address may have set up a second factor, too.
            return msgspec.structs.replace(domain.with_role(changed, role, cause, now), second_factor=None)

        changed = await change(self._users, user.id, step)
        if changed is None:
            raise WrongCredentials
        security.event(security.PASSWORD_CHANGED, user.id, by=who)
        if changed.role != user.role:
            security.event(security.RIGHTS_CHANGED, user.id, by=who, what=f"role {changed.role}")
        if user.has_second_factor and not changed.has_second_factor:
            security.event(security.SECOND_FACTOR_OFF, user.id, by=who)
        return changed

    async def used(self, user: User) -> None:
        """Note that the user logs in."""
        now = self._clock.now()
        if domain.used(user, now) is not user:
            await change(self._users, user.id, lambda current: domain.used(current, now))

    def _cause(self, who: str, why: str) -> Cause:
        return Cause(self._ids.new(REQUEST), who, why, request_id.get())
