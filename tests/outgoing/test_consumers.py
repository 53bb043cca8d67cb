"""Programs written as the documentation says miss nothing and do nothing twice, whoever is killed on the way."""

import asyncio
import re
import sqlite3
from collections import defaultdict
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from kassa.kit.clock import DAY
from kassa.outgoing.log import EventLog
from kassa.outgoing.store import EventStore
from tests.journey.running import DECLINED, GOOD, Buyer, RunningShop, free_port, until
from tests.outgoing.consumers import PULLER, RECEIVER, Program
from tests.support import FakeClock, sqlite

pytestmark = pytest.mark.slow
KILLS = 4
BUYERS = 3


async def _buys(shop: RunningShop, product: str, chance: Random, stopping: asyncio.Event) -> None:
    """Guests who order, and pay, are declined, cancel or leave; whatever is answered, and whether at all."""
    while not stopping.is_set():
        with suppress(aiohttp.ClientError, ConnectionError, KeyError, TypeError):
            items = [{"productId": product, "quantity": 1}]
            made = await shop.call("POST", "/orders", {"items": items, "email": "ada@mail.example"})
            guest, order_id = Buyer(shop, made.body["guestToken"]), made.body["order"]["id"]
            way = chance.random()
            if way < 0.7:
                opened = await guest.call("POST", "/payments/create-session", {"orderId": order_id})
                await guest.pay(opened.body["sessionId"], GOOD if way < 0.5 else DECLINED)
            elif way < 0.9:
                await guest.call("POST", f"/orders/{order_id}/cancel")
        await asyncio.sleep(chance.uniform(0.05, 0.3))


async def _key(shop: RunningShop, scope: str) -> str:
    status, printed = await shop.command("key", "create", f"one for {scope}", "--scope", scope)
    assert status == 0, printed
    return printed.split()[-1]


async def _all_events(admin: Buyer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"after": 0, "isLast": False}
    while not page["isLast"]:
        page = (await admin.call("GET", f"/events?after={page['after']}")).body
        found += page["events"]
    return found


async def _waits(admin: Buyer, endpoint_id: str) -> bool:
    """Whether something is to be sent yet; what waits for another try is tried at once."""
    await admin.call("PUT", f"/events/endpoints/{endpoint_id}", {"isEnabled": True})
    return bool((await admin.call("GET", f"/events/endpoints/{endpoint_id}")).body["endpoint"]["waiting"])


async def _trouble(chance: Random, shop: RunningShop, *programs: Program) -> None:
    """Somebody is killed, again and again, and started a moment later; now and then two at a time."""
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.3, 1.2))
        all_: list[RunningShop | Program] = [shop, shop, *programs]
        for victim in chance.sample(all_, chance.choice([1, 1, 2])):
            await victim.kill()
            await asyncio.sleep(chance.uniform(0, 0.4))
            await victim.start()


def _in_order(done: list[tuple[str, int]]) -> dict[str, list[int]]:
    """The numbers of what was done about each order and payment, in the order in which it was."""
    found = defaultdict(list)
    for subject, sequence in done:
        if subject.startswith(("ord_", "pay_")):
            found[subject].append(sequence)
    return found


