"""A whole shop without sockets: the real services on their real stores, a hand-set clock, a scripted Stripe."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from kassa.app import effects
from kassa.app.attention import compare_attention
from kassa.app.audit import Difference, audit
from kassa.app.audit_outgoing import Outgoing
from kassa.app.audit_parts import OrderBooks
from kassa.app.shop import Neighbour
from kassa.contracts.auth import Contact
from kassa.contracts.inventory import Level, Line
from kassa.contracts.mail import Mails
from kassa.contracts.withdrawals import DEFAULT_DAYS
from kassa.inventory.mending import wanted_by
from kassa.inventory.reconcile import StockReconciler
from kassa.inventory.service import InventoryService
from kassa.inventory.stock import Stock
from kassa.inventory.stock_redis import RedisStock
from kassa.invoicing.register import Register
from kassa.invoicing.service import InvoiceService
from kassa.invoicing.store import InvoiceStore
from kassa.kit.audit import Comparison, Finding
from kassa.kit.clock import MINUTE, SECOND, Millis
from kassa.kit.documents import Database
from kassa.kit.identity import Principal
from kassa.kit.ids import DISCOUNT, ORDER, PRODUCT, Ids
from kassa.kit.money import major
from kassa.kit.outbox import Outbox
from kassa.mail.service import MailService, NoMails
from kassa.order.discount_wire import NewDiscount
from kassa.order.discounts import Discount
from kassa.order.domain import Limits, Order
from kassa.order.effects import OrderEffects
from kassa.order.facts import OrderFactsTeller
from kassa.order.fulfilling import Fulfilling
from kassa.order.guests import GuestTokens
from kassa.order.invoices import OrderInvoices, seller_of
from kassa.order.mails import OrderMails
from kassa.order.offering import DiscountEffects, Offering
from kassa.order.orphans import OrphanRescue
from kassa.order.places import Places
from kassa.order.pricing import TaxMode
from kassa.order.profiles import Profiles
from kassa.order.quoting import Asked, Quoting
from kassa.order.service import OrderService
from kassa.order.store import OrderStore
from kassa.order.uses import Uses
from kassa.order.withdrawals import Withdrawals
from kassa.outgoing.store import EventStore
from kassa.payment.answering import Answers
from kassa.payment.domain import Payment
from kassa.payment.effects import PaymentEffects
from kassa.payment.event_handlers import EventHandlers
from kassa.payment.evidence_effects import EvidenceEffects
from kassa.payment.inbox import Inbox
from kassa.payment.key_rights import KeyRights
from kassa.payment.notices import Notices
from kassa.payment.reconcile import Reconciler
from kassa.payment.refund_effects import RefundEffects
from kassa.payment.service import PaymentService
from kassa.payment.store import PaymentStore
from kassa.payment.unclaimed import Unclaimed
from kassa.product.effects import ProductEffects
from kassa.product.service import ProductService
from kassa.product.store import ProductStore
from tests.support import FakeClock
from tests.trade.stores import SQLITE, stores
from tests.trade.stripe_at_the_port import StripeAtThePort, sign

ALONE = "sqlite, alone"
"""The form of a shop that nobody shares its data with, and that knows it."""

Stores = tuple[ProductStore, OrderStore, PaymentStore, InvoiceStore]

Between = Callable[[str, str, Any], Any]
"""What one service is given for another: who is given it, whose it is, the service itself."""

BUYER = Principal("usr_buyer", "buyer@shop.example", "user", 2**40)
OTHER = Principal("usr_other", "other@shop.example", "user", 2**40)
ADMIN = Principal("usr_admin", "admin@shop.example", "admin", 2**40)
TTL = 30 * MINUTE
TURN = 20 * SECOND
NO_LIMITS = Limits()


class World:
    """The services and what the tests ask of them. `database`: where their documents are."""

    database: Database

    def __init__(
        self,
        stores: Stores,
        stock: Stock,
        clock: FakeClock,
        policy: str,
        between: Between = lambda _, __, to: to,
        limits: Limits = NO_LIMITS,
        currency: str = "usd",
        tax: TaxMode = "none",
        mails: Mails | None = None,
    ) -> None:
        self.stores = stores
        products, orders, payments, invoices = stores
        self.clock = clock
        self.stock = stock
        self.outgoing: Outgoing | None = None
        self.ids = Ids(clock)
        self.stripe = StripeAtThePort(clock)
        self.shop_id = "shop_01kdwpvng0" + 16 * "0"  # made at NOON, and kept over restarts as the store does
        self.inventory = InventoryService(stock, clock, self.ids, 10)
        opening = ProductEffects(between("product", "inventory", self.inventory), products.prices)
        self.opening = Outbox(products.products, effects.product_effects(opening), clock)
        self.product = ProductService(products, self.opening, self.inventory, self.ids, clock, currency)
        ordering = Neighbour(lambda: self.order)
        self.key_rights = KeyRights(payments.key_refusals, self.stripe, clock)
        watched = self.key_rights.watching(self.stripe)
        orders_to, stripe = between("payment", "order", ordering), between("payment", "Stripe", watched)
        telling = PaymentEffects(payments.payments, orders_to, stripe, clock)
        self.refund_effects = RefundEffects(payments.payments, orders_to, stripe, self.ids, clock, self.shop_id)
        answering = EvidenceEffects(payments.payments, stripe, clock, self.shop_id)
        following = effects.payment_effects(telling, self.refund_effects, answering)
        self.payment = PaymentService(
            payments,
            Outbox(payments.payments, following, clock, lambda: 0.5),
            orders_to,
            stripe,
            self.ids,
            clock,
            "http://shop.example",
            shop_id=self.shop_id,
            ends_on_decline=policy == "cancel",
        )
        inventory, paying = between("order", "inventory", self.inventory), between("order", "payment", self.payment)
        self.places = Places(orders, clock, limits)
        uses = Uses(orders.uses, orders.orders, clock)
        self.guests = GuestTokens("a secret of the order service's")
        self.profiles = Profiles(orders.profiles, self.ids, clock, "Kassa shop")
        writing = OrderMails(mails or NoMails(), self.contact, paying, self.guests, clock, "https://shop.example/")
        seller = partial(seller_of, orders.selling, self.profiles.name)
        self.invoices = OrderInvoices(InvoiceService(Register(invoices, clock, seller, gathered_for=0), clock), paying)
        carried_out = OrderEffects(inventory, paying, self.places, uses, clock)
        following = effects.order_effects(carried_out, writing, self.invoices)
        outbox = Outbox(orders.orders, following, clock, lambda: 0.5)
        quoting = Quoting(orders, self.product, inventory, uses, clock, currency, tax)
        how = (orders, outbox, quoting, inventory, paying, self.places, clock, TTL // MINUTE)
        self.order = OrderService(*how, mails=mails, invoices=self.invoices.invoices)
        self.fulfilling = Fulfilling(self.order, quoting)
        self.withdrawals = Withdrawals(self.order, writing.contact, DEFAULT_DAYS)
        following = effects.discount_effects(DiscountEffects(inventory))
        self.discounting = Outbox(orders.discounts, following, clock, lambda: 0.5)
        self.offering = Offering(orders, self.discounting, inventory, quoting, self.ids, clock)
        self.facts = OrderFactsTeller(self.order, self.contact)
        self.answers = Answers(self.payment, between("payment", "order", self.facts))
        self.rescue = OrphanRescue(orders, self.product, self.inventory, self.order.outbox, clock, currency)
        self.unclaimed = Unclaimed(payments, watched, self.ids, clock, self.shop_id)
        handlers = EventHandlers(self.payment, stripe, self.unclaimed)
        self.inbox = Inbox(payments, handlers, watched, self.ids, clock)
        self.refusals, self.key_refusals = payments.refusals, payments.key_refusals
        self.allowances = payments.allowances
        self.notices = Notices(payments, self.inbox.refused, self.key_rights, clock)
        self.reconciler = Reconciler(payments, self.payment, self.inbox, self.unclaimed, watched, clock)
        self.stock_reconciler = StockReconciler(stock, wanted_by(self.order), clock)

    async def contact(self, user_id: str) -> Contact:
        """Whom auth would say to write to."""
        return Contact(f"{user_id.removeprefix('usr_')}@shop.example", "", "en", is_verified=True)

    async def sell(self, stock: int = 10, price_minor: int = 1999, name: str = "Mug", **more: Any) -> str:
        """Put a product on sale; returns its id."""
        fields = {
            "name": name,
            "description": "",
            "category": "things",
            "images": [],
            "price": major(price_minor, self.product.currency),
            "stock": stock,
            **more,
        }
        product = await self.product.create(self.ids.new(PRODUCT), fields, "usr_admin")
        return product.id

    async def discount(self, **members: Any) -> Discount:
        """Make a discount: 10 % off, if nothing else is said."""
        given = {"name": "Autumn", "kind": "percentage", **members}
        if given["kind"] == "percentage":
            given.setdefault("percent", Decimal(10))
        return await self.offering.make(self.ids.new(DISCOUNT), NewDiscount(**given), "usr_admin")

    async def place(
        self,
        *lines: tuple[str, int],
        who: Principal = BUYER,
        order_id: str | None = None,
        expected: int | None = None,
        household: str = "",
        asked: Asked | None = None,
        is_guest: bool = False,
    ) -> Order:
        """Place an order of (product, quantity) lines."""
        wanted = [Line(product_id, quantity) for product_id, quantity in lines]
        asked = asked or Asked(expected_minor=expected)
        return await self.order.place(
            order_id or self.ids.new(ORDER), who.id, wanted, asked, household, is_guest=is_guest
        )

    async def open(self, order: Order, who: Principal = BUYER) -> Payment:
        """Ask where to pay."""
        return await self.payment.checkout.open_session(order.id, who)

    async def hook(self, body: bytes) -> None:
        """A webhook comes, and is acted on."""
        await self.inbox.receive(body, sign(body))
        await self.settle()

    async def pay(self, payment: Payment) -> None:
        """The buyer pays, and the webhook comes."""
        session_id = str(payment.session_id)
        self.stripe.pay(session_id)
        await self.hook(self.stripe.session_event("completed", session_id))

    async def settle(self) -> None:
        """Let everything that was started at once come to its end."""
        for _ in range(4):
            await self.inbox.settle()
            await self.opening.settle()
            await self.discounting.settle()
            await self.order.outbox.settle()
            await self.payment.outbox.settle()

    async def relay(self) -> None:
        """One turn of the relays."""
        for outbox in (self.discounting, self.order.outbox, self.payment.outbox):
            await outbox.run_due()
        await self.inbox.run_due()
        await self.tend_stock()
        await self.settle()

    async def tend_stock(self) -> None:
        """What the worker does for a stock in Redis."""
        if isinstance(self.stock, RedisStock):
            await self.stock.drain()
            await self.stock.mend(wanted_by(self.order), self.clock.now())

    async def later(self, duration: Millis) -> None:
        """Time passes, and the relays do their turns meanwhile: one every 20 s, but for those that find nothing due."""
        end = self.clock.now() + duration
        while (left := end - self.clock.now()) > 0:
            waits = await self._next_due(end) - self.clock.now()
            self.clock.advance(min(max(-(-waits // TURN), 1) * TURN, left))
            await self.relay()

    async def _next_due(self, end: Millis) -> Millis:
        """When a relay is to do something next; `end`, if nothing is due until then."""
        books: tuple[Any, ...] = (self.order.orders, self.payment.payments, self.inbox.events)
        due = [each for book in books for each in await book.due(end, 1)]
        return min((document.due_at or end for document in due), default=end)

    async def reconcile(self, *, fix: bool) -> list[Comparison]:
        """Compare payments with Stripe, and tell what needs attention."""
        compared = await self.reconciler.compare(fix=fix)
        outboxes = (self.opening, self.order.outbox, self.payment.outbox)
        return [*compared, await compare_attention(outboxes, self.inbox, fix=fix)]

    async def order_now(self, order: Order) -> Order:
        """The order as it is now."""
        return await self.order.get(order.id)

    async def payment_now(self, order: Order) -> Payment:
        """The order's payment as it is now."""
        payment = await self.payment.of_order(order.id)
        assert payment is not None
        return payment

    async def level(self, product_id: str) -> Level:
        """The product's stock."""
        return (await self.stock.levels([product_id]))[product_id]

    async def audit(self) -> list[Difference]:
        """What the audit finds; of what leaves the shop, if it is known where that is kept."""
        books = (OrderBooks.of(self.stores[1], self.stores[3]), self.payment.payments, self.unclaimed.money)
        return (await audit(*books, self.stock, self.clock, outgoing=self.outgoing)).differences


def found(comparisons: list[Comparison]) -> list[Finding]:
    """What does not go together, of all comparisons."""
    return [finding for comparison in comparisons for finding in comparison.findings]


@asynccontextmanager
async def world(
    directory: Path, policy: str = "cancel", form: str = SQLITE, clock: FakeClock | None = None, **how: Any
) -> AsyncIterator[World]:
    """A shop whose data belong to a directory of the test's own; `how` it is wired, see World."""
    is_alone = form == ALONE
    async with stores(SQLITE if is_alone else form, directory) as (database, stock):
        documents = (
            await ProductStore.open(database, FakeClock()),
            await OrderStore.open(database, is_alone=is_alone),
            await PaymentStore.open(database),
            await InvoiceStore.open(database),
        )
        opened = World(documents, stock, clock or FakeClock(), policy, **how)
        opened.database = database
        if mails := how.get("mails"):
            files = mails.kept() if isinstance(mails, MailService) else None
            opened.outgoing = Outgoing(await EventStore.open(database), opened.product.products, files, opened.contact)
        try:
            yield opened
        finally:
            await opened.settle()
