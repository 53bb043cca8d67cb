"""A log-in and all refresh tokens that come of it: what may become of them. Pure."""

import hashlib
import hmac
from typing import Literal, TypeAlias

import msgspec

from kassa.auth.domain import User
from kassa.kit import inputs
from kassa.kit.clock import DAY, SECOND, Millis
from kassa.kit.documents import Document
from kassa.kit.ended import KEPT
from kassa.kit.ids import made_at

REFRESH_KEPT: Millis = 30 * DAY
GRACE: Millis = 30 * SECOND
"""How long a refresh token that was used already still gets its successor: two tabs may refresh at the same time."""
LONGEST_AGENT = 200


class Issued(msgspec.Struct, frozen=True, omit_defaults=True):
    """One refresh token: only its hash is known. `used_at` is when a successor was given for it; with the token itself
    `seed` gives that successor again."""

    hash: str
    expires_at: Millis
    used_at: Millis | None = None
    seed: str | None = None


class Seen(msgspec.Struct, frozen=True):
    """From where, and with which program, somebody comes: to recognise a session by."""

    place: str = ""
    agent: str = ""


class Family(Document, frozen=True, kw_only=True):
    """All refresh tokens that come of one log-in. At `due_at` it may go: the last token has expired, or the family was
    ended, and so have the access tokens.

    The family's id is part of every one of its tokens and is told to nobody else; so whoever shows it with
    a secret that is not, or not any more, in `tokens` shows an old token. In public it is called by its session's id.
    """

    user_id: str
    epoch: int
    tokens: tuple[Issued, ...]
    is_revoked: bool = False
    ended_at: Millis | None = None
    used_at: Millis | None = None
    seen: Seen = Seen()

    @property
    def session_id(self) -> str:
        """The public name."""
        return inputs.session_id(self.id)

    @property
    def begun_at(self) -> Millis:
        """When the user logged in."""
        return made_at(self.id)


Verdict: TypeAlias = Literal["fresh", "again", "refused", "stolen"]


def new_family(family_id: str, user: User, token_hash: str, seen: Seen, now: Millis, longest: Millis) -> Family:
    """The family of a log-in, with its first token. It lasts for `longest`, however often it is used."""
    expires_at = now + min(REFRESH_KEPT, longest)
    return Family(
        id=family_id,
        due_at=expires_at,
        user_id=user.id,
        epoch=user.epoch,
        tokens=(Issued(token_hash, expires_at),),
        used_at=now,
        seen=seen,
    )


def judged(family: Family, token_hash: str, now: Millis, longest: Millis) -> Verdict:
    """What a refresh token of this family is worth: `fresh` gets a successor, `again` the one that it has got already,
    `stolen` ends the family: somebody has a copy."""
    if family.is_revoked or now >= family.begun_at + longest:
        return "refused"
    issued = token_of(family, token_hash)
    if issued is None:
        return "stolen"
    if issued.used_at is None:
        return "fresh" if now < issued.expires_at else "refused"
    if now - issued.used_at > GRACE:
        return "stolen"
    return "again" if issued.seed is not None else "refused"  # Former releases kept no seed.


def rotated(
    family: Family, token_hash: str, new_hash: str, seed: str, seen: Seen, now: Millis, longest: Millis
) -> Family:
    """The family after `token_hash` was exchanged for `new_hash`, which `seed` made of it. No other token is good any
    more: there is one chain, and whoever comes with another link of it has a copy."""
    expires_at = min(now + REFRESH_KEPT, family.begun_at + longest)
    used = [msgspec.structs.replace(each, used_at=now, seed=seed) for each in family.tokens if each.hash == token_hash]
    return msgspec.structs.replace(
        family, tokens=(*used, Issued(new_hash, expires_at)), due_at=expires_at, used_at=now, seen=seen
    )


def revoked(family: Family, now: Millis) -> Family:
    """The family, good for nothing any more."""
    if family.is_revoked:
        return family
    return msgspec.structs.replace(family, is_revoked=True, tokens=(), ended_at=now, due_at=now + KEPT)


def successor(token: str, seed: str) -> str:
    """The refresh token that follows. It takes the token, which is stored nowhere, and the seed, which is told to
    nobody: neither a copy of the store nor an old token alone makes the next one."""
    secret = hmac.digest(token.encode("utf-8", "surrogatepass"), seed.encode(), hashlib.sha256).hex()
    return f"{token.partition('.')[0]}.{secret}"


def token_of(family: Family, token_hash: str) -> Issued | None:
    """The family's token with this hash."""
    return next((token for token in family.tokens if hmac.compare_digest(token.hash, token_hash)), None)
