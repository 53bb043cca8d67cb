"""Registers, logs in, refreshes, logs out: one method for each thing that a user can ask of the auth service."""

import hashlib

from kassa.auth import domain, weak
from kassa.auth.accounts import Accounts
from kassa.auth.admins import Admins
from kassa.auth.domain import Guarded, User
from kassa.auth.passwords import Passwords
from kassa.auth.store import AuthStore
from kassa.auth.throttle import Throttle
from kassa.auth.tokens import Tokens
from kassa.contracts.auth import InvalidRefreshToken, KeySet, RoleNotAllowed, WrongCredentials
from kassa.kit.clock import Clock
from kassa.kit.documents import Conflict, change
from kassa.kit.identity import USER as USER_ROLE
from kassa.kit.ids import Ids
from kassa.kit.problem import Unauthenticated

FAMILY = "fam"


class Session(Guarded, frozen=True):
    """What a log-in gives: the access token, the refresh token, and whose they are."""

    token: str
    refresh_token: str
    user: User


class AuthService:
    """Who somebody is. Satisfies kassa.contracts.auth.Auth."""

    def __init__(self, store: AuthStore, tokens: Tokens, passwords: Passwords, ids: Ids, clock: Clock) -> None:
        self._accounts = Accounts(store.users, passwords, ids, clock)
        self.admins = Admins(self._accounts, passwords)
        self._families = store.families
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
        return await self._begin(await self._accounts.make(name, email, password, USER_ROLE, who=None))

    async def login(self, email: str, password: str, client: str) -> Session:
        """A new session. WrongCredentials, after the same time, for an unknown address and a wrong password;
        TooManyRequests after repeated failures for this address from this `client` (or from everywhere)."""
        address = domain.one_spelling(email)[: domain.LONGEST_EMAIL]
        async with self._throttle.turn(client, address):
            user = await self._checked(client, address, await self._accounts.of(email), password)
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
            user = await self._accounts.get(family.user_id)
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
        user = await self._accounts.get(user_id)
        if user is None:
            raise Unauthenticated("this account does not exist any more")
        weak.checked(new, user.email, user.name, "new")
        address = domain.one_spelling(user.email)
        async with self._throttle.turn(client, address):
            await self._checked(client, address, user, current)
        await self._accounts.set_password(user, new, who=user_id)

    async def remove_expired(self) -> int:
        """Remove families whose last token has expired; return how many."""
        expired = await self._families.due(self._clock.now(), 1000)
        for family in expired:
            await self._families.delete(family.id)
        return len(expired)

    async def _checked(self, client: str, address: str, user: User | None, password: str) -> User:
        """The user, if there is one and this is the password; WrongCredentials else."""
        is_right = await self._passwords.matches(user.password_hash if user else None, password)
        if user is None or not is_right:
            self._throttle.failed(client, address)
            raise WrongCredentials
        self._throttle.succeeded(client, address)
        return user

    async def _begin(self, user: User) -> Session:
        family_id = self._ids.new(FAMILY)
        refresh_token = self._new_refresh_token(family_id)
        await self._families.insert(domain.new_family(family_id, user, _hash(refresh_token), self._clock.now()))
        return self._session(user, refresh_token)

    def _session(self, user: User, refresh_token: str) -> Session:
        return Session(self._tokens.issue(user.id, user.email, user.role), refresh_token, user)

    def _new_refresh_token(self, family_id: str) -> str:
        return f"{family_id}.{self._ids.secret()}"


def _parts(refresh_token: str) -> tuple[str, str]:
    """The family's id, and the hash of the whole token."""
    return refresh_token.partition(".")[0], _hash(refresh_token)


def _hash(refresh_token: str) -> str:
    # 256 random bits need no salt and no slow hash.
    return hashlib.sha256(refresh_token.encode("utf-8", "surrogatepass")).hexdigest()
