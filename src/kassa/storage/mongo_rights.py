"""Whether the user of a MongoDB database may do all that Kassa does there: each right is used once, harmlessly."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from kassa.storage.mongo_lanes import DUPLICATE_KEY, NOT_ALLOWED, Stored, lacking

_COLLECTION, _OURS, _NOBODY = "rights", "last used", "nobody"
_INDEX_NOT_FOUND = 27


async def use_rights(database: AsyncDatabase[Stored]) -> None:
    """Return if all may be done; else Unavailable, which names what may not. What pymongo raises else goes on."""
    for action, use in _uses(database).items():
        try:
            await use()
        except OperationFailure as error:
            if error.code == NOT_ALLOWED:
                raise lacking(database.name, action) from error
            # It may be done, and there is nothing to be done.
            if error.code not in (DUPLICATE_KEY, _INDEX_NOT_FOUND):
                raise


def _uses(database: AsyncDatabase[Stored]) -> Mapping[str, Callable[[], Awaitable[Any]]]:
    """A use of each right, by the name that it has for MongoDB (manual: privilege actions)."""
    ours = database[_COLLECTION]
    return {
        "listCollections": lambda: database.list_collection_names(filter={"name": _COLLECTION}),
        "find": lambda: ours.find_one({"_id": _NOBODY}),
        # Whoever may do this may make collections too.
        "insert": lambda: ours.insert_one({"_id": _OURS}),
        "update": lambda: ours.update_one({"_id": _OURS}, {"$currentDate": {"at": True}}),
        "remove": lambda: ours.delete_one({"_id": _NOBODY}),
        "listIndexes": lambda: ours.index_information(),
        "createIndex": lambda: ours.create_index("_id"),
        "dropIndex": lambda: ours.drop_index(_NOBODY),
        "collMod": lambda: database.command("collMod", _COLLECTION),
    }
