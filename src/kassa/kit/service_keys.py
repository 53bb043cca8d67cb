"""Services among themselves: a call carries a short-lived token that its caller has signed for the one that it calls.

Signed with a key that the caller alone has, so that a service that was broken into can speak for itself only; or, as
long as such keys are not set, with one that all derive from `INTERNAL_SECRET`.
"""

import base64
import time
from collections.abc import Mapping

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kassa.kit import security
from kassa.kit.identity import ALGORITHM, LONGEST_TOKEN, derived_key
from kassa.kit.problem import Forbidden

SERVICE_TOKEN_SECONDS = 60
_SHARED = "HS256"
_SUFFIX = "-service"
_REMEMBERED = 1_000
Fields = tuple[tuple[bytes, bytes], ...]


class ServiceKeys(msgspec.Struct, frozen=True):
    """What the services of a process sign with and believe. `own` are the private keys of those that live here,
    `public` the public ones of all, several of one while it gets a new one; each 32 bytes (Ed25519, RFC 8032). `secret`
    is shared by all; empty: nothing is signed with it nor believed because of it."""

    secret: str = ""
    own: Mapping[str, bytes] = {}
    public: Mapping[str, tuple[bytes, ...]] = {}

    def __repr__(self) -> str:
        return "ServiceKeys(…)"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return []


class ServiceIdentity:
    """One service's identity towards the others: makes tokens for its calls and checks those that it receives."""

    def __init__(self, name: str, keys: ServiceKeys) -> None:
        self.name = name
        self._secret = keys.secret
        own = keys.own.get(name)
        self._own = Ed25519PrivateKey.from_private_bytes(own) if own else None
        self._public = {
            other: [Ed25519PublicKey.from_public_bytes(key) for key in known] for other, known in keys.public.items()
        }
        self._tokens: dict[str, tuple[Fields, float]] = {}
        self._believed: dict[tuple[str, str], float] = {}

    def headers(self, callee: str) -> dict[str, str]:
        """The headers of a call to the service `callee`; none if there is no key to sign them with."""
        return {name.decode("ascii"): value.decode("ascii") for name, value in self.fields(callee)}

    def fields(self, callee: str) -> Fields:
        """The same, as they are sent. A token is signed when the last one has half of its time behind it."""
        if self._own is None and not self._secret:
            return ()
        fields, expires_at = self._tokens.get(callee, ((), 0.0))
        now = time.time()
        if expires_at - now < SERVICE_TOKEN_SECONDS / 2:
            expires_at = now + SERVICE_TOKEN_SECONDS
            token = self._signed({"iss": self.name, "aud": callee, "exp": int(expires_at)}, callee)
            caller = f"{self.name}{_SUFFIX}".encode("ascii")
            fields = ((b"x-internal-service", caller), (b"x-internal-token", token.encode("ascii")))
            self._tokens[callee] = (fields, expires_at)
        return fields

    def _signed(self, claims: dict[str, str | int], callee: str) -> str:
        if self._own is not None:
            return jwt.encode(claims, self._own, algorithm=ALGORITHM)
        return jwt.encode(claims, self._shared(self.name, callee), algorithm=_SHARED)

    def check(self, caller: str | None, token: str | None, allowed: tuple[str, ...]) -> str:
        """The calling service's name, if its token is good for us and `allowed` lists it; else Forbidden.

        On the wire services are called `order-service` and so on, in code `order`.
        """
        name = (caller or "").removesuffix(_SUFFIX)
        if not token or len(token) > LONGEST_TOKEN or name == caller or name not in allowed:
            security.event(security.SERVICE_REFUSED, name if name in allowed else "")
            raise Forbidden("this endpoint is for other services")
        if self._believed.get((name, token), 0.0) <= time.time():
            expires_at = self._expiry(name, token)
            if len(self._believed) >= _REMEMBERED:
                self._believed.clear()
            self._believed[name, token] = expires_at
        return name

    def _expiry(self, name: str, token: str) -> float:
        """Until when the token is good; Forbidden if none of that service's keys has signed it for us."""
        tried: list[tuple[str, Ed25519PublicKey | bytes]] = [(ALGORITHM, key) for key in self._public.get(name, [])]
        if self._secret:
            tried.append((_SHARED, self._shared(name, self.name)))
        for algorithm, key in tried:
            try:
                claims = jwt.decode(
                    token,
                    key,
                    algorithms=[algorithm],
                    audience=self.name,
                    issuer=name,
                    options={"require": ["exp", "aud", "iss"]},
                )
            except (jwt.PyJWTError, ValueError, RecursionError):
                continue
            return float(claims["exp"])
        security.event(security.SERVICE_REFUSED, name)
        raise Forbidden("the service token is not valid")

    def _shared(self, caller: str, callee: str) -> bytes:
        return derived_key(self._secret, f"service:{caller}:{callee}")


def new_pair() -> tuple[str, str]:
    """A private key and its public one, as they are written in settings (base64)."""
    made = Ed25519PrivateKey.generate()
    return _written(made.private_bytes_raw()), _written(made.public_key().public_bytes_raw())


def read_key(text: str) -> bytes:
    """A key as `new_pair` writes it; ValueError if it is none."""
    key = base64.b64decode(text, validate=True)
    if len(key) != 32:
        raise ValueError("not 32 bytes")
    return key


def _written(key: bytes) -> str:
    return base64.b64encode(key).decode()
