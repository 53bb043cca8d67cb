"""Any sequence of operations on a collection does what a dictionary would do."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from kassa.kit.documents import Between, Collection, Conflict, Contains, Duplicate, In, Total, Where
from tests.storage.test_documents import DEALS, Deal, Stage
from tests.storage.worlds import DATABASES

KEYS = st.sampled_from("abcdefgh")
DOCUMENTS = st.builds(
    Deal,
    id=KEYS,
    version=st.integers(0, 3),
    due_at=st.none() | st.integers(0, 5),
    user_id=st.sampled_from(["u1", "u2"]),
    stage=st.sampled_from(Stage),
    key=st.none() | st.sampled_from(["k1", "k2", ""]),
    amount=st.integers(-(2**40), 2**40) | st.integers(-3, 3),
    title=st.text(max_size=5),
    is_open=st.booleans(),
    created_at=st.integers(-20, 20),
)
TESTS: dict[str, st.SearchStrategy[Any]] = {
    "user_id": st.sampled_from(["u1", "u2", "u3"]),
    "stage": st.sampled_from(Stage) | st.builds(In, st.lists(st.sampled_from(["new", "paid"])).map(tuple)),
    "key": st.none() | st.sampled_from(["k1", ""]),
    "amount": st.integers(-3, 3) | st.builds(Between, st.none() | st.integers(-3, 3), st.none() | st.integers(-3, 3)),
    "title": st.text(max_size=2).map(Contains) | st.text(max_size=1),
    "is_open": st.booleans(),
    "due_at": st.none() | st.integers(0, 5) | st.builds(Between, st.integers(0, 5), st.none()),
    "id": KEYS,
}
WHERE: st.SearchStrategy[Where] = st.fixed_dictionaries({}, optional=TESTS)


def passes(document: Deal, where: Where) -> bool:
    return all(_passes(getattr(document, field), test) for field, test in where.items())


def _passes(value: Any, test: Any) -> bool:
    match test:
        case In(values):
            return value in values
        case Between(None, None):
            return True
        case Between(at_least, below):
            return value is not None and (at_least is None or value >= at_least) and (below is None or value < below)
        case Contains(text):
            return text in value
        case _:
            return bool(value == test)


class Documents(RuleBasedStateMachine):
    """The collection and the dictionary, side by side."""

    adapter = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, Deal] = {}
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.deals: Collection[Deal] = self.runner.run(self._open())

    async def _open(self) -> Collection[Deal]:
        directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        database = await self.stack.enter_async_context(DATABASES[self.adapter](Path(directory)))
        return await database.collection(DEALS)

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()

    def _clashes(self, document: Deal) -> bool:
        """Whether another document has its unique fields."""
        pair = (document.user_id, document.key)
        return document.key is not None and any(
            (other.user_id, other.key) == pair for other in self.model.values() if other.id != document.id
        )

    def _outcome(self, operation: Coroutine[Any, Any, Deal]) -> Deal | Duplicate | Conflict:
        try:
            return self.runner.run(operation)
        except (Duplicate, Conflict) as refusal:
            return refusal

    @rule(document=DOCUMENTS)
    def insert(self, document: Deal) -> None:
        taken = "id" if document.id in self.model else "key" if self._clashes(document) else None
        match self._outcome(self.deals.insert(document)):
            case Duplicate(index=index):
                assert index == taken
            case stored:
                assert taken is None
                self.model[document.id] = msgspec.structs.replace(document, version=1)
                assert stored == self.model[document.id]

    @rule(document=DOCUMENTS, is_current=st.booleans())
    def save(self, document: Deal, is_current: bool) -> None:
        stored = self.model.get(document.id)
        if stored is not None and is_current:
            document = msgspec.structs.replace(document, version=stored.version)
        is_stale = stored is None or stored.version != document.version
        match self._outcome(self.deals.save(document)):
            case Conflict():
                assert is_stale
            case Duplicate(index=index):
                assert index == "key"
                assert self._clashes(document)
                assert not is_stale
            case saved:
                assert not is_stale
                assert not self._clashes(document)
                self.model[document.id] = msgspec.structs.replace(document, version=document.version + 1)
                assert saved == self.model[document.id]

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.runner.run(self.deals.delete(key))
        self.model.pop(key, None)

    @rule(
        where=WHERE,
        limit=st.integers(1, 9),
        skip=st.integers(0, 3),
        after=st.none() | KEYS,
        is_newest=st.booleans(),
    )
    def find(self, where: Where, limit: int, skip: int, after: str | None, is_newest: bool) -> None:
        expected = sorted((d for d in self.model.values() if passes(d, where)), key=lambda d: d.id, reverse=is_newest)
        assert self.runner.run(self.deals.count(where)) == len(expected)
        oldest = self.runner.run(self.deals.first(where))
        assert oldest == min(expected, key=lambda d: d.id, default=None)
        is_behind: Callable[[Deal], bool] = lambda d: after is None or (d.id < after if is_newest else d.id > after)  # noqa: E731
        page = [d for d in expected if is_behind(d)][skip : skip + limit]
        order = "newest" if is_newest else "oldest"
        found = self.deals.find(where, limit=limit, skip=skip, after=after, order=order)  # type: ignore[arg-type]
        assert self.runner.run(found) == page

    @rule(where=WHERE, by=st.sampled_from(["stage", "key", "created_at", "is_open"]), per=st.sampled_from([1, 7]))
    def totals(self, where: Where, by: str, per: int) -> None:
        per = per if by == "created_at" else 1
        groups: dict[Any, list[int]] = {}
        for document in self.model.values():
            if passes(document, where):
                value = getattr(document, by)
                groups.setdefault(value // per if per > 1 else value, []).append(document.amount)
        expected = {Total(key, len(amounts), sum(amounts)) for key, amounts in groups.items()}
        assert set(self.runner.run(self.deals.totals(where, by, sum_of="amount", per=per))) == expected

    @rule(now=st.integers(0, 6), limit=st.integers(1, 9))
    def due(self, now: int, limit: int) -> None:
        found = self.runner.run(self.deals.due(now, limit))
        times = sorted(d.due_at for d in self.model.values() if d.due_at is not None and d.due_at <= now)
        assert [d.due_at for d in found] == times[:limit]
        assert all(self.model[d.id] == d for d in found)

    @invariant()
    def holds_the_same(self) -> None:
        stored = self.runner.run(self.deals.many(list("abcdefgh")))
        assert {document.id: document for document in stored} == self.model


EXAMPLES = {"mongo": 12}
"""A server that makes a database for each example is slow at it."""


@pytest.mark.parametrize("adapter", sorted(DATABASES))
def test_a_collection_does_what_a_dictionary_would(adapter: str) -> None:
    machine = type("Machine", (Documents,), {"adapter": adapter})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES.get(adapter, 40),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
