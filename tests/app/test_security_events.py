"""What somebody does to the shop is told in the log, and counted, and no flood of it makes a flood of lines."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kassa.app.metrics import Metrics
from kassa.app.server import up
from kassa.app.settings import SettingError, read_settings
from kassa.kit import security
from kassa.kit.problem import Forbidden
from kassa.kit.security import Events, Kind
from kassa.kit.service_keys import ServiceIdentity, ServiceKeys
from tests.app.process import free_port, started
from tests.app.whole import Lines, Whole, whole
from tests.support import FakeClock
from tests.tidy.sources import ROOT

RIGHT = {"email": "buyer@shop.example", "password": "four words that nobody has"}
WRONG = {**RIGHT, "password": "four words that somebody has"}
HTML = (b"accept", b"text/html")


class Log:
    """What was told: each line's level, name and fields."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def __getattr__(self, level: str) -> Any:
        return lambda name, **said: self.lines.append({"level": level, "name": name, **said})

    def of(self, kind: Kind) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["name"] == kind.name]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    security.is_told.set(True)  # As whatever ran here before may have left it.
    told = Log()
    monkeypatch.setattr(security, "log", told)
    monkeypatch.setattr(security, "EVENTS", Events())
    return told


@pytest.fixture
def shop(tmp_path: Path, log: Log) -> Iterator[Whole]:
    with whole(tmp_path) as made:
        log.lines.clear()
        yield made


def user_of(shop: Whole, who: str) -> str:
    return str(json.loads(shop.as_json("GET", "/auth/verify", who=who).body)["user"]["sub"])


def test_a_log_in_is_told_with_who_and_from_where_whether_it_succeeds_or_not(shop: Whole, log: Log) -> None:
    assert shop.as_json("POST", "/auth/login", WRONG).status == 401
    assert shop.as_json("POST", "/auth/login", RIGHT).status == 200
    buyer = user_of(shop, "buyer")
    common = {"category": "security", "from": "192.0.2.1", "who": buyer}
    assert log.lines == [
        {"level": "warning", "name": "authn_login_fail", "outcome": "failure", **common},
        {"level": "info", "name": "authn_login_success", "outcome": "success", **common},
    ]


def test_an_address_that_nobody_has_is_told_as_a_hash_that_needs_the_shop_s_key(tmp_path: Path, log: Log) -> None:
    stranger = {"email": "nobody@shop.example", "password": "four words that nobody has"}
    names = []
    for number in (1, 2):
        with whole(tmp_path / str(number)) as shop:
            for spelling in ("nobody@shop.example", "Nobody@shop.example"):
                assert shop.as_json("POST", "/auth/login", {**stranger, "email": spelling}).status == 401
            names.append({line["who"] for line in log.of(security.LOGIN_FAILED)})
            log.lines.clear()
    assert [len(each) for each in names] == [1, 1]
    assert names[0] != names[1]
    assert all(re.fullmatch("unknown:[0-9a-f]{16}", name) for each in names for name in each)


def test_guessing_is_told_until_it_is_slowed_down_and_counted_ever_after(shop: Whole, log: Log) -> None:
    answers = [shop.as_json("POST", "/auth/login", WRONG).status for _ in range(200)]
    assert (answers.count(401), answers.count(429)) == (5, 195)
    assert len(log.of(security.LOGIN_FAILED)) == 5
    assert len(log.of(security.LOGIN_THROTTLED)) == 1
    assert log.of(security.LIMITED) == []
    assert security.EVENTS.counts["authn_login_fail_max"] == 195


def test_a_flood_of_22_000_leaves_two_lines_and_all_are_counted(tmp_path: Path, log: Log) -> None:
    with whole(tmp_path, RATE_LIMIT="100/hour") as shop:
        log.lines.clear()
        before = security.EVENTS.counts["excess_rate_limit_exceeded"]
        while shop.ask("GET", "/health/x").status != 429:
            pass
        for _ in range(21_999):
            assert shop.ask("GET", "/health/x").status == 429
    security.EVENTS.tell(is_last=True)
    first, rest = log.of(security.LIMITED)
    assert (first["from"], rest["from"]) == ("192.0.2.1", "192.0.2.1")
    assert "times" not in first
    assert rest["times"] == 21_999
    assert security.EVENTS.counts["excess_rate_limit_exceeded"] - before == 22_000


