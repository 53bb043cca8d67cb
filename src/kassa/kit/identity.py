"""Who is asking: users, by their JWT, and programs, by their API key."""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kassa.kit import inputs, security
from kassa.kit.access import ROLES, Access, Permission
from kassa.kit.clock import MINUTE, SECOND, Clock, Millis
from kassa.kit.ended import EndedTokens, session_mark, user_mark
from kassa.kit.problem import Forbidden, NotFound, Problem, SecondFactorMissing, Unauthenticated

ISSUER = "kassa"
AUDIENCE = "kassa"
TOKEN_TYPE = "at+jwt"  # noqa: S105
"""RFC 9068, 2.1: what the header of an access token calls it."""
ALGORITHM = "EdDSA"
_REMEMBERED = 50_000
GUEST_PREFIX = "guest_"
GUEST_ROLE = "guest"
_GUEST = re.compile(rf"{GUEST_PREFIX}[0-9a-f]{{64}}")
_NO_GUEST = f"this is no guest's token: one is {GUEST_PREFIX} and 64 digits, as the order's answer had it"
KEY_PREFIX = "kassa_"
_KEY = re.compile(rf"{KEY_PREFIX}[0-9a-f]{{64}}")
KEY_ROLE = "key"
KNOWN_FOR: Millis = 15 * MINUTE
"""How long an API key is taken for what it was found to be; that it was ended is heard of before."""
_KEY_ENDED = "the API key is unknown, expired or ended; ask for a new one"
_NO_KEY = f"this is no API key: one is {KEY_PREFIX} and 64 digits, sent whole; if it is lost, ask for a new one"
LONGEST_TOKEN = 4096
"""Several times the length of one of ours."""
_FOREVER = 2**53


