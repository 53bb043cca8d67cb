"""Users and their sessions: what may become of them. Pure."""

import re
from contextlib import suppress
from enum import StrEnum
from typing import Any

import msgspec

from kassa.contracts.auth import WrongCredentials
from kassa.kit import inputs
from kassa.kit.access import ROLES
from kassa.kit.audit import Cause, entry, newest
from kassa.kit.clock import DAY, Millis
from kassa.kit.effects import Aggregate, planned, with_todos
from kassa.kit.problem import Invalid
from kassa.kit.text import domain_name, is_far_too_long, normalised

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
LONGEST_NAME = 200
LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1.3: a path has 256 octets, two of which are its brackets.

_LOCAL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}")
_DOMAIN = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?)+")
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
_PRINTABLE = re.compile(PRINTABLE)


class Guarded(msgspec.Struct, frozen=True):
    """Something that holds secrets: no log, error or debugger shows its fields."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class SecondFactor(Guarded, frozen=True, kw_only=True):
    """What a log-in needs besides the password: codes that an authenticator makes of the `secret` (RFC 6238). It is on
    `since` the first right one; None: not yet. `last_step` is the time step of the last code that was taken. `recovery`
    are the hashes of the codes that are left for whoever has lost the authenticator. After wrong codes the next one has
    to wait until `next_at`; all of them are forgotten at `forgotten_at`."""

    secret: str
    since: Millis | None = None
    last_step: int = 0
    recovery: tuple[str, ...] = ()
    forgotten_at: Millis = 0
    next_at: Millis = 0


class User(Aggregate, frozen=True, kw_only=True):
    """An account. `epoch` counts the times that all its sessions were ended, `ended_at` is the last of them. Nobody
    logs in to one that is disabled. `used_at` is the last day on which somebody did. One that is erased (`erased_at`)
    keeps nothing but its id."""

    email: str
    role: str
    password_hash: str
    created_at: Millis
    updated_at: Millis
    name: str = ""
    epoch: int = 0
    ended_at: Millis | None = None
    is_disabled: bool = False
    used_at: Millis | None = None
    erased_at: Millis | None = None
    second_factor: SecondFactor | None = None

    @property
    def has_second_factor(self) -> bool:
        """Whether a log-in needs a code, too."""
        return self.second_factor is not None and self.second_factor.since is not None

    def __repr__(self) -> str:
        return f"User(id={self.id!r}, role={self.role!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("id", self.id), ("role", self.role)]


def normalised_email(text: str) -> str:
    """The address as it is stored; Invalid if it is none."""
    email = one_spelling(text)
    if len(email) > LONGEST_EMAIL:
        raise Invalid.field("email", f"must have at most {LONGEST_EMAIL} characters")
    local, _, domain = email.rpartition("@")
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise Invalid.field("email", "must be an email address such as ada@example.com")
    return email


def one_spelling(text: str) -> str:
    """What all addresses that look the same have in common, whether it can be an address or not; never cut."""
    if is_far_too_long(text, LONGEST_EMAIL):
        return text
    # What is not seen goes first: how a capital is written small may depend on the letters beside it.
    seen = normalised(normalised(text, LONGEST_EMAIL).lower(), LONGEST_EMAIL)
    local, at, domain = seen.rpartition("@")
    if len(domain) > LONGEST_EMAIL:
        return seen
    try:
        return f"{local}{at}{domain_name(domain)}"
    except ValueError:
        return f"{local}{at}{domain}"  # No host is called so today; of former releases there may be accounts.


def spellings(text: str) -> list[str]:
    """The spellings under which the account of this address may be stored, the likeliest first: former releases
    stored what was typed, and where two accounts would have become one, one of them still has that."""
    email = one_spelling(text)
    return [email] if is_far_too_long(text, LONGEST_EMAIL) else list(dict.fromkeys([text.strip().lower(), email]))


def checked_password(password: str, field: str = "password") -> str:
    """The password, if it may be chosen; Invalid else."""
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid.field(field, f"must have at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise Invalid.field(field, f"must have at most {LONGEST_PASSWORD} characters")
    return password


def checked_name(name: str) -> str:
    """The name without blanks around it; Invalid if it is too long or has control characters."""
    shown = normalised(name, LONGEST_NAME)
    if len(shown) > LONGEST_NAME or not _PRINTABLE.fullmatch(shown):
        raise Invalid.field("name", f"must have at most {LONGEST_NAME} characters, all of them printable")
    return shown


def registered(user: User, cause: Cause) -> User:
    """The new user with the entry of its making."""
    made = entry(cause, "registered", "", user.role, user.created_at)
    return msgspec.structs.replace(user, audit=(made,))


def with_password(user: User, known_hash: str, new_hash: str, cause: Cause, now: Millis) -> User:
    """The user with another password, all sessions ended. `known_hash` is the one that the old password matched:
    if it has been changed meanwhile, WrongCredentials."""
    if user.password_hash != known_hash:
        raise WrongCredentials
    return with_sessions_ended(user, "password changed", cause, now, password_hash=new_hash)


def respelled(user: User, now: Millis) -> User:
    """The user with the address in its one spelling; the very same one if it is in that, or if that is no address."""
    with suppress(Invalid):
        if (email := normalised_email(user.email)) != user.email:
            cause = Cause(inputs.respelled(user.version), "auth", f"a former release stored {user.email!a}")
            change = entry(cause, "address respelled", user.role, user.role, now)
            return msgspec.structs.replace(user, email=email, updated_at=now, audit=newest(user.audit, change))
    return user


def with_sessions_ended(user: User, what: str, cause: Cause, now: Millis, **changes: Any) -> User:
    """The user with these changes, all sessions ended; the very same one if all of the changes are there already. A
    second factor that was begun in one of them and is not on yet ends as well: somebody else may know its secret."""
    if changes and all(getattr(user, name) == value for name, value in changes.items()):
        return user
    done = entry(cause, what, user.role, changes.get("role", user.role), now)
    always = {"epoch": user.epoch + 1, "ended_at": now, "updated_at": now, "audit": newest(user.audit, done)}
    kept = {"second_factor": user.second_factor if user.has_second_factor else None}
    return msgspec.structs.replace(user, **{**kept, **changes}, **always)


def with_role(user: User, role: str, cause: Cause, now: Millis) -> User:
    """The user with another role; the very same one if it is the present one."""
    if user.role == role:
        return user
    is_less = ROLES[role] < ROLES[user.role]
    change = entry(cause, "demoted" if is_less else "promoted", user.role, role, now)
    return msgspec.structs.replace(user, role=role, updated_at=now, audit=newest(user.audit, change))


class Todo(StrEnum):
    """The effects of an account. Append only."""

    ERASE = "erase"


ERASED = "erased"
FOLLOWS = {ERASED: (Todo.ERASE,)}
"""What is to be done elsewhere because of what happened to an account."""


def used(user: User, now: Millis) -> User:
    """The user, who logs in; to the day, so that not each log-in has to be written down."""
    is_known = user.used_at is not None and now - user.used_at < DAY
    return user if is_known else msgspec.structs.replace(user, used_at=now)


def erased(user: User, cause: Cause, now: Millis) -> User:
    """The account without anything that names the user, and with all sessions ended. What is elsewhere is to be
    erased; the very same if it was erased before."""
    if user.erased_at is not None:
        return user
    # The id in its place is unique as well, and the address of nobody.
    bare = with_sessions_ended(
        user,
        ERASED,
        cause,
        now,
        email=user.id,
        name="",
        password_hash="",
        used_at=None,
        erased_at=now,
        second_factor=None,
    )
    return with_todos(bare, FOLLOWS[ERASED], lambda current, todo: planned(current, todo, now))
