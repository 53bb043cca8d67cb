"""What stands between the two steps of a log-in: a word that the first of them was right, good for five minutes."""

from collections.abc import Sequence
from typing import Any

import jwt

from kassa.auth.domain import User
from kassa.contracts.auth import ChallengeExpired
from kassa.kit.clock import SECOND, Clock
from kassa.kit.identity import derived_key

EXPIRES_IN = 5 * 60
"""Seconds from the password to the code."""
LONGEST_CHALLENGE = 1000
_ALGORITHM = "HS256"
_AUDIENCE = "second-factor"


class Challenges:
    """Signs challenges with the key of the first master secret, and reads them with those of all. One names the account
    and its epoch: it is worth nothing after a new password, nor after all sessions were ended for another reason."""

    def __init__(self, master_secrets: Sequence[str], clock: Clock) -> None:
        self._keys = [derived_key(each, "second-factor") for each in master_secrets]
        self._clock = clock

    def challenge(self, user: User) -> str:
        """For a user who knows the password."""
        claims = {"aud": _AUDIENCE, "sub": user.id, "epoch": user.epoch, "exp": self._now() + EXPIRES_IN}
        return jwt.encode(claims, self._keys[0], algorithm=_ALGORITHM)

    def read(self, challenge: str) -> tuple[str, int]:
        """Whose it is, and of which epoch; ChallengeExpired if it is not one of ours that is still good."""
        for key in self._keys:
            try:
                claims: dict[str, Any] = jwt.decode(
                    challenge[:LONGEST_CHALLENGE],
                    key,
                    algorithms=[_ALGORITHM],
                    audience=_AUDIENCE,
                    options={"require": ["exp", "sub", "epoch"], "verify_exp": False},  # It is our clock that counts.
                )
            except (jwt.PyJWTError, ValueError, RecursionError):
                continue
            if self._now() < claims["exp"]:
                return claims["sub"], claims["epoch"]
        raise ChallengeExpired

    def _now(self) -> int:
        return self._clock.now() // SECOND
