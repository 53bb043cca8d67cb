"""Registers, logs in, refreshes, logs out: one method for each thing that a user can ask of the auth service."""

import hashlib
from typing import Literal

import msgspec

from kassa.auth import domain
from kassa.auth.domain import Guarded, User
from kassa.auth.passwords import Passwords
from kassa.auth.store import AuthStore
from kassa.auth.throttle import Throttle
from kassa.auth.tokens import Tokens
from kassa.contracts.auth import EmailTaken, InvalidRefreshToken, KeySet, RoleNotAllowed, WrongCredentials
from kassa.kit.audit import Cause
from kassa.kit.clock import Clock
from kassa.kit.documents import Conflict, Duplicate, In, change
from kassa.kit.identity import ADMIN
from kassa.kit.identity import USER as USER_ROLE
from kassa.kit.ids import REQUEST, USER, Ids
from kassa.kit.problem import Invalid, Unauthenticated
from kassa.kit.spelling import Twins, twins
from kassa.kit.wire import request_id

FAMILY = "fam"
_OPERATOR = "operator"


class Session(Guarded, frozen=True):
    """What a log-in gives: the access token, the refresh token, and whose they are."""

    token: str
    refresh_token: str
    user: User


class AdminMade(msgspec.Struct, frozen=True):
    """What `create_admin` did. `has_new_password`: the given password counts from now on."""

    user_id: str
    email: str
    outcome: Literal["created", "promoted", "unchanged"]
    has_new_password: bool


