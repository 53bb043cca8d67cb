"""Rates, and whose request it is."""

import pytest

from kassa.gateway.limits import DEAR, Addresses, Limiter, Rate, cost_of, parse_rate
from kassa.kit.household import household, is_of_the_internet, neighbourhood


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/second", Rate(100, 1.0)),
        ("600/minute", Rate(600, 60.0)),
        ("1000/hour", Rate(1000, 3600.0)),
        ("off", None),
    ],
)
def test_a_rate_is_read(text: str, rate: Rate | None) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "100", "0/second", "-1/second", "1/day", "1.5/second", "on", "100/ second"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_rate(text)


def test_a_limit_lets_through_exactly_its_rate() -> None:
    now = 0.0
    limiter = Limiter(Rate(100, 1.0), lambda: now)
    let_through = 0
    for step in range(10_000):
        now = step / 1000
        let_through += limiter.retry_after("one") == 0
    # A bucket of one second at the beginning, then 100 a second for ten seconds.
    assert 1090 <= let_through <= 1100


@pytest.mark.parametrize(
    ("query", "is_dear"),
    [
        ("", False),
        ("limit=100&cursor=61", False),
        ("q=", False),
        ("q=tea", True),
        ("category=x&q=tea", True),
        ("%71=tea", True),
        ("skip=999", False),
        ("skip=000999", False),
        ("skip=1000", True),
        ("sk%69p=%31000", True),
        ("quantity=1&squip=1000", False),
        ("\xff=\xff&%ff", False),
    ],
)
def test_what_looks_at_much_counts_as_several(query: str, is_dear: bool) -> None:
    assert cost_of(query.encode("latin-1")) == (DEAR if is_dear else 1)


@pytest.mark.parametrize(("count", "searches"), [(100, 10), (1000, 100), (50, 10), (10, 10), (1, 1)])
def test_of_dear_requests_fewer_are_let_through_but_no_less_than_ten_in_a_period(count: int, searches: int) -> None:
    limiter = Limiter(Rate(count, 60.0), lambda: 0.0)
    let_through = sum(limiter.retry_after("one", DEAR) == 0 for _ in range(2 * count))
    assert let_through == searches
    assert limiter.retry_after("one") > 0


def test_a_limiter_forgets_who_has_been_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("kassa.gateway.limits._REMEMBERED", 100)
    limiter = Limiter(Rate(1, 1.0), lambda: now)
    for number in range(1000):
        now = number / 10
        assert limiter.retry_after(str(number)) == 0
        assert len(limiter._full_at) <= 100


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, , 10.0.0.2,", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:1234", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::7]:1234", "2001:db8::7"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("", "198.51.100.7", ""),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_not_trusted(peer: str, forwarded: str, client: str) -> None:
    assert Addresses(("10.0.0.0/8",)).client(peer, forwarded) == client


def test_a_subscriber_s_ipv6_network_is_limited_as_one() -> None:
    assert household("2001:db8:1:2:3::4") == household("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert household("2001:db8:1:3::1") != household("2001:db8:1:2::1")
    assert household("::ffff:192.0.2.1") == household("192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("testclient", ""),
    ],
)
def test_what_is_kept_of_an_address_tells_a_place_and_no_person(address: str, shown: str) -> None:
    assert neighbourhood(address) == shown


NOBODY_S = ("127.0.0.1", "127.8.8.8", "::1", "169.254.9.9", "fe80::1%eth0", "a")
PRIVATE = ("10.1.2.3", "172.18.0.1", "192.168.1.1", "::ffff:10.0.0.1", "fd00::7")


@pytest.mark.parametrize("address", [*NOBODY_S, *PRIVATE])
def test_who_may_speak_for_all_is_no_household_of_the_internet(address: str) -> None:
    assert not is_of_the_internet(address)


@pytest.mark.parametrize("address", ["203.0.113.7", "172.32.0.1", "2001:db8::1", "::ffff:192.0.2.1"])
def test_a_subscriber_is_one(address: str) -> None:
    assert is_of_the_internet(address)
