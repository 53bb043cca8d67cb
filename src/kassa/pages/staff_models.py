"""The API's answers about staff and API keys, as far as the pages read them."""

from datetime import datetime

from kassa.pages.models import Answer, Pagination


class Member(Answer, frozen=True):
    """Somebody of the staff, and where they are logged in."""

    id: str
    email: str
    role: str
    created_at: datetime
    name: str | None = None
    is_disabled: bool = False
    has_second_factor: bool = False
    sessions: int = 0
    last_used_at: datetime | None = None


class Staff(Answer, frozen=True):
    staff: tuple[Member, ...]
    pagination: Pagination = Pagination()


class Key(Answer, frozen=True):
    """An API key; what a program shows is not among it."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    creator: str
    expires_at: datetime
    last_used_at: datetime | None = None
    ended_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether a program can use it."""
        return self.ended_at is None and now < self.expires_at


class Keys(Answer, frozen=True):
    keys: tuple[Key, ...]
    pagination: Pagination = Pagination()


class KeyMade(Answer, frozen=True):
    """A new key with its secret, which is answered this once."""

    key: Key
    secret: str

    def __repr__(self) -> str:
        return "KeyMade(…)"
