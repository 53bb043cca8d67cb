"""A real auth service behind its real routes, on a real database, at a time that the test decides."""

from typing import Any, cast

import httpx
from litestar import Litestar

from kassa.app.effects import auth_effects
from kassa.auth.challenges import Challenges
from kassa.auth.customers import Customers
from kassa.auth.devices import Devices
from kassa.auth.domain import User
from kassa.auth.links import Links
from kassa.auth.mail_effects import Claims, MailEffects
from kassa.auth.passwords import Passwords
from kassa.auth.routes import HANDLERS
from kassa.auth.service import AuthService
from kassa.auth.store import AuthStore
from kassa.auth.tokens import Tokens
from kassa.contracts.auth import Auth
from kassa.contracts.mail import Mails
from kassa.contracts.order import Orders
from kassa.contracts.stock_notices import StockNotices
from kassa.kit.access import USER
from kassa.kit.documents import Database
from kassa.kit.identity import TokenVerifier
from kassa.kit.ids import Ids
from kassa.kit.outbox import Outbox
from kassa.kit.web import EXCEPTION_HANDLERS
from tests.auth.elsewhere import Buyers, Mailbox, Waiting
from tests.support import FakeClock

MASTER_SECRET = "a master secret for tests"
EMAIL, PASSWORD = "ada@example.com", "correct horse"


def cheap_passwords(**options: Any) -> Passwords:
    """Real argon2, with as little work as it lets one do."""
    return Passwords(**{"memory_kib": 8, "time_cost": 1, **options})


def stored_user(id: str, email: str, password_hash: str = "") -> User:
    """An account as a former release stored it."""
    return User(id=id, email=email, role=USER, password_hash=password_hash, created_at=0, updated_at=0)


class World:
    """The service, its store and clock, and how a client sees them."""

    def __init__(
        self,
        store: AuthStore,
        passwords: Passwords,
        master_secret: str = MASTER_SECRET,
        *,
        wants_second_factor: bool = False,
        has_mail: bool = True,
        database: Database | None = None,
        unused_days: int = 0,
    ) -> None:
        self.clock = FakeClock()
        self.store = store
        ids = Ids(self.clock)
        self.outbox: Outbox[User] = Outbox(store.users, {}, self.clock, lambda: 0.5)
        self.buyers, self.mailbox = Buyers(), Mailbox()
        orders, mails, links = cast("Orders", self.buyers), cast("Mails", self.mailbox), Links([master_secret])
        claims = Claims(self.outbox, orders, self.clock)
        self.tokens = Tokens([master_secret], ids, self.clock)
        devices = Devices([master_secret], ids, self.clock)
        self.service = AuthService(
            store,
            self.outbox,
            self.tokens,
            devices,
            passwords,
            ids,
            self.clock,
            challenges=Challenges([master_secret], self.clock),
            links=links,
            claims=claims,
            issuer="shop.example",
            has_mail=has_mail,
            wants_second_factor=wants_second_factor,
        )
        self.waiting = Waiting()
        parts = (store, self.outbox, self.service, orders, mails, cast("StockNotices", self.waiting))
        self.customers = Customers(*parts, cast("Database", database), ids, self.clock, unused_days=unused_days)
        mailing = MailEffects(mails, links, "https://shop.example", self.clock, is_off=not has_mail)
        self.outbox.carriers = auth_effects(self.customers, mailing, claims)
        self.contract: Auth = self.service
        self.verifier = TokenVerifier(self._keys, self.clock, self.service.ended_tokens, self.service.key_holder)
        self.app = Litestar(list(HANDLERS), exception_handlers=EXCEPTION_HANDLERS)
        self.app.state["auth"] = self.service
        self.app.state["verifier"] = self.verifier

    @classmethod
    async def on(cls, database: Database, passwords: Passwords | None = None, **options: Any) -> "World":
        """A world whose users are in this database."""
        store = await AuthStore.open(database, FakeClock())
        return cls(store, passwords or cheap_passwords(), database=database, **options)

    async def post(self, path: str, *, token: str = "", client: str = "192.0.2.1", **body: Any) -> httpx.Response:
        """POST a JSON object, as somebody at the address `client`; what follows from it is done when this returns."""
        return await self.send(path, body, token=token, client=client)

    async def send(
        self, path: str, body: dict[str, Any], *, token: str = "", client: str = "192.0.2.1"
    ) -> httpx.Response:
        """The same of an object that may have a member called `token`, too."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with self._http(client) as http:
            answer = await http.post(path, json=body, headers=headers)
        await self.outbox.settle()
        return answer

    async def get(self, path: str, token: str = "") -> httpx.Response:
        """GET a path."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with self._http("192.0.2.1") as http:
            return await http.get(path, headers=headers)

    async def registered(self, email: str = EMAIL, password: str = PASSWORD) -> dict[str, Any]:
        """A new user's session, as the wire shows it."""
        answer = await self.post("/auth/register", email=email, password=password)
        assert answer.status_code == 201, answer.text
        session: dict[str, Any] = answer.json()
        return session

    async def login(
        self, password: str = PASSWORD, email: str = EMAIL, client: str = "192.0.2.1", device: str = ""
    ) -> httpx.Response:
        """Try to log in."""
        more = {"deviceToken": device} if device else {}
        return await self.post("/auth/login", email=email, password=password, client=client, **more)

    async def refresh(self, token: str) -> httpx.Response:
        """Try to exchange a refresh token."""
        return await self.post("/auth/refresh", refreshToken=token)

    async def delete(self, path: str, token: str) -> httpx.Response:
        """DELETE a path."""
        async with self._http("192.0.2.1") as http:
            return await http.delete(path, headers={"authorization": f"Bearer {token}"})

    def _http(self, client: str) -> httpx.AsyncClient:
        app: Any = self.app
        transport = httpx.ASGITransport(app, client=(client, 4321))
        return httpx.AsyncClient(transport=transport, base_url="http://shop.test")

    async def _keys(self) -> list[dict[str, Any]]:
        return (await self.contract.keys()).keys
