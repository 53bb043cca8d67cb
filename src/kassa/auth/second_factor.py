"""A second factor: set up, asked for, renewed, turned off. Every code is taken in the write that uses it up."""

from collections.abc import Callable

import msgspec

from kassa.auth import codes, domain
from kassa.auth.accounts import Accounts
from kassa.auth.challenges import EXPIRES_IN, Challenges
from kassa.auth.domain import Guarded, SecondFactor, User
from kassa.auth.sessions import Sessions
from kassa.auth.store import AuthStore
from kassa.contracts.auth import ChallengeExpired, SecondFactorOff, SecondFactorOn, SecondFactorRequired, WrongCode
from kassa.kit import security
from kassa.kit.audit import Cause
from kassa.kit.clock import Clock
from kassa.kit.documents import change
from kassa.kit.ids import REQUEST, Ids
from kassa.kit.problem import TooManyRequests, Unauthenticated
from kassa.kit.wire import request_id


class SetUp(Guarded, frozen=True):
    """What an authenticator is told: the secret, and the same as an `otpauth:` URI."""

    secret: str
    uri: str


class SecondFactors:
    """The users' second factors. `issuer` is what authenticators call the shop."""

    def __init__(
        self,
        store: AuthStore,
        accounts: Accounts,
        sessions: Sessions,
        challenges: Challenges,
        ids: Ids,
        clock: Clock,
        issuer: str,
    ) -> None:
        self._users = store.users
        self._accounts = accounts
        self._sessions = sessions
        self._challenges = challenges
        self._ids = ids
        self._clock = clock
        self._issuer = issuer

    def required_of(self, user: User) -> SecondFactorRequired:
        """What is answered to a user who knows the password, and has a second factor."""
        return SecondFactorRequired(self._challenges.challenge(user), EXPIRES_IN)

    async def answered(self, challenge: str, code: str) -> User:
        """The user who was given the challenge, if this is a code of theirs. ChallengeExpired, WrongCode,
        TooManyRequests."""
        user_id, epoch = self._challenges.read(challenge)
        return await self._proved(user_id, code, _as_it_is, epoch=epoch)

    async def begin(self, user: User) -> SetUp:
        """A secret for the user's authenticator; one that was begun before is forgotten. SecondFactorOn."""
        factor = SecondFactor(secret=codes.new_secret(self._chance()))

        def step(current: User) -> User:
            if current.has_second_factor:
                raise SecondFactorOn
            return msgspec.structs.replace(current, second_factor=factor)

        if await change(self._users, user.id, step) is None:
            raise Unauthenticated("this account does not exist any more")
        return SetUp(factor.secret, codes.uri(factor, user.email, self._issuer))

    async def confirm(self, user_id: str, code: str) -> tuple[User, list[str]]:
        """The user, who has a second factor from now on, and the recovery codes, which nobody can see again. All
        sessions have ended. SecondFactorOn, SecondFactorOff, WrongCode, TooManyRequests."""
        now, recovery = self._clock.now(), self._recovery_codes()
        cause = self._cause(user_id, domain.SECOND_FACTOR_ON)

        def step(user: User) -> User:
            factor = msgspec.structs.replace(_set_up(user), since=now, recovery=_hashes(recovery))
            return domain.with_sessions_ended(user, cause.why, cause, now, second_factor=factor, links=user.links)

        user = await self._proved(user_id, code, step, is_on=False)
        self._sessions.all_ended(user)
        security.event(security.SECOND_FACTOR_ON, user_id)
        return user, recovery

    async def renew(self, user_id: str, code: str) -> list[str]:
        """New recovery codes; the old ones are good for nothing. SecondFactorOff, WrongCode, TooManyRequests."""
        recovery = self._recovery_codes()

        def step(user: User) -> User:
            factor = msgspec.structs.replace(_set_up(user), recovery=_hashes(recovery))
            return msgspec.structs.replace(user, second_factor=factor)

        await self._proved(user_id, code, step)
        security.event(security.RECOVERY_CODES_MADE, user_id)
        return recovery

    async def remove(self, user_id: str, code: str) -> User:
        """The user, who logs in with the password alone; all sessions have ended. SecondFactorOff, WrongCode,
        TooManyRequests."""
        cause, now = self._cause(user_id, domain.SECOND_FACTOR_OFF), self._clock.now()

        def step(user: User) -> User:
            return domain.with_sessions_ended(user, cause.why, cause, now, second_factor=None, links=user.links)

        user = await self._proved(user_id, code, step)
        self._sessions.all_ended(user)
        security.event(security.SECOND_FACTOR_OFF, user_id, by=user_id)
        return user

    async def prove(self, user_id: str, code: str) -> None:
        """Use up a code of the user's. SecondFactorOff, WrongCode, TooManyRequests."""
        await self._proved(user_id, code, _as_it_is)

    async def _proved(
        self, user_id: str, code: str, then: Callable[[User], User], *, is_on: bool = True, epoch: int | None = None
    ) -> User:
        """The user, whose code this is, after `then`, which is stored in the write that uses the code up. A wrong one
        is counted in a write as well: of many at once each waits for the one before."""
        now, outcome = self._clock.now(), ""

        def step(user: User) -> User:
            nonlocal outcome
            if epoch is not None and user.epoch != epoch:
                raise ChallengeExpired
            if user.has_second_factor is not is_on:
                raise SecondFactorOff if is_on else SecondFactorOn
            factor, outcome = codes.tried(_set_up(user), code, now)
            after = user if factor is user.second_factor else msgspec.structs.replace(user, second_factor=factor)
            return after if outcome == "wrong" else then(after)

        try:
            user = await change(self._users, user_id, step)
        except TooManyRequests:
            security.event(security.LOGIN_THROTTLED, user_id)
            raise
        if user is None or outcome == "wrong":
            if is_on:
                security.event(security.SECOND_FACTOR_FAILED, user_id)
            raise WrongCode
        if outcome == "recovery":
            left = len(user.second_factor.recovery) if user.second_factor else 0
            security.event(security.RECOVERY_CODE_USED, user_id, left=str(left))
        return user

    def _recovery_codes(self) -> list[str]:
        return [codes.recovery_code(self._chance()) for _ in range(codes.RECOVERY_CODES)]

    def _chance(self) -> bytes:
        return bytes.fromhex(self._ids.secret())

    def _cause(self, who: str, why: str) -> Cause:
        return Cause(self._ids.new(REQUEST), who, why, request_id.get())


def _as_it_is(user: User) -> User:
    return user


def _set_up(user: User) -> SecondFactor:
    """The user's; SecondFactorOff if none was begun."""
    if user.second_factor is None:
        raise SecondFactorOff
    return user.second_factor


def _hashes(recovery: list[str]) -> tuple[str, ...]:
    return tuple(codes.recovery_hash(each) for each in recovery)
