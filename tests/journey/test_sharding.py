"""On a sharded cluster a query without the shard key, the id, is sent to all shards. A buyer's way has none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from tests.journey.conftest import stores
from tests.journey.running import RunningShop

DATABASES = ("authdb", "productdb", "inventorydb", "orderdb", "paymentdb")
Query = tuple[str, dict[str, Any]]


@contextmanager
def inspected(uri: str) -> Iterator[list[Query]]:
    """What MongoDB is asked meanwhile: collection and filter, there when it ends."""
    queries: list[Query] = []
    with MongoClient[dict[str, Any]](uri) as client:
        for name in DATABASES:
            client[name].command("profile", 2)
        yield queries
        for name in DATABASES:
            client[name].command("profile", 0)
            asked = client[name]["system.profile"].find({"appName": "kassa", "op": {"$ne": "insert"}})
            queries += [(each["ns"].partition(".")[2], _filter(each["command"])) for each in asked]


def _filter(command: dict[str, Any]) -> dict[str, Any]:
    if "pipeline" in command:
        return dict(command["pipeline"][0]["$match"])
    return dict(command["filter"] if "find" in command else command["q"])


def _is_of_the_way(query: Query) -> bool:
    """The relays ask for all that is due, and a timeline for the events of a payment, beside the way. Which discounts
    apply by themselves is asked once a second, of the one shard that has them all (ADR 9); so is which invoices an
    order has: all of them are one series (ADR 59)."""
    collection, asked = query
    if collection in ("discounts", "invoices"):
        return False
    return set(asked) != {"due_at"} and not (collection == "stripe_events" and "payment_id" in str(asked))


async def test_every_query_of_a_paid_journey_names_the_id(tmp_path: Path) -> None:
    with stores("mongodb and valkey", tmp_path) as settings:
        async with RunningShop(tmp_path / "data", **settings) as shop:
            admin, buyer = await shop.admin(), await shop.buyer()
            mug = await admin.product(stock=5)
            with inspected(settings["MONGO_URI"]) as queries:
                order_id, session_id = await buyer.checkout(mug)
                await buyer.pay(session_id)
                await buyer.becomes(order_id, "CONFIRMED")
                await buyer.call("GET", f"/payments/status/{order_id}")
                await buyer.call("GET", f"/orders/{order_id}/timeline")
                await shop.stop()  # What is done may be noted later, but before the process ends.
    asked = [query for query in queries if _is_of_the_way(query)]
    assert {"orders", "payments", "products", "stripe_events"} <= {collection for collection, _ in asked}
    assert [query for query in asked if "_id" not in query[1]] == []
