"""TLS between all parts of a shop: services, MongoDB and Redis; an order is paid, and nothing goes without."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kassa.app.answering import answering
from kassa.app.connections import Bounds
from kassa.app.files import sandbox_url
from kassa.app.settings import SERVICES, SettingError, read_settings
from kassa.app.tls import answering_with, trusting
from kassa.app.transport import HttpTransport, new_session
from kassa.gateway.arrival import Receive, Scope, Send
from kassa.kit.problem import Unavailable
from kassa.kit.service_keys import ServiceIdentity, ServiceKeys
from tests.app.process import free_port, kassa, started
from tests.journey.running import GOOD, until
from tests.servers import mongod, valkey
from tests.support import OWN_SECRET, OWN_SECRETS

LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


class Certificate:
    """A certificate of this machine's names, and its key; it is its own authority."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            # The sandbox of the payment service calls it by its address.
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), LOOPBACK]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
        self.settings = {"TLS_CERTIFICATE": str(self.certificate), "TLS_KEY": str(self.key)}
        self.trusted = {"TLS_CA": str(self.certificate)}


class Shop(NamedTuple):
    """A shop that runs: where its gateway is, and what commands on it need."""

    url: str
    folder: Path
    settings: dict[str, str]
    certificate: Certificate

    def client(self) -> httpx.AsyncClient:
        """Somebody who trusts its certificate."""
        trusted = ssl.create_default_context(cafile=self.certificate.certificate)
        return httpx.AsyncClient(base_url=self.url, verify=trusted, trust_env=False, timeout=30)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("tls") / "ours")


