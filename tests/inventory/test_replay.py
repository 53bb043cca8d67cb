"""A stock replayed into another one is the same: levels, reservations, movements; as often as it is done."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kassa.contracts.inventory import InsufficientStock, Line, ReservationEnded, StockExists, UnknownStock
from kassa.inventory.replay import independent, inputs_of, replay
from kassa.inventory.stock import By, Kind, Movement
from kassa.inventory.stock_sqlite import SqliteStock
from kassa.storage.documents_sqlite import SqliteDatabase

PRODUCTS = st.sampled_from(["p1", "p2", "p3"])
NUMBERS = st.integers(1, 6)
LINES = st.dictionaries(PRODUCTS, NUMBERS, min_size=1).map(lambda found: [Line(*each) for each in found.items()])
STEPS = st.one_of(
    st.tuples(st.just("init"), PRODUCTS, NUMBERS, NUMBERS),
    st.tuples(st.just("adjust"), PRODUCTS, st.integers(-4, 6), NUMBERS),
    st.tuples(st.just("reserve"), NUMBERS, LINES),
    st.tuples(st.sampled_from(["commit", "release", "mark"]), NUMBERS),
    st.tuples(st.just("restock"), NUMBERS, LINES),
)
BY = By("usr_1", "req_1")


async def take(stock: SqliteStock, step: tuple[object, ...], at: int) -> None:
    match step:
        case ["init", str(product), int(quantity), number]:
            await stock.init(product, quantity, f"i{number}", "first", at, BY)
        case ["adjust", str(product), int(change), number]:
            await stock.adjust(product, change, f"a{number}", "count", at, BY)
        case ["reserve", number, list(lines)]:
            await stock.reserve(f"r{number}", lines, at)
        case ["restock", number, list(lines)]:
            await stock.restock(f"b{number}", lines, "back", at)
        case ["commit", number]:
            await stock.commit(f"r{number}", at)
        case ["release", number]:
            await stock.release(f"r{number}", at)
        case ["mark", number]:
            await stock.mark(f"r{number}")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=60))
async def test_a_replayed_stock_is_the_same(tmp_path: Path, steps: list[tuple[object, ...]]) -> None:
    paths = [tmp_path / name for name in ("source.db", "target.db")]
    for path in paths:
        for file in tmp_path.glob(f"{path.name}*"):
            file.unlink()
    databases = [await SqliteDatabase.open(path) for path in paths]
    source, target = [await SqliteStock.open(each) for each in databases]
    for at, step in enumerate(steps, 1_000):
        try:
            await take(source, step, at)
        except (InsufficientStock, ReservationEnded, StockExists, UnknownStock):
            continue
    ledger = await source.ledger(0, 1000)
    for _ in range(2):
        assert await replay(source, target, lambda done, total: None) == len(ledger)
        assert sorted(unnumbered(await target.ledger(0, 1000))) == sorted(unnumbered(ledger))
        assert await target.all_levels(10) == await source.all_levels(10)
        replayed = {each.id: each for each in await target.reservations("", 100)}
        for each in await source.reservations("", 100):
            other = replayed.pop(each.id)
            assert (other.state, other.lines, other.made_at) == (each.state, each.lines, each.made_at)
            assert other.is_marked is each.is_marked or each.state != "held"
        assert replayed == {}
        assert await target.differences() == []
    for database in databases:
        await database.close()


def unnumbered(ledger: list[Movement]) -> list[str]:
    return [repr((each.at, each.product_id, each.kind, each.quantity, each.input_id, each.who)) for each in ledger]


def movement(kind: Kind, input_id: str, product_id: str = "p1", quantity: int = 1) -> Movement:
    return Movement(0, 0, product_id, kind, quantity, input_id, "", "", "")


def test_reservations_of_one_product_go_together_until_pieces_come_back() -> None:
    reserves = [movement(Kind.RESERVE, f"r{number}") for number in range(5)]
    release = movement(Kind.RELEASE, "r9")
    again = movement(Kind.RESERVE, "r7")
    groups = independent(inputs_of([movement(Kind.INIT, "i"), *reserves, release, again, movement(Kind.COMMIT, "r7")]))
    assert [[each.id for each in group] for group in groups] == [
        ["i"],
        ["r0", "r1", "r2", "r3", "r4", "r9"],
        ["r7"],
        ["r7"],
    ]
