"""Whether everybody was told what has happened: buyers by mail, a program by events."""

from collections import Counter, defaultdict
from typing import Any

from tests.chaos.promises import Promises
from tests.chaos.world import World
from tests.journey.running import Buyer, RunningShop


async def events(promises: Promises, admin: Buyer, world: World, endpoint_id: str) -> list[str]:
    """Each thing that happened to an order or a payment is in the log once and in order, the consumer has handled each
    event once and in that order; and what it was told last of an order is so."""
    # What waits for another try is tried at once.
    await admin.call("PUT", f"/events/endpoints/{endpoint_id}", {"isEnabled": True})
    log = await _all(admin)
    told = _in_order([(each["subject"], each["sequence"]) for each in log])
    wrong = [f"of {subject} {numbers} are told" for subject, numbers in told.items() if numbers != _numbers(numbers)]
    last = {each["subject"]: each["data"]["status"] for each in log if each["subject"] in promises.orders}
    for order_id, promise in promises.orders.items():
        if last.get(order_id) != promise.status:
            wrong.append(f"order {order_id} is {promise.status}, and was told as {last.get(order_id)}")
    assert world.consumer is not None
    handled, done = world.consumer.handled(), world.consumer.todo("subject, sequence")
    wrong += [f"event {each['id']} was not handled" for each in log if each["id"] not in handled]
    if not wrong and (_in_order(done) != told or len(done) != len(log)):
        wrong.append(f"{len(log)} events were handled otherwise than in order, each once: {len(done)} things were done")
    return wrong


def mails(promises: Promises, shop: RunningShop) -> list[str]:
    """The buyer of each paid order was written to that it is confirmed: one mail, of one cause; and of no other one."""
    found: Counter[str] = Counter()
    for path in (shop.data / "mails").glob("*.eml"):
        _, order_id, kind, _ = path.stem.split("-")
        found[order_id] += kind == "order_confirmed"
    return [
        f"order {order_id} is {promise.status}, and {found[order_id]} mails say that it is confirmed"
        for order_id, promise in promises.orders.items()
        if found[order_id] != (promise.status in ("CONFIRMED", "REFUNDED"))
    ]


async def _all(admin: Buyer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"after": 0, "isLast": False}
    while not page["isLast"]:
        answer = await admin.call("GET", f"/events?after={page['after']}")
        assert answer.status == 200, answer.body
        page = answer.body
        found += page["events"]
    return found


def _in_order(of: list[tuple[str, int]]) -> dict[str, list[int]]:
    found = defaultdict(list)
    for subject, sequence in of:
        if subject.startswith(("ord_", "pay_")):
            found[subject].append(sequence)
    return found


def _numbers(of: list[int]) -> list[int]:
    return list(range(1, len(of) + 1))
