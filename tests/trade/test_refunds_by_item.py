"""Refunds of goods: their money is what was paid for them, and what was not sent of them never will be."""

from decimal import Decimal

import pytest

from kassa.contracts.parcels import Aside
from kassa.contracts.parts import Address
from kassa.order.domain import Stage
from kassa.order.quoting import Asked
from tests.trade.parcels_door import Api
from tests.trade.world import World

TO = Address("A Buyer", "DE", ("Street 1",), "Berlin", "", "10115")


async def test_what_is_refunded_by_item_is_not_sent_any_more(shop: World, ask: Api) -> None:
    mug, plate = await shop.sell(), await shop.sell(name="Plate", price_minor=500)
    order = await ask.paid((mug, 2), (plate, 1))
    body = {"lines": [{"productId": mug, "quantity": 1, "restock": True}]}
    for _ in range(2):
        made = await ask("POST", f"/payments/{order.id}/refund", body, key="one")
    assert (made.status_code, made.json()["refund"]["amountMinor"]) == (201, 1999)
    assert made.json()["refund"]["lines"][0]["quantity"] == 1
    shown = await ask.order(order.id)
    assert shown["leftToSend"] == [{"productId": mug, "quantity": 1}, {"productId": plate, "quantity": 1}]
    assert (await ask.ship(order.id, (mug, 2))).json()["code"] == "too_many_to_send"
    assert (await ask.ship(order.id)).json()["order"]["fulfilment"] == "fulfilled"
    assert (await shop.level(mug)).available == 9
    rest = {"lines": [{"productId": mug, "quantity": 1}, {"productId": plate, "quantity": 1}]}
    assert (await ask("POST", f"/payments/{order.id}/refund", rest)).json()["refund"]["amountMinor"] == 2499
    await shop.later(60_000)
    assert (await shop.order_now(order)).stage is Stage.REFUNDED
    assert (await ask("POST", f"/payments/{order.id}/refund", rest)).status_code == 409
    assert await shop.audit() == []


async def test_of_sending_and_refunding_the_same_piece_one_wins(
    shop: World, ask: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 1))
    set_aside = shop.order.set_aside

    async def sent_first(order_id: str, refund_id: str, aside: Aside) -> None:
        assert (await ask.http.post(f"/orders/{order.id}/shipments", headers={"authorization": "admin"})).is_success
        await set_aside(order_id, refund_id, aside)

    monkeypatch.setattr(shop.order, "set_aside", sent_first)
    made = await ask("POST", f"/payments/{order.id}/refund", {"lines": [{"productId": mug, "quantity": 1}]})
    assert made.json()["refund"]["status"] == "failed"
    monkeypatch.undo()
    again = await ask("POST", f"/payments/{order.id}/refund", {"lines": [{"productId": mug, "quantity": 1}]})
    assert again.json()["refund"]["status"] != "failed"
    await shop.later(60_000)
    assert await shop.audit() == []


async def test_a_refund_that_fails_sets_its_goods_free(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 1))
    shop.stripe.faults["refund"] = ["before"] * 2
    refund = {"lines": [{"productId": mug, "quantity": 1}]}
    made = (await ask("POST", f"/payments/{order.id}/refund", refund)).json()["refund"]
    assert made["status"] == "pending"
    assert (await ask.ship(order.id)).json()["code"] == "not_shippable"
    await shop.later(60_000)
    payment = await shop.payment_now(order)
    await shop.hook(shop.stripe.send_back(str(payment.refunds[0].stripe_id)))
    await shop.later(60_000)
    assert (await shop.order_now(order)).sending.withheld == {}
    assert (await ask.ship(order.id)).status_code == 201
    assert await shop.audit() == []


async def test_discounts_taxes_and_shipping_go_back_in_parts(shop: World, ask: Api) -> None:
    mug = await shop.sell(price_minor=1000)
    await shop.discount(code="TEN", percent=Decimal(10))
    order = await ask.paid((mug, 3), asked=Asked(code="TEN", destination=TO, email="b@mail.example"))
    path = f"/payments/{order.id}/refund"
    amounts = []
    for _ in range(3):
        made = await ask("POST", path, {"lines": [{"productId": mug, "quantity": 1}]})
        amounts.append(made.json()["refund"]["amountMinor"])
    assert amounts == [900, 900, 900]
    await shop.later(60_000)
    assert (await shop.order_now(order)).stage is Stage.REFUNDED


