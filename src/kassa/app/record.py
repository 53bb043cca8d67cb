"""What each database remembers of the shop that it belongs to: who it is, and in which currency its amounts are."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kassa.app.files import DataUnusable
from kassa.app.settings import SettingError, Settings
from kassa.contracts.payment import StripeKeyRefused, StripeUnreachable
from kassa.kit.clock import Millis
from kassa.kit.documents import Collection, CollectionSpec, Conflict, Database, Document, Duplicate
from kassa.kit.money import InvalidMoney, check_in_use
from kassa.order.store import DISCOUNTS, ORDERS, SELLING
from kassa.payment.domain import Payment
from kassa.payment.store import PAYMENTS
from kassa.product.store import PRODUCTS


class ShopRecord(Document, frozen=True, kw_only=True):
    """`shop_id` is made at the first start and stays. `currency` is that of all amounts that are stored, `stripe_mode`
    and `stripe_account` those of all payments; as long as there are none they follow the settings. Of data without
    payments, of releases that did not keep them, and where Stripe did not tell the account, both are empty. `format` is
    that of the newest release that has written here."""

    shop_id: str
    currency: str
    stripe_mode: str = ""
    stripe_account: str = ""
    format: int = 1


FORMAT = 1
"""Count on when a release stores what one before it cannot work on. The record itself keeps its form: all read it."""

RECORD = CollectionSpec("shop", ShopRecord)
RECORD_ID = "shop"
MOST_WAITED_FOR_ACCOUNT = 3
"""Seconds."""
# What has a currency, in the order in which it tells best which one the shop is run in.
_AMOUNTS: Sequence[tuple[str, CollectionSpec[Any]]] = (
    ("payment", PAYMENTS),
    ("order", ORDERS),
    ("product", PRODUCTS),
    ("order", DISCOUNTS),
    ("order", SELLING),
)


async def remembered(
    databases: Mapping[str, Database], settings: Settings, new_id: Callable[[], str], now: Millis
) -> dict[str, ShopRecord]:
    """The record of each database, by the database's name; made if this is the first start. SettingError if amounts are
    stored in another currency than the one that is set: it would make other amounts of them; or if none are, and the
    one that is set has been withdrawn."""
    collections = {name: await database.collection(RECORD) for name, database in databases.items()}
    known = [record for each in collections.values() if (record := await known_record(each))]
    shop_id = known[0].shop_id if known else new_id()
    stored = {name: await _stored_currency(database, name) for name, database in databases.items()}
    if any(map(_amounts_in, databases)) and not any(stored.values()):
        _check_in_use(settings.currency, now)
    records = {}
    for name, collection in collections.items():
        record = await _kept(collection, shop_id, stored[name], settings.currency)
        if record.currency != settings.currency:
            text = f"must be {record.currency}: the amounts in {whereabouts(settings)} are in it, and stay in it"
            other = "KASSA_DATA" if settings.mongo_uri is None else "MONGO_URI"
            raise SettingError("CURRENCY", f"{text}; a shop in {settings.currency} needs a place of its own ({other})")
        records[name] = record
    return records


async def known_record(collection: Collection[ShopRecord]) -> ShopRecord | None:
    """The record, if there is one; DataUnusable if a newer release keeps it, in a way that is not known here."""
    record = await collection.get(RECORD_ID)
    if record is not None and record.format > FORMAT:
        text = f"the shop's data is a newer Kassa's (its format is {record.format}, this one knows {FORMAT} at most)"
        raise DataUnusable(f"{text}: use that one, or other data (KASSA_DATA, --data, MONGO_URI)")
    return record


async def _kept(collection: Collection[ShopRecord], shop_id: str, stored: str | None, currency: str) -> ShopRecord:
    """The record, made or brought up to date; several processes may do so at once."""
    while True:
        known = await collection.get(RECORD_ID)
        try:
            if known is None:
                made = ShopRecord(id=RECORD_ID, shop_id=shop_id, currency=stored or currency, format=FORMAT)
                return await collection.insert(made)
            kept = known.currency if stored is not None else currency
            if (known.currency, known.format) == (kept, FORMAT):
                return known
            return await collection.save(msgspec.structs.replace(known, currency=kept, format=FORMAT))
        except (Duplicate, Conflict):
            continue


async def _stored_currency(database: Database, name: str) -> str | None:
    """The currency of what is stored in this database, as its newest document has it; None if nothing is."""
    for spec in _amounts_in(name):
        newest = await (await database.collection(spec)).find({}, limit=1)
        if newest:
            return str(newest[0].currency)
    return None


def _amounts_in(name: str) -> list[CollectionSpec[Any]]:
    """What has a currency in a database of this name."""
    return [spec for service, spec in _AMOUNTS if name in ("kassa", service, f"{service}db")]


def _check_in_use(currency: str, now: Millis) -> None:
    try:
        check_in_use(currency, now)
    except InvalidMoney as error:
        raise SettingError("CURRENCY", f"is not right: {error}") from None


async def keep_stripe_mode(database: Database, settings: Settings) -> None:
    """Remember whose payments are stored in this database, which is in use: the sandbox's, or those of Stripe's test
    mode or live mode. SettingError if those that are stored are of another one than the settings name, and if a shop
    that has been live would be one without money because its key is missing."""
    collection = await database.collection(RECORD)
    newest = await (await database.collection(PAYMENTS)).find({}, limit=1)
    while True:
        known = await collection.get(RECORD_ID)
        if known is None:
            return  # `remembered` makes it before
        stored = known.stripe_mode or (_mode_of(newest[0], settings) if newest else "")
        is_lost = stored == "live" and settings.has_sandbox and not settings.asks_for_sandbox
        if stored and stored != settings.stripe_mode and (newest or is_lost):
            raise SettingError("STRIPE_SECRET_KEY", _wrong_mode(stored, settings))
        if known.stripe_mode == settings.stripe_mode:
            return
        with suppress(Conflict):
            await collection.save(msgspec.structs.replace(known, stripe_mode=settings.stripe_mode))


async def keep_stripe_account(
    database: Database, settings: Settings, account_id: Callable[[], Awaitable[str | None]]
) -> None:
    """Remember at which account the payments in this database were made. SettingError if the key is of another one,
    where Stripe knows none of them. A Stripe that does not answer, or not to this key, keeps no shop closed."""
    account = None
    with suppress(StripeUnreachable, StripeKeyRefused, TimeoutError):
        async with asyncio.timeout(MOST_WAITED_FOR_ACCOUNT):
            account = await account_id()
    collection = await database.collection(RECORD)
    while account and (known := await collection.get(RECORD_ID)) and known.stripe_account != account:
        if known.stripe_account and await (await database.collection(PAYMENTS)).find({}, limit=1):
            raise SettingError("STRIPE_SECRET_KEY", _wrong_account(known.stripe_account, account, settings))
        with suppress(Conflict):
            await collection.save(msgspec.structs.replace(known, stripe_account=account))


def _mode_of(payment: Payment, settings: Settings) -> str:
    """The mode of a payment of a release that did not keep it, as far as Stripe's ids tell it."""
    if (payment.session_id or "").startswith("cs_live_"):
        return "live"
    return "test" if settings.stripe_mode == "live" and payment.session_id else settings.stripe_mode


