"""The way to a mail server: connected, over TLS, logged in. Sending and `kassa doctor` go the same one."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from kassa.mail.mail_server import Server

if TYPE_CHECKING:
    from aiosmtplib import SMTP

SECONDS = 20
"""How long the server is waited for at each step."""


class Wrong(NamedTuple):
    """What is wrong with a mail server, and what to do about it."""

    why: str
    advice: str


class NotConnected(Exception):
    """There is no way to the mail server."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong.why)
        self.wrong = wrong


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator["SMTP"]:
    """The server, ready to take mails; NotConnected."""
    import aiosmtplib  # Only where mails are sent so.

    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user or None,
        password=server.password or None,
        use_tls=server.is_tls,
        start_tls=False if server.is_tls else (True if server.needs_tls else None),
        tls_context=ssl.create_default_context(),
        timeout=SECONDS,
    )
    try:
        async with asyncio.timeout(2 * SECONDS):
            await client.connect()
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise NotConnected(_wrong(server, error)) from None
    async with client:
        yield client


def _wrong(server: Server, error: Exception) -> Wrong:
    """Told from what the library raises, or from what that was raised of."""
    import aiosmtplib

    where, cause = f"{server.host}:{server.port}", error.__cause__ or error
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        advice = "percent-encode both (@ is %40); many providers want a password of its own for programs"
        return Wrong(f"{where} does not take the user and password of MAIL_URL ({error.code})", advice)
    if isinstance(cause, socket.gaierror):
        return Wrong(f"the name {server.host} is not known", "check the host in MAIL_URL, and this machine's DNS")
    if isinstance(cause, ssl.SSLCertVerificationError):
        advice = "name the host as its certificate does; of an authority of your own, say so with SSL_CERT_FILE"
        return Wrong(f"the certificate of {where} is not trusted: {cause.verify_message}", advice)
    if isinstance(cause, ssl.SSLError):
        return Wrong(f"{where} does not speak TLS at once", "smtps:// is for port 465; at 587 it is smtp://")
    if "STARTTLS" in str(error):
        advice = "passwords and mails go over TLS alone: smtp://…:587 or smtps://…:465"
        return Wrong(f"{where} offers no STARTTLS", advice)
    if isinstance(cause, TimeoutError):
        advice = "check the port: 587 with smtp://, 465 with smtps://; many hosters let nobody out to 25"
        return Wrong(f"{where} does not answer", advice)
    if isinstance(cause, OSError):
        advice = "check host and port: 587 with smtp://, 465 with smtps://"
        return Wrong(f"{where} cannot be reached: {os.strerror(cause.errno) if cause.errno else 'it hangs up'}", advice)
    return Wrong(f"{where} answers otherwise than a mail server: {type(error).__name__}", "check host and port")
