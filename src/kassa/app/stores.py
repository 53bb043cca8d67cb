"""The part of the wiring that chooses the stores: SQLite, or MongoDB and Redis as soon as their settings are set.

What SQLite's users do not need is imported only when it is.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kassa.app.files import DataUnusable, make_directory, moved_from, usable
from kassa.app.record import whereabouts
from kassa.app.settings import SERVICES, SettingError, Settings
from kassa.app.shop import NoShop, Shop
from kassa.app.sqlite_file import Unfit, has_tables
from kassa.app.worker import Job
from kassa.contracts.order import Orders
from kassa.inventory import stock_sqlite
from kassa.inventory.mending import wanted_by
from kassa.inventory.stock import Stock
from kassa.inventory.stock_sqlite import SqliteStock
from kassa.kit.clock import HOUR, SECOND, Millis
from kassa.kit.documents import CollectionSpec, Database, Document
from kassa.kit.problem import Unavailable
from kassa.storage import sqlite_table
from kassa.storage.documents_sqlite import SqliteDatabase

if TYPE_CHECKING:
    from kassa.inventory.stock_redis import RedisStock
    from kassa.storage.documents_mongo import MongoDatabase


class Arrival(Document, frozen=True, kw_only=True):
    """That a shop is being moved into this database, or was: which one, and whether all of it is here."""

    shop: str
    is_complete: bool = False


FORGETTING = "forget ended reservations"
OF_ANOTHER_SHOP = "holds the stock of another shop: choose another Redis, or empty it"
ARRIVALS = CollectionSpec("arrivals", Arrival)
ARRIVAL = "shop"
_OWN = (sqlite_table.OWN_COLUMNS, stock_sqlite.OWN_COLUMNS)
_STARTS = "`kassa up` starts a new one."


async def open_database(settings: Settings, name: str, folder: Path | None = None) -> Database:
    """A database in MongoDB, or a file in the data directory; or in the `folder` that has a copy of it."""
    if settings.mongo_uri is None:
        _check_stays(settings, "MONGO_URI")
        return await open_file(settings, name, folder)
    database = await open_mongo(settings.mongo_uri, name)
    arrival = await (await database.collection(ARRIVALS)).get(ARRIVAL)
    if arrival is not None and not arrival.is_complete:
        await database.close()
        raise SettingError("MONGO_URI", "names a MongoDB that a shop is being moved to: end that with kassa migrate")
    return database


async def open_file(settings: Settings, name: str, folder: Path | None = None) -> SqliteDatabase:
    """A file in the data directory, or in the `folder` that has a copy of it."""
    make_directory(settings.data)
    _is_shop(folder or settings.data, f"{name}.db")
    try:
        return await SqliteDatabase.open((folder or settings.data) / f"{name}.db")
    except Unavailable as error:
        raise Unavailable(f"{error.detail}: is {settings.data} (KASSA_DATA, --data) writable, with room?") from error


async def find_shop(settings: Settings, files: Mapping[str, str]) -> None:
    """NoShop if one of the databases of these services is not there; looking makes nothing. DataUnusable."""
    missing = missing_files(settings, files)
    if missing and moved_from(settings.data) is None:
        where = f"there is no shop in {settings.data.absolute()}: {', '.join(missing)} is missing or empty"
        raise NoShop(f"{where}; go to the folder of its .env, or name its data with KASSA_DATA or --data. {_STARTS}")
    if settings.mongo_uri is not None:
        for service in files:
            await _find_in_mongo(settings, settings.mongo_uri, f"{service}db")


def missing_files(settings: Settings, files: Mapping[str, str]) -> list[str]:
    """Which files of these services are not there, or empty; looking makes nothing. DataUnusable if what is there is no
    shop's."""
    names = list(dict.fromkeys(files.values()))
    if settings.mongo_uri is not None:
        names = ["stock"] if "inventory" in files and settings.redis_url is None else []
    return [f"{name}.db" for name in names if not _is_shop(settings.data, f"{name}.db")]


async def _find_in_mongo(settings: Settings, uri: str, name: str) -> None:
    database = await open_mongo(uri, name)
    try:
        if not await database.collections():
            where = f"there is no shop in {whereabouts(settings)}: {name} is missing or empty"
            raise NoShop(f"{where}; is MONGO_URI right? {_STARTS}")
    finally:
        await database.close()


def _is_shop(data: Path, name: str) -> bool:
    """Whether there is anything of a shop in this file; looking changes nothing. DataUnusable."""
    try:
        with usable(data):
            return has_tables(data / name, _OWN)
    except Unfit as error:
        away = "name the shop's own data with KASSA_DATA or --data, or put the file away"
        advice = "put back a backup (docs/operations.md)" if error.is_damaged else away
        raise DataUnusable(f"{name} in {data} {error}: {advice}") from None


