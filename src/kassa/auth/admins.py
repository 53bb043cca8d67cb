"""Staff is made by an operator, who is told whose account that gives a role."""

from typing import Literal

import msgspec

from kassa.auth import weak
from kassa.auth.accounts import Accounts
from kassa.auth.domain import User
from kassa.auth.passwords import Passwords
from kassa.kit.access import ADMIN, STAFF
from kassa.kit.problem import Invalid

_OPERATOR = "operator"
EMPTY = "must not be empty"


class AdminMade(msgspec.Struct, frozen=True):
    """What was done. `has_new_password`: the given password counts from now on, and all sessions have ended."""

    user_id: str
    email: str
    outcome: Literal["created", "promoted", "unchanged"]
    has_new_password: bool


class Admins:
    """Makes administrators, and others of the staff."""

    def __init__(self, accounts: Accounts, passwords: Passwords) -> None:
        self._accounts = accounts
        self._passwords = passwords

    async def who_has(self, email: str) -> User | None:
        """The user who has registered this address. Anybody can register any address: it proves nothing."""
        return await self._accounts.of(email)

    async def make(self, email: str, password: str, *, promote: bool, role: str = ADMIN) -> AdminMade:
        """Make an administrator, or somebody of another role. A user who has this address becomes one only if told to
        `promote`, and only with a password that is new: whoever registered the address knows the present one. Asking
        again is harmless. Invalid."""
        if role not in STAFF:
            raise Invalid.field("role", f"must be one of {', '.join(STAFF)}")
        if not password:
            raise Invalid.field("password", EMPTY)
        user = await self._accounts.of(email)
        if user is None:
            user = await self._accounts.make("", email, password, role, who=_OPERATOR)
            return AdminMade(user.id, user.email, "created", has_new_password=True)
        has_role = user.role == role
        if not has_role and not promote:
            raise Invalid.field("email", "is registered already; say that its user is to be promoted")
        is_known = await self._passwords.matches(user.password_hash, password)
        if has_role and is_known:
            return AdminMade(user.id, user.email, "unchanged", has_new_password=False)
        if is_known:
            raise Invalid.field("password", "must be a new one: whoever registered this address knows the present one")
        weak.checked(password, user.email, user.name)
        await self._accounts.set_password(user, password, _OPERATOR, role=role)
        return AdminMade(user.id, user.email, "unchanged" if has_role else "promoted", has_new_password=True)