def test_many_households_are_told_as_one(log: Log) -> None:
    now = 0.0
    events = Events(lambda: now)
    for number in range(5_000):
        for _ in range(3):
            events.note(security.LIMITED, f"2001:db8:{number:x}::{number:x}")
    assert len(log.lines) == security.MOST_HOUSEHOLDS + 1
    now = 59.0
    events.tell()
    assert len(log.lines) == security.MOST_HOUSEHOLDS + 1
    now = 60.0
    events.tell()
    summaries = [line["times"] for line in log.lines if "times" in line]
    assert len(summaries) == security.MOST_HOUSEHOLDS + 1
    assert sum(summaries) + security.MOST_HOUSEHOLDS + 1 == 15_000
    assert events.counts[security.LIMITED.name] == 15_000
    events.note(security.LIMITED, "192.0.2.1")
    assert log.lines[-1]["from"] == "192.0.2.1"


def test_a_session_s_end_and_a_copied_refresh_token_are_told(shop: Whole, log: Log) -> None:
    buyer = user_of(shop, "buyer")
    first = json.loads(shop.as_json("POST", "/auth/login", RIGHT).body)["refreshToken"]
    second = json.loads(shop.as_json("POST", "/auth/refresh", {"refreshToken": first}).body)["refreshToken"]
    shop.as_json("POST", "/auth/refresh", {"refreshToken": second})
    assert shop.as_json("POST", "/auth/refresh", {"refreshToken": first}).status == 401
    [reused] = log.of(security.TOKEN_REUSED)
    [ended] = log.of(security.SESSION_ENDED)
    assert (reused["who"], reused["level"], ended["why"]) == (buyer, "error", "token_reuse")
    assert reused["session"] == ended["session"]
    assert reused["session"] not in first
    third = json.loads(shop.as_json("POST", "/auth/login", RIGHT).body)["refreshToken"]
    for _ in range(3):
        shop.as_json("POST", "/auth/logout", {"refreshToken": third})
    assert [each["why"] for each in log.of(security.SESSION_ENDED)] == ["token_reuse", "logout"]


def test_a_changed_password_is_told_and_one_that_was_not_known(shop: Whole, log: Log) -> None:
    buyer, other = user_of(shop, "buyer"), "five words that nobody has"
    change = {"current": WRONG["password"], "new": other}
    assert shop.as_json("POST", "/auth/password", change, "buyer").status == 401
    assert shop.as_json("POST", "/auth/password", {**change, "current": RIGHT["password"]}, "buyer").status == 204
    [failed] = log.of(security.PASSWORD_CHANGE_FAILED)
    [changed] = log.of(security.PASSWORD_CHANGED)
    [ended] = log.of(security.SESSION_ENDED)
    assert (failed["who"], changed["who"], changed["by"], ended["session"]) == (buyer, buyer, buyer, "all")


def test_who_may_not_is_told_once_by_api_and_pages(shop: Whole, log: Log) -> None:
    buyer = user_of(shop, "buyer")
    assert shop.as_json("GET", "/orders/admin/all", who="buyer").status == 403
    [refused] = log.of(security.FORBIDDEN)
    assert (refused["who"], refused["from"]) == (buyer, "192.0.2.1")
    assert (refused["method"], refused["path"]) == ("GET", "/orders/admin/all")
    cookie = (b"cookie", f"kassa_token={shop.tokens['buyer']}".encode())
    assert shop.ask("GET", "/console", [HTML, cookie]).status == 403
    assert [each["who"] for each in log.of(security.FORBIDDEN)] == [buyer, buyer]
    role = {"email": "new@shop.example", "password": RIGHT["password"], "role": "admin"}
    assert shop.as_json("POST", "/auth/register", role).status == 403
    assert len(log.of(security.FORBIDDEN)) == 3


def test_who_is_no_service_and_no_stripe_is_told(shop: Whole, log: Log) -> None:
    ours: Lines = [(b"stripe-signature", b"t=1,v1=00")]
    assert shop.ask("POST", "/payments/webhook", ours, b"{}").status == 400
    [webhook] = log.of(security.WEBHOOK_REFUSED)
    assert (webhook["from"], webhook["level"]) == ("192.0.2.1", "error")
    identity = ServiceIdentity("order", ServiceKeys("a secret of this test, long enough"))
    other = ServiceIdentity("payment", ServiceKeys("another secret of this test, long enough"))
    forged = other.headers("order")
    for caller, token in (("payment-service", forged["x-internal-token"]), ("a@b.example", "x"), (None, None)):
        with pytest.raises(Forbidden):
            identity.check(caller, token, ("payment",))
    assert security.EVENTS.counts["authn_service_fail"] == 3
    assert log.of(security.SERVICE_REFUSED)[0]["who"] == "payment"
    assert "a@b.example" not in str(log.lines)


