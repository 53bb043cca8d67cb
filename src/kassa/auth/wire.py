"""Auth over the wire: what is sent and what is answered."""

from typing import Annotated

import msgspec
from msgspec import Meta

from kassa.auth.challenges import LONGEST_CHALLENGE
from kassa.auth.codes import LONGEST_CODE
from kassa.auth.devices import LONGEST_TOKEN
from kassa.auth.domain import (
    LONGEST_NAME,
    LONGEST_PASSWORD,
    PRINTABLE,
    SHORTEST_PASSWORD,
    Guarded,
    User,
)
from kassa.auth.family import Family
from kassa.auth.sessions import Session
from kassa.auth.tokens import EXPIRES_IN
from kassa.kit.access import STAFF
from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.email import LONGEST_EMAIL
from kassa.kit.identity import Principal
from kassa.kit.lists import Id, Pagination, documented

Email = Annotated[str, documented("An email address; case does not matter", format="email", maxLength=LONGEST_EMAIL)]
_NEW = (
    "Any characters, the more the better: 15 are a good length. Not one of those that are used most, nor one made of "
    "the account's own address or name"
)
NewPassword = Annotated[
    str,
    documented(_NEW, format="password", minLength=SHORTEST_PASSWORD, maxLength=LONGEST_PASSWORD),
]
# Those who guess choose the length: looked at before anything is done with it.
Password = Annotated[str, Meta(max_length=LONGEST_PASSWORD), documented("The password as it is now", format="password")]


LONGEST_LOCALE = 200
Locale = Annotated[
    str,
    Meta(max_length=LONGEST_LOCALE),
    documented("The language to write mails in, such as `de-AT`, or what a browser says of it (`Accept-Language`)"),
]


