"""The sandbox has no passwords: what a page elsewhere makes a browser on this machine do must change nothing."""

import pytest
import stripe

from tests.sandbox.world import World

PAUSE = "/sandbox/deliveries"


async def asked(world: World, method: str, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"mode": "paused"} if method == "POST" else None
    async with world.http.request(method, world.sandbox.url + path, headers=named, json=body) as answer:
        return answer.status


@pytest.mark.parametrize("path", ["/", "/health", "/sandbox", "/sandbox/events", "/v1/events", "/c/pay/cs_test_1"])
@pytest.mark.parametrize("name", ["shop.example", "shop.example:12111", "localhost.example", "127.0.0.1.example"])
async def test_a_name_that_somebody_made_point_here_is_not_answered(world: World, path: str, name: str) -> None:
    assert await asked(world, "GET", path, Host=name) == 403


@pytest.mark.parametrize(
    "name", ["localhost", "LOCALHOST:1", "shop.localhost", "127.0.0.1:3", "[::1]:4", "10.0.0.9", "payment"]
)
async def test_what_nobody_can_make_point_here_is(world: World, name: str) -> None:
    assert await asked(world, "GET", "/health", Host=name) == 200


FROM = {
    "a page elsewhere": {"Origin": "https://shop.example"},
    "a page on another port": {"Origin": "http://127.0.0.1:1"},
    "a page that hides where it is": {"Origin": "null"},
    "another site": {"Sec_Fetch_Site": "cross-site", "Origin": "https://shop.example"},
    "another port, as the browser says": {"Sec_Fetch_Site": "same-site"},
}


@pytest.mark.parametrize("whence", FROM)
@pytest.mark.parametrize("path", [PAUSE, "/sandbox/form/deliveries", "/v1/customers", "/c/pay/cs_test_1"])
async def test_a_page_of_another_address_changes_nothing(world: World, whence: str, path: str) -> None:
    assert await asked(world, "POST", path, **FROM[whence]) == 403
    assert (await world.control("GET", "state"))["deliveries"]["mode"] == "normal"


async def test_its_own_pages_and_programs_do(world: World) -> None:
    own = {"Origin": world.sandbox.url}
    for headers in ({}, own, {**own, "Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}):
        assert await asked(world, "POST", PAUSE, **headers) == 200


@pytest.mark.parametrize(
    "url", ["http://169.254.0.1/", "http://10.0.0.9:6379/", "https://other.example/hook", "http://shop/"]
)
async def test_webhooks_go_nowhere_that_the_shop_did_not_say(world: World, url: str) -> None:
    endpoints = world.stripe.v1.webhook_endpoints
    with pytest.raises(stripe.InvalidRequestError, match="--webhook-host") as refused:
        await endpoints.create_async({"url": url, "enabled_events": ["*"]})
    assert refused.value.param == "url"
    made = await endpoints.create_async({"url": "http://localhost:1/hook", "enabled_events": ["*"]})
    with pytest.raises(stripe.InvalidRequestError, match="--webhook-host"):
        await endpoints.update_async(made.id, {"url": url})
    assert (await endpoints.retrieve_async(made.id)).url == "http://localhost:1/hook"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.2:1/", "http://[::1]:1/", "http://a.localhost/", "https://shop.example/x"]
)
async def test_they_go_to_this_machine_and_where_the_settings_say(world: World, url: str) -> None:
    assert (await world.stripe.v1.webhook_endpoints.create_async({"url": url, "enabled_events": ["*"]})).url == url
