"""What is secret or personal is marked, everywhere, with one word; and that word is in nothing that a shop writes: no
log, at the most talkative level, no problem, no figure; whatever is asked of it, and whatever breaks."""

import json
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextlib import closing as closed
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from pyotp import TOTP

from tests.app.process import PATIENCE, Running, environment, free_port, kassa, started
from tests.servers import mongod, valkey
from tests.support import OWN_SECRET

pytestmark = pytest.mark.slow

MARK = "c4n4ry"
EMAIL, PASSWORD, NAME = f"{MARK}@shop.example", f"{MARK} four words nobody has", f"Person {MARK}"
ADMIN = {"email": f"admin.{MARK}@shop.example", "password": f"{MARK} five words nobody has"}
KEY = f"rk_test_{MARK}"
SECRETS = {
    "STRIPE_SECRET_KEY": KEY,
    "STRIPE_WEBHOOK_SECRET": f"whsec_{MARK}{OWN_SECRET}",
    "JWT_SECRET": f"{MARK}-jwt-{OWN_SECRET}",
    "INTERNAL_SECRET": f"{MARK}-internal-{OWN_SECRET}",
    "HTTPS_PROXY": f"http://user:{MARK}@127.0.0.1:1",
    "KASSA_ADMIN_PASSWORD": ADMIN["password"],
}
# What libraries look at by themselves.
TALKATIVE = {"LOG_LEVEL": "debug", "LOG_FORMAT": "json", "STRIPE_LOG": "debug", "LITESTAR_DEBUG": "1",
             "PYTHONWARNINGS": "always"}  # fmt: skip
PAGES = ("/", "/account", "/account/login", "/account/register", "/account/sessions", "/cart", "/checkout", "/console",
         "/console/orders", "/console/products", "/console/events", "/shop/x", "/docs")  # fmt: skip


class Stores(Protocol):
    """Where a shop's data are; `spoil` makes an account unreadable, with what is personal in it. `command` is one that
    fails there, for the key may do nothing."""

    settings: dict[str, str]
    command: str

    def spoil(self, directory: Path) -> None: ...


class Files:
    command = "reconcile"

    def __init__(self) -> None:
        self.settings: dict[str, str] = {}

    def spoil(self, directory: Path) -> None:
        with closed(sqlite3.connect(directory / ".kassa" / "kassa.db", timeout=30)) as data, data:
            text = f'"created_at":"{EMAIL} {PASSWORD}"'
            for row, body in data.execute("SELECT rowid, body FROM users").fetchall():
                spoiled = re.sub(r'"created_at":\d+', text, body if isinstance(body, str) else body.decode())
                data.execute("UPDATE users SET body = ? WHERE rowid = ?", (spoiled, row))


class Servers:
    """MongoDB and Valkey, each with a user and a password."""

    command = "doctor"

    def __init__(self) -> None:
        self._mongod, stock = mongod.shared(), valkey.shared()
        self._password = f"{MARK}-of-the-store"
        with stock.client() as inside:
            inside.execute_command("ACL", "SETUSER", "shop", "on", f">{self._password}", "~*", "&*", "+@all")  # type: ignore[no-untyped-call]
        user: dict[str, Any] = {"createUser": "shop", "pwd": self._password, "roles": ["root"]}
        self._mongod.client.admin.command(user)
        self.settings = {
            "MONGO_URI": self._mongod.uri.replace("://", f"://shop:{self._password}@") + "&authSource=admin",
            "REDIS_URL": stock.url.replace("://", f"://shop:{self._password}@"),
        }

    def spoil(self, directory: Path) -> None:
        users = self._mongod.client.authdb.users
        spoiled = {"$set": {"created_at": f"{EMAIL} {PASSWORD}"}}
        self._mongod.client.authdb.command(
            {
                "update": users.name,
                "updates": [{"q": {}, "u": spoiled, "multi": True}],
                "bypassDocumentValidation": True,
            }
        )


@pytest.fixture(params=[Files, Servers], ids=["files", "servers"])
def stores(request: pytest.FixtureRequest) -> Stores:
    made: Stores = request.param()
    return made


