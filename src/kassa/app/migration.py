"""Moving a shop from SQLite to MongoDB and Redis.

Everything is copied under its own id, and what is there already is left as it is: so a move may be broken off at any
point, by kill -9 too, and goes on when it is asked for again. From its first step on the files are not sold from any
more, and the new stores not before its last.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

from kassa.app.audit import Difference, audit
from kassa.app.audit_outgoing import Outgoing
from kassa.app.audit_parts import OrderBooks
from kassa.app.files import MOVED, Lock, Move, moved_from, note_move, server_locks
from kassa.app.following import HEARD
from kassa.app.record import RECORD, known_record, whereabouts
from kassa.app.settings import SERVICES, Settings
from kassa.app.stores import ARRIVAL, ARRIVALS, OF_ANOTHER_SHOP, Arrival, open_files, open_mongo, open_redis, shop_files
from kassa.auth.acts import ACTS
from kassa.auth.api_keys import API_KEYS
from kassa.auth.store import FAMILIES, USERS
from kassa.contracts.auth import Contact
from kassa.inventory.mending import Wanted
from kassa.inventory.replay import replay
from kassa.inventory.stock import Stock
from kassa.invoicing.store import HEADS, INVOICES
from kassa.kit.audit import Told
from kassa.kit.clock import SystemClock
from kassa.kit.documents import Collection, CollectionSpec, Database, Document, Duplicate, pages
from kassa.kit.idempotency import RECORDS
from kassa.kit.problem import NotFound
from kassa.kit.spelling import SPELLINGS
from kassa.kit.text import counted
from kassa.order.numbers import SERIES
from kassa.order.store import DISCOUNTS, ORDERS, PROFILES, SELLING, USES, WALKS
from kassa.outgoing.store import OUTGOING, EventStore
from kassa.payment.allowance import ALLOWANCES
from kassa.payment.check_reports import CHECK_REPORTS
from kassa.payment.store import CURSORS, EVENTS, KEY_REFUSALS, PAYMENTS, REFUSALS, UNCLAIMED
from kassa.product.pictures import PICTURE_FILES, PICTURES
from kassa.product.store import FAMILIES as PRODUCT_FAMILIES
from kassa.product.store import PRICES, PRODUCTS
from kassa.stock_notices.store import STOCK_NOTICES

PAGE = 500
# Idempotency keys are kept by whoever answers first: which services that are may be others after the move.
COLLECTIONS: dict[str, tuple[CollectionSpec[Any], ...]] = {
    "auth": (USERS, FAMILIES, API_KEYS, ACTS, SPELLINGS, RECORDS, RECORD),
    "product": (PRODUCTS, PRODUCT_FAMILIES, PRICES, PICTURES, PICTURE_FILES, SPELLINGS, HEARD, RECORDS, RECORD),
    "inventory": (HEARD, RECORDS, RECORD),
    "order": (
        *(ORDERS, SERIES, WALKS, SELLING, PROFILES, DISCOUNTS, USES, INVOICES, HEADS, STOCK_NOTICES),
        *(*OUTGOING, HEARD, RECORDS, RECORD),
    ),
    "payment": (
        *(PAYMENTS, EVENTS, CURSORS, REFUSALS, KEY_REFUSALS, UNCLAIMED, ALLOWANCES, CHECK_REPORTS),
        *(HEARD, RECORDS, RECORD),
    ),
}
"""All that services keep in documents; the stock goes its own way."""


class CannotMove(Exception):
    """The text is one line that says why and what to do."""


class Moved(NamedTuple):
    """What a move ended with. With differences it has not ended: the shop is in neither place to be run."""

    documents: int
    movements: int
    differences: Sequence[Difference]
    was_moved_before: bool


async def move(source: Path, mongo_uri: str, redis_url: str, progress: Told) -> Moved:
    """Move the shop in this data directory. DataInUse if a server runs on it, CannotMove, Unavailable."""
    try:
        paths = shop_files(source)
    except (FileNotFoundError, ValueError) as error:
        raise CannotMove(str(error)) from None
    async with AsyncExitStack() as closing:
        for lock in server_locks(source):
            closing.callback(Lock(lock).release)
        noted, target = moved_from(source), whereabouts(Settings(mongo_uri=mongo_uri, redis_url=redis_url))
        if noted is not None and noted.target not in ("", target):
            raise _elsewhere(source, noted)
        files, stock = await open_files(paths, closing)
        record = await known_record(await files["inventory"].collection(RECORD))
        databases = {service: await open_mongo(mongo_uri, f"{service}db") for service in SERVICES}
        for database in databases.values():
            closing.push_async_callback(database.close)
        redis = await open_redis(redis_url, databases["inventory"], closing)
        arrivals = {service: await database.collection(ARRIVALS) for service, database in databases.items()}
        if noted is not None and await _are_complete(arrivals, noted.name):
            return Moved(0, 0, await _audited(databases, redis), was_moved_before=True)
        if noted is None and (found := await _audited(files, stock)):
            are_there = counted(len(found), "difference is", "differences are")
            raise CannotMove(f"{are_there} in the shop: mend what kassa audit says, then move it")
        has_begun = await _check_target(databases, arrivals, redis, noted.name if noted else None)
        if noted is not None and not noted.target and not has_begun:
            raise _elsewhere(source, noted)
        if record is not None and not await redis.claim(record.shop_id, for_good=True):
            raise CannotMove(f"the Redis {OF_ANOTHER_SHOP}")
        noted = noted or note_move(source, target)
        await _begin(arrivals, noted.name)
        await redis.mend(_nothing, SystemClock().now())
        documents = await _copy_documents(files, databases, progress)
        movements = await replay(stock, redis, lambda done, total: progress("stock movements", done, total))
        differences = [*await _compare(files, databases, stock, redis), *await _audited(databases, redis)]
        if not differences:
            await _end(arrivals)
        return Moved(documents, movements, differences, was_moved_before=False)


async def _audited(databases: Mapping[str, Database], stock: Stock) -> list[Difference]:
    own, payments = databases["order"], await databases["payment"].collection(PAYMENTS)
    books = OrderBooks(
        await own.collection(ORDERS),
        await own.collection(DISCOUNTS),
        await own.collection(USES),
        await own.collection(INVOICES),
        await own.collection(SERIES),
    )
    unclaimed, products = (
        await databases["payment"].collection(UNCLAIMED),
        await databases["product"].collection(PRODUCTS),
    )
    outgoing = Outgoing(await EventStore.open(own), products, None, _unasked)
    return (await audit(books, payments, unclaimed, stock, SystemClock(), outgoing=outgoing)).differences


async def _unasked(user_id: str) -> Contact:
    """Files of mails are not moved: nobody looks for them."""
    raise NotFound(user_id)


async def _nothing(since: int, held: Sequence[str]) -> AsyncIterator[Wanted]:
    """Nobody is asked for what Redis lost in the middle of a move: it is moved again."""
    wanted: tuple[Wanted, ...] = ()
    for each in wanted:
        yield each


# Where a move stands.


async def _are_complete(arrivals: Mapping[str, Collection[Arrival]], name: str) -> bool:
    found = [await each.get(ARRIVAL) for each in arrivals.values()]
    return all(arrival is not None and arrival.shop == name and arrival.is_complete for arrival in found)


async def _check_target(
    databases: Mapping[str, Database], arrivals: Mapping[str, Collection[Arrival]], stock: Stock, name: str | None
) -> bool:
    """Whether a move of this shop has begun there; CannotMove if anything is there that does not come from it."""
    begun = False
    for service, database in databases.items():
        arrival = await arrivals[service].get(ARRIVAL)
        if arrival is not None and arrival.shop == name:
            begun = True
            continue
        for spec in COLLECTIONS[service]:
            if arrival is not None or await (await database.collection(spec)).count({}):
                raise CannotMove(f"{service}db in MongoDB holds another shop: choose another MongoDB, or drop it")
    if not begun and await stock.all_levels(1):
        raise CannotMove(f"the Redis {OF_ANOTHER_SHOP}")
    return begun


def _elsewhere(source: Path, noted: Move) -> CannotMove:
    """A shop is in one place; what is left in the files is a picture of the past as soon as it is sold from there."""
    why = f"the shop in {source} {noted.told}: name that one, as it was named, to go on or to prove the move"
    return CannotMove(f"{why}; to call it off, see docs/operations.md, and remove {source / MOVED}")


async def _begin(arrivals: Mapping[str, Collection[Arrival]], name: str) -> None:
    for collection in arrivals.values():
        if await collection.get(ARRIVAL) is None:
            await collection.insert(Arrival(id=ARRIVAL, shop=name))


async def _end(arrivals: Mapping[str, Collection[Arrival]]) -> None:
    for collection in arrivals.values():
        arrival = await collection.get(ARRIVAL)
        assert arrival is not None
        if not arrival.is_complete:
            await collection.save(Arrival(id=ARRIVAL, version=arrival.version, shop=arrival.shop, is_complete=True))


# Documents.


async def _copy_documents(source: Mapping[str, Database], target: Mapping[str, Database], progress: Told) -> int:
    moved = 0
    for service, specs in COLLECTIONS.items():
        for spec in specs:
            here, there = await source[service].collection(spec), await target[service].collection(spec)
            done, total = 0, await here.count({})
            async for page in pages(here):
                await _copy(page, there)
                done += len(page)
                progress(spec.name.replace("_", " "), done, total)
            moved += done
    return moved


async def _copy(page: Sequence[Document], there: Collection[Any]) -> None:
    known = {each.id for each in await there.many([document.id for document in page])}
    missing = [document for document in page if document.id not in known]
    outcomes = await asyncio.gather(*(there.insert(each) for each in missing), return_exceptions=True)
    for document, outcome in zip(missing, outcomes, strict=True):
        if isinstance(outcome, ValueError):
            raise CannotMove(f"{there.spec.name} {document.id}: {outcome}") from outcome
        if isinstance(outcome, BaseException) and not isinstance(outcome, Duplicate):
            raise outcome


# The proof.


async def _compare(
    files: Mapping[str, Database], databases: Mapping[str, Database], stock: Stock, redis: Stock
) -> list[Difference]:
    """What is not the same in both places."""
    found: list[Difference] = []

    def compare(what: str, here: object, there: object) -> None:
        if here != there:
            found.append(Difference("moved", what, f"was {here}, is {there}"))

    for service, specs in COLLECTIONS.items():
        for spec in specs:
            here, there = await files[service].collection(spec), await databases[service].collection(spec)
            compare(f"{service}db.{spec.name}", await here.count({}), await there.count({}))
    here_totals, there_totals = await stock.movement_totals(0), await redis.movement_totals(0)
    for one, other in zip(here_totals, there_totals, strict=False):
        compare("stock movements", one, other)
    compare("stock movements", len(here_totals), len(there_totals))
    after = ""
    while page := await stock.all_levels(PAGE, after):
        levels = await redis.levels([level.product_id for level in page])
        for level in page:
            compare(level.product_id, level, levels.get(level.product_id))
        after = page[-1].product_id
    return found