class AuthService:
    """Who somebody is. Satisfies kassa.contracts.auth.Auth."""

    def __init__(self, store: AuthStore, tokens: Tokens, passwords: Passwords, ids: Ids, clock: Clock) -> None:
        self._users = store.users
        self._families = store.families
        self._left = store.left
        self._tokens = tokens
        self._passwords = passwords
        self._ids = ids
        self._clock = clock
        self._throttle = Throttle(clock)

    async def keys(self) -> KeySet:
        """The public keys of all tokens that are still valid."""
        return self._tokens.keys()

    async def register(self, name: str, email: str, password: str, role: str = USER_ROLE) -> Session:
        """Make an account and log in. Invalid, RoleNotAllowed, EmailTaken."""
        if role != USER_ROLE:
            raise RoleNotAllowed
        address = domain.normalised_email(email)
        name = domain.checked_name(name)
        domain.checked_password(password)
        if await self._by_email(email) is not None:
            raise EmailTaken
        return await self._begin(await self._insert(name, address, password, USER_ROLE, who=None))

    async def login(self, email: str, password: str, client: str) -> Session:
        """A new session. WrongCredentials, after the same time, for an unknown address and a wrong password;
        TooManyRequests after repeated failures for this address from this `client` (or from everywhere)."""
        address = domain.one_spelling(email)[: domain.LONGEST_EMAIL]
        async with self._throttle.turn(client, address):
            user = await self._checked(client, address, await self._by_email(email), password)
        return await self._begin(user)

    async def refresh(self, refresh_token: str) -> Session:
        """Exchange a refresh token for a fresh pair; InvalidRefreshToken else.

        One that was exchanged before still gets a pair for 30 s, for two tabs may ask at once; later it has been
        stolen from somebody, and the whole family is revoked.
        """
        family_id, token_hash = _parts(refresh_token)
        while (family := await self._families.get(family_id)) is not None:
            now = self._clock.now()
            verdict = domain.judged(family, token_hash, now)
            user = await self._users.get(family.user_id)
            if verdict == "stolen":
                await change(self._families, family_id, domain.revoked)
            if verdict != "fresh" or user is None or user.epoch != family.epoch:
                break
            successor = self._new_refresh_token(family_id)
            try:
                await self._families.save(domain.rotated(family, token_hash, _hash(successor), now))
            except Conflict:
                continue
            return self._session(user, successor)
        raise InvalidRefreshToken("the refresh token is unknown, expired or revoked; log in again")

    async def logout(self, refresh_token: str) -> None:
        """Afterwards no refresh token of the family is worth anything. An unknown one changes nothing."""
        family_id, _ = _parts(refresh_token)
        await change(self._families, family_id, domain.revoked)

    async def change_password(self, user_id: str, current: str, new: str, client: str) -> None:
        """Afterwards only the new password is right, and all refresh tokens of the user are revoked.
        WrongCredentials if `current` is not the password, Invalid, TooManyRequests."""
        domain.checked_password(new, "new")
        user = await self._users.get(user_id)
        if user is None:
            raise Unauthenticated("this account does not exist any more")
        address = domain.one_spelling(user.email)
        async with self._throttle.turn(client, address):
            await self._checked(client, address, user, current)
        await self._set_password(user, new, who=user_id)

    async def create_admin(self, email: str, password: str | None) -> AdminMade:
        """Make an administrator, or make one of the user that has this address. A password that is given counts
        from then on, and ends the user's sessions; without one an existing user keeps the old one. Asking again is
        harmless."""
        address = domain.normalised_email(email)
        if password is not None:
            domain.checked_password(password)
        user = await self._by_email(email)
        if user is None:
            if password is None:
                raise Invalid.field("password", "a new administrator needs one")
            user = await self._insert("", address, password, ADMIN, who=_OPERATOR)
            return AdminMade(user.id, address, "created", has_new_password=True)
        is_known = password is None or await self._passwords.matches(user.password_hash, password)
        if password is not None and not is_known:
            await self._set_password(user, password, who=_OPERATOR)
        outcome: Literal["promoted", "unchanged"] = "unchanged" if user.role == ADMIN else "promoted"
        cause, now = self._cause(_OPERATOR, "kassa admin create"), self._clock.now()
        await change(self._users, user.id, lambda known: domain.promoted(known, cause, now))
        return AdminMade(user.id, user.email, outcome, has_new_password=not is_known)

    async def remove_expired(self) -> int:
        """Remove families whose last token has expired; return how many."""
        expired = await self._families.due(self._clock.now(), 1000)
        for family in expired:
            await self._families.delete(family.id)
        return len(expired)

    async def twins(self) -> list[Twins]:
        """The accounts of former releases that look like another one's."""
        return await twins(self._users, self._left, "email", domain.one_spelling)

    async def _by_email(self, text: str) -> User | None:
        """The user whose address this is, however it was spelled when it was stored."""
        spellings = domain.spellings(text)
        if len(spellings) == 1:
            return await self._users.first({"email": spellings[0]})
        found = await self._users.find({"email": In(tuple(spellings))}, limit=len(spellings))
        return min(found, key=lambda user: spellings.index(user.email), default=None)

    async def _checked(self, client: str, address: str, user: User | None, password: str) -> User:
        """The user, if there is one and this is the password; WrongCredentials else."""
        is_right = await self._passwords.matches(user.password_hash if user else None, password)
        if user is None or not is_right:
            self._throttle.failed(client, address)
            raise WrongCredentials
        self._throttle.succeeded(client, address)
        return user

    async def _insert(self, name: str, address: str, password: str, role: str, who: str | None) -> User:
        password_hash = await self._passwords.hash(password)
        now = self._clock.now()
        user_id = self._ids.new(USER)
        user = User(
            id=user_id,
            email=address,
            role=role,
            password_hash=password_hash,
            created_at=now,
            updated_at=now,
            name=name,
        )
        try:
            return await self._users.insert(domain.registered(user, self._cause(who or user_id, "registration")))
        except Duplicate as duplicate:
            raise EmailTaken from duplicate

    async def _set_password(self, user: User, password: str, who: str) -> None:
        known_hash, new_hash = user.password_hash, await self._passwords.hash(password)
        cause, now = self._cause(who, "password changed"), self._clock.now()
        await change(
            self._users, user.id, lambda current: domain.with_password(current, known_hash, new_hash, cause, now)
        )

    async def _begin(self, user: User) -> Session:
        family_id = self._ids.new(FAMILY)
        refresh_token = self._new_refresh_token(family_id)
        await self._families.insert(domain.new_family(family_id, user, _hash(refresh_token), self._clock.now()))
        return self._session(user, refresh_token)

    def _session(self, user: User, refresh_token: str) -> Session:
        return Session(self._tokens.issue(user.id, user.email, user.role), refresh_token, user)

    def _new_refresh_token(self, family_id: str) -> str:
        return f"{family_id}.{self._ids.secret()}"

    def _cause(self, who: str, why: str) -> Cause:
        return Cause(self._ids.new(REQUEST), who, why, request_id.get())


def _parts(refresh_token: str) -> tuple[str, str]:
    """The family's id, and the hash of the whole token."""
    return refresh_token.partition(".")[0], _hash(refresh_token)


def _hash(refresh_token: str) -> str:
    # 256 random bits need no salt and no slow hash.
    return hashlib.sha256(refresh_token.encode("utf-8", "surrogatepass")).hexdigest()