async def test_less_may_go_back_than_was_paid_and_never_more(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 2))
    path, lines = f"/payments/{order.id}/refund", [{"productId": mug, "quantity": 1}]
    more = await ask("POST", path, {"lines": lines, "amount": "20.00"})
    assert more.json()["errors"][0]["field"] == "amount"
    less = await ask("POST", path, {"lines": lines, "amount": "15.00"})
    assert less.json()["refund"]["amountMinor"] == 1500
    assert (await ask("POST", path, {"amount": "10.00"})).status_code == 201
    too_much = await ask("POST", path, {"lines": lines})
    assert (too_much.json()["code"], too_much.json()["leftMinor"]) == ("refund_too_large", 1498)
    for body in ({"lines": lines, "restock": True}, {"returnId": "rtn_1"}, {"shipping": True}):
        assert (await ask("POST", path, body)).status_code == 422


async def test_a_return_is_asked_for_approved_received_and_refunded(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 3))
    path, body = f"/orders/{order.id}/returns", {"items": [{"productId": mug, "quantity": 2}], "reason": "Too small"}
    assert (await ask("POST", path, body, "user")).json()["code"] == "too_many_to_return"
    await ask.ship(order.id, (mug, 2))
    assert (await ask("POST", path, body, "other")).status_code == 404
    asked = (await ask("POST", path, body, "user")).json()["order"]
    assert asked["returns"][0]["status"] == "requested"
    assert asked["leftToReturn"] == []
    assert (await ask("POST", path, body, "user")).json()["code"] == "too_many_to_return"
    assert (await ask("POST", f"/orders/{order.id}/shipments/1/cancel")).json()["code"] == "shipment_fixed"
    assert (await ask("POST", f"{path}/1/receive")).json()["code"] == "return_fixed"
    assert (await ask("POST", f"{path}/1/approve", who="user")).status_code == 403
    await ask("POST", f"{path}/1/approve", who="support")
    restock = {"restock": [{"productId": mug, "quantity": 1}]}
    for _ in range(2):
        much = {"restock": [{"productId": mug, "quantity": 10**6 + 1}]}
        (refused,) = (await ask("POST", f"{path}/1/receive", much)).json()["errors"]
        assert refused["field"].startswith("restock"), "what is wrong is named as it was sent"
        received = await ask("POST", f"{path}/1/receive", restock)
    assert received.json()["order"]["returns"][0]["restocked"] == [{"productId": mug, "quantity": 1}]
    assert (await shop.level(mug)).available == 8
    lines, return_id = [{"productId": mug, "quantity": 2}], received.json()["order"]["returns"][0]["id"]
    refund = {"lines": lines, "returnId": return_id}
    made = await ask("POST", f"/payments/{order.id}/refund", refund)
    assert made.json()["refund"]["amountMinor"] == 3998
    shown = await ask.order(order.id, "user")
    assert shown["returns"][0]["status"] == "refunded"
    assert shown["fulfilment"] == "partly"
    assert (await ask("POST", f"{path}/1/close")).json()["code"] == "return_fixed"
    three = {"items": [{"productId": mug, "quantity": 3}], "amount": "1.00"}
    assert (await ask("POST", f"/payments/{order.id}/refund", three)).json()["left"] == 2
    await shop.later(60_000)
    assert await shop.audit() == []


async def test_a_refund_of_a_return_that_is_not_there_fails_and_gives_its_amount_back(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 1))
    body = {"lines": [{"productId": mug, "quantity": 1}], "returnId": "rtn_" + "0" * 26}
    made = (await ask("POST", f"/payments/{order.id}/refund", body)).json()["refund"]
    assert made["status"] == "failed"
    assert "return" in made["failure"]
    assert (await ask("POST", f"/payments/{order.id}/refund")).status_code == 201
    await shop.later(60_000)
    assert await shop.audit() == []


async def test_a_declined_return_can_be_asked_for_again_and_a_digital_one_by_staff_alone(shop: World, ask: Api) -> None:
    mug, song = await shop.sell(), await shop.sell(name="Song", is_digital=True)
    order = await ask.paid((mug, 1), (song, 1))
    await ask.ship(order.id)
    path = f"/orders/{order.id}/returns"
    of_mug, of_song = ({"items": [{"productId": each, "quantity": 1}]} for each in (mug, song))
    await ask("POST", path, of_mug, "user")
    declined = await ask("POST", f"{path}/1/decline", {"why": "It was worn"})
    assert declined.json()["order"]["returns"][0]["answer"] == "It was worn"
    assert (await ask("POST", f"{path}/1/approve")).json()["code"] == "return_fixed"
    assert (await ask("POST", path, of_mug, "user")).status_code == 201
    assert (await ask("POST", path, of_song, "user")).json()["code"] == "not_returnable"
    by_staff = await ask("POST", path, of_song, "support")
    assert by_staff.json()["order"]["returns"][2]["status"] == "approved"
    assert (await ask("POST", f"{path}/3/close")).json()["order"]["returns"][2]["status"] == "closed"
    assert (await ask("POST", f"{path}/9/close")).status_code == 404
