"""What is wrong with a mail server is told in words, with what to do; `kassa doctor` says them, and sends nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from kassa.app.settings import Settings, read_settings
from kassa.cli.doctor_mail import mail_findings
from kassa.mail import connecting
from kassa.mail.connecting import NotConnected, connected
from kassa.mail.mail_server import Server
from tests.mail.test_postmen import Mailbox, certificate, serving, tls_of

__all__ = ["certificate"]


def _settings(url: str, **more: str) -> Settings:
    return read_settings({"MAIL_URL": url, "MAIL_FROM": "shop@mug.example", **more}, Path("none"))


async def _told(url: str, **more: str) -> str:
    """The doctor's lines."""
    return "\n".join(map(str, await mail_findings(_settings(url, FRONTEND_URL="https://mug.example", **more))))


class _Says(asyncio.Protocol):
    """A server that says this and then nothing."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._text)


@asynccontextmanager
async def _saying(text: bytes) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(lambda: _Says(text), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def _takes(password: bytes) -> Any:
    def authenticate(_: SMTP, __: Session, ___: Envelope, ____: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password == password, handled=False)

    return authenticate


@pytest.mark.parametrize("is_tls", [True, False])
async def test_a_server_that_takes_mails_is_told_with_how_and_gets_none(
    certificate: tuple[Path, Path], is_tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    box, scheme = Mailbox(), "smtps" if is_tls else "smtp"
    how = {"authenticator": _takes(b"p@ss"), "auth_require_tls": not is_tls}
    async with serving(box, tls=tls_of(certificate), is_tls=is_tls, **how) as port:
        told = await _told(f"{scheme}://ada:p%40ss@localhost:{port}")
        assert told == f"✓ mail: localhost:{port} answers over TLS and takes the password"
        refused = await _told(f"{scheme}://ada:another@localhost:{port}")
    assert refused.startswith(f"✗ mail: localhost:{port} does not take the user and password of MAIL_URL (535) — ")
    assert "another" not in refused
    assert box.envelopes == []


async def test_without_tls_it_is_said_so() -> None:
    async with serving(Mailbox()) as port:
        assert await _told(f"smtp://localhost:{port}") == f"✓ mail: localhost:{port} answers without TLS"


async def test_a_certificate_of_nobody_is_named(certificate: tuple[Path, Path]) -> None:
    async with serving(Mailbox(), tls=tls_of(certificate), is_tls=True) as port:
        told = await _told(f"smtps://localhost:{port}")
    assert f"✗ mail: the certificate of localhost:{port} is not trusted: self-signed certificate — " in told
    assert "SSL_CERT_FILE" in told


async def test_a_server_that_is_not_there_is_named() -> None:
    async with serving(Mailbox()) as port:
        pass
    told = await _told(f"smtp://localhost:{port}")
    assert told.startswith(f"✗ mail: localhost:{port} cannot be reached: Connection refused — check host and port")


async def test_a_name_that_nobody_knows_is_named() -> None:
    told = await _told("smtp://mail.shop.invalid")
    assert told.startswith("✗ mail: the name mail.shop.invalid is not known — check the host in MAIL_URL")


async def test_tls_where_there_is_none_is_named() -> None:
    async with serving(Mailbox()) as port:
        told = await _told(f"smtps://localhost:{port}")
        with pytest.raises(NotConnected, match="offers no STARTTLS") as wrong:
            async with connected(Server("localhost", port, is_tls=False, needs_tls=True)):
                pass
    assert (
        told == f"✗ mail: localhost:{port} does not speak TLS at once — smtps:// is for port 465; at 587 it is smtp://"
    )
    assert "smtps://…:465" in wrong.value.wrong.advice


async def test_what_never_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "SECONDS", 0.2)
    async with _saying(b"") as port:
        told = await _told(f"smtp://localhost:{port}")
    assert told.startswith(f"✗ mail: localhost:{port} does not answer — check the port")


async def test_what_is_no_mail_server_is_named() -> None:
    async with _saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        told = await _told(f"smtp://localhost:{port}")
    assert told.startswith(f"✗ mail: localhost:{port} answers otherwise than a mail server: ")


async def test_links_that_lead_nowhere_are_a_warning() -> None:
    async with serving(Mailbox()) as port:
        _, links = await mail_findings(_settings(f"smtp://localhost:{port}"))
    assert links.is_well
    assert str(links).startswith("! mail: FRONTEND_URL is not set")


async def test_where_nothing_is_sent_it_is_said_so() -> None:
    assert await _told("off") == "✓ mail: none is sent (MAIL_URL=off)"
    assert await _told("files", KASSA_DATA="shop") == "✓ mail: put into files in shop/mails; MAIL_URL has them sent"
