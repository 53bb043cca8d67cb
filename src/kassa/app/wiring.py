"""The only place where anything is constructed: which services live here, what they are given, what follows from what.

`kassa up` has all five services in one process; `kassa serve` has one. A service that lives elsewhere is reached over
HTTP as soon as its `*_SERVICE_URL` is set, and nobody who calls it notices.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, cast

from kassa.app.effects import payment_effects, product_effects
from kassa.app.record import keep_stripe_account, keep_stripe_mode, remembered
from kassa.app.sandboxing import SANDBOX_KEY, last_sandbox_url, sandbox_running, webhook_secrets
from kassa.app.secrets import service_keys
from kassa.app.settings import SERVICES, Settings
from kassa.app.shop import Neighbour, Place, Sessions, Shop, present
from kassa.app.stores import open_database, open_stock
from kassa.app.tls import trusting
from kassa.app.transport import HttpTransport, new_proxying_session, new_session
from kassa.app.wiring_auth import wire_auth
from kassa.app.wiring_events import follow
from kassa.app.wiring_order import wire_orders
from kassa.app.worker import TURNS, Job, Turns
from kassa.contracts.auth import Auth
from kassa.contracts.facts import Facts
from kassa.contracts.inventory import Inventory
from kassa.contracts.mail import Mails
from kassa.contracts.order import Orders
from kassa.contracts.payment import Payments
from kassa.contracts.product import Product
from kassa.contracts.stock_notices import StockNotices
from kassa.inventory.mending import wanted_by
from kassa.inventory.reconcile import StockReconciler
from kassa.inventory.service import InventoryService
from kassa.inventory.stock import Stock
from kassa.kit.clock import HOUR, MINUTE, Clock, SystemClock
from kassa.kit.documents import Database
from kassa.kit.ended import EndedTokens
from kassa.kit.idempotency import RECORDS, Idempotency
from kassa.kit.identity import TokenVerifier
from kassa.kit.ids import SHOP, Ids
from kassa.kit.problem import Unavailable
from kassa.kit.service_keys import ServiceIdentity
from kassa.kit.wire import connect
from kassa.mail.postmen import Postman
from kassa.outgoing.sending import Sending
from kassa.payment.allowance import Allowances
from kassa.payment.answering import Answers
from kassa.payment.check_reports import CheckReports
from kassa.payment.effects import PaymentEffects
from kassa.payment.event_handlers import EventHandlers
from kassa.payment.evidence_effects import EvidenceEffects
from kassa.payment.inbox import Inbox
from kassa.payment.key_rights import KeyRights
from kassa.payment.notices import Notices
from kassa.payment.personal import forget_old_bodies
from kassa.payment.processor import Processor
from kassa.payment.processor_stripe import StripeProcessor
from kassa.payment.reconcile import Reconciler
from kassa.payment.refund_effects import RefundEffects
from kassa.payment.service import PaymentService
from kassa.payment.store import PaymentStore
from kassa.payment.unclaimed import Unclaimed
from kassa.product.effects import ProductEffects
from kassa.product.service import ProductService
from kassa.product.store import ProductStore


@dataclass(frozen=True)
class Parts:
    """What the simulation has in place of the real thing: time, chance, the disk, the way to Stripe."""

    clock: Clock = field(default_factory=SystemClock)
    entropy: Callable[[int], bytes] = os.urandom
    open_database: Callable[[Settings, str], Awaitable[Database]] = open_database
    open_stock: Callable[[Shop, Database, Orders, AsyncExitStack], Awaitable[Stock]] = open_stock
    processor: Processor | None = None
    postman: Postman | None = None
    auth: Auth | None = None
    sender: Callable[[], Sending] | None = None


@asynccontextmanager
async def open_shop(settings: Settings, place: Place, parts: Parts | None = None) -> AsyncIterator[Shop]:
    """Construct what lives here; afterwards let it settle, and close it all."""
    parts = parts or Parts()
    clock, ids = parts.clock, Ids(parts.clock, parts.entropy)
    sessions = Sessions(lambda: new_session(trusting(settings)))
    proxying = Sessions(lambda: new_proxying_session(trusting(settings)))

    @cache
    def auth() -> Auth:
        # The order service alone asks whom to write to.
        caller = "order" if "order" in place.here else next(iter(place.here), "gateway")
        return shop.auth or _reach(shop, Auth, "auth", caller)

    async def keys() -> list[dict[str, Any]]:
        return (await auth().keys()).keys

    @cache
    def ended() -> EndedTokens:
        return shop.auth.ended_tokens if shop.auth is not None else EndedTokens(auth().ended, clock)

    async with AsyncExitStack() as closing:
        closing.push_async_callback(sessions.close)
        closing.push_async_callback(proxying.close)
        tokens, signing = cast("EndedTokens", Neighbour(ended)), service_keys(settings, keeps=place.serves)
        verifier = TokenVerifier(keys, clock, tokens, lambda each: auth().key_holder(each))
        shop = Shop(settings, place, clock, ids, signing, verifier, sessions, proxying)
        shop.processor, shop.auth_anywhere = parts.processor, parts.auth or cast("Auth", Neighbour(auth))
        shop.postman, shop.sender = parts.postman, parts.sender
        if place.here:
            await _open_services(shop, await _open_databases(shop, parts, closing), parts, closing)
        closing.push_async_callback(shop.wind_up)
        yield shop


async def _open_services(shop: Shop, databases: Mapping[str, Database], parts: Parts, closing: AsyncExitStack) -> None:
    here, reach = shop.place.here, partial(_reach, shop)

    def of_orders(contract: Any, caller: str, find: Callable[[], Any]) -> Any:
        """What the order service's process answers: here, elsewhere, or nowhere that is known."""
        if "order" not in (*here, *shop.settings.service_urls):
            return Neighbour(_no_orders)
        return Neighbour(find) if "order" in here else reach(contract, "order", caller)

    def orders(caller: str) -> Orders:
        return cast("Orders", of_orders(Orders, caller, lambda: present(shop.order, "order")))

    if "auth" in here:
        mails = cast("Mails", of_orders(Mails, "auth", lambda: present(shop.mail, "order")))
        waiting = cast("StockNotices", of_orders(StockNotices, "auth", lambda: present(shop.stock_notices, "order")))
        await wire_auth(shop, databases["auth"], orders("auth"), mails, waiting, closing)
    if "inventory" in here:
        shop.stock = await parts.open_stock(shop, databases["inventory"], orders("inventory"), closing)
        shop.inventory = InventoryService(shop.stock, shop.clock, shop.ids, shop.settings.low_stock_threshold)
        shop.stock_reconciler = StockReconciler(shop.stock, wanted_by(orders("inventory")), shop.clock)
        shop.jobs += [Job(*job) for job in shop.stock_reconciler.jobs()]
    if "product" in here:
        await _product(shop, databases["product"], shop.inventory or reach(Inventory, "inventory", "product"))
    payments: Payments = reach(Payments, "payment", "order")
    if "payment" in here:
        facts = cast("Facts", of_orders(Facts, "payment", lambda: present(shop.facts, "order")))
        payments = await _payment(shop, databases["payment"], orders("payment"), facts, closing)
    if "order" in here:
        product: Product = shop.product or reach(Product, "product", "order")
        inventory: Inventory = shop.inventory or reach(Inventory, "inventory", "order")
        await wire_orders(shop, databases["order"], product, inventory, payments)
    await follow(shop, databases, reach)


