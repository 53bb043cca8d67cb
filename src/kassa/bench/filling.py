"""Many orders and products without the hours that it takes to make them: one that was, copied under other ids and as of
other days of the last two years."""

import json
import random
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import apsw

from kassa.kit.clock import SystemClock
from kassa.kit.ids import ORDER, PRODUCT, USER, Ids
from kassa.product.search import text_of

T = TypeVar("T")

# Every table that an order or its payment is written to, and the column that holds its id.
_TABLES = {"orders": "id", "payments": "id", "reservations": "id", "movements": "input_id"}
# What so many more of an order have taken from the stock of its products.
_SOLD = """
UPDATE stock SET available = available - line.quantity * ?2, sold = sold + line.quantity * ?2
FROM (SELECT each.value ->> 0 AS product_id, each.value ->> 1 AS quantity FROM reservations AS held,
  json_each(held.lines) AS each WHERE held.id LIKE ?1)
AS line WHERE stock.product_id = line.product_id
"""
USERS = 1_000
_AT_ONCE = 50_000
# Times are moved by so many milliseconds at once: what is written in digits keeps the last six of them.
STEP_MS = 1_000_000
_LEAST_STEPS, _MOST_STEPS = 87, 63_000  # From a day back to two years.
A_TIME = 1_600_000_000_000
_WORDS = tuple(a + b + c for a in ("ba", "ce", "di", "fo", "gu") for b in "klmnprst" for c in ("ll", "mp", "rn", "sk"))


def fill(database: Path, count: int) -> None:
    """Copy the newest order, with its payment, reservation and movements, `count` times, while no server runs or one
    that does little: it waits."""
    ids = Ids(SystemClock())
    users = [ids.new(USER) for _ in range(USERS)]
    with closing(_opened(database)) as connection:
        row: Any = connection.execute("SELECT id, body FROM orders ORDER BY id DESC LIMIT 1").fetchone()
        order_id, body = row
        today = int(body.partition('"created_at":')[2].partition(",")[0]) // STEP_MS
        mine = order_id.partition("_")[2]
        user_id = body.partition('"user_id":"')[2].partition('"')[0]
        connection.execute(_SOLD, (f"%{mine}%", count))
        # As orders of before there were invoices: none are copied.
        invoiced = next(at for at, effect in enumerate(json.loads(body)["effects"]) if effect["kind"] == "invoice")
        lacks = {"orders": f"$.effects[{invoiced}]"}
        copied = [_copied(connection, *each, f"%{mine}%", lacks.get(each[0])) for each in _TABLES.items()]
        with _without_indexes(connection):
            for part in parts(range(1, count + 1)):
                with connection:
                    # Numbers of orders count down from here: the shop's own count up.
                    names = ((ids.new(ORDER).partition("_")[2], random.choice(users), steps_back(), -n) for n in part)
                    connection.execute("CREATE TEMP TABLE names (mine, user, back, number)")
                    connection.executemany("INSERT INTO names VALUES (?, ?, ?, ?)", names)
                    for sql in copied:
                        connection.execute(sql, (mine, user_id, f"%{mine}%", today))
                    connection.execute("DROP TABLE names")


@contextmanager
def _without_indexes(connection: apsw.Connection) -> Iterator[None]:
    """An index is made faster of all than with each."""
    declared = "SELECT tbl_name, name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    found: list[Any] = [each for each in connection.execute(declared) if each[0] in _TABLES]
    with connection:
        for _, name, _ in found:
            connection.execute(f'DROP INDEX "{name}"')
    yield
    for *_, sql in found:
        connection.execute(sql)


def _copied(connection: apsw.Connection, table: str, column: str, like: str, lacks: str | None) -> str:
    """The SQL that makes copies of one row under other names and times, whose body lacks what is at this path, as an
    order's does, which has a number of its own; another number stays as it is."""
    found = connection.execute(f"SELECT name FROM pragma_table_info('{table}') WHERE NOT pk")
    fields = [name for (name,) in found]
    renamed = [
        f"CASE WHEN typeof(a.{name}) = 'text' THEN "
        f"replace(replace(replace(a.{name}, ?1, names.mine), ?2, names.user), ':' || ?4, ':' || (?4 - names.back)) "
        f"WHEN a.{name} > {A_TIME} THEN a.{name} - names.back * {STEP_MS} ELSE a.{name} END"
        for name in fields
    ]
    if lacks is not None:
        body = fields.index("body")
        renamed[body] = f"json_set(json_remove({renamed[body]}, '{lacks}'), '$.number', names.number)"
        renamed[fields.index("f_number")] = "names.number"
    chosen = f"FROM names, {table} AS a WHERE a.{column} LIKE ?3"
    return f"INSERT INTO {table} ({', '.join(fields)}) SELECT {', '.join(renamed)} {chosen}"


def fill_catalogue(database: Path, count: int) -> None:
    """Copy the newest product `count` times, each with a name and a description of its own."""
    ids = Ids(SystemClock())
    with closing(_opened(database)) as connection:
        cursor = connection.execute("SELECT * FROM products ORDER BY id DESC LIMIT 1")
        fields = [name for name, _ in cursor.get_description()]
        newest: Any = cursor.fetchone()
        row = dict(zip(fields, newest, strict=True)) | {"seq": None, "due_at": None}
        body = json.loads(row["body"])
        into = f"INSERT INTO products ({', '.join(fields)}) VALUES ({', '.join('?' * len(fields))})"
        for part in parts(range(count)):
            with connection:
                connection.executemany(into, _products(row, body, ids, part))


def _products(row: dict[str, Any], body: dict[str, Any], ids: Ids, numbers: Iterable[int]) -> Iterator[tuple[Any, ...]]:
    for number in numbers:
        own = {"id": ids.new(PRODUCT), "sku": None, **described(number, body["category"])}
        made = json.dumps({**body, **own}, separators=(",", ":"))
        yield tuple({**row, "id": own["id"], "f_sku": None, "body": made}.values())


def steps_back() -> int:
    """How far back from today."""
    return random.randint(_LEAST_STEPS, _MOST_STEPS)


def described(number: int, category: str) -> dict[str, str]:
    """What a product has of its own."""
    name, description = f"Mug {number}", " ".join(random.choices(_WORDS, k=20))
    return {"name": name, "description": description, "search": text_of(name, category, None, description)}


def words(count: int) -> list[str]:
    """What somebody may look for: words that many products have, and numbers that few have."""
    return [random.choice(_WORDS) if random.random() < 0.5 else f"mug {random.randrange(10_000)}" for _ in range(count)]


def parts(them: Iterable[T]) -> Iterator[list[T]]:
    """All of them, some at a time."""
    rest = iter(them)
    while part := list(islice(rest, _AT_ONCE)):
        yield part


def _opened(database: Path) -> apsw.Connection:
    connection = apsw.Connection(str(database))
    connection.set_busy_timeout(30_000)
    connection.execute("PRAGMA synchronous = OFF")
    return connection
