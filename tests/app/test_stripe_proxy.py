"""Calls to Stripe go through the proxy that the surroundings name; no others do."""

import asyncio
import base64
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import stripe
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kassa.app.settings import Settings, read_settings
from kassa.app.shop import Place, Shop
from kassa.app.wiring import all_here, open_shop
from kassa.cli.doctor import clock_compared
from kassa.contracts.payment import StripeUnreachable
from kassa.sandbox import Sandbox, SandboxConfig
from tests.support import WEBHOOK_SECRET

# No name server knows it: only a proxy can lead there.
HOST = "api.stripe.invalid"
WHOM_STRIPE_S_SDK_BELIEVES = stripe.ca_bundle_path
KEYS = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}


@dataclass
class Proxy:
    """An HTTP proxy (RFC 9110, 9.3.6 and RFC 9112, 3.2.2) that knows where `HOST` is, and what it was asked."""

    tls_port: int
    port: int = 0
    lines: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            line, *headers = head.decode().splitlines()
            self.lines.append(line)
            self.headers += headers
            method, target, _ = line.split(" ")
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await _joined(reader, writer, self.tls_port)
            else:
                path = target.removeprefix(f"http://{HOST}") or "/"
                assert path != target, "the whole address is asked for"
                await _joined(reader, writer, self.port, head.replace(target.encode(), path.encode(), 1))


async def _joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, first: bytes = b"") -> None:
    """Pass bytes on, both ways, to a port of this machine."""
    there, back = await asyncio.open_connection("127.0.0.1", port)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await source.read(65536):
                sink.write(piece)
                await sink.drain()
        sink.close()

    back.write(first)
    await asyncio.gather(pump(reader, back), pump(there, writer))


@dataclass
class Surroundings:
    """A sandbox under the name `HOST`, over HTTP and over TLS, behind a proxy."""

    proxy: Proxy
    proxy_port: int
    sandbox_url: str


@pytest.fixture
async def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Surroundings]:
    context = _certified(tmp_path)
    sandbox = Sandbox(SandboxConfig(database=tmp_path / "sandbox.db"))
    await sandbox.start(port=0)
    port = int(sandbox.url.rpartition(":")[2])
    monkeypatch.setattr(stripe, "ca_bundle_path", str(tmp_path / "certificate.pem"))

    async def unwrap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            await _joined(reader, writer, port)

    async with (
        await asyncio.start_server(unwrap, "127.0.0.1", 0, ssl=context) as tls,
        await asyncio.start_server(lambda r, w: proxy.serve(r, w), "127.0.0.1", 0) as listening,
    ):
        proxy = Proxy(tls.sockets[0].getsockname()[1], port)
        yield Surroundings(proxy, listening.sockets[0].getsockname()[1], sandbox.url)
    await sandbox.stop()


def _certified(directory: Path) -> ssl.SSLContext:
    """Speaks TLS as `HOST`, by a certificate that is left in the directory."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (directory / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "certificate.pem", directory / "key.pem")
    return context


def settings_of(tmp_path: Path, **given: str) -> Settings:
    return read_settings({**KEYS, "KASSA_DATA": str(tmp_path / "data"), **given})


@asynccontextmanager
async def shop_of(settings: Settings) -> AsyncIterator[Shop]:
    async with open_shop(settings, Place(all_here(settings))) as shop:
        yield shop


async def _asked(shop: Shop) -> None:
    assert shop.stripe_account is not None
    await shop.stripe_account.check()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
async def test_calls_to_stripe_go_through_the_proxy_in_a_tunnel(
    tmp_path: Path, around: Surroundings, name: str
) -> None:
    proxy = f"http://user:pass%20word@127.0.0.1:{around.proxy_port}"
    settings = settings_of(tmp_path, **{name: proxy, "STRIPE_API_BASE": f"https://{HOST}"})
    async with shop_of(settings) as shop:
        await _asked(shop)
    assert around.proxy.lines == [f"CONNECT {HOST}:443 HTTP/1.1"]
    credentials = base64.b64encode(b"user:pass word").decode()
    assert f"Proxy-Authorization: Basic {credentials}" in around.proxy.headers
    assert "pass" not in repr(settings)


async def test_so_do_those_without_tls_and_the_doctor_s_question_for_the_time(
    tmp_path: Path, around: Surroundings
) -> None:
    settings = settings_of(tmp_path, HTTP_PROXY=f"127.0.0.1:{around.proxy_port}", STRIPE_API_BASE=f"http://{HOST}")
    async with shop_of(settings) as shop:
        await _asked(shop)
        assert (await clock_compared(shop, settings)).text.endswith(" of Stripe's")
    asked = [line.split(" ")[1] for line in around.proxy.lines]
    # Of each connection the first line is noted.
    assert asked == [f"http://{HOST}/v1/account", f"http://{HOST}"]


async def test_who_only_says_to_be_stripe_is_told_no_key(
    tmp_path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "ca_bundle_path", WHOM_STRIPE_S_SDK_BELIEVES)
    given = {"HTTPS_PROXY": f"http://127.0.0.1:{around.proxy_port}", "STRIPE_API_BASE": f"https://{HOST}"}
    async with shop_of(settings_of(tmp_path, **given)) as shop:
        with pytest.raises(StripeUnreachable):
            await _asked(shop)
    assert set(around.proxy.lines) == {f"CONNECT {HOST}:443 HTTP/1.1"}


async def test_without_the_proxy_nobody_would_be_found(tmp_path: Path, around: Surroundings) -> None:
    given = {"HTTPS_PROXY": f"http://127.0.0.1:{around.proxy_port}", "NO_PROXY": "stripe.invalid"}
    async with shop_of(settings_of(tmp_path, **given, STRIPE_API_BASE=f"https://{HOST}")) as shop:
        with pytest.raises(StripeUnreachable):
            await _asked(shop)
    assert around.proxy.lines == []


async def test_nothing_on_this_machine_and_no_service_is_asked_through_it(
    tmp_path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{around.proxy_port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.chdir(tmp_path)
    for name, value in {**KEYS, "STRIPE_API_BASE": around.sandbox_url}.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    async with shop_of(settings) as shop:
        await _asked(shop)
        for session in (shop.sessions(), shop.proxying()):
            async with session.get(around.sandbox_url):
                pass
    assert around.proxy.lines == []


@pytest.mark.parametrize(
    ("no_proxy", "is_used"),
    [
        ("", True),
        ("other.example", True),
        ("api.stripe.com", False),
        ("stripe.com", False),
        (".stripe.com", False),
        ("*.stripe.com", False),
        ("other.example, API.stripe.com", False),
        ("api.stripe.com:443", False),
        ("api.stripe.com:80", True),
        ("tripe.com", True),
        ("*", False),
    ],
)
def test_no_proxy_names_hosts_that_none_is_used_for(no_proxy: str, is_used: bool) -> None:
    settings = read_settings({**KEYS, "HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": no_proxy})
    assert (settings.stripe_proxy is not None) == is_used


def test_names_in_lower_case_count_more_and_of_another_scheme_not_at_all() -> None:
    both = {"HTTPS_PROXY": "http://upper.example", "https_proxy": "http://lower.example"}
    assert read_settings({**KEYS, **both}).stripe_proxy == "http://lower.example"
    assert read_settings({**KEYS, "HTTP_PROXY": "http://plain.example"}).stripe_proxy is None
