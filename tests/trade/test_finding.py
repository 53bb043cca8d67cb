"""Staff finds orders: by what is to be done about them, by days, and by words."""

import msgspec
import pytest

from kassa.contracts.parts import Address
from kassa.kit.clock import DAY, MINUTE, day_of
from kassa.kit.ids import ORDER, first_of
from kassa.order import finding, noting_work
from kassa.order.domain import Order
from kassa.order.noting_work import NotingWork
from kassa.order.quoting import Asked
from kassa.order.work import with_work
from tests.trade.parcels_door import Api
from tests.trade.world import TTL, World

TO = Address("Ada Lovelace", "DE", ("Street 1",), "Berlin", "", "10115")


async def found(ask: Api, query: str) -> list[str]:
    """The ids that a list has, the newest first."""
    answer = await ask("GET", f"/orders/admin/all?{query}")
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["orders"]]


async def test_each_order_is_in_the_lists_of_what_is_to_be_done_about_it(shop: World, ask: Api) -> None:
    mug = await shop.sell(stock=100)
    plain = await ask.paid((mug, 2))
    held, sent, back, whole, disputed = [await ask.paid((mug, 2)) for _ in range(5)]
    await ask("POST", f"/orders/{held.id}/hold", {"why": "asks for a gift box"})
    await ask.ship(sent.id, (mug, 2))
    await ask.ship(back.id, (mug, 1))
    await ask("POST", f"/orders/{back.id}/returns", {"items": [{"productId": mug, "quantity": 1}], "reason": "x"})
    await ask("POST", f"/payments/{sent.id}/refund", {"amount": "1.50", "reason": "scratched"})
    await ask("POST", f"/payments/{whole.id}/refund")
    shop.stripe.dispute(str((await shop.payment_now(disputed)).session_id), "needs_response")
    await shop.hook(shop.stripe.dispute_event("created"))
    open_one = await shop.place((mug, 1))
    assert await found(ask, "only=to_ship") == [disputed.id, back.id, plain.id]
    assert await found(ask, "only=on_hold") == [held.id]
    assert await found(ask, "only=returns") == [back.id]
    assert await found(ask, "only=refunded") == [whole.id, sent.id]
    assert await found(ask, "only=disputed") == [disputed.id]
    assert await found(ask, "only=ending_soon") == []
    shop.clock.advance(TTL - 5 * MINUTE)
    assert await found(ask, "only=ending_soon") == [open_one.id]
    shown = {each["id"]: each for each in (await ask("GET", "/orders/admin/all")).json()["orders"]}
    assert (shown[sent.id]["refundedMinor"], shown[whole.id]["refundedMinor"]) == (150, whole.total_minor)
    assert "refunded" not in shown[plain.id]
    assert shown[disputed.id]["dispute"]["status"] == "needs_response"
    assert "dispute" not in shown[plain.id]


async def test_what_was_done_leaves_the_list(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 1))
    await ask.ship(order.id, (mug, 1))
    await ask("POST", f"/orders/{order.id}/returns", {"items": [{"productId": mug, "quantity": 1}]}, who="user")
    assert (await found(ask, "only=to_ship"), await found(ask, "only=returns")) == ([], [order.id])
    await ask("POST", f"/orders/{order.id}/returns/1/decline", {"why": "worn"})
    assert await found(ask, "only=returns") == []


