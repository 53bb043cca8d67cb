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
from kassa.kit.clock import DAY, HOUR, Millis
from kassa.kit.effects import Aggregate, Effect, planned, with_todos
from kassa.kit.email import LONGEST_EMAIL, normalised_email, one_spelling
from kassa.kit.problem import Invalid
from kassa.kit.text import is_far_too_long, normalised

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
LONGEST_NAME = 200
MOST_AN_HOUR = 3
"""Mails of one purpose to one account: whoever asks again and again fills somebody's mailbox."""

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


class Purpose(StrEnum):
    """What a link in a mail is good for. Append only."""

    RESET = "reset_password"
    VERIFY = "verify_email"


class Link(Guarded, frozen=True):
    """A link that was sent, good once and until then: of its token only the hash is known."""

    purpose: Purpose
    hash: str
    until: Millis


class User(Aggregate, frozen=True, kw_only=True):
    """An account. `epoch` counts the times that all its sessions were ended, `ended_at` is the last of them. Nobody
    logs in to one that is disabled. `used_at` is the last day on which somebody did. One that is erased (`erased_at`)
    keeps nothing but its id. `verified_at` is since when it is known that the user reads what is sent to the address;
    `locale` is the language to write in, one of contracts.mail.LOCALES; empty: nobody knows. `links` are those that are
    under way, one for each purpose."""

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
    verified_at: Millis | None = None
    locale: str = ""
    links: tuple[Link, ...] = ()

    @property
    def has_second_factor(self) -> bool:
        """Whether a log-in needs a code, too."""
        return self.second_factor is not None and self.second_factor.since is not None

    def __repr__(self) -> str:
        return f"User(id={self.id!r}, role={self.role!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("id", self.id), ("role", self.role)]


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
    return with_sessions_ended(user, PASSWORD_CHANGED, cause, now, password_hash=new_hash)


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
    second factor that was begun in one of them and is not on yet ends as well: somebody else may know its secret. So do
    the links that were sent, unless `changes` keep them."""
    if changes and all(getattr(user, name) == value for name, value in changes.items()):
        return user
    done = entry(cause, what, user.role, changes.get("role", user.role), now)
    always = {"epoch": user.epoch + 1, "ended_at": now, "updated_at": now, "audit": newest(user.audit, done)}
    kept = {"second_factor": user.second_factor if user.has_second_factor else None, "links": ()}
    ended = msgspec.structs.replace(user, **{**kept, **changes}, **always)
    if what not in FOLLOWS:
        return ended
    return with_todos(ended, FOLLOWS[what], lambda current, todo: _planned(current, todo, what, now))


def _planned(user: User, todo: "Todo", what: str, now: Millis) -> Effect | None:
    """Whoever changes a password again and again fills no mailbox: it may be somebody else's address."""
    if todo is not Todo.MAIL_CHANGED:
        return planned(user, todo, now)
    told = sum(Todo.MAIL_CHANGED in FOLLOWS.get(each.what, ()) and each.at > now - HOUR for each in user.audit)
    return planned(user, todo, now, what=what, since=str(now)) if told <= MOST_AN_HOUR else None


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
    MAIL_RESET = "mail_reset"
    MAIL_VERIFY = "mail_verify"
    CLAIM_ORDERS = "claim_orders"
    MAIL_CHANGED = "mail_changed"


ERASED, RESET_WANTED, VERIFICATION_WANTED, VERIFIED, ORDERS_LEFT = (
    "erased",
    "password reset wanted",
    "address verification wanted",
    "address verified",
    "guest orders left",
)
PASSWORD_CHANGED, PASSWORD_RESET, SECOND_FACTOR_ON, SECOND_FACTOR_OFF, SECOND_FACTOR_RESET = (
    "password changed",
    "password reset",
    "second factor on",
    "second factor off",
    "second factor reset",
)
FOLLOWS = {
    ERASED: (Todo.ERASE,),
    RESET_WANTED: (Todo.MAIL_RESET,),
    VERIFICATION_WANTED: (Todo.MAIL_VERIFY,),
    VERIFIED: (Todo.CLAIM_ORDERS,),
    ORDERS_LEFT: (Todo.CLAIM_ORDERS,),
    # Whoever has got into an account changes these first (OWASP ASVS 5.0, 6.3.7).
    PASSWORD_CHANGED: (Todo.MAIL_CHANGED,),
    PASSWORD_RESET: (Todo.MAIL_CHANGED,),
    SECOND_FACTOR_ON: (Todo.MAIL_CHANGED,),
    SECOND_FACTOR_OFF: (Todo.MAIL_CHANGED,),
    SECOND_FACTOR_RESET: (Todo.MAIL_CHANGED,),
}
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
    return with_sessions_ended(
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
        verified_at=None,
        locale="",
    )
