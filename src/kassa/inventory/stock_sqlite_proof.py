# ruff: noqa: S608 (the SQL is put together from constants; there are no values)
"""The query that proves the stock in SQLite: nothing is found while the invariants hold (I1, I7)."""

from kassa.inventory.stock import EFFECTS, Effect


def _differences_sql() -> str:
    """Each figure of each product by the ledger, by the sum of the others and by the reservations, against the level.

    A product that one side does not know counts as zero there.
    """
    figures = Effect._fields
    sums = []
    for place, figure in enumerate(figures):
        cases = " ".join(f"WHEN '{kind}' THEN {effect[place]}" for kind, effect in EFFECTS.items())
        sums.append(f"sum(quantity * CASE kind {cases} END) AS {figure}")
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