async def test_it_is_found_by_each_name_that_it_has(shop: World, ask: Api) -> None:
    mug, pot = await shop.sell(), await shop.sell(name="Blue Teapot")
    other = await ask.paid((mug, 1))
    order = await ask.paid((pot, 1), asked=Asked(email="ada@mail.example", destination=TO))
    payment = await shop.payment_now(order)
    await shop.payment.payments.save(msgspec.structs.replace(payment, intent_id="pi_of_this_one"))
    for words in (
        str(order.number),
        f"%23{order.number}",
        order.id,
        f"%20{order.id}%20",
        str(payment.session_id),
        "pi_of_this_one",
        "ADA@mail.example",
        "ada",
        "lovelace",
        "teapot",
        "blue%20lovelace",
    ):
        assert await found(ask, f"q={words}") == [order.id], words
    assert await found(ask, "q=mug") == [other.id]
    for words in ("blue%20mug", "cs_unknown", "ord_unknown", "grace@mail.example"):
        assert await found(ask, f"q={words}") == [], words
    assert await found(ask, "q=teapot&only=on_hold") == []
    assert await found(ask, "q=teapot&only=to_ship") == [order.id]


async def test_the_days_are_the_first_and_the_last(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    shop.clock.advance(DAY - shop.clock.now() % DAY)
    orders = []
    for _ in range(3):
        orders.append(await ask.paid((mug, 1)))
        shop.clock.advance(DAY)
    days = [each.created_at // DAY for each in orders]
    day = of_day(orders[1])
    assert days[2] - days[0] == 2
    assert await found(ask, f"since={day}") == [orders[2].id, orders[1].id]
    assert await found(ask, f"until={day}") == [orders[1].id, orders[0].id]
    assert await found(ask, f"since={day}&until={day}&only=to_ship") == [orders[1].id]
    assert await found(ask, f"since={day}&q=mug") == [orders[2].id, orders[1].id]


def of_day(order: Order) -> str:
    """The day on which it was made, which its id tells."""
    assert first_of(ORDER, order.created_at) <= order.id < first_of(ORDER, order.created_at + 1)
    return day_of(order.created_at)


async def test_words_are_looked_for_in_the_newest_orders_and_that_is_said(
    shop: World, ask: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "AT_ONCE", 2)
    monkeypatch.setattr(finding, "MOST_LOOKED_AT", 4)
    mug = await shop.sell()
    orders = [await ask.paid((mug, 1)) for _ in range(5)]
    answer = (await ask("GET", "/orders/admin/all?q=mug&limit=3")).json()
    newest = [each.id for each in reversed(orders)]
    assert [each["id"] for each in answer["orders"]] == newest[:3]
    assert answer["pagination"]["total"] == 4
    assert answer["lookedBackTo"].startswith("20")
    cursor = answer["pagination"]["nextCursor"]
    assert await found(ask, f"q=mug&limit=3&cursor={cursor}") == newest[3:4]
    assert await found(ask, "q=mug&limit=3&skip=3") == newest[3:4]
    assert "lookedBackTo" not in (await ask("GET", f"/orders/admin/all?q={orders[0].id}")).json()


@pytest.mark.parametrize(
    ("query", "field"),
    [("only=all", "only"), ("since=today", "since"), ("until=2026-13-01", "until"), (f"q={'x' * 201}", "q"),
     ("only=ending_soon&status=CONFIRMED", "only"), ("status=PAID", "status"),
     ("number=0", "number"), (f"number={2**53}", "number"), ("&".join(["id=ord_1"] * 51), "id")],
)  # fmt: skip
async def test_what_cannot_be_looked_for_is_refused_by_name(ask: Api, query: str, field: str) -> None:
    refused = await ask("GET", f"/orders/admin/all?{query}")
    assert refused.status_code == 422
    assert [each["field"] for each in refused.json()["errors"]] == [field]


async def test_disputes_are_listed_page_by_page(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    orders = [await ask.paid((mug, 1)) for _ in range(3)]
    for order in orders:
        shop.stripe.dispute(str((await shop.payment_now(order)).session_id), "needs_response")
        await shop.hook(shop.stripe.dispute_event("created"))
    first = (await ask("GET", "/orders/admin/all?only=disputed&limit=2")).json()
    assert [each["id"] for each in first["orders"]] == [orders[2].id, orders[1].id]
    assert first["pagination"]["total"] == 3
    assert await found(ask, f"only=disputed&limit=2&cursor={first['pagination']['nextCursor']}") == [orders[0].id]
    assert await found(ask, "only=disputed&status=REFUNDED") == []
    assert await found(ask, "only=disputed&email=ada%40mail.example") == []
    assert len(await found(ask, f"only=disputed&since={of_day(orders[0])}&status=CONFIRMED")) == 3
    assert await found(ask, f"only=disputed&id={orders[1].id}") == [orders[1].id]


async def test_some_orders_are_asked_for_by_their_ids_and_by_whatever_else(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    first, second, third = [await ask.paid((mug, 1)) for _ in range(3)]
    ids = f"id={first.id}&id={third.id}&id=ord_of_nobody"
    today = of_day(first)
    assert await found(ask, ids) == [third.id, first.id]
    assert await found(ask, f"{ids}&since={today}&until={today}&status=CONFIRMED") == [third.id, first.id]
    for other in ("until=2000-01-01", "since=2100-01-01", "status=PENDING", f"number={second.number}"):
        assert await found(ask, f"{ids}&{other}") == []


async def test_orders_of_before_get_into_the_lists_once(shop: World, ask: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noting_work, "PAGE", 2)
    monkeypatch.setattr(noting_work, "MOST_PAGES", 1)
    mug = await shop.sell()
    orders = [await ask.paid((mug, 1)) for _ in range(3)]
    for order in orders:
        await shop.order.orders.save(msgspec.structs.replace(await shop.order_now(order), work=None))
    assert await found(ask, "only=to_ship") == []
    older = NotingWork(shop.stores[1], shop.order.outbox, shop.clock)
    await older.look()
    assert await found(ask, "only=to_ship") == [orders[1].id, orders[0].id]
    await NotingWork(shop.stores[1], shop.order.outbox, shop.clock).look()
    await older.look()
    assert await found(ask, "only=to_ship") == [each.id for each in reversed(orders)]
    newest = await shop.order_now(orders[2])
    await shop.order.orders.save(msgspec.structs.replace(newest, work=None))
    await older.look()
    assert len(await found(ask, "only=to_ship")) == 2, "it looks at none any more"
    assert with_work(newest) is newest
    assert await shop.audit() == []


async def test_what_was_sold_is_told_beside_the_days_before(shop: World, ask: Api) -> None:
    mug, pot = await shop.sell(stock=20), await shop.sell(name="Teapot", price_minor=3000)
    shop.clock.advance(DAY - shop.clock.now() % DAY)
    await ask.paid((mug, 1))
    shop.clock.advance(DAY)
    paid = await ask.paid((mug, 2), (pot, 1))
    await shop.place((mug, 1))
    await ask("POST", f"/payments/{paid.id}/refund", {"amount": "1.50"})
    today = of_day(paid)
    told = (await ask("GET", f"/orders/admin/analytics/sales?since={today}&until={today}")).json()
    period, before = told["period"], told["before"]
    assert (period["orders"], period["netMinor"], period["refundedMinor"]) == (1, 2 * 1999 + 3000 - 150, 150)
    assert (before["orders"], before["netMinor"], before["refundedMinor"]) == (1, 1999, 0)
    assert [(each["date"], each["orders"], each["amountMinor"]) for each in told["days"]] == [(today, 1, 6998)]
    assert [(each["name"], each["pieces"], each["amountMinor"]) for each in told["best"]] == [
        ("Mug", 2, 3998),
        ("Teapot", 1, 3000),
    ]
    month = (await ask("GET", "/orders/admin/analytics/sales")).json()
    assert (len(month["days"]), month["period"]["orders"], month["before"]["orders"]) == (30, 2, 0)
    for wrong in ("since=2020-01-01", f"since={today}&until=2020-01-01", "until=soon"):
        assert (await ask("GET", f"/orders/admin/analytics/sales?{wrong}")).status_code == 422, wrong
