"""The part of the wiring that is the order service's."""

from functools import partial
from urllib.parse import urlsplit

from kassa.app.effects import discount_effects, notice_effects, order_effects
from kassa.app.shop import Shop, present
from kassa.app.wiring_events import wire_events
from kassa.app.worker import Job
from kassa.contracts.inventory import Inventory
from kassa.contracts.mail import Mails
from kassa.contracts.payment import Payments
from kassa.contracts.product import Product
from kassa.invoicing.register import Register
from kassa.invoicing.service import InvoiceService
from kassa.invoicing.store import InvoiceStore
from kassa.kit.clock import HOUR
from kassa.kit.documents import Database
from kassa.mail.mail_server import Server
from kassa.mail.postmen import Files, Smtp
from kassa.mail.service import MailService, NoMails
from kassa.order.effects import OrderEffects
from kassa.order.facts import OrderFactsTeller
from kassa.order.fulfilling import Fulfilling
from kassa.order.guests import GuestTokens
from kassa.order.invoices import OrderInvoices, seller_of
from kassa.order.mails import OrderMails
from kassa.order.noting_work import NotingWork
from kassa.order.offering import DiscountEffects, Offering
from kassa.order.orphans import OrphanRescue
from kassa.order.places import Places
from kassa.order.profiles import Profiles
from kassa.order.quoting import Quoting
from kassa.order.service import OrderService
from kassa.order.store import OrderStore
from kassa.order.uses import Uses
from kassa.order.withdrawals import Withdrawals
from kassa.stock_notices.mails import NoticeEffects
from kassa.stock_notices.service import StockNoticeService
from kassa.stock_notices.shelf import Shelf
from kassa.stock_notices.store import STOCK_NOTICES
from kassa.stock_notices.tokens import WaiterTokens


async def wire_orders(
    shop: Shop, database: Database, product: Product, inventory: Inventory, payments: Payments
) -> None:
    """Construct the order service, and what it needs."""
    settings, clock = shop.settings, shop.clock
    currency, ttl = settings.currency, settings.order_ttl_minutes
    first = settings.order_number_start
    store = await OrderStore.open(database, is_alone=shop.is_alone, first_number=first)
    places, uses = Places(store, clock, settings.order_limits), Uses(store.uses, store.orders, clock)
    own = shop.service_keys.own.get("order", b"").hex()
    shop.guests = GuestTokens(own or shop.service_keys.secret)
    shop.profiles = profiles = Profiles(store.profiles, shop.ids, clock, settings.shop_name)
    shop.mail = mail = wire_mail(shop, profiles)
    seller = partial(seller_of, store.selling, profiles.name)
    shop.invoice_store = await InvoiceStore.open(database)
    shop.invoices = OrderInvoices(InvoiceService(Register(shop.invoice_store, clock, seller), clock), payments)
    carried_out = OrderEffects(inventory, payments, places, uses, clock)
    writing = _mails(shop, mail, payments)
    effects = order_effects(carried_out, writing, shop.invoices)
    await wire_events(shop, database, store)
    outbox = shop.add_outbox("order", store.orders, effects)
    quoting = Quoting(store, product, inventory, uses, clock, currency, settings.tax)
    needed = (store, outbox, quoting, inventory, payments, places, clock, ttl)
    shop.order = OrderService(
        *needed,
        answers=shop.idempotency,
        mails=mail if isinstance(mail, MailService) else None,
        withdrawal_days=settings.withdrawal_days,
        invoices=shop.invoices.invoices,
    )
    shop.withdrawals = Withdrawals(shop.order, writing.contact, settings.withdrawal_days)
    shop.fulfilling = Fulfilling(shop.order, quoting)
    shop.order.contact_of = lambda user_id: present(shop.auth_anywhere, "auth").contact(user_id)
    shop.facts = OrderFactsTeller(shop.order, shop.order.contact_of)
    of_discounts = shop.add_outbox("discount", store.discounts, discount_effects(DiscountEffects(inventory)))
    shop.offering = Offering(store, of_discounts, inventory, quoting, shop.ids, clock)
    shop.rescue = OrphanRescue(store, product, inventory, outbox, clock, currency)
    older = NotingWork(store, outbox, clock)
    shop.jobs += [Job(*job) for job in (*shop.rescue.jobs(), *places.jobs(), *older.jobs())]
    await _notices(shop, database, mail, Shelf(product, inventory), own or shop.service_keys.secret)


async def _notices(shop: Shop, database: Database, mail: MailService | NoMails, shelf: Shelf, secret: str) -> None:
    """Construct what tells those who wait for goods. Where a shop sends no mails nobody can begin to."""
    tokens, notices = WaiterTokens(secret), await database.collection(STOCK_NOTICES)
    carried_out = NoticeEffects(notices, mail, shelf, tokens, shop.clock, _site(shop))
    outbox = shop.add_outbox("stock_notice", notices, notice_effects(carried_out))
    auth, is_off = present(shop.auth_anywhere, "auth"), isinstance(mail, NoMails)
    needed = (outbox, shelf, mail, tokens, lambda user_id: auth.contact(user_id), shop.ids, shop.clock)
    shop.stock_notices = StockNoticeService(*needed, is_off=is_off)
    shop.jobs += [Job(*job) for job in shop.stock_notices.jobs()]


def _mails(shop: Shop, mails: Mails, payments: Payments) -> OrderMails:
    """What is written about orders. Where a shop writes no mails nothing is planned; of before there may be some."""
    auth, guests = present(shop.auth_anywhere, "auth"), present(shop.guests, "order")
    contact = lambda user_id: auth.contact(user_id)  # noqa: E731 (auth may not be there yet)
    offers = shop.settings.withdrawal_days > 0
    return OrderMails(mails, contact, payments, guests, shop.clock, _site(shop), offers_withdrawing=offers)


def wire_mail(shop: Shop, profiles: Profiles) -> MailService | NoMails:
    """What sends the mails of all services."""
    by, sender, templates = shop.settings.mail
    files = Files(shop.settings.data / "mails", shop.clock)
    if by != "files" and shop.place.serves:
        files.end()
    if by == "off":
        return NoMails()
    host = urlsplit(_site(shop)).hostname or "localhost"
    sender = sender or f"noreply@{host if '.' in host and not host[-1].isdigit() else 'shop.example'}"
    postman = shop.postman
    if postman is None and isinstance(by, Server):
        postman = Smtp(by)
    elif postman is None:
        postman = files
        shop.jobs.append(Job("remove old mails", HOUR, files.remove_old))
    return MailService(postman, profiles.foot, sender, templates)


def _site(shop: Shop) -> str:
    return shop.settings.frontend_url or shop.place.frontend_url
