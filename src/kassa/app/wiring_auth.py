"""The part of the wiring that is the auth service's."""

from contextlib import AsyncExitStack
from urllib.parse import urlsplit

from kassa.app.effects import auth_effects
from kassa.app.secrets import kept_secret
from kassa.app.shop import Shop
from kassa.app.worker import Job
from kassa.auth.challenges import Challenges
from kassa.auth.customers import Customers
from kassa.auth.devices import Devices
from kassa.auth.links import Links
from kassa.auth.mail_effects import Claims, MailEffects
from kassa.auth.passwords import Passwords
from kassa.auth.service import AuthService
from kassa.auth.store import AuthStore
from kassa.auth.tokens import Tokens
from kassa.contracts.mail import Mails
from kassa.contracts.order import Orders
from kassa.contracts.stock_notices import StockNotices
from kassa.kit.clock import DAY, HOUR
from kassa.kit.documents import Database


async def wire_auth(
    shop: Shop, database: Database, orders: Orders, mails: Mails, waiting: StockNotices, closing: AsyncExitStack
) -> None:
    """Construct the auth service, and what it needs."""
    settings = shop.settings
    kept = kept_secret(settings.data, "jwt-secret", keeps=shop.place.serves) if not settings.jwt_secrets else ""
    secrets = settings.jwt_secrets or kept.split(",")
    site = settings.frontend_url or shop.place.frontend_url
    passwords = Passwords()
    closing.callback(passwords.close)
    store, ids, clock = await AuthStore.open(database, shop.clock), shop.ids, shop.clock
    outbox = shop.add_outbox("auth", store.users, {})
    tokens, devices, links = Tokens(secrets, ids, clock), Devices(secrets, ids, clock), Links(secrets)
    claims = Claims(outbox, orders, clock)
    shop.auth = AuthService(
        store,
        outbox,
        tokens,
        devices,
        passwords,
        ids,
        clock,
        settings.login_days * DAY,
        challenges=Challenges(secrets, clock),
        links=links,
        claims=claims,
        issuer=urlsplit(site).hostname or "shop",
        has_mail=settings.mail.by != "off",
        wants_second_factor=settings.second_factor_required == "staff",
        acts_kept_days=settings.retention.acts,
    )
    shop.jobs.append(Job("remove expired sessions", HOUR, shop.auth.remove_expired))
    shop.jobs.append(Job("remove old acts", HOUR, shop.auth.acts.remove_old))
    days = settings.retention.unused_accounts
    shop.customers = Customers(store, outbox, shop.auth, orders, mails, waiting, database, ids, clock, days)
    mailing = MailEffects(mails, links, site, clock, is_off=settings.mail.by == "off")
    outbox.carriers = auth_effects(shop.customers, mailing, claims)
    shop.jobs += [Job(*job) for job in shop.customers.jobs()]
