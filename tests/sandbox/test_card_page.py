"""The hosted card page over plain HTTP, as a browser without JavaScript uses it."""

from __future__ import annotations

import asyncio
import re
import time

import pytest
from aiohttp import ClientResponse

from tests.sandbox.world import World, session_params, until

GOOD = {"cardNumber": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123", "name": "Ada Lovelace"}


async def post(world: World, url: str, fields: dict[str, str]) -> tuple[ClientResponse, str]:
    async with world.http.post(url, data=fields, allow_redirects=False) as response:
        return response, await response.text()


async def get(world: World, url: str) -> tuple[int, str]:
    async with world.http.get(url, allow_redirects=False) as response:
        return response.status, await response.text()


def error_of(page: str) -> str:
    found = re.search(r'id="error"[^>]*>([^<]*)<', page)
    assert found
    return found[1].replace("&#39;", "'")


async def test_the_page_shows_the_order_and_says_that_no_money_moves(world: World) -> None:
    lines = [
        *session_params(123_450, "usd")["line_items"],
        *session_params(999, "usd", 3)["line_items"],
    ]
    lines[1]["price_data"]["product_data"]["name"] = "<script>alert(1)</script>"
    session = await world.open_session(line_items=lines)
    status, page = await get(world, session.url)
    assert status == 200
    assert "no real money moves" in page
    assert "$1,264.47" in page
    assert "3 × $9.99" in page
    assert "<script>alert" not in page
    assert 'href="http://127.0.0.1:1/cart"' in page
    for name in ("cardNumber", "expiry", "cvc"):
        assert f'name="{name}"' in page
    assert 'id="pay"' in page


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("jpy", 1500, "¥1,500"), ("kwd", 1250, "KWD 1.250"), ("isk", 150_000, "ISK 1,500"), ("eur", 1999, "€19.99")],
)
async def test_the_total_is_right_in_every_kind_of_currency(
    world: World, currency: str, amount: int, shown: str
) -> None:
    session = await world.open_session(**session_params(amount, currency))
    assert f'id="total">{shown}<' in (await get(world, session.url))[1]


async def test_paying_sends_the_buyer_back_with_the_sessions_id(world: World) -> None:
    session = await world.open_session()
    response, _ = await post(world, session.url, GOOD)
    assert response.status == 303
    assert response.headers["Location"] == f"http://127.0.0.1:1/return?session={session.id}"
    paid = await world.session(session.id)
    assert (paid.status, paid.customer_details.name) == ("complete", "Ada Lovelace")


async def test_the_redirect_waits_for_the_webhooks_answer(world: World) -> None:
    session = await world.open_session()
    world.receiver.pause = 0.3
    response, _ = await post(world, session.url, GOOD)
    assert response.status == 303
    assert "checkout.session.completed" in world.receiver.types()


async def test_the_redirect_does_not_wait_for_a_success_after_a_failed_delivery(world: World) -> None:
    world.receiver.status = 500
    session = await world.open_session()
    started = time.monotonic()
    response, _ = await post(world, session.url, GOOD)
    assert response.status == 303
    assert time.monotonic() - started < 8
    assert world.receiver.events == []


async def test_a_decline_shows_the_page_again_and_another_card_pays(world: World) -> None:
    session = await world.open_session()
    response, page = await post(world, session.url, {**GOOD, "cardNumber": "4000000000009995"})
    assert response.status == 402
    assert error_of(page) == "Your card has insufficient funds."
    assert 'id="pay"' in page
    await until(lambda: {"charge.failed", "payment_intent.payment_failed"} <= set(world.receiver.types()))
    assert (await post(world, session.url, GOOD))[0].status == 303


