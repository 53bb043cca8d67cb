"""Events arrive at each endpoint: signed, in order for each order, again and again until they have arrived."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from kassa.contracts.events import FeedInUse, NewEvent, TooManyEndpoints
from kassa.kit.clock import DAY, HOUR, MINUTE, SECOND, Millis
from kassa.kit.documents import Database
from kassa.kit.ids import Ids
from kassa.kit.problem import Invalid, NotFound
from kassa.outgoing.deliverer import GIVES_UP_AFTER, MOST_HELD, Deliverer
from kassa.outgoing.endpoints import MOST_ATTEMPTS, MOST_ENDPOINTS, Endpoints
from kassa.outgoing.log import EventLog
from kassa.outgoing.queues import LEASE, Queues
from kassa.outgoing.sending import Sender, checked_url, is_public
from kassa.outgoing.service import EventsService
from kassa.outgoing.signing import new_secret, rolled, signed
from kassa.outgoing.store import Attempt, EventStore, Secret
from tests.outgoing.receiver import Receiver, receiving
from tests.outgoing.test_log import event
from tests.support import FakeClock


class Now(FakeClock):
    """Begins now: the official library takes no old signatures."""

    def __init__(self) -> None:
        super().__init__()
        self.at: Millis = int(time.time() * SECOND)


class Sending:
    """A process that has endpoints, and a receiver."""

    def __init__(self, store: EventStore, clock: FakeClock, to: Receiver, owner: str) -> None:
        self.clock, self.to, self.store = clock, to, store
        self.service = EventsService(store, EventLog(store, clock, 30), self._nothing, clock)
        self.endpoints = Endpoints(self.service, Ids(clock), clock, to_private=True)
        self.deliverer = Deliverer(
            self.service,
            self.endpoints,
            partial(Sender, to_private=True),
            clock,
            Queues(store.queues, clock, owner, is_alone=False),
            lambda: True,
            jitter=lambda: 0.5,
        )

    async def _nothing(self, ids: object) -> dict[str, object]:
        return {}

    async def endpoint(self, *types: str) -> str:
        """An endpoint for the receiver."""
        made, secret = await self.endpoints.make(self.to.url, types, "")
        self.to.secret = secret
        return made.id

    async def happens(self, *names: str) -> None:
        """`a2` is the second thing that happens to a."""
        await self.service.publish([event(name[0], int(name[1:])) for name in names])

    async def turn(self) -> None:
        await self.deliverer.run_due()
        await self.deliverer.settle()

    async def turns(self, duration: Millis) -> None:
        """Time passes; there is a turn before and after."""
        await self.turn()
        self.clock.advance(duration)
        await self.turn()


@pytest.fixture
async def sending(database: Database) -> AsyncIterator[Sending]:
    async with receiving() as to:
        yield Sending(await EventStore.open(database), Now(), to, "one")


def named(*names: str) -> list[str]:
    return [f"evt_{name[0]}_{name[1:]}" for name in names]


async def test_what_happens_from_then_on_is_sent_once_in_order_and_verified(sending: Sending) -> None:
    await sending.service.listen(is_on=True)
    await sending.happens("a1")
    await sending.endpoint()
    await sending.happens("a2", "b1", "a3")
    await sending.turns(HOUR)
    assert (sorted(sending.to.ids()), sending.to.refused) == (sorted(named("a2", "b1", "a3")), 0)
    assert [each for each in sending.to.ids() if "_a_" in each] == named("a2", "a3")
    assert sending.to.headers[0]["webhook-id"] in sending.to.ids()


async def test_an_event_that_does_not_arrive_holds_up_its_own_order_alone(sending: Sending) -> None:
    await sending.endpoint()
    sending.to.answers = lambda each: 500 if each["id"] == "evt_a_1" else 200
    await sending.happens("a1", "a2", "b1")
    await sending.turn()
    await sending.happens("a3", "b2")
    await sending.turn()
    assert sorted(sending.to.ids()) == named("b1", "b2")
    sending.to.answers = lambda each: 200
    await sending.turns(MINUTE)
    assert [each for each in sending.to.ids() if "_a_" in each] == named("a1", "a2", "a3")


@pytest.mark.parametrize("change", [{"is_enabled": False}, {"url": "https://elsewhere.example/"}])
async def test_what_is_disabled_or_moved_away_while_it_is_told_is_told_nothing_more(
    sending: Sending, change: dict[str, Any]
) -> None:
    endpoint_id, url = await sending.endpoint(), sending.to.url
    await sending.happens("a1", "a2", "a3")
    send = sending.deliverer._send

    async def then_changed(*given: Any) -> Attempt:
        attempt = await send(*given)
        await sending.endpoints.edit(endpoint_id, **change)
        return attempt

    sending.deliverer._send = then_changed  # type: ignore[assignment, method-assign]
    await sending.turn()
    assert sending.to.ids() == named("a1")
    sending.deliverer._send = send  # type: ignore[method-assign]
    await sending.endpoints.edit(endpoint_id, url=url, is_enabled=True)
    await sending.turns(MINUTE)
    assert list(dict.fromkeys(sending.to.ids())) == named("a1", "a2", "a3")


async def test_an_endpoint_is_told_its_types_alone(sending: Sending) -> None:
    await sending.endpoint("order.refunded")
    refund = NewEvent("evt_a_2", "order.refunded", 1, "a", 2, "a")
    await sending.happens("a1")
    await sending.service.publish([refund])
    await sending.turn()
    assert sending.to.ids() == ["evt_a_2"]


async def test_pauses_grow_and_after_days_the_endpoint_is_disabled_and_says_why(sending: Sending) -> None:
    endpoint_id = await sending.endpoint()
    sending.to.secret = ""  # For the library the time of the test is long over.
    sending.to.answers = lambda each: 503
    await sending.happens("a1")
    for _ in range(GIVES_UP_AFTER // HOUR + 2):
        await sending.turns(HOUR + MINUTE)
    found = await sending.endpoints.one(endpoint_id)
    assert not found.is_enabled
    assert found.why == "event evt_a_1 could not be sent for 3 days: it answered 503"
    tries = len(sending.to.headers)
    assert tries + 10 >= GIVES_UP_AFTER // HOUR
    await sending.happens("b1")
    await sending.turns(DAY)
    assert len(sending.to.headers) == tries
    assert len(await sending.endpoints.attempts(endpoint_id)) == MOST_ATTEMPTS


async def test_enabled_again_it_goes_on_from_where_it_stopped(sending: Sending) -> None:
    endpoint_id = await sending.endpoint()
    sending.to.secret = ""  # For the library the time of the test is long over.
    sending.to.answers = lambda each: 410
    await sending.happens("a1", "a2")
    await sending.turn()
    found = await sending.endpoints.one(endpoint_id)
    assert (found.is_enabled, found.why) == (False, "it answered 410: it does not want to be told any more")
    sending.to.answers = lambda each: 200
    await sending.happens("a3", "b1")
    await sending.turns(HOUR)
    assert sending.to.ids() == []
    await sending.endpoints.edit(endpoint_id, is_enabled=True)
    await sending.turns(SECOND)
    assert sorted(sending.to.ids()) == named("a1", "a2", "a3", "b1")
    assert [each for each in sending.to.ids() if "_a_" in each] == named("a1", "a2", "a3")


async def test_so_many_things_wait_at_an_endpoint_and_then_all(sending: Sending) -> None:
    await sending.endpoint()
    sending.to.secret = ""  # For the library the time of the test is long over.
    sending.to.answers = lambda each: 500
    for first in (0, 70):
        some = [NewEvent(f"evt_{n}", "order.placed", 1, f"s{n}", 1, f"s{n}") for n in range(first, first + 70)]
        await sending.service.publish(some)
    for _ in range(6):
        await sending.turn()
    held = await sending.store.held.count({})
    assert MOST_HELD <= held < 140
    sending.to.answers = lambda each: 200
    for _ in range(8):
        await sending.turns(MINUTE)
    assert sorted(sending.to.ids()) == sorted(f"evt_{n}" for n in range(140))


async def test_old_and_new_secret_are_good_side_by_side_for_a_day(sending: Sending) -> None:
    endpoint_id = await sending.endpoint()
    old = sending.to.secret
    _, new = await sending.endpoints.roll(endpoint_id)
    await sending.happens("a1")
    await sending.turn()
    sending.to.secret = new
    await sending.happens("a2")
    await sending.turn()
    assert (sending.to.ids(), sending.to.refused) == (named("a1", "a2"), 0)
    secrets = (await sending.endpoints.one(endpoint_id)).secrets
    later = sending.clock.now() + DAY
    assert b" " not in dict(signed("evt_1", b"{}", secrets, later))[b"webhook-signature"]
    assert old != new


async def test_an_event_is_sent_again_by_hand(sending: Sending) -> None:
    endpoint_id = await sending.endpoint()
    await sending.happens("a1")
    await sending.turn()
    attempt = await sending.deliverer.send_again(endpoint_id, "evt_a_1")
    assert (attempt.status, attempt.error) == (200, "")
    assert sending.to.ids() == named("a1", "a1")
    with pytest.raises(NotFound, match="no event evt_a_9"):
        await sending.deliverer.send_again(endpoint_id, "evt_a_9")


async def test_nobody_is_followed_to_another_address(sending: Sending) -> None:
    endpoint_id = await sending.endpoint()
    sending.to.answers = lambda each: 307
    await sending.happens("a1")
    await sending.turn()
    (attempt,) = await sending.endpoints.attempts(endpoint_id)
    assert (attempt.status, attempt.error, len(sending.to.headers)) == (307, "it answered 307", 1)


async def test_who_is_killed_leaves_the_endpoint_to_others_who_keep_the_order(sending: Sending) -> None:
    await sending.endpoint()
    await sending.happens("a1", "a2", "a3")
    other = Sending(sending.store, sending.clock, sending.to, "two")
    arrived = asyncio.Event()

    def answers(each: object) -> int:
        arrived.set()
        return 200

    sending.to.answers = answers
    task = asyncio.create_task(sending.turn())
    await arrived.wait()
    await sending.deliverer.close()
    await asyncio.gather(task, return_exceptions=True)
    await other.turn()
    before = len(sending.to.ids())
    sending.clock.advance(LEASE)
    await other.turn()
    firsts = list(dict.fromkeys(sending.to.ids()))
    assert (before <= 3, firsts) == (True, named("a1", "a2", "a3"))


async def test_only_one_of_two_processes_sends_to_an_endpoint(sending: Sending) -> None:
    await sending.endpoint()
    other = Sending(sending.store, sending.clock, sending.to, "two")
    for number in range(1, 6):
        await sending.happens(f"a{number}", f"b{number}")
        await asyncio.gather(sending.turn(), other.turn())
    sending.clock.advance(LEASE)
    await asyncio.gather(sending.turn(), other.turn())
    assert sorted(sending.to.ids()) == sorted(named(*(f"{s}{n}" for s in "ab" for n in range(1, 6))))


async def test_there_are_not_any_number_of_endpoints_and_the_feed_stays_on_for_them(sending: Sending) -> None:
    ids = [await sending.endpoint() for _ in range(MOST_ENDPOINTS)]
    with pytest.raises(TooManyEndpoints):
        await sending.endpoint()
    with pytest.raises(FeedInUse):
        await sending.service.listen(is_on=False)
    for each in ids:
        await sending.endpoints.remove(each)
    assert (await sending.service.listen(is_on=False)).since is None


def test_a_secret_is_not_shown_by_accident() -> None:
    secret = new_secret(b"x" * 32)
    assert secret.text not in repr(rolled((Secret("whsec_old"),), secret, 1, 2))


def test_the_official_library_takes_a_signature_of_each_secret() -> None:
    now = int(time.time() * SECOND)
    secrets = (new_secret(b"a" * 32), new_secret(b"b" * 32))
    fields = {name.decode(): value.decode() for name, value in signed("evt_1", b'{"a": 1}', secrets, now)}
    for secret in secrets:
        assert Webhook(secret.text).verify(b'{"a": 1}', fields) == {"a": 1}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://shop.example/events", "https"),
        ("ftp://shop.example/", "https"),
        ("https://user:password@shop.example/", "no user"),
        ("https://shop.example/#here", "no fragment"),
        ("https:///events", "such as"),
        ("https://shop.example/a b", "such as"),
        ("https://shop.example:0/", "such as"),
        ("https://shop.example:99999/", "such as"),
        ("https://[::1/", "such as"),
        ("https://localhost/", "public"),
        ("http://127.0.0.1/", "https"),
        ("https://127.0.0.1/", "public"),
        ("https://10.0.0.8/", "public"),
        ("https://169.254.169.254/latest", "public"),
        ("https://[::1]/", "public"),
        ("https://[::ffff:10.0.0.1]/", "public"),
        (f"https://shop.example/{'x' * 2000}", "such as"),
        ("", "such as"),
    ],
)
def test_where_nothing_may_be_sent_is_said(url: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        checked_url(url, to_private=False)


def test_which_addresses_are_public() -> None:
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")
    hidden = ("0.0.0.0", "10.1.1.1", "100.64.0.1", "224.0.0.1", "fe80::1%eth0", "fc00::1", "64:ff9b::a00:1")
    assert [each for each in (*hidden, "2002:0a00:0001::", "::ffff:127.0.0.1") if is_public(each)] == []
    # Ways by which IPv6 leads into networks of one's own, and what is set apart in it.
    others = (
        "::7f00:1 ::ffff:0:7f00:1 64:ff9b:1::a00:1 64:ff9b::a00:1 fec0::1 3fff::1 5f00::1 2001:db8::1 fd00:ec2::254"
    )
    assert [each for each in others.split() if is_public(each)] == []


async def test_a_name_that_leads_into_the_own_network_is_not_followed() -> None:
    async with receiving() as to, Sender(to_private=False) as sender:
        sent = await sender.send(to.url, [], b"{}")
        assert (sent.status, "is not an address of the public internet" in sent.error) == (0, True)
        assert to.headers == []


async def test_who_does_not_answer_in_time_is_not_waited_for(tmp_path: Path) -> None:
    callers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda reader, writer: callers.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Sender(to_private=True, seconds=0.2) as sender:
        sent = await sender.send(f"http://127.0.0.1:{port}/", [], b"{}")
    for caller in callers:
        caller.close()
        await caller.wait_closed()
    assert (sent.status, sent.error, len(callers)) == (0, "there was no answer in time", 1)
