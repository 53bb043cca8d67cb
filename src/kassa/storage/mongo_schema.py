"""Bringing a database in line with a declaration: the collection, its validator, its indexes."""

from collections.abc import Mapping
from typing import Any

import pymongo
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, OperationFailure

from kassa.kit.documents import Duplicate
from kassa.storage.mongo_lanes import Stored
from kassa.storage.mongo_shape import OURS, WORDS, IndexShape, Shape

_NAMESPACE_EXISTS, _INDEX_NOT_FOUND = 48, 27


async def make(database: AsyncDatabase[Stored], shape: Shape[Any]) -> None:
    """Make what is not there, and anew what is declared otherwise; several processes may do so at the same time.

    Duplicate if documents that are stored already break the promise of a new unique index.
    """
    await _make_collection(database, shape)
    await _make_indexes(database, shape)
    if shape.spec.searched:
        with pymongo.timeout(None):
            await database[shape.collection].update_many({WORDS: None}, shape.with_words())


async def whose(database: AsyncDatabase[Stored]) -> dict[str, bool]:
    """Whether each collection is one that Kassa made, which its validator tells; without those that are empty, as an
    operator makes them for Kassa to shard them."""
    listed = await (await database.list_collections()).to_list()
    ours = {each["name"]: _is_ours(each) for each in listed if not each["name"].startswith("system.")}
    return {name: is_ours for name, is_ours in ours.items() if is_ours or await database[name].find_one({}, {"_id": 1})}


def _is_ours(listed: Mapping[str, Any]) -> bool:
    schema = listed.get("options", {}).get("validator", {}).get("$jsonSchema", {})
    return bool(schema.get("properties", {}).get("version", {}).get("minimum") == 1)


async def _make_collection(database: AsyncDatabase[Stored], shape: Shape[Any]) -> None:
    rules: Stored = {"validator": shape.validator(), "validationLevel": "strict", "validationAction": "error"}
    listed = await (await database.list_collections(filter={"name": shape.collection})).to_list()
    if not listed:
        try:
            await database.create_collection(shape.collection, check_exists=False, **rules)
        except OperationFailure as error:
            if error.code != _NAMESPACE_EXISTS:  # Another process may be as far as this one.
                raise
    elif any(listed[0]["options"].get(name) != rule for name, rule in rules.items()):
        await database.command({"collMod": shape.collection, **rules})


async def _make_indexes(database: AsyncDatabase[Stored], shape: Shape[Any]) -> None:
    """The new ones come first: if the documents break a promise, no index has been changed."""
    collection = database[shape.collection]
    listed = [IndexShape.of(each) for each in await (await collection.list_indexes()).to_list()]
    known = {index.name: index for index in listed if index.name.startswith(OURS)}
    for index in shape.indexes:
        if index.name not in known:
            await _make_index(database, shape, index)
    for name in [index.name for index in known.values() if index not in shape.indexes]:
        try:
            await collection.drop_index(name)
        except OperationFailure as error:
            if error.code != _INDEX_NOT_FOUND:
                raise
    for index in shape.indexes:
        if index.name in known and known[index.name] != index:
            await _make_index(database, shape, index)


async def _make_index(database: AsyncDatabase[Stored], shape: Shape[Any], index: IndexShape) -> None:
    try:
        await database[shape.collection].create_index(list(index.key.items()), name=index.name, **index.options)
    except DuplicateKeyError as error:
        raise Duplicate(shape.collection, index.name.removeprefix(OURS)) from error