def _wrong_mode(stored: str, settings: Settings) -> str:
    whose = {"sandbox": "of the sandbox", "test": "of Stripe's test mode", "live": "of Stripe's live mode"}
    has = f"the payments in {whereabouts(settings)} are {whose[stored]}"
    other = "KASSA_DATA" if settings.mongo_uri is None else "MONGO_URI"
    right = "must be unset" if stored == "sandbox" else f"must be a {stored} key"
    if settings.stripe_secret_key is None:
        right = "is missing"
    return f"{right}: {has}; a shop of another mode needs a place of its own ({other})"


def _wrong_account(stored: str, named: str, settings: Settings) -> str:
    place = "KASSA_DATA" if settings.mongo_uri is None else "MONGO_URI"
    has = f"the payments in {whereabouts(settings)} are of account {stored}"
    return f"is a key of account {named[:64]}: {has}; a shop of another account needs a place of its own ({place})"


def whereabouts(settings: Settings) -> str:
    """Where the shop's data is, for people: without names of users and passwords."""
    documents = f"{settings.data} (SQLite)" if settings.mongo_uri is None else f"MongoDB at {_host(settings.mongo_uri)}"
    return documents if settings.redis_url is None else f"{documents}, stock in Redis at {_host(settings.redis_url)}"


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parts.path
