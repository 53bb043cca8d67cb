"""Auth: who somebody is. The other services only need its public keys."""

from typing import Any, Protocol

import msgspec

from kassa.kit.clock import Millis
from kassa.kit.ended import Ended
from kassa.kit.problem import Problem
from kassa.kit.wire import get, post

_ALL = ("gateway", "product", "inventory", "order", "payment")


class EmailTaken(Problem):
    """Registering an address that has an account."""

    code, title, status = "email_taken", "This email address has an account already", 409


class WrongCredentials(Problem):
    """Unknown address or wrong password: the same answer for both."""

    code, title, status = "wrong_credentials", "Email address or password is wrong", 401


class RoleNotAllowed(Problem):
    """Registering with a role other than `user`; administrators are made by `kassa admin create`."""

    code, title, status = "role_not_allowed", "Only the role 'user' can be registered", 403


class InvalidRefreshToken(Problem):
    """A refresh token that is unknown, expired, revoked, or was used again after its grace."""

    code, title, status = "invalid_refresh_token", "Log in again", 401


class AccountDisabled(Problem):
    """The password is right, but an administrator has disabled the account."""

    code, title, status = "account_disabled", "This account is disabled; ask an administrator of the shop", 403


class OwnAccount(Problem):
    """Doing to oneself what only somebody else should: nobody locks themselves out by mistake."""

    code, title, status = "own_account", "This is your own account; ask another administrator", 409


class LastAdministrator(Problem):
    """Nobody would be left who can make administrators, but for an operator at the command line."""

    code, title, status = "last_administrator", "This is the last administrator who is enabled", 409


class StaffAccount(Problem):
    """Erasing the account of somebody who can do more than buy."""

    code, title, status = "staff_account", "The staff become buyers first: an administrator takes them out of it", 409


class SecondFactorRequired(Problem):
    """The password is right, and the account wants a code, too: `challenge` is to be sent with one, within `expiresIn`
    seconds."""

    code, title, status = "second_factor_required", "Send the challenge and a code to /auth/login/second-factor", 401

    def __init__(self, challenge: str, expires_in: int) -> None:
        super().__init__(challenge=challenge, expiresIn=expires_in)


class WrongCode(Problem):
    """A code of an authenticator that is wrong, too old, or was used before; or a recovery code of which that is so."""

    code, title, status = (
        "wrong_code",
        "This code is wrong, or was used before; send the next one, or a recovery code not used yet",
        401,
    )


class ChallengeExpired(Problem):
    """The second step of a log-in came too late, or after all sessions were ended."""

    code, title, status = "challenge_expired", "Log in again, with your password first", 401


class InvalidLink(Problem):
    """The token of a link that was mailed: unknown, used, expired, or another one was asked for since; the same answer
    for all."""

    code, title, status = (
        "invalid_link",
        "This link is wrong, was used, or is too old; ask for another one, and open the newest",
        400,
    )


class MailOff(Problem):
    """The shop sends no mails (`MAIL_URL=off`): nobody's account was looked at."""

    code, title, status = "mail_off", "This shop sends no mails; ask its operator", 409


class AlreadyVerified(Problem):
    """Having an address verified that is."""

    code, title, status = "already_verified", "Your email address is verified already", 409


class SecondFactorOn(Problem):
    """Setting up a second factor where there is one."""

    code, title, status = "second_factor_on", "Your account has a second factor; turn it off first", 409


class SecondFactorOff(Problem):
    """Using a second factor where none was set up."""

    code, title, status = "second_factor_off", "No second factor was set up; begin with POST /auth/second-factor", 409


class KeySet(msgspec.Struct, frozen=True):
    """The public signing keys as a JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, Any]]


class KeyHolder(msgspec.Struct, frozen=True):
    """Which API key it is: its id, its name, what it may do, and until when (milliseconds since the epoch)."""

    id: str
    name: str
    scopes: list[str]
    expires_at: int


class Contact(msgspec.Struct, frozen=True, rename="camel"):
    """Whom to write to: the address, the name (empty: none was given), and the language in which they have registered
    (contracts.mail.LOCALES; empty: nobody knows). `is_verified`: they have shown that they read what is sent there."""

    email: str
    name: str
    locale: str
    is_verified: bool

    def __repr__(self) -> str:
        return "Contact(…)"


class Act(msgspec.Struct, frozen=True):
    """One request of staff or of an API key: whose, in which role, from which network address; the request, and the id
    of what it is about, if it names one. `status` is that of the answer, 0 as long as there is none."""

    id: str
    at: int
    who: str
    name: str
    role: str
    address: str
    what: str
    subject: str
    status: int
    request_id: str


class Auth(Protocol):
    """Registers, logs in, rotates; signs the tokens that every service verifies for itself."""

    @get("/.well-known/jwks.json")
    async def keys(self) -> KeySet:
        """The public keys of all tokens that are still valid."""

    @get("/auth/ended")
    async def ended(self, since: Millis) -> Ended:
        """What was ended since then, of the last 16 minutes; of a long time a part, with the word to ask on."""

    @get("/auth/keys/{key_hash}/holder", callers=_ALL)
    async def key_holder(self, key_hash: str) -> KeyHolder:
        """Whose API key has this hash; NotFound if there is none that is good. That it was used is noted."""

    @post("/auth/acts/note", callers=_ALL)
    async def note_act(self, act: Act) -> None:
        """Write an act down; the same one again, with its status, when it is known how it ended."""

    @get("/auth/users/{user_id}/contact", callers=("order",))
    async def contact(self, user_id: str) -> Contact:
        """Whom to write to about what is the user's. NotFound if there is no such account, or it was erased."""
