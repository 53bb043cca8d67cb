"""The API's answers about accounts, as far as the pages read them."""

from datetime import datetime

import msgspec

from kassa.pages.models import Answer


class User(Answer, frozen=True):
    id: str
    email: str
    role: str = "user"
    name: str | None = None


class Session(Answer, frozen=True):
    """Registering, logging in and refreshing all answer with this."""

    token: str
    refresh_token: str
    expires_in: int
    user: User
    device_token: str | None = None


class Verification(Answer, frozen=True):
    """Whether the address is known to be the user's, and whether the shop can send a link to show it."""

    email: str
    email_verified: bool = False
    can_send: bool = False


class SecondFactor(Answer, frozen=True):
    """Whether a log-in needs a code. `is_missing`: the shop wants it of this account."""

    is_on: bool
    since: datetime | None = None
    recovery_codes_left: int = 0
    is_missing: bool = False


class SetUp(Answer, frozen=True):
    """What an authenticator is told."""

    uri: str


class RecoveryCodes(Answer, frozen=True):
    recovery_codes: tuple[str, ...]


class SecondFactorMade(Answer, frozen=True):
    """It is on; all sessions have ended but this one."""

    recovery_codes: tuple[str, ...]
    session: Session


class Place(Answer, frozen=True):
    """Where one is logged in."""

    id: str
    created_at: datetime
    last_used_at: datetime
    place: str = ""
    program: str = ""
    is_current: bool = False


class Places(Answer, frozen=True):
    sessions: tuple[Place, ...]


class Claims(Answer, frozen=True):
    sub: str = ""
    email: str = ""
    role: str = "user"
    needs_second_factor: bool = msgspec.field(default=False, name="needs_second_factor")


class Verified(Answer, frozen=True):
    valid: bool
    user: Claims