@asynccontextmanager
async def before(port: int, certificate: Certificate) -> AsyncIterator[int]:
    """What ends TLS before a server that has none: the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)

    ends: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, outside = await asyncio.open_connection("127.0.0.1", port)
        pumps = [asyncio.create_task(pumped(*each)) for each in ((reader, outside), (inside, writer))]
        ends.update(pumps)

    server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await asyncio.gather(*ends)


async def pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def apart(folder: Path, ours: Certificate) -> AsyncIterator["Shop"]:
    """The gateway and the five services, on MongoDB and Redis, all with TLS."""
    ports = {name: free_port() for name in ("gateway", *SERVICES)}
    urls = {f"{name.upper()}_SERVICE_URL": f"https://localhost:{ports[name]}" for name in SERVICES}
    secrets = {
        "STRIPE_SECRET_KEY": "sandbox",
        **OWN_SECRETS,
        "FRONTEND_URL": "http://localhost:3000",
    }
    server = mongod.Mongod()
    try:
        server.start()
        async with before(server.port, ours) as mongo, before(valkey.shared().port, ours) as redis:
            stores = {
                "MONGO_URI": f"mongodb://localhost:{mongo}/?directConnection=true&tls=true&tlsCAFile={ours.certificate}",
                "REDIS_URL": f"rediss://localhost:{redis}/5?ssl_ca_certs={ours.certificate}",
            }
            with ExitStack() as running:
                for name in ports:
                    settings = {**urls, **secrets, **ours.settings, **ours.trusted, "PORT": str(ports[name])}
                    settings |= {} if name == "gateway" else stores
                    running.enter_context(started(folder, "serve", name, log=f"{name}.log", **settings))
                yield Shop(f"https://localhost:{ports['gateway']}", folder, secrets | stores, ours)
    finally:
        server.remove()


async def test_an_order_is_paid_and_all_calls_on_the_way_are_encrypted(tmp_path: Path, ours: Certificate) -> None:
    async with apart(tmp_path, ours) as shop, shop.client() as http:
        await until(lambda: is_ready(http), "the shop to be ready", patience=90)
        who = {"email": "admin@shop.example", "password": "correct horse battery"}
        given = {**shop.settings, "KASSA_ADMIN_PASSWORD": "correct horse battery"}
        made = await asyncio.to_thread(kassa, tmp_path, "admin", "create", who["email"], **given)
        assert made.returncode == 0, made.stderr
        token = (await http.post("/auth/login", json=who)).json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        new = {"name": "Mug", "description": "", "price": "19.99", "category": "things", "stock": 3}
        product = (await http.post("/products", json=new)).json()["product"]["id"]
        placed = await http.post("/orders", json={"items": [{"productId": product, "quantity": 1}]})
        assert placed.status_code == 201, placed.text
        order = placed.json()["order"]["id"]
        session = (await http.post("/payments/create-session", json={"orderId": order})).json()["sessionId"]
        card = f"{sandbox_url(tmp_path / '.kassa')}/sandbox/sessions/{session}/pay"
        assert (await http.post(card, json={"card": GOOD})).status_code == 200

        async def is_confirmed() -> bool:
            return bool((await http.get(f"/orders/{order}")).json()["order"]["status"] == "CONFIRMED")

        await until(is_confirmed, "the order to be confirmed")
        with pytest.raises(httpx.TransportError):
            await httpx.AsyncClient(trust_env=False).get(shop.url.replace("https:", "http:") + "/health")
    assert "Traceback" not in "".join(log.read_text() for log in tmp_path.glob("*.log"))


async def is_ready(http: httpx.AsyncClient) -> bool:
    with suppress(httpx.TransportError):
        return (await http.get("/ready")).status_code == 200
    return False


async def test_a_certificate_of_strangers_is_not_believed_and_plain_http_is_not_answered(
    tmp_path: Path, ours: Certificate
) -> None:
    theirs = Certificate(tmp_path / "theirs")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://localhost:{listener.getsockname()[1]}"
        async with answering(say_yes, listener, Bounds(), answering_with(read_settings(theirs.settings))):
            assert (await asked(url, theirs.trusted))[0] == 200
            for trusted in (ours.trusted, {}):
                with pytest.raises(Unavailable):
                    await asked(url, trusted)
            with pytest.raises(Unavailable):
                await asked(url.replace("https:", "http:"), theirs.trusted)


async def test_nobody_but_the_named_authority_is_believed(
    tmp_path: Path, ours: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = Certificate(tmp_path / "theirs")
    monkeypatch.setenv("SSL_CERT_FILE", str(theirs.certificate))  # The system knows them.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://localhost:{listener.getsockname()[1]}"
        async with answering(say_yes, listener, Bounds(), answering_with(read_settings(theirs.settings))):
            async with httpx.AsyncClient(verify=ssl.create_default_context(), trust_env=False) as anybody:
                assert (await anybody.post(url)).status_code == 200
            with pytest.raises(Unavailable):
                await asked(url, ours.trusted)


async def asked(url: str, trusted: dict[str, str]) -> tuple[int, bytes]:
    """What one service gets from another at this address."""
    async with new_session(trusting(read_settings(trusted))) as session:
        transport = HttpTransport("product", url, ServiceIdentity("order", ServiceKeys(OWN_SECRET)), lambda: session)
        return await transport.call("POST", "/", {}, b"{}")


async def say_yes(_: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"TLS_CERTIFICATE": "certificate"}, "TLS_KEY must be set when TLS_CERTIFICATE is"),
        ({"TLS_KEY": "key"}, "TLS_CERTIFICATE must be set when TLS_KEY is"),
        ({"TLS_CERTIFICATE": "nowhere", "TLS_KEY": "key"}, "TLS_CERTIFICATE names a file that cannot be read"),
        ({"TLS_CERTIFICATE": "certificate", "TLS_KEY": "certificate"}, "TLS_KEY must be the unencrypted private key"),
        ({"TLS_CERTIFICATE": "certificate", "TLS_KEY": "other"}, "TLS_KEY must be the unencrypted private key"),
        ({"TLS_CERTIFICATE": "certificate", "TLS_KEY": "locked"}, "TLS_KEY must be the unencrypted private key"),
        ({"TLS_CA": "nowhere"}, "TLS_CA names a file that cannot be read"),
        ({"TLS_CA": "key"}, "TLS_CA must name a file with certificates"),
    ],
)
def test_what_is_wrong_is_told_at_the_start(
    tmp_path: Path, ours: Certificate, given: dict[str, str], words: str
) -> None:
    other = Certificate(tmp_path / "other")
    locked = tmp_path / "locked.pem"
    key = serialization.load_pem_private_key(ours.key.read_bytes(), None)
    form = (serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret"))
    locked.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    files = {"certificate": ours.certificate, "key": ours.key, "other": other.key, "locked": locked}

    def start() -> None:
        settings = read_settings({name: str(files.get(file, tmp_path / file)) for name, file in given.items()})
        answering_with(settings)
        trusting(settings)

    with pytest.raises(SettingError, match=words):
        start()


def test_kassa_up_leaves_tls_to_a_reverse_proxy(tmp_path: Path, ours: Certificate) -> None:
    done = kassa(tmp_path, "up", **ours.settings)
    assert (done.returncode, "put a reverse proxy before `kassa up`" in done.stderr) == (2, True), done.stderr
