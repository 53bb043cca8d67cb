"""Where users and their sessions are kept."""

from typing import Self

from kassa.auth.api_keys import API_KEYS, ApiKey
from kassa.auth.domain import User
from kassa.auth.family import Family
from kassa.kit.documents import Collection, CollectionSpec, Database, Index

USERS = CollectionSpec(
    "users",
    User,
    (Index("by_email", ("email",), unique=True), Index("by_end", ("ended_at",)), Index("by_role", ("role", "id"))),
)
FAMILIES = CollectionSpec(
    "refresh_families", Family, (Index("by_user", ("user_id", "id")), Index("by_end", ("ended_at",)))
)


class AuthStore:
    """The collections of the auth service."""

    def __init__(self, users: Collection[User], families: Collection[Family], api_keys: Collection[ApiKey]) -> None:
        self.users = users
        self.families = families
        self.api_keys = api_keys

    @classmethod
    async def open(cls, database: Database) -> Self:
        """Open the collections in the database."""
        return cls(
            await database.collection(USERS), await database.collection(FAMILIES), await database.collection(API_KEYS)
        )