def test_who_is_given_rights_or_loses_them_is_told_by_whom(shop: Whole, log: Log) -> None:
    buyer = user_of(shop, "buyer")
    shop.run(shop.shop.auth.admins.make(RIGHT["email"], "five words that nobody has", promote=True))  # type: ignore[union-attr]
    shop.run(shop.shop.auth.staff.disable(buyer, "usr_other"))  # type: ignore[union-attr]
    shop.run(shop.shop.auth.admins.make("new@shop.example", "five words that nobody has", promote=False))  # type: ignore[union-attr]
    promoted, disabled, made = log.of(security.RIGHTS_CHANGED)
    assert (made["by"], made["what"], made["level"]) == ("operator", "role admin", "warning")
    assert (promoted["who"], promoted["by"], promoted["what"]) == (buyer, "operator", "role admin")
    assert (disabled["who"], disabled["by"], disabled["what"]) == (buyer, "usr_other", "disabled")
    assert shop.as_json("POST", "/auth/login", {**RIGHT, "password": "five words that nobody has"}).status == 403
    assert [each["why"] for each in log.of(security.LOGIN_FAILED)] == ["disabled"]


def test_an_api_key_is_told_without_its_secret(shop: Whole, log: Log) -> None:
    keys = shop.shop.auth.api_keys  # type: ignore[union-attr]
    key, secret = shop.run(keys.make("The warehouse's program", ["orders:read"], 1, "usr_1"))
    shop.run(keys.end(key.id, "usr_2"))
    [made], [ended] = log.of(security.API_KEY_MADE), log.of(security.API_KEY_ENDED)
    assert (made["who"], made["by"], made["scopes"], ended["who"], ended["by"]) == (
        key.id, "usr_1", "orders:read", key.id, "usr_2",
    )  # fmt: skip
    assert secret not in str(log.lines)


@pytest.mark.asyncio
async def test_all_kinds_are_figures_of_prometheus_from_the_start(log: Log) -> None:
    security.event(security.LOGIN_FAILED, "usr_1")
    text = (await Metrics("auth", FakeClock(), {}).text())[0].decode()
    figures = dict(re.findall(r'kassa_security_events_total\{event="(\w+)",outcome="\w+"\} (\S+)', text))
    assert figures == {**dict.fromkeys((kind.name for kind in security.KINDS), "0.0"), "authn_login_fail": "1.0"}


def test_a_shop_of_one_process_tells_its_figures_on_a_port_of_their_own(tmp_path: Path) -> None:
    port = free_port()
    settings = {"METRICS_PORT": str(port), "RATE_LIMIT": "5/hour", "LOG_FORMAT": "json"}
    with started(tmp_path, "up", **settings) as shop, httpx.Client(trust_env=False) as http:
        shop.wait_until_ready("/health")
        assert [http.get(f"{shop.url}/products").status_code for _ in range(50)].count(429) == 45
        text = http.get(f"http://127.0.0.1:{port}/metrics").text
        assert 'kassa_security_events_total{event="excess_rate_limit_exceeded",outcome="failure"} 45.0' in text
        assert 'kassa_requests_total{method="GET",route="/products",status="200"} 5.0' in text
        assert shop.stop() == 0
    lines = [json.loads(line) for line in shop.log.read_text().splitlines() if line.startswith("{")]
    first, rest = [line for line in lines if line.get("category") == "security"]
    assert first["request_id"].startswith("req_")
    assert (first["from"], first["method"], rest["times"]) == ("127.0.0.1", "GET", 44)


def test_a_port_of_figures_is_of_one_process(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="METRICS_PORT is the port of one process"):
        up(read_settings({"METRICS_PORT": "1", "KASSA_DATA": str(tmp_path)}), "127.0.0.1", 1, None, lambda *_: None,
           workers=2, sandbox_host="127.0.0.1")  # fmt: skip


def test_all_kinds_happen_and_are_in_the_handbook() -> None:
    """Whoever adds one adds its row, and notes it somewhere."""
    handbook = (ROOT / "docs" / "operations.md").read_text()
    code = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py") if path.name != "security.py")
    names = {kind: name for name, kind in vars(security).items() if isinstance(kind, Kind)}
    for kind in security.KINDS:
        row = f"| `{kind.name}` | {kind.outcome} | {kind.level} | {kind.means} | {kind.watch} |\n"
        assert row in handbook, row
        assert f"security.{names[kind]}" in code
    assert len({kind.name for kind in security.KINDS}) == len(security.KINDS)