async def open_mongo(uri: str, name: str) -> "MongoDatabase":
    """A database in MongoDB, even if a shop is being moved into it."""
    # Imported here: it takes a third of a second, which users of SQLite need not wait for.
    from pymongo.errors import ConfigurationError

    from kassa.storage.documents_mongo import MongoDatabase

    try:
        database = await MongoDatabase.open(uri, name)
    except (ConfigurationError, ValueError) as error:
        raise SettingError("MONGO_URI", f"cannot be used: {error}") from None
    except Unavailable as error:
        if "MONGO_URI" in error.detail:
            raise
        why = str(error.__cause__).partition(" (configured")[0].partition(", Timeout:")[0]
        raise Unavailable(f"MongoDB does not answer: is MONGO_URI right? ({why})") from error
    found = await database.collections()
    if found and not any(found.values()):
        await database.close()
        named = ", ".join(sorted(found)[:3])
        raise DataUnusable(f"{name} in MongoDB is another program's, with {named}: name another MongoDB with MONGO_URI")
    return database


async def open_stock(
    shop: Shop, database: Database, orders: Orders, closing: AsyncExitStack, folder: Path | None = None
) -> Stock:
    """Where the stock is: in Redis, with its ledger among the documents, or in a SQLite file. Redis that has lost its
    last writes is mended from the orders (docs/correctness.md)."""
    settings = shop.settings
    if settings.redis_url is not None:
        redis = await open_redis(settings.redis_url, database, closing)
        if not await redis.claim(shop.records["inventory"].shop_id, for_good=shop.place.serves):
            raise SettingError("REDIS_URL", OF_ANOTHER_SHOP)
        return tended(redis, shop, orders)
    if isinstance(database, SqliteDatabase):
        return await SqliteStock.open(database)
    _check_stays(settings, "REDIS_URL")
    return await open_stock_file(settings, closing, folder)


async def open_stock_file(settings: Settings, closing: AsyncExitStack, folder: Path | None = None) -> SqliteStock:
    """The stock in a SQLite file of its own."""
    file = await open_file(settings, "stock", folder)
    closing.push_async_callback(file.close)
    return await SqliteStock.open(file)


def tended(redis: "RedisStock", shop: Shop, orders: Orders) -> "RedisStock":
    """The stock in Redis, with the regular jobs that it needs."""

    wanted = wanted_by(orders)
    shop.jobs.append(Job("drain stock movements", SECOND, redis.drain))
    shop.jobs.append(Job("mend the stock", SECOND, lambda: redis.mend(wanted, shop.clock.now())))
    shop.jobs.append(Job(FORGETTING, HOUR, lambda: redis.forget(shop.clock)))
    return redis


async def open_redis(url: str, database: Database, closing: AsyncExitStack) -> "RedisStock":
    """The stock in Redis; `database` keeps its ledger."""
    from kassa.inventory.stock_redis import OtherStock, RedisStock

    try:
        redis = await RedisStock.open(url, database)
    except OtherStock:
        raise SettingError("REDIS_URL", OF_ANOTHER_SHOP) from None
    except ValueError as error:
        raise SettingError("REDIS_URL", f"cannot be used: it {error}") from None
    except Unavailable as error:
        if not error.detail.endswith("does not answer"):
            raise
        text = "Redis does not answer; does it run, and is REDIS_URL right"
        text += ", TLS included?" if url.startswith("rediss:") else "?"
        raise Unavailable(f"{text} ({error.__cause__})") from error
    closing.push_async_callback(redis.close)
    return redis


async def redis_by(client: Any, database: Database, closing: AsyncExitStack, kept: Millis) -> "RedisStock":
    """The stock in Redis, reached by such a client as redis-py's. `kept`: see Reservations."""
    from kassa.inventory.stock_redis import RedisStock
    from kassa.inventory.stock_redis_moves import Keys
    from kassa.inventory.stock_redis_server import Server

    keys = Keys()
    redis = await RedisStock.on(Server(client, keys.tag), keys, database, kept)
    closing.push_async_callback(redis.close)
    return redis


def shop_files(data: Path) -> Mapping[str, Path]:
    """The file of each service of a whole shop on SQLite; FileNotFoundError if there is none, ValueError if there are
    two."""
    one, several = data / "kassa.db", {service: data / f"{service}.db" for service in SERVICES}
    present = [path.name for path in (one, *several.values()) if path.exists()]
    if one.exists() and len(present) > 1:
        raise ValueError(f"{data} has {' and '.join(present)}: put those away that the shop does not use")
    files = dict.fromkeys(SERVICES, one) if one.exists() else several
    if not all(_is_shop(data, path.name) for path in files.values()):
        raise FileNotFoundError(f"{data} has no shop on SQLite: neither kassa.db nor the files of all services")
    return files


async def open_files(files: Mapping[str, Path], closing: AsyncExitStack) -> tuple[Mapping[str, Database], SqliteStock]:
    """Each service's database, and the stock."""
    opened: dict[Path, SqliteDatabase] = {}
    for path in dict.fromkeys(files.values()):
        opened[path] = await SqliteDatabase.open(path)
        closing.push_async_callback(opened[path].close)
    databases = {service: opened[path] for service, path in files.items()}
    return databases, await SqliteStock.open(databases["inventory"])


def _check_stays(settings: Settings, missing: str) -> None:
    if (move := moved_from(settings.data)) is not None:
        raise SettingError(missing, f"must be set: the shop in {settings.data} {move.told} (docs/operations.md)")
