# ruff: noqa: S608 (the SQL is put together from constants; there are no values)
"""The query that proves the stock in SQLite: nothing is found while the invariants hold (I1, I7). And its repair."""

import apsw

from kassa.inventory.stock import EFFECTS, SET_BY_LEDGER, By, Effect, Kind
from kassa.kit.clock import Millis
from kassa.kit.inputs import level_set_id


def _sums() -> list[str]:
    """Each figure of a product, by the ledger."""
    sums = []
    for place, figure in enumerate(Effect._fields):
        cases = " ".join(f"WHEN '{kind}' THEN {effect[place]}" for kind, effect in EFFECTS.items())
        sums.append(f"sum(quantity * CASE kind {cases} END) AS {figure}")
    return sums


def _differences_sql() -> str:
    """Each figure of each product by the ledger, by the sum of the others and by the reservations, against the level.

    A product that one side does not know counts as zero there.
    """
    figures, sums = Effect._fields, _sums()
    checks = [(f"{figure} by the ledger", f"ledger.{figure}", f"stock.{figure}") for figure in figures]
    checks += [
        ("received by its parts", "stock.available + stock.reserved + stock.sold", "stock.received"),
        ("reserved by reservations", "holds.reserved", "stock.reserved"),
        ("sold by reservations", "holds.sold", "stock.sold"),
    ]
    rows = " UNION ALL ".join(
        f"SELECT product_id, '{what}' AS what, coalesce({expected}, 0) AS expected, coalesce({found}, 0) AS found"
        " FROM products LEFT JOIN stock USING (product_id) LEFT JOIN ledger USING (product_id)"
        " LEFT JOIN holds USING (product_id)"
        for what, expected, found in checks
    )
    return (
        f"WITH ledger AS MATERIALIZED (SELECT product_id, {', '.join(sums)} FROM movements GROUP BY product_id),"
        " holds AS MATERIALIZED (SELECT line.value ->> 0 AS product_id,"
        " sum(iif(state = 'held', line.value ->> 1, 0)) AS reserved,"
        " sum(iif(state = 'committed', line.value ->> 1, 0)) AS sold"
        " FROM reservations, json_each(lines) AS line WHERE state <> 'released' GROUP BY 1),"
        " products AS MATERIALIZED (SELECT product_id FROM stock UNION SELECT product_id FROM ledger"
        " UNION SELECT product_id FROM holds)"
        f" SELECT product_id, what, expected, found FROM ({rows}) WHERE expected <> found ORDER BY product_id, what"
    )


DIFFERENCES = _differences_sql()

_SUMMED = f"SELECT {', '.join(_sums())} FROM movements WHERE product_id = ?"
_SET = "INSERT OR REPLACE INTO stock (product_id, available, reserved, sold, received) VALUES (?, ?, ?, ?, ?)"
_SAY = (  # Once an instant is enough.
    "INSERT OR IGNORE INTO movements (at, product_id, kind, quantity, input_id, reason, who, request_id)"
    " VALUES (?, ?, ?, 0, ?, ?, ?, ?)"
)


def set_by_ledger(product_id: str, at: Millis, by: By, connection: apsw.Connection) -> bool:
    """See Stock.set_by_ledger."""
    figures = connection.execute(_SUMMED, (product_id,)).fetchone()
    if figures is None or any(figure is None or figure < 0 for figure in figures):
        return False
    connection.execute(_SET, (product_id, *figures))
    connection.execute(_SAY, (at, product_id, Kind.ADJUST, level_set_id(at), SET_BY_LEDGER, *by))
    return True
