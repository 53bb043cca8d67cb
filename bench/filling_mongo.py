"""Many orders and products in MongoDB: one that was, copied under other ids."""

import random
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel, MongoClient, WriteConcern
from pymongo.collection import Collection

from kassa.bench.filling import A_TIME, STEP_MS, USERS, described, parts, steps_back
from kassa.bench.growth import Stored
from kassa.bench.running import Shop
from kassa.kit.clock import SystemClock
from kassa.kit.ids import ORDER, PRODUCT, USER, Ids
from kassa.storage.mongo_shape import WORDS

_TABLES = {"orderdb": "orders", "paymentdb": "payments", "inventorydb": "stock_movements"}
"""Databases and their collections that an order or its payment is written to."""

_DAYS = 500


def fill_mongo(running: Shop, stored: Stored) -> None:
    """Copy the newest order so many times, with its payment and movements, and the newest product, while a server runs
    that does little: until the end it has no indexes."""
    with MongoClient[dict[str, Any]](running.stores["MONGO_URI"]) as client:
        ids = Ids(SystemClock())
        newest: Any = client["orderdb"]["orders"].find_one(sort=[("_id", -1)])
        mine, user_id = newest["_id"].partition("_")[2], newest["user_id"]
        users = [ids.new(USER).encode() for _ in range(USERS)]
        others = [(ids.new(ORDER).partition("_")[2].encode(), random.choice(users)) for _ in range(stored.orders)]
        days = [steps_back() for _ in range(_DAYS)]
        for database, name in _TABLES.items():
            collection = client[database].get_collection(name, write_concern=WriteConcern(w=1))
            found = [_without_invoice(each) for each in collection.find() if mine in str(each)]
            _put(collection, _copies(found, (mine.encode(), user_id.encode()), others, days))
        catalogue = client["productdb"].get_collection("products", write_concern=WriteConcern(w=1))
        thing: Any = catalogue.find_one(sort=[("_id", -1)])
        _put(catalogue, _products(thing, ids, range(stored.products)))


def _without_invoice(document: dict[str, Any]) -> dict[str, Any]:
    """As an order of before there were invoices: none are copied."""
    effects = [each for each in document.get("effects", []) if each["kind"] != "invoice"]
    return {**document, "effects": effects} if "effects" in document else document


def _put(collection: Collection[dict[str, Any]], documents: Iterable[Any]) -> None:
    """An index is made faster of all than with each."""
    indexes = [dict(each) for each in collection.list_indexes() if each["name"] != "_id_"]
    collection.drop_indexes()
    for part in parts(documents):
        collection.insert_many(part, ordered=False, bypass_document_validation=True)
    collection.create_indexes([IndexModel(list(each.pop("key").items()), **_options(each)) for each in indexes])


def _options(index: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in index.items() if name not in ("v", "key")}


def _copies(
    found: list[dict[str, Any]], names: tuple[bytes, bytes], others: list[tuple[bytes, bytes]], days: list[int]
) -> Iterator[RawBSONDocument]:
    """Ids have one length, so one may stand for another in what is encoded; of times there are only some."""
    number = 0
    for one, day in product(found, range(_DAYS)):
        each = _moved(one, days[day] * STEP_MS)
        for other in others[day::_DAYS]:
            if "number" in each:
                number -= 1  # The stock and the shop's own orders count up.
                each["number"] = number
            encoded = bson.encode(each)
            for name, instead in zip(names, other, strict=True):
                encoded = encoded.replace(name, instead)
            yield RawBSONDocument(encoded)


def _moved(value: Any, back: int) -> Any:
    """A document, or what is in it, with all times so many milliseconds earlier."""
    if isinstance(value, dict):
        return {name: _moved(each, back) for name, each in value.items()}
    if isinstance(value, list):
        return [_moved(each, back) for each in value]
    return value - back if isinstance(value, int) and value > A_TIME else value


def _products(newest: dict[str, Any], ids: Ids, numbers: Iterable[int]) -> Iterator[dict[str, Any]]:
    newest.pop("sku", None)
    for number in numbers:
        own = described(number, newest["category"])
        yield {**newest, **own, "_id": ids.new(PRODUCT), WORDS: own["search"].split(" ")}
