"""Links in mails: whoever opens one reads what is sent to the account's address. What may become of them. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from kassa.auth.domain import (
    FOLLOWS,
    MOST_AN_HOUR,
    ORDERS_LEFT,
    PASSWORD_RESET,
    RESET_WANTED,
    VERIFICATION_WANTED,
    VERIFIED,
    Link,
    Purpose,
    Todo,
    User,
    with_sessions_ended,
)
from kassa.contracts.auth import InvalidLink
from kassa.kit.audit import Cause, entry, newest
from kassa.kit.clock import HOUR, Millis
from kassa.kit.effects import Effect, planned, with_todos
from kassa.kit.identity import derived_key
from kassa.kit.ids import USER, is_id

GOOD_FOR: Millis = HOUR
LONGEST_TOKEN = 128
_NONCE = "nonce"
WANTED = {Purpose.RESET: RESET_WANTED, Purpose.VERIFY: VERIFICATION_WANTED}


class Links:
    """Makes the tokens of links with the key of the first master secret, and again with those of all. A token is made
    of a number that is used once: the store has that until the mail is sent, and cannot make the token without the key.
    """

    def __init__(self, master_secrets: Sequence[str]) -> None:
        self._keys = [derived_key(each, "links") for each in master_secrets]

    def __repr__(self) -> str:
        return "Links(…)"

    def new(self, purpose: Purpose, user_id: str, nonce: str) -> str:
        """A token: the user's id, and 256 bits that nobody can guess."""
        return _token(self._keys[0], purpose, user_id, nonce)

    def again(self, user: User, effect: Effect, purpose: Purpose) -> tuple[str, Link] | None:
        """The token that the effect is to send, and its link; None if that was used, or another one was asked for."""
        for key in self._keys:
            token = _token(key, purpose, user.id, effect.args.get(_NONCE, ""))
            if (link := _link_of(user, purpose, hash_of(token))) is not None:
                return token, link
        return None


def _token(key: bytes, purpose: Purpose, user_id: str, nonce: str) -> str:
    digest = hmac.digest(key, f"{purpose} {user_id} {nonce}".encode(), hashlib.sha256)
    secret = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return f"{user_id}.{secret}"


def user_of(token: str) -> str:
    """The id of the user whom a token names; InvalidLink if it cannot be one."""
    user_id, _, secret = token.partition(".")
    if len(token) > LONGEST_TOKEN or not secret or not is_id(USER, user_id):
        raise InvalidLink
    return user_id


def hash_of(token: str) -> str:
    """What of a token is kept. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def asked(user: User, purpose: Purpose, nonce: str, token: str, cause: Cause, now: Millis) -> User:
    """The user with a link under way, in place of an earlier one of the purpose; the very same if there is nobody to
    send it to, nothing to be verified, or enough was sent in the last hour."""
    happened = WANTED[purpose]
    is_nobody = user.is_disabled or user.erased_at is not None
    if is_nobody or (purpose is Purpose.VERIFY and user.verified_at is not None) or wait(user, purpose, now):
        return user
    others = tuple(each for each in user.links if each.purpose is not purpose)
    links = (*others, Link(purpose, hash_of(token), now + GOOD_FOR))
    audit = newest(user.audit, entry(cause, happened, user.role, user.role, now))
    wanting = msgspec.structs.replace(user, links=links, audit=audit, updated_at=now)
    return with_todos(wanting, FOLLOWS[happened], lambda current, each: planned(current, each, now, nonce=nonce))


def wait(user: User, purpose: Purpose, now: Millis) -> Millis:
    """How long it takes until another mail of the purpose may be sent."""
    happened = WANTED[purpose]
    sent = [each.at for each in user.audit if each.what == happened and each.at > now - HOUR]
    return sent[-MOST_AN_HOUR] + HOUR - now if len(sent) >= MOST_AN_HOUR else 0


def checked(user: User | None, purpose: Purpose, token: str, now: Millis) -> User:
    """The user, if the token is that of a link to them which is good for this now; InvalidLink else, whyever."""
    link = None if user is None or user.is_disabled else _link_of(user, purpose, hash_of(token))
    if user is None or link is None or now >= link.until:
        raise InvalidLink
    return user


def with_new_password(user: User, token: str, new_hash: str, cause: Cause, now: Millis) -> User:
    """The user with another password, all sessions ended and no link good any more. The address is theirs: they have
    read what was sent there. InvalidLink."""
    checked(user, Purpose.RESET, token, now)
    verified_at = now if user.verified_at is None else user.verified_at
    reset = with_sessions_ended(user, PASSWORD_RESET, cause, now, password_hash=new_hash, verified_at=verified_at)
    return reset if user.verified_at is not None else _to_claim(reset, VERIFIED, now)


def verified(user: User, token: str, cause: Cause, now: Millis) -> User:
    """The user, whose address is known to be theirs from now on. InvalidLink."""
    checked(user, Purpose.VERIFY, token, now)
    links = tuple(each for each in user.links if each.purpose is not Purpose.VERIFY)
    audit = newest(user.audit, entry(cause, VERIFIED, user.role, user.role, now))
    known = msgspec.structs.replace(user, verified_at=now, links=links, audit=audit, updated_at=now)
    return _to_claim(known, VERIFIED, now)


def given_up(user: User, happened: str, why: str, cause: Cause, now: Millis) -> User:
    """The user, to whom the mail about what happened was not sent."""
    noted = entry(cause, f"mail not sent: {happened}, {why}", user.role, user.role, now)
    return msgspec.structs.replace(user, audit=newest(user.audit, noted), updated_at=now)


def claiming(user: User, now: Millis) -> User:
    """The user, whose guest orders are to be claimed; the very same if it is not known that they are theirs."""
    return user if user.verified_at is None else _to_claim(user, ORDERS_LEFT, now)


def _to_claim(user: User, happened: str, now: Millis) -> User:
    if any(each.kind == Todo.CLAIM_ORDERS and each.done_at is None for each in user.effects):
        return user
    return with_todos(user, FOLLOWS[happened], lambda current, todo: planned(current, todo, now))


def _link_of(user: User, purpose: Purpose, token_hash: str) -> Link | None:
    of_purpose = (each for each in user.links if each.purpose is purpose)
    return next((each for each in of_purpose if hmac.compare_digest(each.hash, token_hash)), None)
