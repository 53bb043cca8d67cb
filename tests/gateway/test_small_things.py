"""Small things of the public door: for whom a request is, how much it may hold, HTTPS for all of the domain."""

import pytest

from kassa.gateway.middleware import LONGEST_QUERY, MOST_COOKIES, MOST_PARAMETERS, Gateway, Rules
from kassa.kit.identity import TokenVerifier
from kassa.kit.ids import Ids
from tests.gateway.asgi import Answer, Echo, ask
from tests.support import FakeClock, Signer


def gateway(rules: Rules | None = None) -> Gateway:
    clock = FakeClock()
    return Gateway(Echo(), Ids(clock), TokenVerifier(Signer(clock).published, clock), rules or Rules())


async def asked(query: str = "", version: str = "1.1", **headers: str) -> Answer:
    door = gateway()

    async def over_http(scope: dict[str, object], receive: object, send: object) -> None:
        scope |= {"http_version": version, "query_string": query.encode()}
        await door(scope, receive, send)  # type: ignore[arg-type]

    return await ask(over_http, headers=headers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "host", ["shop.example", "SHOP:3000", "[2001:db8::1]:80", "192.0.2.1", "a_b.example", "localhost:"]
)
async def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert (await asked(host=host)).status == 200


@pytest.mark.parametrize("host", ["[", "a b", "a/b", "a@b", "caf\xe9", "a:b", "a:80:80", "x" * 300])
async def test_what_is_none_is_refused(host: str) -> None:
    answer = await asked(host=host)
    assert (answer.status, answer.code) == (400, "malformed_request")


async def test_http_1_1_names_its_host_and_http_1_0_need_not() -> None:
    assert (await asked()).status == 400
    assert (await asked(version="1.0")).status == 200


async def test_a_query_and_cookies_hold_so_much() -> None:
    most = "&".join("a=1" for _ in range(MOST_PARAMETERS))
    assert (await asked(most, host="x")).status == 200
    assert (await asked(f"{most}&a=1", host="x")).status == 400
    assert (await asked("a=" + "1" * LONGEST_QUERY, host="x")).status == 400
    cookies = "; ".join("a=1" for _ in range(MOST_COOKIES))
    assert (await asked(host="x", cookie=cookies)).status == 200
    assert (await asked(host="x", cookie=f"{cookies}; a=1")).status == 400


async def test_https_is_for_all_hosts_of_the_domain() -> None:
    answer = await ask(gateway(Rules(is_https=True)))
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert "strict-transport-security" not in (await ask(gateway())).headers
