"""What follows from changes of an account elsewhere: mails with links in them, and guest orders that become its own."""

from urllib.parse import quote

from kassa.auth import links
from kassa.auth.domain import Purpose, User
from kassa.auth.links import GOOD_FOR, Links
from kassa.contracts.mail import Mail, MailRefused, Mails, language
from kassa.contracts.order import Orders
from kassa.kit.audit import Cause
from kassa.kit.clock import DAY, HOUR, Clock, Millis, rfc3339
from kassa.kit.effects import Effect
from kassa.kit.email import one_spelling
from kassa.kit.outbox import Outbox, Step
from kassa.kit.problem import Invalid, Unavailable
from kassa.kit.wire import request_id

NAME = "auth-service"
PAGES = {Purpose.RESET: "/account/reset", Purpose.VERIFY: "/account/verify"}
"""Where the links lead to."""
FORGOTTEN = "/account/forgotten"
TRIED_FOR: Millis = 3 * DAY
"""After this time it is no news any more that something has changed."""


class MailEffects:
    """Sends the mails. `site` is where browsers find the shop. `is_off`: it sends none."""

    def __init__(self, mails: Mails, tokens: Links, site: str, clock: Clock, *, is_off: bool) -> None:
        self._mails = mails
        self._tokens = tokens
        self._site = site.rstrip("/")
        self._clock = clock
        self._is_off = is_off

    async def mail_reset(self, user: User, effect: Effect) -> Step[User] | None:
        """Send the link by which a new password is set."""
        return await self._send(user, effect, Purpose.RESET)

    async def mail_verify(self, user: User, effect: Effect) -> Step[User] | None:
        """Send the link that shows that the address is the user's."""
        return await self._send(user, effect, Purpose.VERIFY)

    async def mail_changed(self, user: User, effect: Effect) -> Step[User] | None:
        """Tell the user that what the account is guarded by has changed: it may not have been them."""
        if self._is_off or user.erased_at is not None:
            return None
        what, since = effect.args["what"], int(effect.args["since"])
        says = {"what": what, "at": rfc3339(since), "link": f"{self._site}{FORGOTTEN}"}
        try:
            await self._mails.send(
                Mail(effect.id, user.id, "account_changed", user.email, language(user.locale), since, says)
            )
        except (MailRefused, Invalid):
            return self._given_up(effect, what, "the mail server refuses it")
        except Unavailable:
            if self._clock.now() - since < TRIED_FOR:
                raise
            return self._given_up(effect, what, "the mail server could not be reached for days")
        return None

    async def _send(self, user: User, effect: Effect, purpose: Purpose) -> Step[User] | None:
        """Send it, if somebody waits for it still. What the mail server refuses is given up, and what is too old."""
        found = self._tokens.again(user, effect, purpose)
        if found is None:
            return None
        token, link = found
        if self._clock.now() >= link.until:
            return self._given_up(effect, links.WANTED[purpose], "its hour is over")
        says = {"link": f"{self._site}{PAGES[purpose]}/{quote(token)}", "hours": GOOD_FOR // HOUR}
        wanted_at = link.until - GOOD_FOR
        mail = Mail(effect.id, user.id, purpose.value, user.email, language(user.locale), wanted_at, says)
        try:
            await self._mails.send(mail)
        except (MailRefused, Invalid):
            # Its words may name the address, which is to be forgotten some day.
            return self._given_up(effect, links.WANTED[purpose], "the mail server refuses it")
        return None

    def _given_up(self, effect: Effect, what: str, why: str) -> Step[User]:
        cause, now = Cause(effect.id, NAME, why, request_id.get()), self._clock.now()
        return lambda user: links.given_up(user, what, why, cause, now)


class Claims:
    """Has the order service make the account's what was ordered with its address by guests, once it is known that the
    user reads what is sent there."""

    def __init__(self, outbox: Outbox[User], orders: Orders, clock: Clock) -> None:
        self._outbox = outbox
        self._orders = orders
        self._clock = clock

    def begin(self, user: User) -> None:
        """Beside the log-in of the user, which does not wait for it."""
        if user.verified_at is not None:
            self._outbox.beside(self._claim_now(user))

    async def claim_orders(self, user: User, _: Effect) -> None:
        """Carries out the effect `claim_orders`."""
        await self._claim(user)

    async def _claim_now(self, user: User) -> None:
        """At once, without a write: mostly there is nothing to claim. While it cannot be done, it is kept in mind."""
        try:
            await self._claim(user)
        except Unavailable:
            now = self._clock.now()
            await self._outbox.advance(user.id, lambda current: links.claiming(current, now))

    async def _claim(self, user: User) -> None:
        # Of former releases there are spellings that look like another account's: none of them gets what is that one's.
        if user.verified_at is not None and user.email == one_spelling(user.email):
            await self._orders.claim_of(user.email, user.id)
