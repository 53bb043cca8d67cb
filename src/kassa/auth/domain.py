"""Users and their sessions: what may become of them. Pure."""

import hmac
import re
from contextlib import suppress
from typing import Any, Literal, TypeAlias

import msgspec

from kassa.contracts.auth import WrongCredentials
from kassa.kit import inputs
from kassa.kit.audit import Cause, entry, newest
from kassa.kit.clock import DAY, SECOND, Millis
from kassa.kit.documents import Document
from kassa.kit.effects import Aggregate
from kassa.kit.identity import ADMIN
from kassa.kit.problem import Invalid
from kassa.kit.text import domain_name, is_far_too_long, normalised

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
LONGEST_NAME = 200
LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1.3: a path has 256 octets, two of which are its brackets.

REFRESH_KEPT: Millis = 30 * DAY
GRACE: Millis = 30 * SECOND
"""How long a refresh token that was used already still gets a fresh pair: two tabs may refresh at the same time."""
MOST_LIVE_TOKENS = 20

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


class User(Aggregate, frozen=True, kw_only=True):
    """An account. `epoch` counts the times that all its sessions were ended."""

    email: str
    role: str
    password_hash: str
    created_at: Millis
    updated_at: Millis
    name: str = ""
    epoch: int = 0

    def __repr__(self) -> str:
        return f"User(id={self.id!r}, role={self.role!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("id", self.id), ("role", self.role)]


class Issued(msgspec.Struct, frozen=True, omit_defaults=True):
    """One refresh token: only its hash is known. `used_at` is when a successor was given for it."""

    hash: str
    expires_at: Millis
    used_at: Millis | None = None


class Family(Document, frozen=True, kw_only=True):
    """All refresh tokens that come of one log-in. At `due_at` the last one has expired, and the family may go.

    The family's id is part of every one of its tokens and is told to nobody else; so whoever shows it with
    a secret that is not, or not any more, in `tokens` shows an old token.
    """

    user_id: str
    epoch: int
    tokens: tuple[Issued, ...]
    is_revoked: bool = False


Verdict: TypeAlias = Literal["fresh", "refused", "stolen"]


def normalised_email(text: str) -> str:
    """The address as it is stored; Invalid if it is none."""
    email = one_spelling(text)
    local, _, domain = email.rpartition("@")
    if len(email) > LONGEST_EMAIL or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise Invalid.field("email", "must be an email address such as ada@example.com")
    return email


def one_spelling(text: str) -> str:
    """What all addresses that look the same have in common, whether it can be an address or not."""
    if is_far_too_long(text, LONGEST_EMAIL):
        return text
    # What is not seen goes first: how a capital is written small may depend on the letters beside it.
    seen = normalised(normalised(text, LONGEST_EMAIL).lower(), LONGEST_EMAIL)
    local, at, domain = seen.rpartition("@")
    try:
        return f"{local}{at}{domain_name(domain[:LONGEST_EMAIL])}"
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
    changed = entry(cause, "password changed", user.role, user.role, now)
    return msgspec.structs.replace(
        user, password_hash=new_hash, epoch=user.epoch + 1, updated_at=now, audit=newest(user.audit, changed)
    )


def respelled(user: User, now: Millis) -> User:
    """The user with the address in its one spelling; the very same one if it is in that, or if that is no address."""
    with suppress(Invalid):
        if (email := normalised_email(user.email)) != user.email:
            cause = Cause(inputs.respelled(user.version), "auth", f"a former release stored {user.email!a}")
            change = entry(cause, "address respelled", user.role, user.role, now)
            return msgspec.structs.replace(user, email=email, updated_at=now, audit=newest(user.audit, change))
    return user


def promoted(user: User, cause: Cause, now: Millis) -> User:
    """The user as an administrator; the very same one if it is one."""
    if user.role == ADMIN:
        return user
    change = entry(cause, "promoted", user.role, ADMIN, now)
    return msgspec.structs.replace(user, role=ADMIN, updated_at=now, audit=newest(user.audit, change))


def new_family(family_id: str, user: User, token_hash: str, now: Millis) -> Family:
    """The family of a log-in, with its first token."""
    expires_at = now + REFRESH_KEPT
    first = Issued(token_hash, expires_at)
    return Family(id=family_id, due_at=expires_at, user_id=user.id, epoch=user.epoch, tokens=(first,))


def judged(family: Family, token_hash: str, now: Millis) -> Verdict:
    """What a refresh token of this family is worth: `fresh` gets a new pair, `stolen` ends the family."""
    if family.is_revoked:
        return "refused"
    issued = _find(family, token_hash)
    if issued is None:
        return "stolen"
    if issued.used_at is not None and now - issued.used_at > GRACE:
        return "stolen"
    return "fresh" if now < issued.expires_at else "refused"


def rotated(family: Family, token_hash: str, new_hash: str, now: Millis) -> Family:
    """The family after `token_hash` was exchanged for `new_hash`. Worthless tokens are left out."""
    expires_at = now + REFRESH_KEPT
    kept = [
        msgspec.structs.replace(token, used_at=now) if token.used_at is None and token.hash == token_hash else token
        for token in family.tokens
        if now < token.expires_at and (token.used_at is None or now - token.used_at <= GRACE)
    ]
    tokens = (*kept, Issued(new_hash, expires_at))[-MOST_LIVE_TOKENS:]
    return msgspec.structs.replace(family, tokens=tokens, due_at=expires_at)


def revoked(family: Family) -> Family:
    """The family, good for nothing any more."""
    return family if family.is_revoked else msgspec.structs.replace(family, is_revoked=True, tokens=())


def _find(family: Family, token_hash: str) -> Issued | None:
    return next((token for token in family.tokens if hmac.compare_digest(token.hash, token_hash)), None)