def _no_orders() -> Orders:
    raise Unavailable("ORDER_SERVICE_URL must be set here, where the order service is")


def _reach(shop: Shop, contract: Any, callee: str, caller: str = "gateway") -> Any:
    """The service at its address, called as `caller`."""
    url = shop.settings.service_urls.get(callee, "")
    return connect(contract, HttpTransport(callee, url, ServiceIdentity(caller, shop.service_keys), shop.sessions))


async def _open_databases(shop: Shop, parts: Parts, closing: AsyncExitStack) -> dict[str, Database]:
    """Each service's database: its own in MongoDB, or a file that several services may share."""
    place, settings = shop.place, shop.settings
    names = place.files if settings.mongo_uri is None else {service: f"{service}db" for service in place.here}
    opened: dict[str, Database] = {}
    for name in dict.fromkeys(names.values()):
        opened[name] = await parts.open_database(settings, name)
        closing.push_async_callback(opened[name].close)
    shop.databases.update(opened)
    known = await remembered(opened, settings, partial(shop.ids.new, SHOP), shop.clock.now())
    shop.records.update({service: known[name] for service, name in names.items()})
    first = next(iter(opened.values()))
    records = await first.collection(RECORDS)
    if settings.mongo_uri is not None and place.serves:
        shop.turns = Turns(await first.collection(TURNS), shop.clock)
    # Another process may serve the same MongoDB: what it runs is left to it until its lease is over.
    shop.idempotency = Idempotency(records, shop.clock, shop.ids.new("own"), is_alone=shop.is_alone)
    shop.jobs.append(Job("remove expired idempotency keys", HOUR, shop.idempotency.remove_expired))
    return {service: opened[name] for service, name in names.items()}


async def _product(shop: Shop, database: Database, inventory: Inventory) -> None:
    store = await ProductStore.open(database, shop.clock)
    outbox = shop.add_outbox("product", store.products, product_effects(ProductEffects(inventory, store.prices)))
    shop.product = ProductService(store, outbox, inventory, shop.ids, shop.clock, shop.settings.currency)
    shop.jobs.append(Job("remove unused pictures", HOUR, shop.product.pictures.remove_unused))


