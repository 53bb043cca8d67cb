"""What is sent of an order: in parcels, never more than was ordered, and only of what is paid and not refunded."""

import asyncio

import msgspec
import pytest

from kassa.contracts.parts import Address
from kassa.order import fulfilling
from kassa.order.domain import Stage
from kassa.order.quoting import Asked
from tests.trade.parcels_door import Api
from tests.trade.world import BUYER, World

TO = Address("A Buyer", "DE", ("Street 1",), "Berlin", "", "10115")
ELSEWHERE = {"name": "A Buyer", "country": "DE", "lines": ["Street 2"], "city": "Hamburg", "postalCode": "20095"}


async def test_an_order_is_sent_in_parcels_and_delivered(shop: World, ask: Api) -> None:
    mug, plate = await shop.sell(), await shop.sell(name="Plate")
    order = await ask.paid((mug, 2), (plate, 1))
    assert (await ask.order(order.id))["fulfilment"] == "unfulfilled"
    first = await ask.ship(order.id, (mug, 1), carrier=" DHL ", trackingNumber="00 340")
    assert first.status_code == 201
    shown = first.json()["order"]
    assert shown["fulfilment"] == "partly"
    assert shown["leftToSend"] == [{"productId": mug, "quantity": 1}, {"productId": plate, "quantity": 1}]
    assert shown["shipments"][0]["items"] == [{"productId": mug, "quantity": 1}]
    assert shown["shipments"][0]["carrier"] == "DHL"
    assert shown["shipments"][0]["trackingUrl"].endswith("tracking-id=00%20340")
    assert (await ask("POST", f"/orders/{order.id}/shipments")).json()["order"]["fulfilment"] == "fulfilled"
    for number in (1, 2, 2):
        answer = await ask("POST", f"/orders/{order.id}/shipments/{number}/delivered")
    assert answer.json()["order"]["fulfilment"] == "delivered"
    of_buyer = await ask.order(order.id, "user")
    assert [each["status"] for each in of_buyer["shipments"]] == ["delivered", "delivered"]
    assert "leftToSend" not in of_buyer
    texts = [each.text for each in await shop.order.timeline(order.id, BUYER)]
    assert "Goods are on their way to you: parcel 1 with DHL." in texts
    assert texts.count("Goods have arrived: parcel 2.") == 1
    assert await shop.audit() == []


async def test_no_more_is_sent_than_was_ordered(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 2))
    refused = await ask.ship(order.id, (mug, 3))
    assert (refused.status_code, refused.json()["code"], refused.json()["left"]) == (409, "too_many_to_send", 2)
    answers = await asyncio.gather(*(ask.ship(order.id, (mug, 1)) for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [201, 201, 409, 409, 409]
    assert (await ask.ship(order.id)).json()["code"] == "not_shippable"
    assert (await ask.ship(order.id, ("prd_" + "0" * 26, 1))).status_code == 422


async def test_asked_again_no_second_parcel_is_sent(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 2))
    body = {"items": [{"productId": mug, "quantity": 1}]}
    path = f"/orders/{order.id}/shipments"
    for _ in range(2):
        assert (await ask("POST", path, body, key="one")).status_code == 201
    assert (await ask("POST", path, {**body, "number": 1})).status_code == 201
    other = await ask("POST", path, {"items": [{"productId": mug, "quantity": 2}], "number": 1})
    assert other.json()["code"] == "shipment_fixed"
    assert (await ask("POST", path, {**body, "number": 3})).json()["code"] == "shipment_fixed"
    assert len((await shop.order_now(order)).sending.shipments) == 1
    assert (await ask("POST", path, {**body, "number": 2})).json()["order"]["fulfilment"] == "fulfilled"


async def test_a_parcel_that_was_noted_by_mistake_is_taken_back(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 2))
    await ask.ship(order.id, (mug, 2))
    for _ in range(2):
        cancelled = await ask("POST", f"/orders/{order.id}/shipments/1/cancel")
    assert cancelled.json()["order"]["fulfilment"] == "unfulfilled"
    late = await ask("POST", f"/orders/{order.id}/shipments/1/delivered")
    assert (late.status_code, late.json()["code"]) == (409, "shipment_fixed")
    assert (await ask.ship(order.id)).json()["order"]["shipments"][1]["items"] == [{"productId": mug, "quantity": 2}]
    await ask("POST", f"/orders/{order.id}/shipments/2/delivered")
    assert (await ask("POST", f"/orders/{order.id}/shipments/2/cancel")).json()["code"] == "shipment_fixed"
    for number in ("3", "0", "x", "9999999"):
        assert (await ask("POST", f"/orders/{order.id}/shipments/{number}/cancel")).status_code == 404


async def test_only_what_is_paid_is_sent(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    pending = await shop.place((mug, 1))
    cancelled = await shop.place((mug, 1))
    await shop.order.cancel(cancelled.id, BUYER)
    refunded = await ask.paid((mug, 1))
    await ask("POST", f"/payments/{refunded.id}/refund")
    await shop.later(60_000)
    assert (await shop.order_now(refunded)).stage is Stage.REFUNDED
    for order in (pending, cancelled, refunded):
        assert (await ask.ship(order.id, (mug, 1))).json()["code"] == "not_shippable"
    assert "fulfilment" not in await ask.order(pending.id)
    assert (await ask.order(refunded.id))["fulfilment"] == "none"


async def test_what_is_held_back_is_not_sent_until_it_is_released(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 1))
    path = f"/orders/{order.id}"
    for why in ("Is the address right?", "Again"):
        held = await ask("POST", f"{path}/hold", {"why": why})
    assert held.json()["order"]["hold"]["why"] == "Is the address right?"
    assert "hold" not in await ask.order(order.id, "user")
    assert (await ask.ship(order.id)).json()["code"] == "held_back"
    for _ in range(2):
        assert (await ask("POST", f"{path}/release")).status_code == 200
    assert (await ask.ship(order.id)).status_code == 201
    assert (await ask("POST", f"{path}/hold", {"why": " "})).status_code == 422
    assert "held back" not in str([each.text for each in await shop.order.timeline(order.id, BUYER)])


