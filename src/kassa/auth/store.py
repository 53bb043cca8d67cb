"""Where users and their sessions are kept."""

from collections.abc import Sequence
from typing import Self

from kassa.auth.acts import ACTS, KeptAct
from kassa.auth.api_keys import API_KEYS, ApiKey
from kassa.auth.domain import User, respelled
from kassa.auth.family import Family
from kassa.kit.clock import Clock
from kassa.kit.documents import Collection, CollectionSpec, Database, Index
from kassa.kit.spelling import respell

USERS = CollectionSpec(
    "users",
    User,
    (
        Index("by_email", ("email",), unique=True),
        Index("by_end", ("ended_at",)),
        Index("by_role", ("role", "id")),
        Index("by_use", ("used_at",)),
        Index("by_erasure", ("erased_at",)),
    ),
)
FAMILIES = CollectionSpec(
    "refresh_families", Family, (Index("by_user", ("user_id", "id")), Index("by_end", ("ended_at",)))
)


class AuthStore:
    """The collections of the auth service. `left` are the users whose address is another one's by now, and who keep
    the spelling in which a former release stored it."""

    def __init__(
        self,
        users: Collection[User],
        families: Collection[Family],
        api_keys: Collection[ApiKey],
        acts: Collection[KeptAct],
        left: Sequence[str],
    ) -> None:
        self.users = users
        self.families = families
        self.api_keys = api_keys
        self.acts = acts
        self.left = left

    @classmethod
    async def open(cls, database: Database, clock: Clock) -> Self:
        """Open the collections in the database, and bring all addresses to their one spelling."""
        users = await database.collection(USERS)
        left = await respell(database, users, lambda user: respelled(user, clock.now()))
        return cls(
            users,
            await database.collection(FAMILIES),
            await database.collection(API_KEYS),
            await database.collection(ACTS),
            left,
        )