async def _payment(
    shop: Shop, database: Database, orders: Orders, facts: Facts, closing: AsyncExitStack
) -> PaymentService:
    settings, ids, clock = shop.settings, shop.ids, shop.clock
    if shop.place.asks_stripe:
        await keep_stripe_mode(database, settings)
    store = await PaymentStore.open(database)
    given = shop.processor or await _processor(shop, closing)
    if shop.place.asks_stripe and not settings.has_sandbox:
        await keep_stripe_account(database, settings, given.account_id)
    shop.key_rights = KeyRights(store.key_refusals, shop.stripe_account, clock)
    processor = shop.key_rights.watching(given)
    frontend_url = settings.frontend_url or shop.place.frontend_url
    ends_on_decline = settings.payment_decline_policy == "cancel"
    shop_id = shop.records["payment"].shop_id
    telling = PaymentEffects(store.payments, orders, processor, clock)
    refunding = RefundEffects(store.payments, orders, processor, ids, clock, shop_id)
    answering = EvidenceEffects(store.payments, processor, clock, shop_id)
    outbox = shop.add_outbox("payment", store.payments, payment_effects(telling, refunding, answering))
    shop.payment = PaymentService(
        store,
        outbox,
        orders,
        processor,
        ids,
        clock,
        frontend_url,
        shop_id=shop_id,
        ends_on_decline=ends_on_decline,
        answers=shop.idempotency,
    )
    shop.answers = Answers(shop.payment, facts)
    shop.unclaimed = Unclaimed(store, processor, ids, clock, shop_id)
    limits = settings.support_refund_limits
    shop.allowances = Allowances(store.allowances, store.payments, clock, settings.currency, *limits)
    shop.inbox = Inbox(store, EventHandlers(shop.payment, processor, shop.unclaimed), processor, ids, clock)
    shop.notices = Notices(store, shop.inbox.refused, shop.key_rights, clock)
    shop.reconciler = Reconciler(store, shop.payment, shop.inbox, shop.unclaimed, processor, clock)
    _add_payment_jobs(shop, store)
    return shop.payment


def _add_payment_jobs(shop: Shop, store: PaymentStore) -> None:
    shop.check_reports = CheckReports(store.check_reports, shop.ids, shop.clock)
    inbox, reconciler = present(shop.inbox, "payment"), present(shop.reconciler, "payment")
    allowances, key_rights = present(shop.allowances, "payment"), present(shop.key_rights, "payment")
    shop.jobs.append(Job("remove old refund allowances", HOUR, allowances.remove_old))
    shop.jobs += [Job(*job) for job in (*inbox.jobs(), *reconciler.jobs())]
    shop.jobs.append(Job("forget what events tell of buyers", MINUTE, partial(forget_old_bodies, store)))
    if not shop.settings.has_sandbox:
        shop.jobs += [Job(*job) for job in key_rights.jobs()]


async def _processor(shop: Shop, closing: AsyncExitStack) -> StripeProcessor:
    """The way to Stripe; with no key set, to the sandbox, which this process brings up itself if nobody has."""
    settings = shop.settings
    if settings.stripe_secret_key is not None:
        how = (settings.stripe_webhook_secrets, settings.stripe_api_base, settings.stripe_proxy)
        return _told(shop, StripeProcessor(settings.stripe_secret_key, *how), closing)
    settings = replace(settings, data=shop.place.sandbox_data or settings.data)
    if shop.place.brings_sandbox:
        await closing.enter_async_context(sandbox_running(settings, shop.place.sandbox_host, shop.place.webhook_url))
    secrets = webhook_secrets(settings, keeps=shop.place.serves)
    return _told(shop, StripeProcessor(SANDBOX_KEY, secrets, last_sandbox_url(settings.data)), closing)


def _told(shop: Shop, processor: StripeProcessor, closing: AsyncExitStack) -> StripeProcessor:
    closing.push_async_callback(processor.close)
    shop.processor, shop.warm_up, shop.stripe_account = processor, processor.warm_up, processor
    return processor


def all_here(settings: Settings) -> dict[str, str]:
    """Service and file of a process that has all those whose address is not set."""
    return {service: "kassa" for service in SERVICES if service not in settings.service_urls}


def within_reach(settings: Settings) -> dict[str, str]:
    """Service and file of a command: also of those services that run apart, but on stores that can be reached."""

    def is_reached(service: str) -> bool:
        return settings.shares_stores((service,)) or (settings.data / f"{service}.db").exists()

    return {**all_here(settings), **{service: service for service in settings.service_urls if is_reached(service)}}
