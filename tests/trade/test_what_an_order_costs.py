"""How often a paid order is read and written: what was just written is changed without being read again."""

from collections import Counter
from typing import Any

import pytest

from kassa.contracts.inventory import Line
from kassa.kit.ids import ORDER
from tests.trade.world import BUYER, World

OPERATIONS = ("insert", "save", "get")
COLLECTIONS = ("orders", "payments", "stripe_events")


def counting(shop: World, monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, str]]:
    """How often each operation is made on each collection from now on."""
    counts: Counter[tuple[str, str]] = Counter()
    collection = type(shop.inbox.events)

    def count(name: str) -> None:
        original = getattr(collection, name)

        async def counted(self: Any, *given: Any) -> Any:
            if self.spec.name in COLLECTIONS:
                counts[self.spec.name, name] += 1
            return await original(self, *given)

        monkeypatch.setattr(collection, name, counted)

    for name in OPERATIONS:
        count(name)
    return counts


async def test_a_paid_order_is_six_writes_and_three_notes(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mug = await shop.sell()
    counts = counting(shop, monkeypatch)
    order = await shop.order.place(shop.ids.new(ORDER), BUYER.id, [Line(mug, 1)], is_new=True)
    await shop.pay(await shop.open(order))
    assert counts == {
        ("orders", "insert"): 1,
        ("orders", "get"): 1,  # for what is to be paid, which the payment service asks for
        ("orders", "save"): 2,  # confirmed; and that the stock is sold is noted
        ("payments", "insert"): 1,
        ("payments", "save"): 3,  # opened, paid; and that the order was told is noted
        ("stripe_events", "insert"): 1,
        ("stripe_events", "save"): 1,  # that it was acted on is noted
    }
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_asked_twice_where_to_pay_the_payment_is_looked_for(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    order = await shop.place((await shop.sell(), 1))
    first = await shop.open(order)
    counts = counting(shop, monkeypatch)
    assert await shop.open(order) == first
    assert counts == {("orders", "get"): 1, ("payments", "get"): 1}
