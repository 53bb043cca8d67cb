"""The API's answers about accounts, as far as the pages read them."""

from datetime import datetime

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


class Verified(Answer, frozen=True):
    valid: bool
    user: Claims
