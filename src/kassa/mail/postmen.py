"""By what mails leave: a mail server, or files."""

import asyncio
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple, Protocol

from kassa.contracts.mail import Mail, MailRefused
from kassa.kit.clock import DAY, Clock, Millis
from kassa.kit.problem import Unavailable
from kassa.mail.connecting import SECONDS, NotConnected, connected
from kassa.mail.mail_server import Server
from kassa.mail.message import digest_of

KEPT: Millis = 30 * DAY
"""How long files of mails are kept."""
MOST_KEPT = 10_000
_FILE = re.compile(r"(\d{13})-([a-z]+_[0-9a-z]+)-([a-z_]+)-([0-9a-f]{32})\.(?:eml|[0-9a-f]{8}\.new)")
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}")
_MESSAGE_ID = re.compile(rb"^message-id:\s*<([0-9a-f]{32})@", re.IGNORECASE | re.MULTILINE)
_HEAD = 4096
_SINCE = "since"
_UNFINISHED = "*.new"
"""What a process leaves that is killed while it writes."""
_AT_ONCE = 4
_SECONDS = 3 * SECONDS


class Postman(Protocol):
    """Takes mails away."""

    async def send(self, mail: Mail, message: EmailMessage) -> None:
        """Take it; MailRefused, Unavailable."""

    async def forget(self, about: str) -> None:
        """Remove what is kept of mails about this order or account."""


class Kept(NamedTuple):
    """A mail that lies in a file: its id, when it was wanted, what it is about, which one it is, and where it lies."""

    id: str
    at: Millis
    about: str
    kind: str
    path: Path


class Files:
    """Puts mails into a directory, as files that mail programs open."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    async def send(self, mail: Mail, message: EmailMessage) -> None:
        """See Postman; the same cause is the same file."""
        name = f"{mail.at:013d}-{mail.about}-{mail.kind}-{digest_of(mail.cause)}.eml"
        try:
            await asyncio.to_thread(self._write, name, message.as_bytes())
        except OSError as error:
            raise Unavailable(f"the mail cannot be written into {self._directory.name}: {error.strerror}") from error

    async def forget(self, about: str) -> None:
        """See Postman."""
        kept = (*self._all(), *self._all(_UNFINISHED))
        await asyncio.to_thread(self._remove, [each for each in kept if each.about == about])

    async def remove_old(self) -> None:
        """Remove what is kept for longer than it should be, or is too much."""
        since = self._clock.now() - KEPT
        found = self.newest()
        old = [each for place, each in enumerate(found) if each.at < since or place >= MOST_KEPT]
        old += [each for each in self._all(_UNFINISHED) if each.at < since]
        await asyncio.to_thread(self._remove, old)

    async def all(self) -> tuple[list[tuple[Kept, str]], Millis | None]:
        """All mails that are kept, each with what its `Message-ID` is made of, and since when all are put here; None:
        that is not known."""
        return await asyncio.to_thread(lambda: (list(self._with_ids()), self._since()))

    def end(self) -> None:
        """Mails are not put here any more."""
        (self._directory / _SINCE).unlink(missing_ok=True)

    def newest(self) -> list[Kept]:
        """All mails that are kept, the newest first."""
        return sorted(self._all(), key=lambda each: (each.at, each.id), reverse=True)

    def _all(self, which: str = "*.eml") -> Iterator[Kept]:
        for path in self._directory.glob(which):
            if parts := _FILE.fullmatch(path.name):
                yield Kept(parts[4], int(parts[1]), parts[2], parts[3], path)

    def _with_ids(self) -> Iterator[tuple[Kept, str]]:
        for each in self._all():
            with suppress(FileNotFoundError), each.path.open("rb") as file:
                found = _MESSAGE_ID.search(file.read(_HEAD))
                yield each, found[1].decode() if found else ""

    def _since(self) -> Millis | None:
        try:
            return int((self._directory / _SINCE).read_text())
        except (OSError, ValueError):
            return None

    def _write(self, name: str, content: bytes) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._since() is None:
            (self._directory / _SINCE).write_text(f"{self._clock.now()}\n")
        path = self._directory / name
        # Its own: another process may be writing the same mail.
        unfinished = path.with_suffix(f".{secrets.token_hex(4)}.new")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        _sync(self._directory)  # Else a power cut could take the mail that is noted as sent.

    def _remove(self, mails: list[Kept]) -> None:
        for each in mails:
            with suppress(FileNotFoundError):
                each.path.unlink()


class Smtp:
    """Hands mails to a mail server (RFC 6409)."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def send(self, mail: Mail, message: EmailMessage) -> None:
        """See Postman."""
        import aiosmtplib  # Only where mails are sent so.

        try:
            async with self._turn, asyncio.timeout(_SECONDS), connected(self._server) as client:
                await client.send_message(message)
        except NotConnected as error:
            raise Unavailable(f"the mail server cannot be used: {error}") from None
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError) as error:
            code, words = _said(error)
            if code >= 500:
                raise MailRefused(words) from None
            raise Unavailable(f"the mail server says: {words}") from None
        except aiosmtplib.SMTPSenderRefused as error:
            raise Unavailable(f"the mail server does not take mails from MAIL_FROM: {_said(error)[1]}") from None
        except aiosmtplib.SMTPNotSupported:
            raise MailRefused("the mail server takes no addresses with letters beyond ASCII") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise Unavailable(f"the mail server has not taken the mail: {type(error).__name__}") from None

    async def forget(self, about: str) -> None:
        """See Postman: nothing is kept."""


def _sync(directory: Path) -> None:
    """Have it on the disk which files are there."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _said(error: Exception) -> tuple[int, str]:
    """What the server said of the one recipient, in its words, without the address."""
    first = getattr(error, "recipients", [error])[0]
    words = _ADDRESS.sub("…", " ".join(str(first.message).split()))
    return int(first.code), f"{first.code} {words}"[:200]
