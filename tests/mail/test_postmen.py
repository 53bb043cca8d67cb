"""Mails leave: to a mail server that is really there, with TLS and a password, and into files."""

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kassa.contracts.mail import MailRefused
from kassa.kit.clock import DAY, HOUR
from kassa.kit.problem import Invalid, Unavailable
from kassa.mail.mail_server import Server
from kassa.mail.message import Rendered, message_of
from kassa.mail.postmen import MOST_KEPT, Files, Smtp
from kassa.mail.service import MailService
from tests.mail.orders import LINK, ORDER_ID, foot_of, mail, order
from tests.support import FakeClock


class Mailbox:
    """What a mail server does with what it is given; `answer` is what it says."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.answer = "250 OK"
        self.at_recipient = "250 OK"

    async def handle_RCPT(  # noqa: N802  (aiosmtpd calls it so)
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        if self.at_recipient.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.at_recipient

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answer.startswith("2"):
            self.envelopes.append(envelope)
        return self.answer

    @property
    def messages(self) -> list[EmailMessage]:
        return [email.message_from_bytes(each.content or b"", policy=email.policy.default) for each in self.envelopes]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost, and its key."""
    key, directory, now = ec.generate_private_key(ec.SECP256R1()), tmp_path_factory.mktemp("tls"), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (directory / "certificate.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(key.private_bytes(*kinds))
    return directory / "certificate.pem", directory / "key.pem"


@asynccontextmanager
async def serving(
    box: Mailbox, *, tls: ssl.SSLContext | None = None, is_tls: bool = False, **how: Any
) -> AsyncIterator[int]:
    """A mail server on some port of this machine."""

    def protocol() -> SMTP:
        return SMTP(
            box, hostname="localhost", tls_context=None if is_tls else tls, loop=asyncio.get_running_loop(), **how
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls if is_tls else None)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def tls_of(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """What a server has that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.mark.parametrize("site", ["https://shop.example", "http://127.0.0.1:3000"])
async def test_one_click_ends_what_a_mail_is_one_of(site: str) -> None:
    """RFC 8058, 3.1: programs look for the address as it is, and for one over HTTPS."""
    box, link = Mailbox(), f"{site}/shop/stock-notices/{'a1' * 32}"
    async with serving(box) as port:
        await _service(_plain(port)).send(mail(unsubscribe=link))
    written = f"\r\nList-Unsubscribe: <{link}>\r\n".encode()
    assert written in bytes(box.envelopes[0].original_content or b"")
    assert box.messages[0]["List-Unsubscribe-Post"] == ("List-Unsubscribe=One-Click" if "https" in site else None)
    to_letters = mail(to="jörg@shop.example", unsubscribe=link)
    assert written in message_of(to_letters, Rendered("x", "x", "x"), "Mug & Co", "shop@shop.example").as_bytes()


def _service(postman: Any) -> MailService:
    return MailService(postman, foot_of("Mug & Co"), "shop@bücher.example")


def _plain(port: int) -> Smtp:
    return Smtp(Server("localhost", port, is_tls=False, needs_tls=False))


async def test_a_mail_arrives_whole() -> None:
    box = Mailbox()
    async with serving(box) as port:
        await _service(_plain(port)).send(mail(locale="de", to="ada@xn--bcher-kva.example"))
    (message,) = box.messages
    assert message["Subject"] == "Ihre Bestellung bei Mug & Co ist bestätigt"
    assert str(message["From"]) == "Mug & Co <shop@xn--bcher-kva.example>"
    assert message["To"] == "ada@xn--bcher-kva.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "de"
    assert message["Date"].datetime == datetime.fromtimestamp(1_790_000_000, UTC)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert LINK in text.get_content()
    assert LINK in html.get_content()
    assert "List-Unsubscribe" not in message
    assert all(
        len(line) <= 998 for line in bytes(box.envelopes[0].original_content or b"").split(b"\r\n")
    )  # RFC 5322, 2.1.1


async def test_the_same_cause_is_the_same_mail_and_another_is_not() -> None:
    box = Mailbox()
    async with serving(box) as port:
        service = _service(_plain(port))
        for cause in ("eff:1", "eff:1", "eff:2"):
            await service.send(mail(cause=cause))
    first, again, other = (message["Message-ID"] for message in box.messages)
    assert first == again != other
    assert first.endswith("@xn--bcher-kva.example>")
    assert "eff" not in first


async def test_a_letter_beyond_ascii_in_the_address_is_kept(certificate: tuple[Path, Path]) -> None:
    box = Mailbox()
    async with serving(box, enable_SMTPUTF8=True) as port:
        await _service(_plain(port)).send(mail(to="ädä@shop.example"))
    assert box.envelopes[0].rcpt_tos == ["ädä@shop.example"]


@pytest.mark.parametrize("is_tls", [True, False])
async def test_the_password_goes_over_tls_alone(
    certificate: tuple[Path, Path], is_tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    asked: list[tuple[bytes, bytes, bool]] = []

    def authenticate(_: SMTP, session: Session, __: Envelope, ___: str, given: Any) -> AuthResult:
        asked.append((given.login, given.password, session.ssl is not None or is_tls))
        return AuthResult(success=given.password == b"pass word", handled=False)

    box = Mailbox()
    how = {"authenticator": authenticate, "auth_required": not is_tls, "auth_require_tls": not is_tls}
    async with serving(box, tls=tls_of(certificate), is_tls=is_tls, **how) as port:
        server = Server("localhost", port, is_tls=is_tls, needs_tls=True, user="ada", password="pass word")
        await _service(Smtp(server)).send(mail())
        with pytest.raises(Unavailable, match="user and password of MAIL_URL") as refused:
            await _service(Smtp(server._replace(password="another"))).send(mail())
    assert "another" not in str(refused.value)
    assert len(box.messages) == 1
    assert asked[0] == (b"ada", b"pass word", True)


async def test_without_tls_nothing_is_said_to_another_machine() -> None:
    box = Mailbox()
    async with serving(box) as port:
        server = Server("localhost", port, is_tls=False, needs_tls=True, user="ada", password="secret")
        with pytest.raises(Unavailable):
            await _service(Smtp(server)).send(mail())
    assert box.messages == []


async def test_a_certificate_of_nobody_is_not_trusted(certificate: tuple[Path, Path]) -> None:
    box = Mailbox()
    async with serving(box, tls=tls_of(certificate)) as port:
        with pytest.raises(Unavailable):
            await _service(Smtp(Server("localhost", port, is_tls=False, needs_tls=True))).send(mail())
    assert box.messages == []


@pytest.mark.parametrize(
    ("recipient", "data", "problem"),
    [
        ("550 5.1.1 no such user <ada@shop.example> here", "250 OK", MailRefused),
        ("450 4.2.1 ada@shop.example is busy", "250 OK", Unavailable),
        ("250 OK", "554 5.7.1 this looks like spam", MailRefused),
        ("250 OK", "451 4.3.0 come back later", Unavailable),
    ],
)
async def test_a_no_is_told_from_not_now(recipient: str, data: str, problem: type[Exception]) -> None:
    box = Mailbox()
    box.at_recipient, box.answer = recipient, data
    async with serving(box) as port:
        with pytest.raises(problem) as refused:
            await _service(_plain(port)).send(mail())
    assert type(refused.value) is problem
    said = refused.value.detail  # type: ignore[attr-defined]
    assert (recipient if not recipient.startswith("2") else data)[:9] in said
    assert "ada@" not in said


async def test_a_server_without_utf8_takes_such_an_address_never() -> None:
    box = Mailbox()
    async with serving(box) as port:
        with pytest.raises(MailRefused, match="beyond ASCII"):
            await _service(_plain(port)).send(mail(to="ädä@shop.example"))
    assert box.messages == []


async def test_a_sender_that_is_not_taken_is_the_operator_s_matter() -> None:
    class Strict(Mailbox):
        async def handle_MAIL(self, *_: Any) -> str:  # noqa: N802
            return "553 5.7.1 <shop@xn--bcher-kva.example> is not yours"

    async with serving(Strict()) as port:
        with pytest.raises(Unavailable, match=r"mails from MAIL_FROM: 553 5\.7\.1 <…> is not yours"):
            await _service(_plain(port)).send(mail())


async def test_a_server_that_is_not_there_is_not_now() -> None:
    async with serving(Mailbox()) as port:
        pass
    with pytest.raises(Unavailable, match="cannot be reached: Connection refused"):
        await _service(_plain(port)).send(mail())


async def test_files_are_mails_that_programs_open(tmp_path: Path) -> None:
    files = Files(tmp_path / "mails", FakeClock())
    await _service(files).send(mail())
    await _service(files).send(mail())
    (kept,) = files.newest()
    message = email.message_from_bytes(kept.path.read_bytes(), policy=email.policy.default)
    assert message["To"] == "ada@shop.example"
    assert kept.about == ORDER_ID
    assert kept.kind == "order_confirmed"
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert kept.path.parent.stat().st_mode & 0o777 == 0o700


async def test_what_an_order_was_written_is_forgotten_with_it(tmp_path: Path) -> None:
    files, other = Files(tmp_path, FakeClock()), f"ord_{'0' * 26}"
    await _service(files).send(mail(cause="1"))
    await _service(files).send(mail(cause="2", kind="order_refunded"))
    await _service(files).send(mail(cause="3", about=other))
    (tmp_path / "somebody's own.eml").write_text("x")
    await files.forget(ORDER_ID)
    await files.forget("*")
    assert [each.about for each in files.newest()] == [other]
    assert (tmp_path / "somebody's own.eml").exists()


async def test_old_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    files = Files(tmp_path, clock)
    assert MOST_KEPT >= 1_000
    for number, age in enumerate((31 * DAY, 29 * DAY, HOUR, 0)):
        await _service(files).send(mail(cause=str(number), at=clock.now() - age))
    await files.remove_old()
    assert [clock.now() - each.at for each in files.newest()] == [0, HOUR, 29 * DAY]
    monkeypatch.setattr("kassa.mail.postmen.MOST_KEPT", 2)
    await files.remove_old()
    assert [clock.now() - each.at for each in files.newest()] == [0, HOUR]


async def test_a_directory_that_cannot_be_written_to_is_not_now(tmp_path: Path) -> None:
    (tmp_path / "mails").write_text("a file")
    with pytest.raises(Unavailable, match="cannot be written"):
        await _service(Files(tmp_path / "mails", FakeClock())).send(mail())


@pytest.mark.parametrize("typed", ["x\r\nBcc: all@shop.example", "x\nBcc: all@shop.example", "x\rBcc: y"])
async def test_nothing_typed_becomes_a_header(tmp_path: Path, typed: str) -> None:
    files = Files(tmp_path, FakeClock())
    with pytest.raises(Invalid):
        await _service(files).send(mail(to=f"{typed}@shop.example"))
    said = {**mail().says, "order": order(id=typed, items=[{"quantity": 1, "name": typed, "priceSnapshot": "1"}])}
    own = tmp_path / "own" / "en"
    own.mkdir(parents=True)
    (own / "order_confirmed.txt").write_text("About {{ order.id }}\n\n[goods]\n")
    service = MailService(files, foot_of("Mug & Co"), "shop@mug.example", tmp_path / "own")
    await service.send(mail(says=said))
    (kept,) = files.newest()
    message = email.message_from_bytes(kept.path.read_bytes(), policy=email.policy.default)
    assert message["Subject"] == f"About {' '.join(typed.partition(chr(10))[0].split())}"
    ours = {"Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted"}
    assert set(message.keys()) == {*ours, "MIME-Version", "Content-Type", "Content-Language"}


@pytest.mark.parametrize("wrong", [{"locale": "xx"}, {"about": "../x"}, {"cause": ""}, {"to": "nobody"}])
async def test_what_is_no_mail_is_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        await _service(Files(tmp_path, FakeClock())).send(mail(**wrong))
    assert list(tmp_path.iterdir()) == []


async def test_what_a_killed_process_left_half_written_is_forgotten_and_goes_with_the_others(tmp_path: Path) -> None:
    clock = FakeClock()
    files = Files(tmp_path, clock)
    await _service(files).send(mail(at=clock.now()))
    (whole,) = tmp_path.glob("*.eml")
    halves = [whole.with_suffix(f".{number:08x}.new") for number in range(2)]
    for each in halves:
        each.write_bytes(b"From: ")
    assert [each.path for each in files.newest()] == [whole]
    await files.forget(ORDER_ID)
    assert not [each for each in (whole, *halves) if each.exists()]
    halves[0].write_bytes(b"From: ")
    await files.remove_old()
    assert halves[0].exists()
    clock.advance(32 * DAY)
    await files.remove_old()
    assert not halves[0].exists()


async def test_since_when_all_mails_are_put_there_is_known(tmp_path: Path) -> None:
    clock = FakeClock()
    files = Files(tmp_path / "mails", clock)
    assert await files.all() == ([], None)
    began = clock.now()
    for number in range(2):
        await _service(files).send(mail(cause=f"cause {number}"))
        clock.advance(DAY)
    found, since = await files.all()
    assert (len(found), since) == (2, began)
    assert all(kept.id == message_id for kept, message_id in found)
    files.end()
    assert (await files.all())[1] is None