class Principal(msgspec.Struct, frozen=True):
    """The user behind a request. `expires_at` is in seconds since the epoch, as in the token. `marks` are those under
    which the token may be ended before. `scopes` are those of an API key; None: it is a user.
    `needs_second_factor`: somebody of the staff, who has no second factor yet and may do what buyers may until then."""

    id: str
    email: str
    role: str
    expires_at: int
    session_id: str = ""
    marks: tuple[str, ...] = ()
    scopes: frozenset[str] | None = None
    needs_second_factor: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether who asks may do this with what is not their own."""
        if self.needs_second_factor:
            return False
        return permission in (ROLES.get(self.role, ()) if self.scopes is None else self.scopes)

    def may_enter(self, access: Access) -> bool:
        """Whether an endpoint of this access lets them in."""
        is_own = access.is_guests if self.is_guest else access.is_own and self.scopes is None
        return is_own or (access.permission is not None and self.may(access.permission))

    @property
    def is_guest(self) -> bool:
        """Whether it is somebody without an account, who has the token of an order."""
        return self.role == GUEST_ROLE

    def refusal(self, access: Access) -> Problem:
        """Why an endpoint of this access does not let them in."""
        if self.is_guest:
            return Unauthenticated("this is for users; log in")
        if access.permission is None:
            return Forbidden("this is for users, not for API keys")
        return SecondFactorMissing() if self.needs_second_factor else Forbidden.without(access.permission)


class TokenVerifier:
    """Verifies users' tokens against the published keys, and remembers verified ones until they expire.

    `fetch_keys` gives the key set's `keys`; it is asked again, at most every 10 s, when a token names another key.
    `ended` knows the tokens that are not good any more, though they have not expired; `holder` tells whose API key has
    this hash.
    """

    def __init__(
        self,
        fetch_keys: Callable[[], Awaitable[list[dict[str, Any]]]],
        clock: Clock,
        ended: EndedTokens | None = None,
        holder: Callable[[str], Awaitable[Any]] | None = None,
    ) -> None:
        self._fetch_keys = fetch_keys
        self._clock = clock
        self._ended = ended
        self._holder = holder
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = -10 * SECOND
        self._verified: dict[str, Principal] = {}

    async def principal(self, authorization: str | None) -> Principal:
        """The user of an `Authorization: Bearer …` header; Unauthenticated if there is no valid token in it."""
        scheme, token = _parted(authorization or "")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("send an Authorization header with a Bearer token from /auth/login")
        if len(token) > LONGEST_TOKEN:
            raise Unauthenticated(_NO_KEY if token.startswith(KEY_PREFIX) else "the token is not valid; log in again")
        if token.startswith(GUEST_PREFIX):
            return guest(token)
        known = self._verified.get(token)
        if known is None or (known.scopes is not None and known.expires_at * SECOND <= self._clock.now()):
            known = await (self._look_up(token) if token.startswith(KEY_PREFIX) else self._verify(token))
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[token] = known
        if known.expires_at * SECOND <= self._clock.now():
            del self._verified[token]
            raise Unauthenticated("the token has expired; refresh it or log in again")
        if self._ended is not None:
            await self._ended.refresh()
            if self._ended.holds(known.marks):
                raise Unauthenticated("this session was ended; log in again" if known.scopes is None else _KEY_ENDED)
        security.asker.set(known.id)
        return known

    def knows(self, authorization: str) -> bool:
        """Whether the token in this header has been looked at already."""
        return _parted(authorization)[1] in self._verified

    def expect_ends(self) -> None:
        """A session may have been ended just now: whoever shows a token next is looked at anew."""
        if self._ended is not None:
            self._ended.expire()

    async def _look_up(self, key: str) -> Principal:
        """Whose API key this is."""
        if self._holder is None or not _KEY.fullmatch(key):
            raise Unauthenticated(_NO_KEY)
        try:
            holder = await self._holder(key_hash(key))
        except NotFound:
            raise Unauthenticated(_KEY_ENDED) from None
        expires_at = min(holder.expires_at, self._clock.now() + KNOWN_FOR) // SECOND
        marks = (session_mark(holder.id),)
        return Principal(holder.id, holder.name, KEY_ROLE, expires_at, "", marks, frozenset(holder.scopes))

    async def _verify(self, token: str) -> Principal:
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid")))
            # The expiry is compared with our own clock, in `principal`.
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                options={"require": ["exp", "sub"], "verify_exp": False, "verify_iat": False, "verify_aud": False},
            )
            # Tokens of former releases, which lack them, are good until they expire.
            if header.get("typ") not in (TOKEN_TYPE, "JWT") or claims.get("aud", AUDIENCE) != AUDIENCE:
                raise Unauthenticated("the token is for something else; log in again")
            session_id, epoch = claims.get("sid", ""), claims.get("epoch")
            marks = (user_mark(claims["sub"], epoch), *([session_mark(session_id)] if session_id else ()))
            who = (claims["sub"], claims["email"], claims["role"], claims["exp"], session_id, marks)
            return Principal(*who, needs_second_factor=bool(claims.get("needs_second_factor")))
        except (jwt.PyJWTError, KeyError, ValueError, RecursionError) as error:
            raise Unauthenticated("the token is not valid; log in again") from error

    async def _key(self, key_id: str) -> jwt.PyJWK:
        if key_id not in self._keys and self._clock.now() - self._fetched_at >= 10 * SECOND:
            self._keys = {key["kid"]: jwt.PyJWK(key) for key in await self._fetch_keys()}
            self._fetched_at = self._clock.now()
        if key_id not in self._keys:
            raise Unauthenticated("the token is signed with an unknown key; log in again")
        return self._keys[key_id]


def _parted(authorization: str) -> tuple[str, str]:
    """Scheme and token."""
    scheme, _, token = authorization.partition(" ")
    return scheme, token.lstrip(" ")  # RFC 9110, 11.4: one blank, or more


def guest(token: str) -> Principal:
    """Whoever has this token; Unauthenticated if it cannot be one. It is good for the orders that were made with it,
    and there is nothing to look up: a guest's id is what is kept of the token. 256 random bits need no slow hash."""
    if not _GUEST.fullmatch(token):
        raise Unauthenticated(_NO_GUEST)
    return Principal(inputs.guest_of(token), "", GUEST_ROLE, _FOREVER)


def guest_token(key: bytes, order_id: str) -> str:
    """The token of the guest who made an order: made of its id, so that whoever asks again gets the same one."""
    return f"{GUEST_PREFIX}{hmac.new(key, order_id.encode(), hashlib.sha256).hexdigest()}"


def key_hash(key: str) -> str:
    """What of an API key is kept. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def derived_key(master: str, purpose: str) -> bytes:
    """32 bytes for one purpose, derived from a master secret (HKDF, RFC 5869)."""
    return HKDF(hashes.SHA256(), 32, salt=None, info=f"kassa:{purpose}".encode()).derive(master.encode())
