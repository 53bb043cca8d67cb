"""Every number that the sandbox is told has a range: none that is odd breaks it, or moves its time where no date is."""

import time

import pytest

from kassa.sandbox.config import END_OF_TIME, FURTHEST
from tests.sandbox.world import World

ODD: tuple[object, ...] = (1e300, -1e300, 1e18, 10**30, -1, 2**63, True, "1", None, [], 0.5)
TAKES = [
    ("clock/advance", "seconds"),
    ("rate_limit", "per_second"),
    ("deliveries", "delay"),
    ("deliveries", "skew"),
    ("faults", "seconds"),
    ("faults", "times"),
    ("webhook_endpoints/{endpoint}/roll", "overlap"),
    ("charges/{charge}/refund", "amount"),
]


@pytest.mark.parametrize(("order", "name"), TAKES)
async def test_a_number_that_is_odd_is_refused_or_harmless(world: World, order: str, name: str) -> None:
    charge = await world.charge()
    endpoint = (await world.stripe.v1.webhook_endpoints.list_async()).data[0].id
    path = f"{world.sandbox.url}/sandbox/{order.format(charge=charge.id, endpoint=endpoint)}"
    for value in ODD:
        given = {"kind": "slow", "match": "GET /nowhere", name: value}
        async with world.http.post(path, json=given) as answer:
            assert answer.status in (200, 400), (value, await answer.text())
        async with world.http.get(f"{world.sandbox.url}/sandbox") as page:
            assert page.status == 200, value
    for back in (("faults/clear", {}), ("rate_limit", {"per_second": 0}), ("deliveries", {"delay": 0, "skew": 0})):
        await world.control("POST", *back)
    await world.charge()


@pytest.mark.parametrize("body", [b"[" * 9999, b'{"seconds":' * 9999 + b"1" + b"}" * 9999, b'{"seconds": "\xff"}'])
async def test_a_body_that_cannot_be_read_is_refused(world: World, body: bytes) -> None:
    async with world.http.post(f"{world.sandbox.url}/sandbox/clock/advance", data=body) as answer:
        assert answer.status == 400


async def test_the_time_ends_before_dates_do_and_goes_on_from_where_it_is(world: World) -> None:
    for seconds in (1e300, 1e11, END_OF_TIME, FURTHEST - time.time() + 60):
        async with world.http.post(f"{world.sandbox.url}/sandbox/clock/advance", json={"seconds": seconds}) as answer:
            assert answer.status == 400
    for moment in (10**17, int(END_OF_TIME), int(FURTHEST)):
        data = {"frozen_time": str(moment)}
        url = f"{world.sandbox.url}/v1/test_helpers/test_clocks"
        async with world.http.post(url, data=data, headers={"Authorization": "Bearer sk_test_x"}) as answer:
            assert answer.status == 400
    await world.control("POST", "clock/advance", {"seconds": 30 * 86_400})
    await world.charge()


async def test_a_time_that_an_earlier_release_moved_too_far_is_put_back(world: World) -> None:
    store = world.sandbox._app._parts.store  # type: ignore[union-attr]
    await store.write(lambda tx: tx.set_setting("clock_offset", 1e300))
    port = int(world.sandbox.url.rpartition(":")[2])
    await world.sandbox.stop()
    await world.sandbox.start(port=port)
    await world.charge()


@pytest.mark.parametrize("name", ["amount", "quantity", "expires_at", "limit", "created"])
async def test_a_number_of_an_api_call_that_is_odd_is_refused_or_harmless(world: World, name: str) -> None:
    line = "line_items[0]"
    for value in ("9" * 18, "-" + "9" * 18, "9" * 40, "1e300", "²", "", "NaN", "0", "1.5"):
        form = {
            "mode": "payment", "success_url": "https://shop.example", f"{line}[quantity]": "1",
            f"{line}[price_data][currency]": "usd", f"{line}[price_data][product_data][name]": "Mug",
            f"{line}[price_data][unit_amount]": "100",
        }  # fmt: skip
        url, headers = f"{world.sandbox.url}/v1/checkout/sessions", {"Authorization": "Bearer sk_test_x"}
        if name in ("limit", "created"):
            call = world.http.get(url, params={name: value}, headers=headers)
        else:
            key = {"amount": f"{line}[price_data][unit_amount]", "quantity": f"{line}[quantity]"}.get(name, name)
            call = world.http.post(url, data={**form, key: value}, headers=headers)
        async with call as answer:
            assert answer.status in (200, 400), (value, await answer.text())
