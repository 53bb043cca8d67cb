"""The control page over plain HTTP, as a browser uses it."""

from __future__ import annotations

import re

from tests.sandbox.test_card_page import get, post
from tests.sandbox.world import World, until


def message_of(page: str) -> str:
    found = re.search(r'id="message"[^>]*>([^<]*)<', page)
    assert found
    return found[1]


async def press(world: World, path: str, **fields: str) -> int:
    """Press a button that is on the page; the status."""
    page = (await get(world, f"{world.sandbox.url}/sandbox"))[1]
    assert f'action="/sandbox/form/{path}"' in page, path
    return (await post(world, f"{world.sandbox.url}/sandbox/form/{path}", fields))[0].status


async def test_every_button_does_what_it_says(world: World) -> None:
    one, two, three = [await world.open_session() for _ in range(3)]
    assert await press(world, f"sessions/{one.id}/pay", card="4242424242424242") == 303
    assert await press(world, f"sessions/{two.id}/expire") == 303
    assert await press(world, f"sessions/{two.id}/pay", card="4242424242424242", late="true") == 303
    await world.control("POST", f"sessions/{three.id}/pay", {"method": "bank"})
    assert await press(world, f"sessions/{three.id}/settle", outcome="fail") == 303
    assert [(await world.session(each.id)).payment_status for each in (one, two, three)] == ["paid", "paid", "unpaid"]
    second, first = [each.id for each in (await world.stripe.v1.charges.list_async()).data if each.paid]
    assert await press(world, f"charges/{first}/refund") == 303
    assert await press(world, f"charges/{second}/dispute") == 303
    (dispute,) = (await world.stripe.v1.disputes.list_async()).data
    assert await press(world, f"disputes/{dispute.id}/close", status="won") == 303
    assert (await world.stripe.v1.disputes.retrieve_async(dispute.id)).status == "won"
    assert (await world.stripe.v1.charges.retrieve_async(first)).refunded
    assert await press(world, "deliveries", mode="paused", delay="0", skew="0") == 303
    assert await press(world, "rate_limit", per_second="0") == 303
    before = (await world.control("GET", "state"))["now"]
    assert await press(world, "clock/advance", seconds="86400") == 303
    assert (await world.control("GET", "state"))["now"] >= before + 86_400


async def test_the_rates_of_automatic_tax_are_set_and_taken_away(world: World) -> None:
    assert 'value="DE 19, GB 20, US-CA 7.25"' in (await get(world, f"{world.sandbox.url}/sandbox"))[1]
    assert await press(world, "account", tax_rates="FR 20,US-NY 8.875", tax_behavior="refused") == 303
    account = (await world.control("GET", "state"))["account"]
    assert (account["tax_rates"], account["tax_behavior"]) == ({"FR": 20.0, "US-NY": 8.875}, None)
    assert await press(world, "account", tax_rates="FR twenty", tax_behavior="inclusive") == 400
    assert await press(world, "account", tax_rates="", tax_behavior="inclusive") == 303
    account = (await world.control("GET", "state"))["account"]
    assert (account["tax_rates"], account["tax_behavior"]) == ({}, "inclusive")


async def test_what_the_account_is_like_is_switched_there_and_back(world: World) -> None:
    for name in ("has_funds", "sends_thin_events", "sends_charge_refund_updated"):
        before = (await world.control("GET", "state"))["account"]
        for is_on in (not before[name], before[name]):
            button = f'name="{name}" value="{str(is_on).lower()}"'
            assert button in (await get(world, f"{world.sandbox.url}/sandbox"))[1]
            assert await press(world, "account", **{name: str(is_on).lower()}) == 303
            assert (await world.control("GET", "state"))["account"] == {**before, name: is_on}


async def test_faults_are_ordered_and_cleared(world: World) -> None:
    wanted = {"match": "GET /v1/charges", "kind": "409", "times": "2", "seconds": "0"}
    assert await press(world, "faults", **wanted) == 303
    assert "GET /v1/charges</code> 409, 2 times" in (await get(world, f"{world.sandbox.url}/sandbox"))[1]
    assert await press(world, "faults/clear") == 303
    assert (await world.control("GET", "state"))["faults"] == []


async def test_an_event_is_sent_again_and_the_page_tells_how_it_went(world: World) -> None:
    await world.stripe.v1.products.create_async({"name": "Mug"})
    await until(lambda: world.receiver.events)
    assert await press(world, f"events/{world.receiver.events[0]['id']}/resend") == 303
    await until(lambda: len(world.receiver.events) == 2)
    page = await until(lambda: page_with(world, "delivered (200) × 2"))
    assert "product.created" in page


async def test_an_event_of_ones_own_is_sent(world: World) -> None:
    charge = await world.charge()
    fields = {"type": "charge.odd", "id": charge.id, "api_version": "2024-06-20"}
    assert await press(world, "events", **fields) == 303
    await until(lambda: world.receiver.of("charge.odd"))
    (event,) = world.receiver.of("charge.odd")
    assert (event["api_version"], event["data"]["object"]["id"]) == ("2024-06-20", charge.id)


async def page_with(world: World, text: str) -> str:
    page = (await get(world, f"{world.sandbox.url}/sandbox"))[1]
    return page if text in page else ""


async def test_a_new_secret_is_shown_once(world: World) -> None:
    (endpoint,) = (await world.stripe.v1.webhook_endpoints.list_async()).data
    url = f"{world.sandbox.url}/sandbox/form/webhook_endpoints/{endpoint.id}/roll"
    shown = message_of((await post(world, url, {}))[1])
    assert re.search(r"whsec_[0-9a-f]{40}", shown)
    assert "whsec_" not in (await get(world, f"{world.sandbox.url}/sandbox"))[1]


async def test_what_cannot_be_done_is_said_on_the_page(world: World) -> None:
    for path, fields, text in (
        ("faults", {"match": "* *", "kind": "earthquake", "times": "1"}, "Unknown kind of fault"),
        ("clock/advance", {"seconds": "soon"}, "`seconds` is a number."),
        ("sessions/cs_none/expire", {}, "No such checkout.session"),
        ("events", {"type": "charge.odd", "id": "ch_none"}, "No such object"),
        ("nothing", {}, "There is no POST"),
    ):
        response, page = await post(world, f"{world.sandbox.url}/sandbox/form/{path}", fields)
        assert response.status in (400, 404)
        assert text in message_of(page)


async def test_another_sites_page_cannot_press_buttons(world: World) -> None:
    session = await world.open_session()
    url = f"{world.sandbox.url}/sandbox/form/sessions/{session.id}/expire"
    async with world.http.post(url, data={}, headers={"Origin": "http://evil.example"}) as response:
        assert response.status == 403
    assert (await world.session(session.id)).status == "open"


async def test_a_browser_finds_the_page_at_the_root(world: World) -> None:
    async with world.http.get(world.sandbox.url, headers={"Accept": "text/html"}) as response:
        assert "<h1>Stripe sandbox</h1>" in await response.text()
