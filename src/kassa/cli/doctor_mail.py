"""What `kassa doctor` finds out about mails. None is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kassa.cli.finding import Finding
from kassa.mail.mail_server import Server

if TYPE_CHECKING:
    from kassa.app.settings import Settings


async def mail_findings(settings: Settings) -> list[Finding]:
    """Whether mails can be handed to the mail server, or where else they go."""
    by = settings.mail.by
    if by == "off":
        return [Finding(True, "mail: none is sent (MAIL_URL=off)")]
    if not isinstance(by, Server):
        return [Finding(True, f"mail: put into files in {settings.data / 'mails'}; MAIL_URL has them sent")]
    return [await _reached(by), *_links(settings)]


async def _reached(server: Server) -> Finding:
    from kassa.mail.connecting import NotConnected, connected  # Only where there is a mail server.

    try:
        async with connected(server) as client:
            over = "over TLS" if client.get_transport_info("sslcontext") is not None else "without TLS"
    except NotConnected as error:
        return Finding(False, f"mail: {error.wrong.why}", error.wrong.advice)
    who = " and takes the password" if server.user else ""
    return Finding(True, f"mail: {server.host}:{server.port} answers {over}{who}")


def _links(settings: Settings) -> list[Finding]:
    """A warning if what is sent leads nowhere."""
    if settings.frontend_url:
        return []
    advice = "set it to the address of the shop"
    return [Finding(True, "mail: FRONTEND_URL is not set, so links in mails lead to this machine", advice)]