@contextmanager
def talking(directory: Path, **settings: str) -> Iterator[Running]:
    """A shop at its most talkative; its log is what it writes on stderr."""
    port, log = free_port(), directory / "errors"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "kassa.cli.main", "up", "--port", str(port)],
            cwd=directory,
            env=environment(**TALKATIVE, **settings),
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    shop = Running(process, port, log)
    try:
        shop.wait_until_ready("/health")
        yield shop
    finally:
        process.kill()
        process.wait()


class Asking:
    """Whoever asks the shop. All that is answered is looked at; what the shop gives them is not to be told, either."""

    def __init__(self, url: str) -> None:
        agent = {"User-Agent": f"{MARK}/1.0"}
        self._http = httpx.Client(
            base_url=url, trust_env=False, headers=agent, follow_redirects=False, timeout=PATIENCE
        )
        self.told: set[str] = {MARK}
        self.count = 0

    def close(self) -> None:
        self._http.close()

    def ask(self, method: str, path: str, body: Any = None, token: str = "", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self._http.request(method, path, json=body, headers={**headers, **more.pop("headers", {})}, **more)
        self.count += 1
        if "problem" in answer.headers.get("content-type", "") or answer.status_code >= 500:
            self.is_clean(answer.text)
        return answer

    def is_clean(self, text: str) -> None:
        found = [text[max(0, at - 200) : at + 60] for each in self.told if (at := text.lower().find(each.lower())) >= 0]
        assert found == []

    def log_in(self, account: dict[str, str], path: str = "/auth/login") -> dict[str, Any]:
        session: dict[str, Any] = self.ask("POST", path, account).json()
        self.told |= {session[name] for name in ("token", "refreshToken", "deviceToken") if name in session}
        return session


def asked_everything(asking: Asking, tokens: list[str]) -> None:
    """Every endpoint, by nobody, a buyer and an administrator, with what is marked in all that can be sent."""
    described = asking.ask("GET", "/openapi.json").json()["paths"]
    words = {"email": EMAIL, "password": PASSWORD, "name": NAME, "current": PASSWORD, "new": PASSWORD, MARK: MARK}
    bodies = (words, {"email": EMAIL, "password": PASSWORD}, {"refreshToken": f"fam_{MARK}.{MARK}"}, [MARK], None)
    for path, operations in described.items():
        for method in operations:
            where = re.sub(r"\{\w+\}", "ord_" + "0" * 26, path)
            if where.startswith(("/auth/logout", "/auth/sessions")):
                continue
            is_change = method in ("post", "put", "patch")
            for token in tokens:
                asking.ask(
                    method.upper(), f"{where}?q={MARK}&cursor={MARK}&days={MARK}", words if is_change else None, token
                )
            for body in bodies if is_change else (None,):
                asking.ask(method.upper(), where, body, tokens[0])
    asking.ask("POST", "/auth/login", content=f'{{"email": "{EMAIL}", "password": "{PASSWORD}'.encode())
    signed = {"Stripe-Signature": f"t=1,v1={MARK}"}
    asking.ask("POST", "/payments/webhook", {"customer_email": EMAIL}, headers=signed)


def second_factor(asking: Asking) -> None:
    """Set up and used, rightly and wrongly, in the API and on the pages: neither secret nor codes are to be told."""
    account = {"email": f"factor.{MARK}@shop.example", "password": PASSWORD}
    token = asking.log_in(account, "/auth/register")["token"]
    secret = asking.ask("POST", "/auth/second-factor", {"password": PASSWORD}, token).json()["secret"]
    asking.told.add(secret)
    asking.ask("POST", "/auth/second-factor/confirm", {"code": f"{MARK} {secret}"}, token)
    code = TOTP(secret).generate_otp(int(time.time()) // 30)
    made = asking.ask("POST", "/auth/second-factor/confirm", {"code": code}, token).json()
    asking.told |= {*made["recoveryCodes"], *(each.replace("-", "") for each in made["recoveryCodes"])}
    challenge = asking.ask("POST", "/auth/login", account).json()["challenge"]
    for code in (made["recoveryCodes"][0], made["recoveryCodes"][0], f"{MARK}-{secret}"):
        asking.ask("POST", "/auth/login/second-factor", {"challenge": challenge, "code": code})
        form = {"csrf": "a" * 43, "challenge": challenge, "code": code}
        asking.ask("POST", "/account/login/code", data=form, headers={"Cookie": f"kassa_csrf={'a' * 43}"})
    told = asking.ask("POST", "/auth/account/export", {"password": PASSWORD}, made["session"]["token"])
    assert told.json()["secondFactorSince"]
    assert [each for each in (secret, *made["recoveryCodes"]) if each in told.text] == []


def asked_pages(asking: Asking, token: str) -> None:
    csrf = "a" * 43
    form = {"csrf": csrf, "email": EMAIL, "password": PASSWORD + "x", "name": NAME, "next": f"/{MARK}"}
    for cookies in (f"kassa_token={token}", f"kassa_token={MARK}; kassa_refresh={MARK}; kassa_cart={MARK}", "a=b"):
        headers = {"Cookie": f"{cookies}; kassa_csrf={csrf}", "Accept": "text/html"}
        for path in PAGES:
            asking.ask("GET", f"{path}?q={MARK}", headers=headers)
        for path in ("/account/login", "/account/register"):
            asking.ask("POST", path, headers=headers, data=form)


def spoken_nonsense(shop: Running) -> None:
    """What is no HTTP, and what is too much of it."""
    for said in (
        f"GET /{MARK} HTTP/9.9\r\n\r\n",
        f"{MARK}\r\n\r\n",
        f"GET / HTTP/1.1\r\nCookie: {MARK * 9000}\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", shop.port), timeout=PATIENCE) as connection:
            connection.sendall(said.encode())
            connection.recv(4096)


def test_no_secret_and_nothing_personal_is_written_whatever_is_asked_and_whatever_breaks(
    stores: Stores, tmp_path: Path
) -> None:
    stripe_at = tmp_path / "stripe"
    stripe_at.mkdir()
    with started(stripe_at, "sandbox") as stripe, ExitStack() as closing:
        stripe.wait_until_ready("/sandbox")
        given: dict[str, Any] = {"restricted_keys": {KEY: []}}
        httpx.post(f"{stripe.url}/sandbox/account", json=given, trust_env=False).raise_for_status()
        settings = {**SECRETS, **stores.settings, "STRIPE_API_BASE": stripe.url, "RATE_LIMIT": "500/second"}
        settings["METRICS_PORT"] = str(free_port())
        with talking(tmp_path, **settings) as shop:
            asking = Asking(shop.url)
            closing.callback(asking.close)
            made = kassa(tmp_path, "admin", "create", ADMIN["email"], **TALKATIVE, **settings)
            assert made.returncode == 0, made.stderr
            asking.is_clean(made.stderr)
            buyer = asking.log_in({"email": EMAIL, "password": PASSWORD, "name": NAME}, "/auth/register")
            admin = asking.log_in(ADMIN)
            mug = {"name": "Mug", "description": "", "category": "things", "price": "9.99", "stock": 9}
            product = asking.ask("POST", "/products", mug, admin["token"]).json()["product"]["id"]
            order = asking.ask("POST", "/orders", {"items": [{"productId": product, "quantity": 1}]}, buyer["token"])
            asking.ask("POST", "/payments/create-session", {"orderId": order.json()["order"]["id"]}, buyer["token"])
            second_factor(asking)
            asked_everything(asking, [admin["token"], buyer["token"], "", f"{MARK}.{MARK}.{MARK}"])
            asked_pages(asking, buyer["token"])
            spoken_nonsense(shop)
            asking.is_clean(httpx.get(f"http://127.0.0.1:{settings['METRICS_PORT']}/metrics", trust_env=False).text)
            stores.spoil(tmp_path)
            broken = asking.ask("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})
            assert broken.status_code == 500
            failed = kassa(tmp_path, stores.command, **TALKATIVE, **settings)
            assert failed.returncode == 1
            asking.is_clean(failed.stdout + failed.stderr)
            assert shop.stop() == 0
        assert asking.count > 250
        written = shop.log.read_text()
        asking.is_clean(written)
        lines = [json.loads(line) for line in written.splitlines()]
        assert {"stopped", "unexpected error"} <= {line["event"] for line in lines}