async def test_a_decline_for_which_the_shop_ends_the_session_leaves_no_form(world: World) -> None:
    session = await world.open_session()

    async def end() -> None:
        await until(lambda: "payment_intent.payment_failed" in world.receiver.types())
        await world.stripe.v1.checkout.sessions.expire_async(session.id)

    ending = asyncio.create_task(end())
    response, page = await post(world, session.url, {**GOOD, "cardNumber": "4000000000009995"})
    await ending
    assert response.status == 402
    assert error_of(page) == "Your card has insufficient funds."
    assert "The payment was declined" in page
    assert 'id="pay"' not in page
    assert 'id="continue"' in page


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cardNumber": ""}, "Enter your card number."),
        ({"cardNumber": "4242424242424241"}, "Your card number is incorrect."),
        ({"cardNumber": "٤٢٤٢"}, "Your card number is incorrect."),
        ({"expiry": "13/34"}, "Enter the expiry date as MM / YY."),
        ({"expiry": "soon"}, "Enter the expiry date as MM / YY."),
        ({"expiry": "01/20"}, "Your card's expiration date is in the past."),
        ({"expiry": "01/2099"}, "Your card's expiration year is invalid."),
        ({"cvc": "12"}, "Enter the 3-digit security code."),
        ({"cvc": ""}, "Enter the 3-digit security code."),
    ],
)
async def test_what_is_mistyped_is_said_and_nothing_is_charged(
    world: World, fields: dict[str, str], message: str
) -> None:
    session = await world.open_session()
    response, page = await post(world, session.url, {**GOOD, **fields})
    assert response.status == 422
    assert error_of(page) == message
    assert 'aria-invalid="true"' in page
    assert await world.types() == []


@pytest.mark.parametrize("expiry", ["12/34", "1234", "12 / 2034", " 12/34 "])
async def test_an_expiry_can_be_typed_in_several_ways(world: World, expiry: str) -> None:
    session = await world.open_session()
    assert (await post(world, session.url, {**GOOD, "expiry": expiry}))[0].status == 303


async def test_three_d_secure_asks_and_takes_either_answer(world: World) -> None:
    session = await world.open_session()
    response, _ = await post(world, session.url, {**GOOD, "cardNumber": "4000002760003184"})
    assert response.headers["Location"] == f"/c/pay/{session.id}/authenticate"
    question = world.sandbox.url + response.headers["Location"]
    assert 'id="complete"' in (await get(world, question))[1]
    response, page = await post(world, question, {"answer": "fail"})
    assert response.status == 402
    assert "unable to authenticate" in error_of(page)
    assert (await get(world, question))[0] == 303
    await post(world, session.url, {**GOOD, "cardNumber": "4000002760003184"})
    response, _ = await post(world, question, {"answer": "complete"})
    assert response.headers["Location"].endswith(f"session={session.id}")


async def test_a_paid_or_expired_session_shows_a_clear_page(world: World) -> None:
    paid, expired = await world.open_session(), await world.open_session()
    await world.pay(paid.id)
    await world.stripe.v1.checkout.sessions.expire_async(expired.id)
    assert "This order is paid" in (await get(world, paid.url))[1]
    status, page = await get(world, expired.url)
    assert status == 410
    assert "expired" in page
    for session in (paid, expired):
        response, page = await post(world, session.url, GOOD)
        assert response.status in (200, 410)
        assert 'id="pay"' not in page
    assert (await get(world, f"{world.sandbox.url}/c/pay/cs_test_none"))[0] == 404


async def test_two_clicks_pay_once(world: World) -> None:
    session = await world.open_session()
    answers = await asyncio.gather(*(post(world, session.url, GOOD) for _ in range(4)))
    assert sorted(response.status for response, _ in answers) == [200, 200, 200, 303]
    assert (await world.types()).count("charge.succeeded") == 1


async def test_the_page_needs_nothing_from_elsewhere(world: World) -> None:
    session = await world.open_session()
    async with world.http.get(session.url) as response:
        policy = response.headers["Content-Security-Policy"]
        page = await response.text()
    assert "default-src 'none'" in policy
    assert not re.findall(r'(?:src|href)="https?://(?!127\.0\.0\.1:1/)', page)
    for asset in ("card.css", "card.js"):
        assert (await get(world, f"{world.sandbox.url}/c/assets/{asset}"))[0] == 200
    assert (await get(world, f"{world.sandbox.url}/c/assets/..%2Fapp.py"))[0] == 404


async def test_several_mistakes_are_marked_one_by_one(world: World) -> None:
    session = await world.open_session()
    _, page = await post(world, session.url, {**GOOD, "cvc": "", "expiry": ""})
    assert error_of(page) == "Please check the marked fields."
    assert page.count('class="field-error"') == 2


async def test_a_long_order_folds_its_lines(world: World) -> None:
    session = await world.open_session(line_items=session_params()["line_items"] * 12)
    page = (await get(world, session.url))[1]
    assert "8 more items" in page
    assert page.count('class="what"') == 12