class Registration(Guarded, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A new account."""

    email: Email
    password: NewPassword
    name: Annotated[str | None, documented("How to address the user", maxLength=LONGEST_NAME, pattern=PRINTABLE)] = None
    role: Annotated[str, Meta(max_length=LONGEST_NAME, description="Only `user` can be registered")] | None = None
    locale: Locale | None = None


class Credentials(Guarded, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Who wants to log in."""

    email: Email
    password: Password
    device_token: Annotated[
        str | None,
        documented(
            "What a former log-in from here was given: it goes before those of strangers", maxLength=LONGEST_TOKEN
        ),
    ] = None


class Refresh(Guarded, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A refresh token."""

    refresh_token: Id


class PasswordChange(Guarded, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The password as it is and as it shall be."""

    current: Password
    new: NewPassword


class Confirmation(Guarded, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The password, once more."""

    password: Password


Code = Annotated[
    str,
    Meta(max_length=LONGEST_CODE),
    documented("Six digits of the authenticator, or a recovery code; blanks and hyphens do not matter"),
]


class SecondStep(Guarded, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The second step of a log-in: what the first one was answered, and a code."""

    challenge: Annotated[str, Meta(max_length=LONGEST_CHALLENGE)]
    code: Code


class OneCode(Guarded, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A code."""

    code: Code


class PasswordAndCode(Guarded, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The password, once more, and a code."""

    password: Password
    code: Code


class SecondFactorState(msgspec.Struct, frozen=True, rename="camel"):
    """Whether a log-in needs a code, since when, and how many recovery codes are left. `isMissing`: this shop wants a
    second factor of its staff, and yours has to be set up before you may do anything with it."""

    is_on: bool
    since: Timestamp | None
    recovery_codes_left: int
    is_missing: bool


class SetUpOut(Guarded, frozen=True):
    """What an authenticator is told: the secret, in base 32, and the same as a URI for a QR code."""

    secret: str
    uri: str


class RecoveryCodes(Guarded, frozen=True, rename="camel"):
    """Each logs in once, in place of the authenticator. They are in this answer and nowhere else."""

    recovery_codes: list[str]


class SecondFactorMade(Guarded, frozen=True, rename="camel"):
    """The second factor is on. All sessions have ended but this new one."""

    recovery_codes: list[str]
    session: "SessionOut"


class UserOut(msgspec.Struct, frozen=True, rename="camel"):
    """A user; `name` is null if none was given. `emailVerified`: they have shown that they read what is sent there."""

    id: str
    name: str | None
    email: str
    role: str
    created_at: Timestamp
    email_verified: bool


class SessionOut(Guarded, frozen=True, rename="camel"):
    """A session. Send `token` as `Authorization: Bearer …`; it is good for `expiresIn` seconds. Then exchange
    `refreshToken`, which is good once and for 30 days, for the next pair. Keep `deviceToken`, which is null if you
    refresh, and send it with your next log-in: strangers who guess cannot slow that down."""

    token: str
    token_type: str
    expires_in: int
    refresh_token: str
    user: UserOut
    device_token: str | None


class OneSession(msgspec.Struct, frozen=True, rename="camel"):
    """A log-in that is still good. `place` is the network from which it was used last, `program` what it was used with;
    both are empty if nobody knows. `lastUsedAt` is when it was given its last token: up to 15 minutes before its last
    request."""

    id: str
    created_at: Timestamp
    last_used_at: Timestamp
    place: str
    program: str
    is_current: bool


class SessionList(msgspec.Struct, frozen=True):
    """All of one's sessions, the latest first."""

    sessions: list[OneSession]


class Member(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody of the staff. `sessions` is where they are logged in, `lastUsedAt` when one of these was given its last
    token: up to 15 minutes before its last request; null if they are logged in nowhere."""

    id: str
    name: str | None
    email: str
    role: str
    is_disabled: bool
    created_at: Timestamp
    has_second_factor: bool
    sessions: int
    last_used_at: Timestamp | None


class RoleChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another role."""

    role: Annotated[str, documented("A role of the staff", enum=list(STAFF))]


class OneMember(msgspec.Struct, frozen=True):
    """The user as they are now: a buyer, if demoted."""

    member: Member


class StaffList(msgspec.Struct, frozen=True):
    """The staff, the latest first."""

    staff: list[Member]
    pagination: Pagination


class Claims(msgspec.Struct, frozen=True, rename="camel"):
    """What a token says; `exp` is in seconds since the epoch."""

    sub: str
    email: str
    role: str
    exp: int


class Verified(msgspec.Struct, frozen=True, rename="camel"):
    """The token is good."""

    valid: bool
    user: Claims


def shown(session: Session) -> SessionOut:
    """The session as the wire shows it."""
    user = shown_user(session.user)
    return SessionOut(session.token, "Bearer", EXPIRES_IN, session.refresh_token, user, session.device_token)


def listed(families: list[Family], current: str) -> SessionList:
    """The sessions as the wire shows them; `current` is the id of the one that asks."""
    return SessionList([_shown_family(each, current) for each in families])


def _shown_family(family: Family, current: str) -> OneSession:
    begun, used = rfc3339(family.begun_at), rfc3339(family.used_at or family.begun_at)
    seen, session_id = family.seen, family.session_id
    return OneSession(session_id, begun, used, seen.place, seen.agent, session_id == current)


def shown_member(user: User, sessions: list[Family]) -> Member:
    """Somebody of the staff, and where they are logged in, as the wire shows them."""
    made, used = rfc3339(user.created_at), max((each.used_at or each.begun_at for each in sessions), default=None)
    shown = (user.id, user.name or None, user.email, user.role, user.is_disabled, made, user.has_second_factor)
    return Member(*shown, len(sessions), None if used is None else rfc3339(used))


def second_factor_since(user: User) -> Timestamp | None:
    """Since when the user has a second factor; None: there is none."""
    since = user.second_factor.since if user.second_factor else None
    return None if since is None else rfc3339(since)


def shown_factor(user: User, *, is_missing: bool) -> SecondFactorState:
    """The user's second factor as the wire shows it, which is without its secret."""
    left = len(user.second_factor.recovery) if user.second_factor else 0
    return SecondFactorState(user.has_second_factor, second_factor_since(user), left, is_missing)


def verified(principal: Principal) -> Verified:
    """A verified token as the wire shows it."""
    return Verified(True, Claims(principal.id, principal.email, principal.role, principal.expires_at))


def shown_user(user: User) -> UserOut:
    """The user as the wire shows them."""
    is_verified = user.verified_at is not None
    return UserOut(user.id, user.name or None, user.email, user.role, rfc3339(user.created_at), is_verified)
