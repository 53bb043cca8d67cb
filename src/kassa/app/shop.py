"""What a process of the shop consists of, once it is wired."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kassa.app.record import ShopRecord
from kassa.app.settings import Settings
from kassa.app.stopping import SETTLE_SECONDS
from kassa.app.worker import Job, Relay, Turns
from kassa.auth.customers import Customers
from kassa.auth.service import AuthService
from kassa.contracts.auth import Auth
from kassa.inventory.reconcile import StockReconciler
from kassa.inventory.service import InventoryService
from kassa.inventory.stock import Stock
from kassa.invoicing.store import InvoiceStore
from kassa.kit.clock import Clock
from kassa.kit.documents import Collection, Database
from kassa.kit.idempotency import Idempotency
from kassa.kit.identity import TokenVerifier
from kassa.kit.ids import Ids
from kassa.kit.outbox import Carrier, Outbox
from kassa.kit.peer import Client
from kassa.kit.service_keys import ServiceKeys
from kassa.mail.postmen import Postman
from kassa.mail.service import MailService, NoMails
from kassa.order.facts import OrderFactsTeller
from kassa.order.fulfilling import Fulfilling
from kassa.order.guests import GuestTokens
from kassa.order.invoices import OrderInvoices
from kassa.order.offering import Offering
from kassa.order.orphans import OrphanRescue
from kassa.order.profiles import Profiles
from kassa.order.service import OrderService
from kassa.order.withdrawals import Withdrawals
from kassa.outgoing.deliverer import Deliverer
from kassa.outgoing.endpoints import Endpoints
from kassa.outgoing.sending import Sending
from kassa.outgoing.service import EventsService
from kassa.payment.allowance import Allowances
from kassa.payment.answering import Answers
from kassa.payment.check_reports import CheckReports
from kassa.payment.inbox import Inbox
from kassa.payment.key_rights import KeyRights
from kassa.payment.notices import Notices
from kassa.payment.processor import Processor
from kassa.payment.reconcile import Reconciler
from kassa.payment.rights import StripeAccount
from kassa.payment.service import PaymentService
from kassa.payment.unclaimed import Unclaimed
from kassa.product.service import ProductService
from kassa.stock_notices.service import StockNoticeService

if TYPE_CHECKING:
    from kassa.app.metrics import Metrics
    from kassa.gateway.system import System
    from kassa.gateway.turning_away import TurningAway
    from kassa.pages.watching import Streams

T = TypeVar("T")


class Neighbour:
    """A service of the same process, which is found when it is called, as one elsewhere is by its address: order and
    payment call each other, so that one of them is made while the other is not there yet."""

    def __init__(self, find: Callable[[], Any]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)


class Elsewhere(Exception):
    """The service does not live in this process; the text says what to do."""


class NoShop(Exception):
    """There is no shop where the settings say; the text says where that is, and what to do."""


@dataclass(frozen=True)
class Place:
    """Which services live in this process, and where it is.

    `files` names each service that lives here, and the file that its documents and stock are in. `name` is what the
    lock is called. `sandbox_host` is what the sandbox listens on; `sandbox_data` is where its files are, if they are
    apart from the shop's. `frontend_url` and `webhook_url` are the shop's own addresses; no webhooks are sent to None.
    `serves` is False for a command that works on the data beside a server; `brings_sandbox` is False if the sandbox
    runs already, or is not needed.
    """

    files: Mapping[str, str]
    name: str = "kassa"
    sandbox_host: str = "127.0.0.1"
    sandbox_data: Path | None = None
    frontend_url: str = "http://127.0.0.1:3000"
    webhook_url: str | None = "http://127.0.0.1:3000/payments/webhook"
    serves: bool = True
    brings_sandbox: bool = True

    @property
    def asks_stripe(self) -> bool:
        """Whether Stripe is asked from here, or the sandbox."""
        return self.serves or self.brings_sandbox

    @property
    def here(self) -> tuple[str, ...]:
        """The services that live here."""
        return tuple(self.files)


@dataclass
class Shop:
    """What lives in this process. A service that lives elsewhere is None here. `records`: what the database of each
    service that lives here remembers of the shop."""

    settings: Settings
    place: Place
    clock: Clock
    ids: Ids
    service_keys: ServiceKeys
    verifier: TokenVerifier
    sessions: "Sessions"
    proxying: "Sessions"
    databases: dict[str, Database] = field(default_factory=dict)
    records: dict[str, ShopRecord] = field(default_factory=dict)
    metrics: "Metrics | None" = None
    turn_away: "TurningAway | None" = None
    streams: "Streams | None" = None
    system: "System | None" = None
    idempotency: Idempotency | None = None
    auth: AuthService | None = None
    auth_anywhere: Auth | None = None
    customers: Customers | None = None
    product: ProductService | None = None
    inventory: InventoryService | None = None
    stock: Stock | None = None
    stock_reconciler: StockReconciler | None = None
    order: OrderService | None = None
    events: EventsService | None = None
    endpoints: Endpoints | None = None
    deliverer: Deliverer | None = None
    offering: Offering | None = None
    profiles: Profiles | None = None
    fulfilling: Fulfilling | None = None
    facts: OrderFactsTeller | None = None
    withdrawals: Withdrawals | None = None
    guests: GuestTokens | None = None
    mail: MailService | NoMails | None = None
    stock_notices: StockNoticeService | None = None
    invoices: OrderInvoices | None = None
    invoice_store: InvoiceStore | None = None
    postman: Postman | None = None
    sender: Callable[[], Sending] | None = None
    payment: PaymentService | None = None
    processor: Processor | None = None
    warm_up: Callable[[], Awaitable[None]] | None = None
    stripe_account: StripeAccount | None = None
    key_rights: KeyRights | None = None
    inbox: Inbox | None = None
    notices: Notices | None = None
    check_reports: CheckReports | None = None
    unclaimed: Unclaimed | None = None
    allowances: Allowances | None = None
    answers: Answers | None = None
    reconciler: Reconciler | None = None
    rescue: OrphanRescue | None = None
    outboxes: dict[str, Outbox[Any]] = field(default_factory=dict)
    followers: list[Relay] = field(default_factory=list)
    aggregates: dict[str, Collection[Any]] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    turns: Turns | None = None

    def add_outbox(self, name: str, collection: Collection[Any], carriers: Mapping[str, Carrier[Any]]) -> Outbox[Any]:
        """The outbox of a kind of documents, by which their effects are carried out."""
        self.outboxes[name] = Outbox(collection, carriers, self.clock)
        self.aggregates[name] = collection
        return self.outboxes[name]

    @property
    def relays(self) -> list[Relay]:
        """What is to have its turn again and again."""
        senders = [self.deliverer] if self.deliverer is not None else []
        return [*self.outboxes.values(), *self.followers, *senders]

    @property
    def is_alone(self) -> bool:
        """Whether no other process serves this data: on SQLite a lock sees to that."""
        return self.place.serves and self.settings.mongo_uri is None

    async def take_over(self) -> None:
        """Make due what processes that are gone have left undone: for one that knows that no other is there. A command
        that runs beside may lose a lease by that; what is carried out twice does no harm."""
        if self.inbox is not None:
            await self.inbox.void_leases()
        for outbox in self.outboxes.values():
            await outbox.void_leases()

    async def settle(self) -> None:
        """Wait until nothing is under way any more: one thing may lead to another."""
        for _ in range(3):
            if self.inbox is not None:
                await self.inbox.settle()
            for outbox in self.outboxes.values():
                await outbox.settle()

    async def wind_up(self) -> None:
        """Settle; a server only for a while, for what is left is done after the next start."""
        if self.deliverer is not None:
            await self.deliverer.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS if self.place.serves else None):
                await self.settle()


class Sessions:
    """The process's HTTP connections to the other services, opened with the first call."""

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make
        self._session: Client | None = None

    def __call__(self) -> Client:
        """The session."""
        if self._session is None:
            self._session = self._make()
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def present(part: T | None, service: str) -> T:
    """The part of the shop, if it lives here; Elsewhere if not."""
    if part is None:
        raise Elsewhere(
            f"{service.upper()}_SERVICE_URL is set: run this where the {service} service runs, with its settings"
        )
    return part
