"""The total that a buyer has agreed to, as `POST /orders` takes it: with and without an Idempotency-Key."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from kassa.kit.idempotency import RECORDS, Idempotency
from kassa.kit.web import EXCEPTION_HANDLERS
from kassa.order.guests import GuestTokens
from kassa.order.routes import HANDLERS
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.trade.test_attention import Doorman
from tests.trade.world import World


@pytest.fixture
async def door(shop: World, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A buyer before the shop's orders."""
    database = await SqliteDatabase.open(tmp_path / "keys.db")
    records = await database.collection(RECORDS)
    app: Any = Litestar(list(HANDLERS), openapi_config=None, exception_handlers=EXCEPTION_HANDLERS)
    app.state.update(
        order=shop.order,
        guests=GuestTokens("a secret of the shop's"),
        verifier=Doorman(),
        ids=shop.ids,
        idempotency=Idempotency(records, shop.clock, "test", is_alone=True),
    )
    headers = {"authorization": "user"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://shop.test", headers=headers
    ) as http:
        yield http
    await database.close()


async def test_a_refused_total_stays_refused_for_its_key_and_a_new_key_orders(
    shop: World, door: httpx.AsyncClient
) -> None:
    mug = await shop.sell(stock=5, price_minor=1000)
    await shop.product.update(mug, {"price": Decimal(20)}, "usr_admin")
    wish = {"items": [{"productId": mug, "quantity": 2}], "expectedTotalMinor": 2000}
    refused = await door.post("/orders", json=wish, headers={"idempotency-key": "one"})
    assert (refused.status_code, refused.json()["code"]) == (409, "price_changed")
    assert (refused.json()["expectedTotalMinor"], refused.json()["totalAmountMinor"]) == (2000, 4000)
    assert refused.json()["items"][0]["priceMinor"] == 2000

    await shop.product.update(mug, {"price": Decimal(10)}, "usr_admin")
    again = await door.post("/orders", json=wish, headers={"idempotency-key": "one"})
    assert (again.status_code, again.headers["idempotent-replayed"]) == (409, "true")
    other = await door.post("/orders", json=wish | {"expectedTotalMinor": 4000}, headers={"idempotency-key": "one"})
    assert other.json()["code"] == "idempotency_key_reused"
    assert (await shop.level(mug)).reserved == 0
    assert (await door.post("/orders", json=wish, headers={"idempotency-key": "two"})).status_code == 201
    assert (await shop.level(mug)).reserved == 2


@pytest.mark.parametrize("expected", [{}, {"expectedTotalMinor": None}], ids=["left out", "null"])
async def test_who_names_no_total_orders_at_the_price_of_the_moment(
    shop: World, door: httpx.AsyncClient, expected: dict[str, None]
) -> None:
    mug = await shop.sell(stock=5, price_minor=1000)
    answer = await door.post("/orders", json={"items": [{"productId": mug, "quantity": 1}], **expected})
    assert (answer.status_code, answer.json()["order"]["totalAmountMinor"]) == (201, 1000)


@pytest.mark.parametrize("expected", [-1, "1000", 10.5, True, 10**15 + 1, 10**90])
async def test_a_total_that_is_no_count_of_minor_units_is_refused(
    shop: World, door: httpx.AsyncClient, expected: object
) -> None:
    mug = await shop.sell(stock=5, price_minor=1000)
    wish = {"items": [{"productId": mug, "quantity": 1}], "expectedTotalMinor": expected}
    answer = await door.post("/orders", json=wish)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "expectedTotalMinor")
    assert (await shop.level(mug)).reserved == 0
