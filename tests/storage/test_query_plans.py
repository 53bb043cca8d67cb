"""However much is stored, what an order waits for looks at little: every query that the services ask is found by an
index and sorted by none but an index, on both stores."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kassa.app.web import HANDLERS
from kassa.contracts.payment import StripeUnreachable
from kassa.kit.clock import DAY, HOUR, MINUTE
from kassa.kit.documents import Between, CollectionSpec, Database, Words
from kassa.storage.documents_mongo import MongoDatabase
from kassa.storage.documents_sqlite import SqliteCollection
from tests.app.whole import Whole, whole
from tests.storage.test_documents_sqlite import listening
from tests.storage.worlds import mongo
from tests.support import sqlite
from tests.trade.stores import FORMS, SQLITE
from tests.trade.world import BUYER, TTL, World, world

SMALL = {"cursors", "refused_webhooks", "refused_by_stripe", "open_orders", "api_keys", "turns", "shop", "stock_states",
         "heard", "outgoing_feed", "outgoing_head"}  # fmt: skip
"""Collections that do not grow with what is sold: how far something was gone through, what is open, who has a key,
who listens."""

_NO_TABLES = ("SCAN json_each", "SCAN CONSTANT ROW", "SCAN page", "SCAN (subquery-1)", "SCAN (subquery-2)")
READS = ("get", "many", "first", "find", "count", "due")
LISTS = ("", "?skip=20", "?status=PENDING", "?status=SUCCESS", "?status=done", "?category=Tea", "?active=all",
         "?only=to_ship", "?only=on_hold&since=2026-01-01", "?only=returns", "?only=refunded", "?only=disputed",
         "?only=ending_soon", "?only=withdrawals_due", "?since=2026-01-01&until=2026-01-31", "?q=cs_test_1",
         "?status=CONFIRMED&since=2026-01-01", "?q=teapot%20of%20somebody")  # fmt: skip


class Asked(NamedTuple):
    """One question to a collection."""

    spec: CollectionSpec[Any]
    method: str
    given: tuple[Any, ...]
    named: dict[str, Any]

    @property
    def is_of_few(self) -> bool:
        """Whether what is sorted is little: who is staff, what was ended or happened in the last minutes, or is to be
        refunded by staff; the variants whose options
        are counted, once for all who ask; what a search has found by the words of its text (docs/adr/0036)."""
        tests = [test for where in self.given if isinstance(where, dict) for test in where.items()]
        is_staff = self.spec.name == "users" and any(field == "role" for field, _ in tests)
        is_ended = self.spec.name in ("users", "refresh_families") and any(field == "ended_at" for field, _ in tests)
        is_waiting = any(field in ("untold_from", "refund_by") for field, _ in tests)
        is_counted = any(field == "family_id" and isinstance(test, Between) for field, test in tests)
        return is_staff or is_ended or is_waiting or is_counted or any(isinstance(test, Words) for _, test in tests)

    def __str__(self) -> str:
        return f"{self.spec.name}.{self.method}{self.given} {self.named}"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[Asked]:
    """All that the services of a shop ask of their collections while it is open."""
    found: dict[str, Asked] = {}
    with pytest.MonkeyPatch.context() as patched:
        for method in READS:
            patched.setattr(SqliteCollection, method, _noting(getattr(SqliteCollection, method), method, found))
        with whole(tmp_path_factory.mktemp("shop")) as shop:
            _visit(shop)
        asyncio.run(_trade(tmp_path_factory.mktemp("trade")))
    names = {each.spec.name for each in found.values()}
    assert {
        "orders",
        "payments",
        "stripe_events",
        "products",
        "families",
        "prices",
        "users",
        "refresh_families",
        "idempotency",
    } <= names
    return [each for each in found.values() if each.spec.name not in SMALL]


def _noting(method: Any, name: str, found: dict[str, Asked]) -> Any:
    def noting(collection: SqliteCollection[Any], *given: Any, **named: Any) -> Any:
        one = Asked(collection.spec, name, given, named)
        found.setdefault(str((one.spec.name, name, [_shape(each) for each in given], sorted(named))), one)
        return method(collection, *given, **named)

    return noting


def _shape(value: Any) -> Any:
    """What makes a query another one."""
    return {field: type(test).__name__ for field, test in value.items()} if isinstance(value, dict) else ""


def _visit(shop: Whole) -> None:
    """Every list and page there is, of a buyer and of an administrator, and a log-in that is kept up and ended."""
    product = {"name": "Teapot", "description": "For tea.", "price": "19.99", "category": "Tea", "stock": 50}
    made = json.loads(shop.as_json("POST", "/products", product, who="admin").body)["product"]["id"]
    shop.as_json("PUT", f"/products/{made}", {"price": "15.00", "compareAtPrice": "19.99"}, who="admin")
    newest = json.loads(shop.as_json("GET", f"/products/{made}/prices?limit=1", who="admin").body)["pagination"]
    shop.as_json("GET", f"/products/{made}/prices?cursor={newest['nextCursor']}", who="admin")
    options = [{"name": "Size", "values": ["S", "M"]}]
    family = json.loads(shop.as_json("POST", "/families", {"name": "Pots", "options": options}, who="admin").body)
    for size in ("S", "M"):
        chosen = {"familyId": family["family"]["id"], "optionValues": [{"name": "Size", "value": size}]}
        shop.as_json("POST", "/products", product | chosen, who="admin")
    shop.as_json("PUT", f"/families/{family['family']['id']}", {"options": options}, who="admin")
    shop.as_json("GET", f"/families/{family['family']['id']}")
    for query in ("", "&category=Tea", "&skip=1", "&q=teapot", "&sort=price", "&sort=name"):
        first = json.loads(shop.as_json("GET", f"/products?collapse=family&limit=1{query}").body)["pagination"]
        shop.as_json("GET", f"/products?collapse=family&limit=1{query}&cursor={first['nextCursor']}")
    order = {"items": [{"productId": made, "quantity": 1}]}
    placed = json.loads(shop.as_json("POST", "/orders", order, who="buyer").body)["order"]["id"]
    for path in sorted(
        {path for each in HANDLERS.values() for it in each for path in it.paths if "GET" in it.http_methods}
    ):
        for query in LISTS:
            for who in ("buyer", "admin"):
                shop.as_json(
                    "GET", path.replace("{order_id:str}", placed).partition("{")[0].rstrip("/") + query, who=who
                )
    after = (
        json.loads(shop.as_json("GET", "/orders?limit=1", who="buyer").body)["pagination"].get("nextCursor") or placed
    )
    shop.as_json("GET", f"/orders?after={after}", who="buyer")
    behind = json.loads(shop.as_json("GET", "/products?limit=1").body)["pagination"]["nextCursor"]
    shop.as_json("GET", f"/products?limit=1&skip=499&cursor={behind}")
    shop.as_json("POST", "/auth/login", {"email": "buyer@shop.example", "password": "wrong"})
    for job in shop.shop.jobs:
        with suppress(StripeUnreachable):  # Nothing stands in for Stripe here; `_trade` has one.
            shop.run(asyncio.wait_for(job.do(), 60))
    shop.as_json("PUT", "/events/feed", {"isOn": True}, who="admin")
    for relay in shop.shop.relays:
        shop.run(asyncio.wait_for(relay.run_due(100), 60))
    shop.as_json("POST", "/orders", order, who="buyer")
    for relay in shop.shop.relays:
        shop.run(asyncio.wait_for(relay.run_due(100), 60))
    for query in ("", "?after=1", "?types=order.placed"):
        shop.as_json("GET", f"/events{query}", who="admin")


async def _trade(directory: Path) -> None:
    """Orders that are paid, cancelled, refunded and left, and what is done about them in the background."""
    async with world(directory, form=SQLITE) as shop:
        mug = await shop.sell(stock=1000)
        paid, cancelled, _ = [await shop.place((mug, 1)) for _ in range(3)]
        await shop.pay(await shop.open(paid))
        await shop.order.cancel(cancelled.id, BUYER)
        await shop.later(TTL + MINUTE)
        await _look_after(shop)


async def _look_after(shop: World) -> None:
    for jobs in (shop.inbox, shop.reconciler, shop.rescue, shop.places, shop.stock_reconciler):
        for _, _, do in jobs.jobs():
            await do()
    shop.clock.advance(DAY + HOUR)
    await shop.settle()


@asynccontextmanager
async def opened(form: str, directory: Path) -> AsyncIterator[Database]:
    if form == SQLITE:
        async with sqlite(directory) as file:
            yield file
    else:
        async with mongo() as database:
            yield database


@pytest.mark.parametrize("form", FORMS)
async def test_every_query_is_answered_by_an_index_in_its_order(tmp_path: Path, form: str, asked: list[Asked]) -> None:
    async with opened(form, tmp_path) as database:
        how = await (_by_mongo(database, asked) if isinstance(database, MongoDatabase) else _by_sqlite(database, asked))
    assert len(how) > 40
    assert {str(each): plan for each, plan in how if not _is_short(plan, each)} == {}


async def _by_sqlite(database: Any, asked: list[Asked]) -> list[tuple[Asked, str]]:
    plans = listening(database)
    how = []
    for each in asked:
        collection = await database.collection(each.spec)
        plans.clear()
        await getattr(collection, each.method)(*each.given, **each.named)
        how.append((each, " | ".join(plans)))
    return how


async def _by_mongo(database: MongoDatabase, asked: list[Asked]) -> list[tuple[Asked, str]]:
    how = []
    for each in asked:
        collection: Any = await database.collection(each.spec)
        await database.raw.command("profile", 2, filter={"ns": f"{database.name}.{each.spec.name}"})
        await getattr(collection, each.method)(*each.given, **each.named)
        await database.raw.command("profile", 0)
        noted = database.raw["system.profile"]
        found = await noted.find({}).to_list()
        await noted.drop()
        plans = [
            f"{one['planSummary']}{' SORT' if one.get('hasSortStage') else ''}" for one in found if "planSummary" in one
        ]
        how.append((each, " | ".join(plans)))
    return how


def _is_short(plan: str, asked: Asked) -> bool:
    """Whether an index is used, and nothing is sorted in memory but what few are. An index may be gone through."""
    if asked.spec.name in SMALL or asked.is_of_few:
        return True
    steps = [step for step in re.split(r"; | \| |beside: ", plan) if step.startswith("SCAN ")]
    goes_through = [step for step in steps if "INDEX" not in step and step not in _NO_TABLES]
    return "COLLSCAN" not in plan and not goes_through and "TEMP B-TREE" not in plan and not plan.endswith(" SORT")