async def test_each_event_is_handled_once_and_in_order_whoever_is_killed(tmp_path: Path) -> None:
    chance, port = Random(17), free_port()
    async with RunningShop(tmp_path / "shop", EVENTS_TO_PRIVATE_ADDRESSES="allowed", MAIL_URL="off") as shop:
        admin = await shop.admin()
        product = await admin.product(stock=10_000)
        made = await admin.call("POST", "/events/endpoints", {"url": f"http://127.0.0.1:{port}/events"})
        assert made.status == 201, made.body
        receiver = Program(tmp_path, "receiver", RECEIVER, SECRET=made.body["secret"], PORT=str(port))
        puller = Program(tmp_path, "puller", PULLER, SHOP=shop.base, KEY=await _key(shop, "events:read"))
        await receiver.start()
        await puller.start()
        stopping = asyncio.Event()
        buyers = [asyncio.create_task(_buys(shop, product, Random(each), stopping)) for each in range(BUYERS)]
        try:
            await _trouble(chance, shop, receiver, puller)
            stopping.set()
            await asyncio.gather(*buyers)
            endpoint = made.body["endpoint"]["id"]

            async def all_have_come() -> bool:
                wanted = {each["id"] for each in await _all_events(admin)}
                has_come = wanted == receiver.handled() and wanted == {id for (id,) in puller.todo("id")}
                return not await _waits(admin, endpoint) and has_come

            await until(all_have_come, "all events to be handled", patience=60)
            events = await _all_events(admin)
        finally:
            stopping.set()
            await receiver.kill()
            await puller.kill()
        assert len(events) > 30
        told = _in_order([(each["subject"], each["sequence"]) for each in events])
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in told.values())
        assert _in_order(receiver.todo("subject, sequence")) == told
        assert len(receiver.todo("number")) == len(events)
        assert puller.todo("id, position") == [(each["id"], each["position"]) for each in events]
        status, printed = await shop.command("audit")
        assert status == 0, printed


async def _years_pass(shop: RunningShop) -> None:
    """All events that there are become too old to be kept."""
    clock = FakeClock()
    clock.advance(3650 * DAY)
    await shop.stop()
    async with sqlite(shop.data, "kassa.db") as database:
        assert await EventLog(await EventStore.open(database), clock, 30).remove_old()
    await shop.start()


async def test_one_that_fetches_ends_with_words_where_asking_again_is_of_no_use(tmp_path: Path) -> None:
    async with RunningShop(tmp_path / "shop", MAIL_URL="off") as shop:
        admin = await shop.admin()
        assert (await admin.call("PUT", "/events/feed", {"isOn": True})).status == 200
        for name, key, words in (
            ("wrong", "kk_live_nobody_has_this_one", "401"),
            ("narrow", await _key(shop, "orders:read"), "403"),
        ):
            refused = Program(tmp_path, name, PULLER, SHOP=shop.base, KEY=key)
            await refused.start()
            status, said = await refused.ended()
            assert status == 1, said
            assert words in said
            assert "create an API key with the scope events:read" in said
            assert "Traceback" not in said
            assert key not in said
        puller = Program(tmp_path, "puller", PULLER, SHOP=shop.base, KEY=await _key(shop, "events:read"))
        await _goes_on_after_missing_some(shop, admin, puller)


async def _goes_on_after_missing_some(shop: RunningShop, admin: Buyer, puller: Program) -> None:
    """It is away until events are removed that it has not fetched; then it does as it is told."""

    async def grows(known: int) -> bool:
        return len(await _all_events(admin)) > known

    async def has_all(before: list[Any]) -> bool:
        wanted = [*before, *((each["id"],) for each in await _all_events(admin))]
        return len(wanted) > len(before) and puller.todo("id") == wanted

    await admin.product(stock=1)
    await puller.start()
    await until(lambda: has_all([]), "the first events to be handled")
    await puller.kill()
    handled = puller.todo("id")
    await admin.product(stock=1)
    await until(lambda: grows(len(handled)), "events that are missed")
    await _years_pass(shop)
    await puller.start()
    status, said = await puller.ended()
    assert status == 1, said
    assert re.search(r"Stopped behind event \d+: 410", said)
    assert "Traceback" not in said
    missed = re.search(r"ask after=(\d+)", said)
    assert missed, said
    with closing(sqlite3.connect(puller.store)) as store, store:
        store.execute("INSERT INTO place (position) VALUES (?)", [int(missed[1])])
    await puller.start()
    await admin.product(stock=1)
    await until(lambda: has_all(handled), "what came later to be handled")
    await puller.kill()
