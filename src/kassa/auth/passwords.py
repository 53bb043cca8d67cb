"""Passwords: hashed with argon2id, slowly on purpose, a few at a time in threads of their own."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from kassa.auth.queue import Queue, Turn
from kassa.kit.problem import Unavailable

T = TypeVar("T")
NOBODY = Turn()
"""Who is of no household, an operator for one."""


class Passwords:
    """Hashes and checks passwords.

    Each one takes some 20 ms and `memory_kib` of memory, so that `threads` of them run at a time. `waiting` more
    wait who are known, and as many others.
    """

    def __init__(
        self, *, threads: int = 2, waiting: int = 100, memory_kib: int = 19 * 1024, time_cost: int = 2
    ) -> None:
        # OWASP password storage cheat sheet: argon2id with 19 MiB, t=2, p=1.
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._queue = Queue(threads, waiting)
        # A well-formed hash of nothing: to check it takes as long as to check a real one.
        self._nobody = f"$argon2id$v=19$m={memory_kib},t={time_cost},p=1${'A' * 22}${'A' * 43}"

    async def hash(self, password: str, turn: Turn = NOBODY) -> str:
        """The salted hash to be stored."""
        return await self._in_thread(lambda: self._hasher.hash(_bytes(password)), turn)

    async def matches(self, password_hash: str | None, password: str, turn: Turn = NOBODY) -> bool:
        """Whether the password is the one that was hashed. With None it is not, and that takes just as long."""
        stored = password_hash or self._nobody
        is_right = await self._in_thread(lambda: self._is_right(stored, password), turn)
        return is_right and password_hash is not None

    def close(self) -> None:
        """Finish what runs; what waits is dropped."""
        self._pool.shutdown(cancel_futures=True)

    def _is_right(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, _bytes(password))
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError) as error:
            raise Unavailable("the stored password could not be read") from error

    async def _in_thread(self, work: Callable[[], T], turn: Turn = NOBODY) -> T:
        async with self._queue.place(turn):
            return await asyncio.wrap_future(self._pool.submit(work))


def _bytes(password: str) -> bytes:
    # RFC 8265, 4.2: the same characters, however a keyboard composes them, are the same password.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
