"""What a paid order costs: nothing on its way is read in a thread, which would cost more than the read itself."""

from pathlib import Path
from typing import Any

import pytest

from kassa.storage.sqlite import Sqlite
from tests.trade.test_payments import opened
from tests.trade.world import world


async def test_nothing_on_the_way_of_a_paid_order_is_read_beside_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside: list[str] = []
    read_beside = Sqlite.read_beside

    async def noted(file: Sqlite, sql: str, bindings: tuple[Any, ...] = ()) -> Any:
        beside.append(sql)
        return await read_beside(file, sql, bindings)

    monkeypatch.setattr(Sqlite, "read_beside", noted)
    async with world(tmp_path) as shop:
        mug = await shop.sell()
        beside.clear()
        order, payment = await opened(shop, mug, 2)
        await shop.pay(payment)
        assert (await shop.order_now(order)).status == "CONFIRMED"
        assert beside == []
        await shop.inbox.events.count({})
        assert len(beside) == 1
