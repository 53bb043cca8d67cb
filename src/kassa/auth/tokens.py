"""Access tokens: JWTs signed with Ed25519. Everybody can verify them with the published key."""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kassa.contracts.auth import KeySet
from kassa.kit.clock import SECOND, Clock
from kassa.kit.identity import ALGORITHM, AUDIENCE, ISSUER, TOKEN_TYPE, derived_key
from kassa.kit.ids import Ids

EXPIRES_IN = 15 * 60
"""Seconds that an access token is good for."""


class Tokens:
    """Signs access tokens with the key that is derived from the first master secret. What is signed with the keys of
    the others is good as well: a new secret is put behind the old one first, then before it, then alone."""

    def __init__(self, master_secrets: Sequence[str], ids: Ids, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock
        keys = [Ed25519PrivateKey.from_private_bytes(derived_key(each, "access-tokens")) for each in master_secrets]
        self._key = keys[0]
        self._public = [_public_jwk(key) for key in keys]

    def issue(
        self,
        user_id: str,
        email: str,
        role: str,
        session_id: str = "",
        epoch: int = 0,
        *,
        needs_second_factor: bool = False,
    ) -> str:
        """A token that says who the user is, for the next 15 minutes, as long as neither the session nor all of the
        user's sessions of this epoch are ended. `needs_second_factor`: it gives them no permission."""
        now = self._clock.now() // SECOND
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user_id,
            "email": email,
            "role": role,
            "iat": now,
            "exp": now + EXPIRES_IN,
            "jti": self._ids.new("jwt"),
            "sid": session_id,
            "epoch": epoch,
            **({"needs_second_factor": True} if needs_second_factor else {}),
        }
        headers = {"kid": self._public[0]["kid"], "typ": TOKEN_TYPE}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers=headers)

    def keys(self) -> KeySet:
        """The public keys, that of the signing key first."""
        return KeySet(list(self._public))


def _public_jwk(key: Ed25519PrivateKey) -> dict[str, Any]:
    x = _base64url(key.public_key().public_bytes_raw())
    # RFC 8037, 2 and RFC 7638: the thumbprint is the hash of exactly these members in this order.
    required = {"crv": "Ed25519", "kty": "OKP", "x": x}
    thumbprint = hashlib.sha256(json.dumps(required, separators=(",", ":")).encode()).digest()
    return {**required, "kid": _base64url(thumbprint), "alg": ALGORITHM, "use": "sig"}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
