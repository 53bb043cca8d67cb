"""What users do by links that are mailed to them: set a new password, show that their address is theirs.

Whoever asks is told the same, at once, whether the address has an account or not: the account is looked at afterwards.
"""

from collections.abc import Callable

import msgspec

from kassa.auth import links, weak
from kassa.auth.accounts import Accounts
from kassa.auth.devices import Devices
from kassa.auth.domain import MOST_AN_HOUR, Purpose, User
from kassa.auth.links import Links
from kassa.auth.passwords import Passwords
from kassa.auth.sessions import Sessions
from kassa.auth.throttle import Throttle
from kassa.contracts.auth import AlreadyVerified, InvalidLink, MailOff
from kassa.contracts.mail import language
from kassa.kit import security
from kassa.kit.audit import Cause
from kassa.kit.clock import SECOND, Clock
from kassa.kit.email import normalised_email
from kassa.kit.household import household
from kassa.kit.ids import REQUEST, Ids
from kassa.kit.outbox import Outbox
from kassa.kit.problem import TooManyRequests
from kassa.kit.wire import request_id


class ByMail:
    """Sends links, and takes them. `is_off`: the shop sends no mails. `place` is where who asks is in the network."""

    def __init__(
        self,
        outbox: Outbox[User],
        accounts: Accounts,
        passwords: Passwords,
        sessions: Sessions,
        throttle: Throttle,
        devices: Devices,
        tokens: Links,
        ids: Ids,
        clock: Clock,
        *,
        is_off: bool,
    ) -> None:
        self._outbox = outbox
        self._accounts = accounts
        self._passwords = passwords
        self._sessions = sessions
        self._throttle = throttle
        self._devices = devices
        self._tokens = tokens
        self._ids = ids
        self._clock = clock
        self.is_off = is_off

    def welcoming(self, locale: str, place: str) -> Callable[[User], User]:
        """What becomes of a new user: they have this language, and the link that shows that the address is theirs is
        sent to them, unless somebody fills the mailbox."""
        tongue = language(locale) if locale else ""

        def step(user: User) -> User:
            user = msgspec.structs.replace(user, locale=tongue)
            is_sent = not self.is_off and self._throttle.may_mail(household(place), user.email)
            return self._asking(Purpose.VERIFY, user.id)(user) if is_sent else user

        return step

    def forgotten(self, email: str, place: str) -> None:
        """Have a link sent to whoever has this address, and did not disable nor erase the account; nobody is told
        whether somebody has. MailOff, Invalid."""
        self._refuse_if_off()
        address = normalised_email(email)
        if self._throttle.may_mail(household(place), address):
            self._outbox.beside(self._forgotten(email, address))

    async def _forgotten(self, email: str, address: str) -> None:
        user = await self._accounts.of(email)
        security.event(security.RESET_ASKED, user.id if user else self._devices.stranger(address))
        if user is not None:
            await self._outbox.advance(user.id, self._asking(Purpose.RESET, user.id))

    async def reset(self, token: str, password: str, place: str) -> User:
        """The user, for whom from now on only this password is right; all sessions have ended. MailOff, InvalidLink,
        Invalid."""
        self._refuse_if_off()
        user = await self._holder(Purpose.RESET, token)
        weak.checked(password, user.email, user.name, "new")
        new_hash = await self._passwords.hash(password, self._throttle.newcomer(household(place)))
        cause, now = self._cause(user.id, "link"), self._clock.now()
        reset = await self._changed(user, lambda current: links.with_new_password(current, token, new_hash, cause, now))
        security.event(security.PASSWORD_CHANGED, reset.id, by="link")
        self._sessions.all_ended(reset)
        if user.verified_at is None:
            security.event(security.EMAIL_VERIFIED, reset.id)
        return reset

    async def ask_again(self, user: User, place: str) -> None:
        """Send the user another link that shows that the address is theirs. MailOff, AlreadyVerified,
        TooManyRequests."""
        self._refuse_if_off()
        if user.verified_at is not None:
            raise AlreadyVerified
        if wait := links.wait(user, Purpose.VERIFY, self._clock.now()):
            raise TooManyRequests(-(-wait // SECOND))
        if not self._throttle.may_mail(household(place), user.email):
            raise TooManyRequests(links.GOOD_FOR // MOST_AN_HOUR // SECOND)
        await self._outbox.advance(user.id, self._asking(Purpose.VERIFY, user.id))

    async def verify(self, token: str, asker: str) -> User:
        """The user, who asks, and whose address is known to be theirs from now on. Who reads the mail alone does not
        verify: somebody else may have made the account with their address, and would get what is theirs. MailOff,
        InvalidLink."""
        self._refuse_if_off()
        user = await self._holder(Purpose.VERIFY, token)
        if user.id != asker:
            security.event(security.LINK_REFUSED)
            raise InvalidLink
        cause, now = self._cause(user.id, "link"), self._clock.now()
        verified = await self._changed(user, lambda current: links.verified(current, token, cause, now))
        security.event(security.EMAIL_VERIFIED, verified.id)
        return verified

    async def _holder(self, purpose: Purpose, token: str) -> User:
        """Whom the link was sent to; InvalidLink."""
        try:
            return links.checked(await self._accounts.get(links.user_of(token)), purpose, token, self._clock.now())
        except InvalidLink:
            security.event(security.LINK_REFUSED)
            raise

    async def _changed(self, user: User, step: Callable[[User], User]) -> User:
        """The user after the step, which is the only one of several at once that the link is good for."""
        changed = await self._outbox.advance(user.id, step)
        if changed is None:
            raise InvalidLink
        return changed

    def _asking(self, purpose: Purpose, user_id: str) -> Callable[[User], User]:
        nonce, now = self._ids.secret(), self._clock.now()
        token, cause = self._tokens.new(purpose, user_id, nonce), self._cause(user_id, "asked for")
        return lambda user: links.asked(user, purpose, nonce, token, cause, now)

    def _refuse_if_off(self) -> None:
        if self.is_off:
            raise MailOff

    def _cause(self, who: str, why: str) -> Cause:
        return Cause(self._ids.new(REQUEST), who, why, request_id.get())
