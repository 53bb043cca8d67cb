"""No read that looks at much keeps the event loop: whatever is asked of the shop by GET, what is read in the loop's own
thread is found by an index."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from kassa.app.web import HANDLERS
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.app.whole import Whole, whole

QUERIES = (
    "",
    "?q=teapot",
    "?skip=100000",
    "?category=Tea&q=mug",
    "?status=PENDING&skip=5000",
    "?days=365",
    "?active=false",
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole(tmp_path_factory.mktemp("shop")) as made:
        yield made


def reading(shop: Whole, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, str], set[int]]:
    """How SQLite goes about each query that is read at once, and the threads that read the others."""
    at_once: dict[str, str] = {}
    threads: set[int] = set()
    (file,) = {id(each): each for each in shop.shop.databases.values()}.values()
    assert isinstance(file, SqliteDatabase)
    read, read_in_thread = file.read, file._readers._read

    def explained(sql: str, bindings: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        at_once[sql] = "; ".join(row[3] for row in read(f"EXPLAIN QUERY PLAN {sql}", bindings))
        return read(sql, bindings)

    def noted(sql: str, bindings: tuple[Any, ...]) -> Any:
        threads.add(threading.get_ident())
        return read_in_thread(sql, bindings)

    monkeypatch.setattr(file, "read", explained)
    monkeypatch.setattr(file._readers, "_read", noted)
    return at_once, threads


def test_what_is_read_in_the_loop_is_found_by_an_index(shop: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, threads = reading(shop, monkeypatch)
    paths = {path for each in HANDLERS.values() for it in each for path in it.paths if "GET" in it.http_methods}
    asked = [f"{path.partition('{')[0].rstrip('/')}{query}" for path in sorted(paths) for query in QUERIES]
    assert len(paths) > 20
    found = {path: shop.as_json("GET", path, who="admin").status for path in asked}
    assert {path: status for path, status in found.items() if status >= 500} == {}
    assert {"/orders/admin/analytics/orders", "/products?q=teapot"} <= {
        path for path, status in found.items() if status == 200
    }
    assert threads
    assert threading.get_ident() not in threads
    assert {sql: plan for sql, plan in at_once.items() if not is_short(sql, plan)} == {}


def is_short(sql: str, plan: str) -> bool:
    """Whether no more is looked at than is answered: nothing is sorted, and what is gone through has an end."""
    goes_through = "SCAN" in plan.replace("SCAN json_each", "").replace("SCAN CONSTANT ROW", "")
    return "TEMP B-TREE" not in plan and (not goes_through or ("LIMIT" in sql and "WHERE" not in sql))


def test_reports_and_totals_are_those_of_the_orders_there_are(shop: Whole) -> None:
    product = {"name": "Teapot", "description": "For tea.", "price": "19.99", "category": "Tea", "stock": 50}
    made = json.loads(shop.as_json("POST", "/products", product, who="admin").body)["product"]["id"]
    for number in range(1, 6):
        order = {"items": [{"productId": made, "quantity": number}]}
        placed = json.loads(shop.as_json("POST", "/orders", order, who="buyer").body)["order"]
        if number % 2:
            assert shop.as_json("POST", f"/orders/{placed['id']}/cancel", who="buyer").status == 200
        listed = json.loads(shop.as_json("GET", "/orders/admin/all?limit=100", who="admin").body)
        told = json.loads(shop.as_json("GET", "/orders/admin/analytics/orders", who="admin").body)
        counts = Counter(each["status"] for each in listed["orders"])
        assert told["totalOrders"] == listed["pagination"]["total"] == number
        assert {status: count for status, count in told["ordersByStatus"].items() if count} == counts
        assert sum(day["count"] for day in told["dailyOrderTrend"]) == number
    movements = json.loads(shop.as_json("GET", "/inventory/admin/analytics/inventory/movements", who="admin").body)[
        "movements"
    ]
    assert {each["kind"]: (each["count"], each["quantity"]) for each in movements} == {
        "init": (1, 50), "reserve": (5, 15), "release": (3, 9),
    }  # fmt: skip
