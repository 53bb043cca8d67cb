"""Registers, logs in, refreshes, logs out: one method for each thing that a user can ask of the auth service."""

import msgspec

from kassa.auth import domain, weak
from kassa.auth.accounts import Accounts
from kassa.auth.acts import Acts
from kassa.auth.admins import Admins
from kassa.auth.api_keys import ApiKeys
from kassa.auth.by_mail import ByMail
from kassa.auth.challenges import Challenges
from kassa.auth.devices import Devices
from kassa.auth.domain import User
from kassa.auth.family import Family, Seen
from kassa.auth.links import Links
from kassa.auth.mail_effects import Claims
from kassa.auth.passwords import Passwords
from kassa.auth.second_factor import SecondFactors, SetUp
from kassa.auth.sessions import Session, Sessions
from kassa.auth.staff import Staff
from kassa.auth.store import AuthStore
from kassa.auth.throttle import Throttle, Trier
from kassa.auth.tokens import Tokens
from kassa.contracts.auth import (
    AccountDisabled,
    Act,
    Contact,
    KeyHolder,
    KeySet,
    OwnAccount,
    RoleNotAllowed,
    WrongCredentials,
)
from kassa.kit import security
from kassa.kit.access import USER as USER_ROLE
from kassa.kit.clock import DAY, Clock, Millis
from kassa.kit.email import LONGEST_EMAIL, one_spelling
from kassa.kit.ended import Ended
from kassa.kit.household import household, neighbourhood
from kassa.kit.identity import Principal
from kassa.kit.ids import Ids
from kassa.kit.outbox import Outbox
from kassa.kit.problem import NotFound, SecondFactorMissing, TooManyRequests, Unauthenticated
from kassa.kit.spelling import Twins, twins

LONGEST_LOGIN: Millis = 90 * DAY


class Visitor(domain.Guarded, frozen=True):
    """Who comes: the network address, the program, and what the device shows, if it was here before."""

    address: str
    agent: str = ""
    device_token: str = ""

    @property
    def seen(self) -> Seen:
        """What of it a session keeps."""
        return Seen(neighbourhood(self.address), self.agent)


