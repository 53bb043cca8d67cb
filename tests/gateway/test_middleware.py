"""What the gateway does to a request before a service sees it, and to its answer."""

import asyncio
import contextvars
import time
from typing import Any

import pytest

from kassa.gateway.arrival import MOST_LARGE, Receive, Scope, Send
from kassa.gateway.limits import Addresses, Limiter, Rate
from kassa.gateway.middleware import Gateway, Rules
from kassa.kit.access import API
from kassa.kit.ended import Ended, EndedTokens
from kassa.kit.identity import TokenVerifier
from kassa.kit.ids import Ids
from kassa.kit.patience import deadline
from kassa.kit.problem import NotFound, Unavailable
from kassa.kit.web import MAX_BODY, MOST_OF_PICTURES
from tests.gateway.asgi import Echo, ask
from tests.support import FakeClock, Signer

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class World:
    """A gateway with an echo behind it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.signer = Signer(self.clock)
        self.signer.new_key("k1")
        self.echo = Echo()
        self.asked = 0

    def gateway(self, **rules: Any) -> Gateway:
        verifier = TokenVerifier(self.signer.published, self.clock, EndedTokens(self.no_ends, self.clock))
        return Gateway(self.echo, Ids(self.clock), verifier, Rules(**rules))

    async def no_ends(self, since: int) -> Ended:
        self.asked += 1
        return Ended([], since, latest=True)

    def limiter(self, count: int, seconds: float = 60.0) -> Limiter:
        return Limiter(Rate(count, seconds), lambda: self.clock.now() / 1000)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_request_without_a_name_is_given_one(world: World) -> None:
    answer = await ask(world.gateway())
    seen = answer.document
    assert answer.headers["x-request-id"].startswith("req_")
    assert seen["request_id"] == seen["headers"]["x-request-id"] == answer.headers["x-request-id"]
    assert seen["trace_parent"] == seen["headers"]["traceparent"] == answer.headers["traceparent"]


async def test_a_request_keeps_the_name_that_it_came_with(world: World) -> None:
    answer = await ask(world.gateway(), headers={"X-Request-Id": "mine-1", "traceparent": TRACE})
    assert answer.document["request_id"] == answer.headers["x-request-id"] == "mine-1"
    assert answer.document["trace_parent"] == answer.headers["traceparent"] == TRACE


@pytest.mark.parametrize("name", ["", "a b", "x" * 129, "ä", "a\x7fb", "a\tb"])
async def test_a_name_that_is_not_sane_is_replaced(world: World, name: str) -> None:
    answer = await ask(world.gateway(), headers={"X-Request-Id": name})
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("trace", ["", "00-1-2-3", f"00-{'0' * 32}-b7ad6b7169203331-01", TRACE.upper()])
async def test_a_trace_that_is_none_is_replaced(world: World, trace: str) -> None:
    answer = await ask(world.gateway(), headers={"traceparent": trace})
    assert answer.headers["traceparent"] != trace


async def test_headers_that_outsiders_must_not_set_are_dropped(world: World) -> None:
    dropped = {
        "X-Internal-Service": "order",
        "X-Internal-Token": "t",
        "X-User-Id": "usr_1",
        "Connection": "keep-alive, X-Hop",
        "X-Hop": "1",
        "Keep-Alive": "5",
        "TE": "trailers",
        "Upgrade": "h2c",
        "Proxy-Authorization": "Basic eA==",
    }
    answer = await ask(world.gateway(), headers={**dropped, "Accept": "text/plain"})
    assert set(answer.document["headers"]) == {"accept", "x-request-id", "traceparent"}


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    "path",
    [
        "/orders/ord_1/internal",
        "/orders/ord_1/status",
        "/orders/ord_1/refunded",
        "/inventory/reserve",
        "/inventory/commit",
        "/inventory/release",
        "/inventory/restock",
        "/inventory/stock",
        "/inventory/levels",
        "/inventory/orphans",
        "/inventory/mark",
        "/payments/ord_1/close",
        "/payments/ord_1/refund-late",
        "/products/snapshot",
        "/metrics",
        "/inventory/reserve/",
        "//inventory//reserve",
    ],
)
async def test_what_is_between_services_is_not_there(world: World, method: str, path: str) -> None:
    answer = await ask(world.gateway(), path, method)
    assert (answer.status, answer.code) == (404, "not_found")
    assert world.echo.asked == 0


@pytest.mark.parametrize(
    "path", ["/orders/ord_1", "/orders/ord_1/cancel", "/payments/status/ord_1", "/inventory/prd_1"]
)
async def test_what_is_public_is_there(world: World, path: str) -> None:
    assert (await ask(world.gateway(), path)).status == 200


async def test_a_body_that_says_it_is_too_large_is_refused_unread(world: World) -> None:
    answer = await ask(world.gateway(), "/orders", "POST", {"Content-Length": str(MAX_BODY + 1)})
    assert (answer.status, answer.code, world.echo.asked) == (413, "body_too_large", 0)


async def test_a_body_that_grows_too_large_is_refused(world: World) -> None:
    pieces = [b"x" * (MAX_BODY // 2)] * 2
    chunked = {"Transfer-Encoding": "chunked"}
    whole = await ask(world.gateway(), "/orders", "POST", chunked, pieces)
    assert whole.document["size"] == MAX_BODY
    answer = await ask(world.gateway(), "/orders", "POST", chunked, [*pieces, b"x"])
    assert (answer.status, answer.code) == (413, "body_too_large")


async def test_large_bodies_are_pictures_of_staff_and_few_at_once(world: World) -> None:
    large, chunked = [b"x" * MAX_BODY] * 12, {"Transfer-Encoding": "chunked"}
    gateway, form = world.gateway(), "/console/products/prd_1/pictures"
    assert (await ask(gateway, form, "POST", chunked, large)).document["size"] == MOST_OF_PICTURES
    assert (await ask(gateway, form, "POST", chunked, [*large, b"x"])).code == "body_too_large"
    for path in ("/pictures", "/pictures/x", "/console/products/prd_1", f"{form}/change"):
        assert (await ask(gateway, path, "POST", chunked, large[:2])).status == 413
    gateway._large = MOST_LARGE
    assert (await ask(gateway, form, "POST", chunked, large)).status == 503
    assert (await ask(gateway, form, "POST", {"Content-Length": "1"}, [b"x"])).status == 200, (
        "a small one waits for none"
    )
    assert (await ask(gateway, "/orders", "POST", chunked)).status == 200


@pytest.mark.parametrize("part", sorted(API))
async def test_a_token_that_is_no_good_is_refused_before_it_costs_a_service(world: World, part: str) -> None:
    answer = await ask(world.gateway(), f"/{part}", headers={"Authorization": "Bearer nonsense"})
    assert (answer.status, answer.code, world.echo.asked) == (401, "unauthenticated", 0)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_good_token_is_passed_on_and_its_answer_not_stored(world: World) -> None:
    bearer = world.signer.bearer()
    answer = await ask(world.gateway(), "/orders", headers={"Authorization": bearer})
    assert answer.document["headers"]["authorization"] == bearer
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/auth/login", "/auth/refresh", "/payments/webhook", "/health", "/", "/docs"])
async def test_an_expired_token_does_not_lock_out_who_needs_none(world: World, path: str) -> None:
    assert (await ask(world.gateway(), path, headers={"Authorization": "Bearer expired"})).status == 200


async def test_without_the_keys_the_service_itself_decides(world: World) -> None:
    world.signer.is_down = True
    answer = await ask(world.gateway(), "/products", headers={"Authorization": world.signer.bearer()})
    assert answer.status == 200


async def test_one_who_asks_too_often_is_told_when_to_come_back(world: World) -> None:
    gateway = world.gateway(limiter=world.limiter(2))
    assert [(await ask(gateway)).status for _ in range(3)] == [200, 200, 429]
    refused = await ask(gateway)
    assert refused.code == "too_many_requests"
    wait = int(refused.headers["retry-after"])
    assert refused.document["retryAfter"] == wait == 30
    assert (await ask(gateway, client="192.0.2.2")).status == 200
    world.clock.advance(wait * 1000)
    assert [(await ask(gateway)).status for _ in range(2)] == [200, 429]


async def test_a_user_is_limited_wherever_the_requests_come_from(world: World) -> None:
    gateway = world.gateway(limiter=world.limiter(1))
    mine, others = world.signer.bearer(), world.signer.bearer(sub="usr_2")
    assert (await ask(gateway, headers={"Authorization": mine})).status == 200
    assert (await ask(gateway, headers={"Authorization": mine}, client="192.0.2.9")).status == 429
    assert (await ask(gateway, headers={"Authorization": others})).status == 200


async def test_guests_are_limited_by_their_address_for_anybody_can_make_up_a_token(world: World) -> None:
    gateway = world.gateway(limiter=world.limiter(2))
    tokens = [{"Authorization": f"Bearer guest_{each * 64}"} for each in "abc"]
    assert [(await ask(gateway, headers=token)).status for token in tokens] == [200, 200, 429]
    assert (await ask(gateway, headers=tokens[0], client="192.0.2.9")).status == 200


async def test_tokens_that_are_no_good_count_as_requests_of_their_household_and_then_are_not_looked_at(
    world: World,
) -> None:
    looked_at = 0

    async def nobody(_: str) -> None:
        nonlocal looked_at
        looked_at += 1
        raise NotFound

    verifier = TokenVerifier(world.signer.published, world.clock, holder=nobody)
    gateway = Gateway(world.echo, Ids(world.clock), verifier, Rules(limiter=world.limiter(3)))
    known = {"Authorization": world.signer.bearer()}
    assert (await ask(gateway, headers=known)).status == 200
    tried = [await ask(gateway, headers={"Authorization": f"Bearer kassa_{number:064x}"}) for number in range(9)]
    assert [each.status for each in tried] == [401] * 3 + [429] * 6
    assert looked_at == 3
    forged = f"{world.signer.bearer(sub='usr_2')}x"
    assert (await ask(gateway, headers={"Authorization": forged})).status == 429
    assert (await ask(gateway, headers=known)).status == 200
    assert (await ask(gateway, headers={"Authorization": forged}, client="192.0.2.9")).status == 401


@pytest.mark.parametrize("path", ["/payments/webhook", "/health", "/ready"])
async def test_webhooks_and_health_are_never_limited(world: World, path: str) -> None:
    gateway = world.gateway(limiter=world.limiter(1))
    assert {(await ask(gateway, path, "POST")).status for _ in range(5)} == {200}


async def test_registration_has_a_limit_of_its_own(world: World) -> None:
    gateway = world.gateway(limiter=world.limiter(100), registrations=world.limiter(1))
    assert (await ask(gateway, "/auth/register", "POST")).status == 200
    assert (await ask(gateway, "/auth/register", "POST")).code == "too_many_requests"
    assert (await ask(gateway, "/auth/login", "POST")).status == 200


async def test_withdrawals_have_a_limit_of_their_own_so_that_nobody_tries_numbers(world: World) -> None:
    gateway = world.gateway(limiter=world.limiter(100), statements=world.limiter(1))
    assert (await ask(gateway, "/withdrawals", "POST")).status == 200
    assert (await ask(gateway, "/withdrawals/", "POST")).code == "too_many_requests"
    assert (await ask(gateway, "/withdrawals", "POST", client="192.0.2.77")).status == 200
    assert (await ask(gateway, "/orders", "POST")).status == 200


async def test_mails_to_others_have_a_limit_of_their_own(world: World) -> None:
    gateway = world.gateway(limiter=world.limiter(100), notices=world.limiter(1))
    assert (await ask(gateway, "/stock-notices", "POST")).status == 200
    assert (await ask(gateway, "/stock-notices", "POST")).code == "too_many_requests"
    assert (await ask(gateway, "/stock-notices/abc/confirm", "POST")).status == 200
    assert (await ask(gateway, "/stock-notices", "POST", client="192.0.2.77")).status == 200


async def test_only_a_trusted_proxy_says_who_the_client_is(world: World) -> None:
    gateway = world.gateway(addresses=Addresses(("10.0.0.0/8",)))
    forwarded = {"X-Forwarded-For": "198.51.100.7"}
    assert (await ask(gateway, headers=forwarded, client="10.1.2.3")).document["client"] == "198.51.100.7"
    assert (await ask(gateway, headers=forwarded, client="192.0.2.1")).document["client"] == "192.0.2.1"


async def test_the_line_that_a_trusted_proxy_adds_is_the_end_of_the_list(world: World) -> None:
    """HAProxy and others add a line of their own behind the one that the client made up (RFC 9110, 5.3)."""
    gateway = world.gateway(addresses=Addresses(("10.0.0.0/8",)), limiter=world.limiter(2))
    made_up = [[("X-Forwarded-For", f"203.0.113.{number}"), ("X-Forwarded-For", "198.51.100.7 ")] for number in (1, 2)]
    for lines in made_up:
        answer = await ask(gateway, headers=lines, client="10.1.2.3")
        assert answer.document["client"] == "198.51.100.7"
    assert (await ask(gateway, headers=made_up[0], client="10.1.2.3")).status == 429


async def test_a_field_is_what_its_lines_mean(world: World) -> None:
    lines = [
        ("Cookie", "a=1 "),
        ("Accept", "\ttext/html"),
        ("cookie", "b=2"),
        ("Accept", " application/json \t"),
        ("Connection", "close"),
        ("Connection", "X-Hop"),
        ("X-Hop", "1"),
    ]
    seen = (await ask(world.gateway(), headers=lines)).document["headers"]
    kept = {name: seen[name] for name in seen.keys() - {"x-request-id", "traceparent"}}
    assert kept == {"cookie": "a=1; b=2", "accept": "text/html, application/json"}


async def test_two_names_for_one_request_are_none(world: World) -> None:
    answer = await ask(world.gateway(), headers=[("X-Request-Id", "one"), ("X-Request-Id", "two")])
    assert answer.headers["x-request-id"].startswith("req_")


async def test_a_preflight_of_a_known_origin_is_answered(world: World) -> None:
    gateway = world.gateway(origins=frozenset({"https://shop.example"}))
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = await ask(gateway, "/orders", "OPTIONS", headers)
    assert (answer.status, world.echo.asked) == (204, 0)
    assert "content-length" not in answer.headers  # RFC 9110, 8.6
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "Idempotency-Key" in answer.headers["access-control-allow-headers"]


async def test_an_unknown_origin_is_not_let_in(world: World) -> None:
    gateway = world.gateway(origins=frozenset({"https://shop.example"}))
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert (await ask(gateway, "/orders", "OPTIONS", headers)).code == "forbidden"
    answer = await ask(gateway, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"


async def test_problems_of_the_gateway_can_be_read_by_a_known_origin(world: World) -> None:
    gateway = world.gateway(origins=frozenset({"*"}))
    answer = await ask(gateway, "/metrics", headers={"Origin": "https://any.example"})
    assert answer.status == 404
    assert answer.headers["access-control-allow-origin"] == "https://any.example"


async def test_answers_are_made_safe_for_browsers(world: World) -> None:
    answer = await ask(world.gateway(is_https=True))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_what_a_page_says_itself_stays(world: World) -> None:
    world.echo = Echo({"Content-Security-Policy": "default-src 'self'"})
    answer = await ask(world.gateway(), "/")
    assert answer.headers["content-security-policy"] == "default-src 'self'"


async def test_a_bug_behind_the_gateway_tells_nothing(world: World) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("secret text")

    world.echo = broken  # type: ignore[assignment]
    answer = await ask(world.gateway())
    assert (answer.status, answer.code) == (500, "internal_error")
    assert b"secret" not in answer.body


@pytest.mark.parametrize(
    ("method", "path", "asked"),
    [
        ("POST", "/auth/logout", 2),
        ("POST", "//auth//password", 2),
        ("DELETE", "/auth/sessions", 2),
        ("GET", "/auth/verify", 1),
        ("POST", "/orders", 1),
    ],
)
async def test_after_what_may_end_a_session_tokens_are_looked_at_anew(
    world: World, method: str, path: str, asked: int
) -> None:
    gateway, signed = world.gateway(), {"authorization": world.signer.bearer()}
    await ask(gateway, path="/orders", headers=signed)
    await ask(gateway, path, method)
    await ask(gateway, path="/orders", headers=signed)
    assert world.asked == asked


async def test_a_search_counts_as_ten_and_a_page_that_searches_as_one(world: World) -> None:
    for path, is_dear in (("/products?q=tea", True), ("/products", False), ("/shop?q=tea", False)):
        gateway = world.gateway(limiter=world.limiter(100))
        statuses = [(await ask(gateway, path=path)).status for _ in range(101)]
        assert statuses.count(200) == (10 if is_dear else 100), path


async def test_who_has_waited_in_vain_for_auth_does_not_wait_as_long_again_behind_the_door(world: World) -> None:
    left: list[float | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        until = deadline.get()
        left.append(None if until is None else until - time.monotonic())
        await world.echo(scope, receive, send)

    async def nobody(since: int) -> Ended:
        raise Unavailable("auth does not answer")

    for fetch in (world.no_ends, nobody):
        verifier = TokenVerifier(world.signer.published, world.clock, EndedTokens(fetch, world.clock))
        door = Gateway(app, Ids(world.clock), verifier, Rules())
        asking = ask(door, headers={"Authorization": world.signer.bearer()})
        answer = await asyncio.get_running_loop().create_task(asking, context=contextvars.Context())
        assert answer.status == 200
    calm, hurried = left
    assert calm is None
    assert hurried is not None
    assert 0 < hurried <= 2
