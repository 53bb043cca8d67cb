"""What tests of all kinds build their world with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kassa.kit.clock import SECOND, Clock, Millis
from kassa.kit.identity import ALGORITHM, ISSUER
from kassa.kit.problem import Unavailable
from kassa.storage.documents_sqlite import SqliteDatabase

NOON: Millis = 1_767_268_800_000
"""2026-01-01T12:00:00Z: when a test's world begins."""
OWN_SECRET = "5d1f0c9be27a4863f4a1b0d79c8e2653"
"""A secret of the shop's own that it starts with; all may be this one."""
OWN_SECRETS = {"JWT_SECRET": OWN_SECRET, "INTERNAL_SECRET": OWN_SECRET}
"""What services need that run separately."""
WEBHOOK_SECRET = "whsec_3Kf8Zq1LmN0pRs7TvWx5Yb2Cd4Eg6Hj9"
"""One such as Stripe makes them."""


class FakeClock:
    """A clock that goes only when it is told to. Sleeping moves it on."""

    def __init__(self, at: Millis = NOON) -> None:
        self.at = at

    def now(self) -> Millis:
        return self.at

    def advance(self, duration: Millis) -> None:
        """Let time pass."""
        self.at += duration

    async def sleep(self, duration: Millis) -> None:
        self.advance(duration)
        await asyncio.sleep(0)


@asynccontextmanager
async def sqlite(directory: Path, name: str = "test.db") -> AsyncIterator[SqliteDatabase]:
    """Real documents in a file of the test's own."""
    database = await SqliteDatabase.open(directory / name)
    try:
        yield database
    finally:
        await database.close()


class Signer:
    """Signs users' tokens and publishes its keys, counting how often they are fetched."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.keys: dict[str, Ed25519PrivateKey] = {}
        self.fetched = 0
        self.is_down = False

    def new_key(self, kid: str) -> None:
        self.keys[kid] = Ed25519PrivateKey.generate()

    async def published(self) -> list[dict[str, Any]]:
        self.fetched += 1
        if self.is_down:
            raise Unavailable("auth is down")
        algorithm = jwt.algorithms.OKPAlgorithm()
        return [
            algorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "alg": ALGORITHM}
            for kid, key in self.keys.items()
        ]

    def bearer(self, kid: str = "k1", headers: dict[str, Any] | None = None, **claims: Any) -> str:
        now = self.clock.now() // SECOND
        complete = {"iss": ISSUER, "sub": "usr_1", "email": "a@b.c", "role": "user", "iat": now, "exp": now + 900}
        wanted = {name: value for name, value in (complete | claims).items() if value is not None}
        return "Bearer " + jwt.encode(wanted, self.keys[kid], ALGORITHM, headers={"kid": kid, **(headers or {})})