class AuthService:
    """Who somebody is. Satisfies kassa.contracts.auth.Auth."""

    def __init__(
        self,
        store: AuthStore,
        outbox: Outbox[User],
        tokens: Tokens,
        devices: Devices,
        passwords: Passwords,
        ids: Ids,
        clock: Clock,
        longest_login: Millis = LONGEST_LOGIN,
        *,
        challenges: Challenges,
        links: Links,
        claims: Claims,
        issuer: str,
        has_mail: bool = True,
        wants_second_factor: bool = False,
        acts_kept_days: int = 0,
    ) -> None:
        self._store = store
        self._accounts = Accounts(outbox, passwords, ids, clock)
        self._tokens = tokens
        self._devices = devices
        self._passwords = passwords
        self._throttle = Throttle(clock)
        self.admins = Admins(self._accounts, passwords)
        self._sessions = Sessions(
            store, self._accounts, tokens, ids, clock, longest_login, wants_second_factor=wants_second_factor
        )
        self._factors = SecondFactors(store, self._accounts, self._sessions, challenges, ids, clock, issuer)
        proving = (passwords, self._sessions, self._throttle, devices)
        self.by_mail = ByMail(outbox, self._accounts, *proving, links, ids, clock, is_off=not has_mail)
        self._claims = claims
        self.staff = Staff(store, self._sessions, ids, clock)
        self.ended_tokens = self._sessions.ended_tokens
        self.acts = Acts(store.acts, clock, acts_kept_days)
        self.api_keys = ApiKeys(store.api_keys, self.ended_tokens, ids, clock)

    async def keys(self) -> KeySet:
        """The public keys of all tokens that are still valid."""
        return self._tokens.keys()

    async def ended(self, since: Millis) -> Ended:
        """What was ended since then."""
        return await self._sessions.ended(since)

    async def key_holder(self, key_hash: str) -> KeyHolder:
        """Whose API key has this hash; NotFound."""
        return await self.api_keys.holder(key_hash)

    async def note_act(self, act: Act) -> None:
        """Write an act of staff or of an API key down."""
        await self.acts.note(act)

    async def contact(self, user_id: str) -> Contact:
        """Whom to write to about what is the user's; NotFound."""
        user = await self._accounts.get(user_id)
        if user is None or user.erased_at is not None:
            raise NotFound("there is no such account")
        return Contact(user.email, user.name, user.locale, user.verified_at is not None)

    async def register(
        self,
        name: str,
        email: str,
        password: str,
        role: str = USER_ROLE,
        visitor: Visitor | None = None,
        locale: str = "",
    ) -> Session:
        """Make an account and log in; `locale` is what their browser says of languages. Invalid, RoleNotAllowed,
        EmailTaken."""
        if role != USER_ROLE:
            raise RoleNotAllowed
        visitor = visitor or Visitor("")
        turn = self._throttle.newcomer(household(visitor.address))
        welcoming = self.by_mail.welcoming(locale, visitor.address)
        user = await self._accounts.make(name, email, password, USER_ROLE, None, turn, welcoming)
        return await self._begin(user, visitor)

    async def login(self, email: str, password: str, visitor: Visitor) -> Session:
        """A new session. WrongCredentials, after the same time, for an unknown address and a wrong password;
        TooManyRequests after repeated failures of the visitor's household, or of the device if the account knows it;
        AccountDisabled. SecondFactorRequired if the password is right, and the account wants a code, too."""
        address = one_spelling(email)
        if len(address) > LONGEST_EMAIL:
            address = ""  # Nobody's, whatever it begins like; all of them are counted together.
        found = await self._accounts.of(email)
        device = self._devices.device(visitor.device_token, found)
        trier = Trier(address, household(visitor.address), device, found.id if found else "")
        user = await self._checked(trier, found, password, security.LOGIN_FAILED)
        if user.has_second_factor:
            raise self._factors.required_of(user)
        return await self._logged_in(user, visitor, visitor.device_token if device else "")

    async def login_with_code(self, challenge: str, code: str, visitor: Visitor) -> Session:
        """A new session for whoever was given the challenge for a right password, and has a code, too.
        ChallengeExpired, WrongCode, TooManyRequests."""
        return await self._logged_in(await self._factors.answered(challenge, code), visitor)

    async def refresh(self, refresh_token: str, visitor: Visitor) -> Session:
        """Exchange a refresh token for a fresh pair; InvalidRefreshToken else."""
        return await self._sessions.refresh(refresh_token, visitor.seen)

    async def logout(self, refresh_token: str) -> None:
        """Afterwards no token of the session is worth anything. An unknown one changes nothing."""
        await self._sessions.log_out(refresh_token)

    async def change_password(self, principal: Principal, current: str, new: str, visitor: Visitor) -> None:
        """Afterwards only the new password is right, and all sessions of the user have ended.
        WrongCredentials if `current` is not the password, Invalid, TooManyRequests."""
        user = await self.asker(principal)
        weak.checked(new, user.email, user.name, "new")
        user = await self._confirmed(principal, user, current, visitor, security.PASSWORD_CHANGE_FAILED)
        self._sessions.all_ended(await self._accounts.set_password(user, new, who=user.id))

    async def asker(self, principal: Principal) -> User:
        """The user who asks; Unauthenticated if there is none any more."""
        user = await self._accounts.get(principal.id)
        if user is None or user.erased_at is not None:
            raise Unauthenticated("this account does not exist any more")
        return user

    async def confirmed(self, principal: Principal, password: str, visitor: Visitor) -> User:
        """The user who asks, if this is the password; WrongCredentials, TooManyRequests."""
        user = await self.asker(principal)
        return await self._confirmed(principal, user, password, visitor, security.CONFIRMATION_FAILED)

    async def second_factor(self, principal: Principal) -> tuple[User, bool]:
        """The user, and whether they have to set up a second factor before they may do what their role allows."""
        user = await self.asker(principal)
        return user, self._sessions.needs_second_factor(user)

    async def set_up_second_factor(self, principal: Principal, password: str, visitor: Visitor) -> SetUp:
        """Begin to set one up. WrongCredentials, TooManyRequests, SecondFactorOn."""
        return await self._factors.begin(await self.confirmed(principal, password, visitor))

    async def confirm_second_factor(
        self, principal: Principal, code: str, visitor: Visitor
    ) -> tuple[Session, list[str]]:
        """Turn it on with its first code: a new session, all others have ended; and the recovery codes. WrongCode,
        TooManyRequests, SecondFactorOn, SecondFactorOff."""
        user, recovery = await self._factors.confirm(principal.id, code)
        return await self._begin(user, visitor), recovery

    async def renew_recovery_codes(self, principal: Principal, password: str, code: str, visitor: Visitor) -> list[str]:
        """New recovery codes, in place of the old. WrongCredentials, WrongCode, TooManyRequests, SecondFactorOff."""
        user = await self.confirmed(principal, password, visitor)
        return await self._factors.renew(user.id, code)

    async def remove_second_factor(self, principal: Principal, password: str, code: str, visitor: Visitor) -> Session:
        """Turn it off: a new session, all others have ended. WrongCredentials, WrongCode, TooManyRequests,
        SecondFactorOff."""
        user = await self.confirmed(principal, password, visitor)
        return await self._begin(await self._factors.remove(user.id, code), visitor)

    async def reset_second_factor(
        self, principal: Principal, password: str, code: str, visitor: Visitor, user_id: str
    ) -> User:
        """Turn off that of somebody else, with the administrator's own password and code: a stolen session is not
        enough. WrongCredentials, WrongCode, TooManyRequests, SecondFactorMissing, NotFound, OwnAccount,
        SecondFactorOff."""
        admin = await self.confirmed(principal, password, visitor)
        if not admin.has_second_factor:
            raise SecondFactorMissing
        if user_id == admin.id:
            raise OwnAccount("this is your own account: turn your second factor off instead, or ask another one")
        await self._factors.prove(admin.id, code)
        return await self.staff.reset_second_factor(user_id, admin.id)

    async def sessions(self, user_id: str) -> list[Family]:
        """The user's sessions, the latest first."""
        return await self._sessions.of(user_id)

    async def end_session(self, user_id: str, session_id: str) -> None:
        """End one session of the user; NotFound if there is no such one."""
        await self._sessions.end(user_id, session_id)

    async def end_other_sessions(self, principal: Principal) -> None:
        """End all sessions of the user but the one that asks."""
        await self._sessions.end_others(principal.id, principal.session_id)

    async def user_of(self, email: str) -> User | None:
        """The user whose address this is."""
        return await self._accounts.of(email)

    async def forget_sessions(self, user: User) -> None:
        """End all sessions of the user, and keep nothing of them."""
        await self._sessions.forget(user)

    async def remove_expired(self) -> int:
        """Remove sessions that are good for nothing any more; return how many."""
        return await self._sessions.remove_expired()

    async def twins(self) -> list[Twins]:
        """The accounts of former releases that look like another one's."""
        return await twins(self._store.users, self._store.left, "email", one_spelling)

    async def _confirmed(
        self, principal: Principal, user: User, password: str, visitor: Visitor, failed: security.Kind
    ) -> User:
        # Whoever has got hold of a session guesses no faster than from a device, and slows down nobody else.
        trier = Trier(user.email, household(visitor.address), principal.session_id or user.id, user.id)
        return await self._checked(trier, user, password, failed)

    async def _checked(self, trier: Trier, user: User | None, password: str, failed: security.Kind) -> User:
        """The user, if there is one and this is the password; WrongCredentials else, which is noted as `failed`.
        AccountDisabled."""
        who = user.id if user else self._devices.stranger(trier.email)
        try:
            async with self._throttle.turn(trier) as turn:
                is_right = await self._passwords.matches(user.password_hash if user else None, password, turn)
                if user is None or not is_right:
                    self._throttle.failed(trier)
                    security.event(failed, who)
                    raise WrongCredentials
                self._throttle.succeeded(trier)
        except TooManyRequests:
            security.event(security.LOGIN_THROTTLED, who)
            raise
        if user.is_disabled:
            security.event(failed, who, why="disabled")
            raise AccountDisabled
        return user

    async def _logged_in(self, user: User, visitor: Visitor, device_token: str = "") -> Session:
        await self._accounts.used(user)
        await self._sessions.make_room(user)
        security.event(security.LOGIN, user.id)
        self._claims.begin(user)
        return await self._begin(user, visitor, device_token)

    async def _begin(self, user: User, visitor: Visitor, device_token: str = "") -> Session:
        session = await self._sessions.begin(user, visitor.seen)
        return msgspec.structs.replace(session, device_token=device_token or self._devices.token(user))
