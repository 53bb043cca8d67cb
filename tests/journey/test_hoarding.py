"""How much of a shop a stranger can hold without paying, asked of a running one with its defaults."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from tests.journey.conftest import OPTIONS, stores
from tests.journey.running import Answer, Buyer, RunningShop

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
PIECES, OF_BUYER, OF_ADDRESS = 20, 10, 20
NAMED = {"RATE_LIMIT": "1000000/second", "TRUSTED_PROXIES": "127.0.0.1"}
UNLIMITED = {"ORDER_MAX_PIECES_IN_ALL": "off"}
"""A buyer is where the proxy says."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["six processes", "two workers"])
async def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningShop]:
    form = str(request.param)
    directory = tmp_path_factory.mktemp("shop")
    options = {**OPTIONS, "two workers": ("--workers", "2")}.get(form, ())
    with stores("mongodb" if form == "two workers" else form, directory) as named:
        async with RunningShop(
            directory / "data", *options, ADDRESS_MAX_OPEN_ORDERS=str(OF_ADDRESS), **NAMED, **UNLIMITED, **named
        ) as running:
            yield running


async def catalogue(shop: RunningShop) -> dict[str, int]:
    """What can be bought of each product."""
    products = (await shop.call("GET", "/products?limit=100")).body["products"]
    return {each["id"]: each["stock"] for each in products if each["stock"]}


async def order(buyer: Buyer, lines: dict[str, int]) -> Answer:
    items = [{"productId": product_id, "quantity": quantity} for product_id, quantity in lines.items()]
    asking = partial(buyer.call, "POST", "/orders", {"items": items}, **{"X-Forwarded-For": "203.0.113.7"})
    while (answer := await asking()).status == 503 and answer.body["code"] == "overloaded":
        await asyncio.sleep(answer.body["retryAfter"])  # So many at once may be more than this machine can do in time.
    return answer


async def test_one_address_holds_twenty_orders_of_twenty_pieces_and_no_more(shop: RunningShop) -> None:
    before = await catalogue(shop)
    greedy = await shop.buyer()
    refused = await order(greedy, before)
    assert (refused.status, refused.body["code"], refused.body["limit"]) == (409, "over_quantity_limit", PIECES)
    assert "order fewer" in refused.body["detail"]
    most = {product_id: PIECES for product_id, stock in before.items() if stock >= PIECES * OF_ADDRESS}
    answers = await asyncio.gather(*(order(greedy, most) for _ in range(50)))
    refusals = [each.body for each in answers if each.status != 201]
    assert (len(refusals), {(each["code"], each["limit"], each["per"]) for each in refusals}) == (
        50 - OF_BUYER,
        {("too_many_open_orders", OF_BUYER, "buyer")},
    )
    made = {each.body["order"]["id"] for each in answers if each.status == 201}
    assert set((await order(greedy, most)).body["orderIds"]) == made
    strangers = [await shop.buyer() for _ in range(3)]
    answers = await asyncio.gather(*(order(each, most) for each in strangers for _ in range(11)))
    placed = OF_BUYER + sum(each.status == 201 for each in answers)
    assert placed == OF_ADDRESS
    assert {each.body["per"] for each in answers if each.status != 201} <= {"buyer", "address"}
    after = await catalogue(shop)
    assert {before[each] - after.get(each, 0) for each in most} == {PIECES * OF_ADDRESS}
    one = made.pop()
    assert (await greedy.call("POST", f"/orders/{one}/cancel")).body["order"]["status"] == "CANCELLED"
    product_id = max(after, key=lambda each: after[each])
    assert (await order(await shop.buyer(), {product_id: 1})).status == 201


@pytest.mark.parametrize("form", ["one process", "six processes"])
async def test_one_address_holds_fifty_pieces_by_four_accounts_in_forty_orders_at_once(
    tmp_path: Path, form: str
) -> None:
    with stores(form, tmp_path) as named:
        async with RunningShop(tmp_path / "data", *OPTIONS.get(form, ()), **NAMED, **named) as shop:
            before = await catalogue(shop)
            accounts = [await shop.buyer() for _ in range(4)]
            lines = dict.fromkeys([each for each, stock in before.items() if stock >= 50][:5], 1)
            answers = await asyncio.gather(*(order(accounts[n % 4], lines) for n in range(40)))
            refused = [each.body for each in answers if each.status != 201]
            assert len(refused) == 30
            assert {(each["code"], each["limit"]) for each in refused} == {("too_many_open_pieces", 50)}
            after = await catalogue(shop)
            assert sum(before.values()) - sum(after.values()) == 50


async def test_another_address_is_not_hindered(tmp_path: Path) -> None:
    async with RunningShop(tmp_path / "data", ADDRESS_MAX_OPEN_ORDERS="1", **NAMED) as shop:
        buyer, mug = await shop.buyer(), next(iter(await catalogue(shop)))
        of: dict[str, int] = {}
        for address in ("203.0.113.7", "203.0.113.7", "203.0.113.8", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
            of[address] = (await buyer.order(mug, 1, **{"X-Forwarded-For": address})).status
        assert list(of.values()) == [409, 201, 201, 409, 201]
        # A private one speaks for nobody knows how many.
        for _ in range(2):
            assert (await buyer.order(mug, 1, **{"X-Forwarded-For": "10.0.0.7"})).status == 201
