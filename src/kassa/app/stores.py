"""The part of the wiring that chooses the stores: SQLite, or MongoDB and Redis as soon as their settings are set.

What SQLite's users do not need is imported only when it is.
"""

from contextlib import AsyncExitStack

from kassa.app.settings import SettingError, Settings
from kassa.app.shop import Shop
from kassa.app.worker import Job
from kassa.contracts.order import Orders
from kassa.inventory.stock import Stock
from kassa.inventory.stock_sqlite import SqliteStock
from kassa.kit.clock import SECOND
from kassa.kit.documents import Database
from kassa.kit.problem import Unavailable
from kassa.storage.documents_sqlite import SqliteDatabase


async def open_database(settings: Settings, name: str) -> Database:
    """A database in MongoDB, or a file in the data directory."""
    if settings.mongo_uri is None:
        return await SqliteDatabase.open(settings.data / f"{name}.db")
    # Imported here: it takes a third of a second, which users of SQLite need not wait for.
    from pymongo.errors import ConfigurationError

    from kassa.storage.documents_mongo import MongoDatabase

    try:
        return await MongoDatabase.open(settings.mongo_uri, name)
    except (ConfigurationError, ValueError) as error:
        raise SettingError("MONGO_URI", f"cannot be used: {error}") from None
    except Unavailable as error:
        raise Unavailable(f"MongoDB does not answer: is MONGO_URI right? ({error.detail})") from error


async def open_stock(shop: Shop, database: Database, orders: Orders, closing: AsyncExitStack) -> Stock:
    """Where the stock is: in Redis, with its ledger among the documents, or in a SQLite file. Redis that has lost its
    last writes is mended from the orders (docs/correctness.md)."""
    settings = shop.settings
    if settings.redis_url is not None:
        from kassa.inventory.mending import wanted_by
        from kassa.inventory.stock_redis import RedisStock

        try:
            redis = await RedisStock.open(settings.redis_url, database)
        except Unavailable as error:
            raise Unavailable(
                f"Redis does not answer; does it run, and is REDIS_URL right? ({error.detail})"
            ) from error
        closing.push_async_callback(redis.close)
        shop.jobs.append(Job("drain stock movements", SECOND, redis.drain))
        wanted = wanted_by(orders)
        shop.jobs.append(Job("mend the stock", SECOND, lambda: redis.mend(wanted, shop.clock.now())))
        return redis
    if isinstance(database, SqliteDatabase):
        return await SqliteStock.open(database)
    file = await SqliteDatabase.open(settings.data / "stock.db")
    closing.push_async_callback(file.close)
    return await SqliteStock.open(file)
