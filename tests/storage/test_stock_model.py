"""Any sequence of stock operations, repeated and out of order, does what plain dictionaries would do (I1, I7)."""

import asyncio
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from kassa.contracts.inventory import InsufficientStock, Level, Line, ReservationEnded, StockExists, UnknownStock
from kassa.inventory.stock import EFFECTS, By, State, Stock, merged
from kassa.inventory.stock_redis import RedisStock
from kassa.inventory.stock_redis_reservations import KEPT
from tests.storage.worlds import STOCKS
from tests.support import FakeClock

PRODUCTS = st.sampled_from(["tea", "cup", "pot"])
RESERVATIONS = st.sampled_from(["o1.1", "o1.2", "o2.1", "o3.1"])
OPERATIONS = st.sampled_from(["op1", "op2", "op3", "op4"])
LINES = st.lists(st.builds(Line, PRODUCTS, st.integers(1, 4)), min_size=1, max_size=4)

NOBODY = By("usr_1", "req_1")


class StockMachine(RuleBasedStateMachine):
    """The stock and a model of it, side by side."""

    adapter = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.available: dict[str, int] = {}
        self.received: Counter[str] = Counter()
        self.states: dict[str, State] = {}
        self.lines: dict[str, tuple[Line, ...]] = {}
        self.done: set[tuple[str, ...]] = set()
        self.clock = FakeClock()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.stock: Stock = self.runner.run(self._open())

    async def _open(self) -> Stock:
        directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        return await self.stack.enter_async_context(STOCKS[self.adapter](Path(directory)))

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()

    def _do(self, operation: Any, refusal: type[Exception] | None) -> bool:
        """Carry it out; whether it was done. It must be refused with exactly that problem, or not at all."""
        if refusal is None:
            self.runner.run(operation)
            return True
        with pytest.raises(refusal):
            self.runner.run(operation)
        return False

    def _receive(self, product_id: str, quantity: int) -> None:
        self.available[product_id] = self.available.get(product_id, 0) + quantity
        self.received[product_id] += quantity

    @rule(product=PRODUCTS, quantity=st.integers(0, 9), operation=OPERATIONS)
    def init(self, product: str, quantity: int, operation: str) -> None:
        is_done = ("init", product, operation) in self.done
        refusal = StockExists if product in self.available and not is_done else None
        if self._do(self.stock.init(product, quantity, operation, "", 1, NOBODY), refusal) and not is_done:
            self.done.add(("init", product, operation))
            self._receive(product, quantity)

    @rule(product=PRODUCTS, change=st.integers(-5, 5), operation=OPERATIONS)
    def adjust(self, product: str, change: int, operation: str) -> None:
        refusal: type[Exception] | None = None
        is_done = ("adjust", product, operation) in self.done
        if product not in self.available:
            refusal = UnknownStock
        elif not is_done and self.available[product] + change < 0:
            refusal = InsufficientStock
        if self._do(self.stock.adjust(product, change, operation, "", 2, NOBODY), refusal) and not is_done:
            self.done.add(("adjust", product, operation))
            self._receive(product, change)

    @rule()
    def what_has_ended_is_forgotten(self) -> None:
        """Nobody can tell, whatever is repeated after that."""
        self.clock.advance(KEPT + 1)
        if isinstance(self.stock, RedisStock):
            self.runner.run(self.stock.forget(self.clock))

    @rule(lines=LINES, operation=OPERATIONS)
    def restock(self, lines: list[Line], operation: str) -> None:
        is_done = ("restock", operation) in self.done
        is_unknown = any(line.product_id not in self.available for line in lines)
        refusal = UnknownStock if is_unknown and not is_done else None
        if self._do(self.stock.restock(operation, lines, "", 3), refusal) and not is_done:
            self.done.add(("restock", operation))
            for line in lines:
                self._receive(line.product_id, line.quantity)

    def _refusal_of(self, lines: tuple[Line, ...]) -> type[Exception] | None:
        """The first line that cannot be held decides."""
        for line in lines:
            if line.product_id not in self.available:
                return UnknownStock
            if self.available[line.product_id] < line.quantity:
                return InsufficientStock
        return None

    @rule(reservation=RESERVATIONS, lines=LINES)
    def reserve(self, reservation: str, lines: list[Line]) -> None:
        state = self.states.get(reservation)
        refusal = self._refusal_of(merged(lines)) if state is None else None
        refusal = ReservationEnded if state is State.RELEASED else refusal
        if self._do(self.stock.reserve(reservation, lines, self.clock.now()), refusal) and state is None:
            self.states[reservation] = State.HELD
            self.lines[reservation] = merged(lines)
            for line in lines:
                self.available[line.product_id] -= line.quantity

    @rule(reservation=RESERVATIONS)
    def commit(self, reservation: str) -> None:
        is_refused = self.states.get(reservation, State.RELEASED) is State.RELEASED
        if self._do(self.stock.commit(reservation, self.clock.now()), ReservationEnded if is_refused else None):
            self.states[reservation] = State.COMMITTED

    @rule(reservation=RESERVATIONS)
    def release(self, reservation: str) -> None:
        state = self.states.get(reservation)
        is_refused = state is State.COMMITTED
        if self._do(self.stock.release(reservation, self.clock.now()), ReservationEnded if is_refused else None):
            self.states[reservation] = State.RELEASED
            if state is State.HELD:
                for line in self.lines[reservation]:
                    self.available[line.product_id] += line.quantity

    @invariant()
    def reservations_are_as_they_were_left(self) -> None:
        for reservation, state in self.states.items():
            (found,) = self.runner.run(self.stock.reservations_of([reservation]))
            assert found is not None
            assert (found.state, found.lines) == (state, self.lines.get(reservation, ()))

    def _pieces_in(self, state: State, product_id: str) -> int:
        return sum(
            line.quantity
            for reservation, lines in self.lines.items()
            for line in lines
            if self.states[reservation] is state and line.product_id == product_id
        )

    @invariant()
    def levels_are_as_expected_and_add_up(self) -> None:
        levels = self.runner.run(self.stock.levels(["tea", "cup", "pot"]))
        assert levels == {
            product: Level(
                product,
                available,
                self._pieces_in(State.HELD, product),
                self._pieces_in(State.COMMITTED, product),
                self.received[product],
            )
            for product, available in self.available.items()
        }
        for level in levels.values():
            assert level.available >= 0
            assert level.received == level.available + level.reserved + level.sold

    @invariant()
    def the_ledger_summed_is_the_stock(self) -> None:
        movements = self.runner.run(self.stock.ledger(0, 1_000))
        assert len({(entry.input_id, entry.product_id, entry.kind) for entry in movements}) == len(movements)
        sums = {product: [0, 0, 0, 0] for product in self.available}
        for entry in movements:
            for place, factor in enumerate(EFFECTS[entry.kind]):
                sums[entry.product_id][place] += factor * entry.quantity
        levels = self.runner.run(self.stock.levels(list(self.available)))
        assert {p: Level(p, *figures) for p, figures in sums.items()} == levels
        assert self.runner.run(self.stock.differences()) == []


@pytest.mark.parametrize("adapter", sorted(STOCKS))
def test_the_stock_does_what_its_model_does(adapter: str) -> None:
    machine = type("Machine", (StockMachine,), {"adapter": adapter})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