async def test_digital_goods_are_not_sent(shop: World, ask: Api) -> None:
    mug, song = await shop.sell(), await shop.sell(name="Song", is_digital=True)
    only_digital = await ask.paid((song, 1))
    assert (await ask.order(only_digital.id))["fulfilment"] == "none"
    assert (await ask.ship(only_digital.id)).json()["code"] == "not_shippable"
    both = await ask.paid((mug, 1), (song, 1))
    assert (await ask.ship(both.id, (song, 1))).status_code == 422
    assert (await ask.ship(both.id)).json()["order"]["fulfilment"] == "fulfilled"


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "https://",
        "https://user@a.example",
        "javascript:alert(1)",
        "https://a.example/\\b",
        "https:a",
    ],
)
async def test_buyers_are_sent_to_no_page_but_by_https(shop: World, ask: Api, url: str) -> None:
    order = await ask.paid((await shop.sell(), 1))
    refused = await ask.ship(order.id, carrier="Pigeon", trackingUrl=url)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "trackingUrl")
    sent = await ask.ship(order.id, carrier="Pigeon", trackingNumber="7", trackingUrl="https://pigeon.example/7")
    assert sent.json()["order"]["shipments"][0]["trackingUrl"] == "https://pigeon.example/7"


async def test_an_order_goes_elsewhere_before_it_is_sent(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 1), asked=Asked(destination=TO, email="buyer@mail.example"))
    path = f"/orders/{order.id}/destination"
    assert (await ask("PUT", path, {"destination": ELSEWHERE}, "other")).status_code == 404
    for _ in range(2):
        moved = await ask("PUT", path, {"destination": ELSEWHERE}, "user")
    assert moved.json()["order"]["destination"]["city"] == "Hamburg"
    abroad = {**ELSEWHERE, "country": "AT", "postalCode": "1010"}
    refused = await ask("PUT", path, {"destination": abroad}, "user")
    assert refused.json()["code"] == "destination_fixed"
    assert "another country" in refused.json()["detail"]
    assert (await ask("PUT", path, {"destination": abroad}, "support")).status_code == 200
    assert (await ask("PUT", path, {"destination": {**abroad, "postalCode": "x"}})).status_code == 422
    await ask.ship(order.id)
    assert (await ask("PUT", path, {"destination": ELSEWHERE})).json()["code"] == "destination_fixed"
    now = await shop.order_now(order)
    assert [each.what for each in now.audit].count("redirected") == 2
    assert await shop.audit() == []


async def test_who_changes_an_order_again_and_again_keeps_nobody_from_sending_it(
    shop: World, ask: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fulfilling, "MOST_ACTS_OF_BUYERS", 4)
    order = await ask.paid((await shop.sell(), 1), asked=Asked(destination=TO, email="buyer@mail.example"))
    path = f"/orders/{order.id}/destination"
    there = [{**ELSEWHERE, "lines": [f"Street {number}"]} for number in range(4)]
    answers = [await ask("PUT", path, {"destination": each}, "user") for each in there]
    assert [each.status_code for each in answers] == [200, 200, 409, 409]
    assert answers[-1].json()["code"] == "too_many_parcels"
    assert (await ask("PUT", path, {"destination": there[0]}, "support")).status_code == 200
    assert (await ask.ship(order.id)).status_code == 201


async def test_an_order_without_a_destination_is_not_sent_elsewhere(shop: World, ask: Api) -> None:
    order = await ask.paid((await shop.sell(), 1))
    refused = await ask("PUT", f"/orders/{order.id}/destination", {"destination": ELSEWHERE})
    assert refused.json()["code"] == "destination_fixed"


async def test_what_was_never_sent_is_stored_as_ever(shop: World, ask: Api) -> None:
    order = await ask.paid((await shop.sell(), 1))
    stored = msgspec.to_builtins(await shop.order_now(order))
    assert "parcels" not in stored
    assert set(stored["items"][0]) == {"productId", "name", "quantity", "priceMinor"}


async def test_what_people_wrote_of_parcels_is_forgotten_with_the_buyer(shop: World, ask: Api) -> None:
    mug = await shop.sell()
    order = await ask.paid((mug, 2), asked=Asked(destination=TO, email="canary@mail.example"))
    await ask.ship(order.id, (mug, 1), carrier="DHL", trackingNumber="canary")
    await ask("POST", f"/orders/{order.id}/hold", {"why": "canary"})
    asked = {"items": [{"productId": mug, "quantity": 1}], "reason": "canary"}
    assert (await ask("POST", f"/orders/{order.id}/returns", asked, "user")).status_code == 201
    await ask("POST", f"/orders/{order.id}/returns/1/decline", {"why": "canary"})
    assert "canary" in str(await shop.order.records_of(BUYER.id, ""))
    await shop.order.erase_of(BUYER.id)
    assert "canary" not in str(await shop.order_now(order))
